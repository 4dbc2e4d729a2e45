"""What this machine is, and whether the parts that training relies on work on it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import Any

ALL_REDUCE_TIMEOUT_S = 120

_WORKER = """
import datetime, sys, torch, torch.distributed as dist
rank, port = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2,
                        timeout=datetime.timedelta(seconds=60))
value = torch.tensor([float(rank + 1)])
dist.all_reduce(value)
print(value.item())
dist.destroy_process_group()
"""


def examine() -> dict[str, Any]:
    """Versions, threads, memory, accelerator, kernels, extras, and a sum across two processes."""
    import torch

    from cauce.road import versions

    return {
        "versions": versions(),
        "threads": {
            "torch": torch.get_num_threads(),
            "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "unset"),
        },
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "kernels": _kernels(),
        "extras": _extras(),
        "all_reduce": all_reduce_of_two(),
    }


def _kernels() -> str:
    """Whether liquid layers are computed in C++ here; if not, why not."""
    from cauce.errors import UserError
    from cauce.models.liquid.kernels import native

    try:
        native.library()
    except UserError as error:
        return f"torch alone, more slowly: {' '.join(str(error).split())}"
    return "compiled C++"


def _extras() -> dict[str, bool]:
    import importlib.util

    modules = {
        "serve": "fastapi",
        "hub": "datasets",
        "federated": "flwr",
        "scholar": "pypdfium2",
        "twin": "fhir",
        "quantize": "bitsandbytes",
    }
    return {
        extra: importlib.util.find_spec(module) is not None for extra, module in modules.items()
    }


def all_reduce_of_two() -> dict[str, Any]:
    """Two processes on loopback add 1 and 2; `ok` when both get 3, else the end of their errors."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(rank), port],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    outputs = []
    for worker in workers:
        try:
            outputs.append(worker.communicate(timeout=ALL_REDUCE_TIMEOUT_S))
        except subprocess.TimeoutExpired:
            worker.kill()
            outputs.append(("", f"no answer within {ALL_REDUCE_TIMEOUT_S} s"))
            worker.communicate()
    sums = [out.strip() for out, _ in outputs]
    errors = "\n".join(err.strip()[-500:] for _, err in outputs if err.strip())
    return {
        "ok": sums == ["3.0", "3.0"],
        "sums": sums,
        "errors": "" if sums == ["3.0", "3.0"] else errors,
    }


def format_findings(findings: dict[str, Any]) -> str:
    """One line per finding."""
    versions = ", ".join(f"{name} {version}" for name, version in findings["versions"].items())
    threads = findings["threads"]
    extras = ", ".join(
        f"{name} {'yes' if found else 'no'}" for name, found in findings["extras"].items()
    )
    reduced = findings["all_reduce"]
    agreement = "two processes agree" if reduced["ok"] else f"FAILED: {reduced['errors']}"
    return "\n".join(
        (
            f"versions     {versions}",
            f"threads      {threads['torch']} (OMP_WAIT_POLICY {threads['OMP_WAIT_POLICY']})",
            f"memory       {findings['memory_mb']} MiB",
            f"accelerator  {findings['accelerator']} (CPU: {findings['cpu']})",
            f"kernels      of liquid layers: {findings['kernels']}",
            f"extras       {extras}",
            f"all_reduce   {agreement}",
        )
    )
