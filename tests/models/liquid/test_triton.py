"""The Triton kernels agree with torch, and become code for a GPU that need not be here.

Whether Triton interprets its kernels is settled when it is imported, so the cases of
triton_cases.py run in a process of their own: on a GPU where there is one, else interpreted.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from cauce.errors import UserError
from cauce.models.liquid.flow import Flow
from cauce.models.liquid.kernels import triton_kernels
from cauce.models.liquid.kernels.backends import use_backend
from cauce.models.liquid.kernels.cfc import CfCForm, CfCWeights, cfc_recurrence

CASES = Path(__file__).with_name("triton_cases.py")
TILE = {"ROWS": 1, "BLOCK_I": 16, "BLOCK_J": 32}
LOOP = {"NEURONS": 37, "UNFOLDS": 3, **TILE}
CELL = {"NEURONS": 20, "HEADS": 4, "UNITS": 24, "DEPTH": 2, "PARTS": 2}
BLOCKS = {"ROWS": 16, "BLOCK_OUT": 16, "BLOCK_IN": 16}
CHOICES = {"MODE": "default", "ACTIVATION": "gelu"}


@pytest.mark.slow
def test_kernels_give_what_torch_gives() -> None:
    pytest.importorskip("triton")
    environment = dict(os.environ)
    if not torch.cuda.is_available():
        environment["TRITON_INTERPRET"] = "1"
    # What pytest found out about this process would mislead the other one.
    environment.pop("PYTEST_CURRENT_TEST", None)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(CASES)]
    root = Path(__file__).parents[3]
    done = subprocess.run(
        command, env=environment, cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout


@pytest.mark.parametrize(
    ("module", "kernel", "constants", "absent"),
    [
        ("cfc_device", "forward_kernel", CELL | BLOCKS | CHOICES, ()),
        ("cfc_device", "adjoint_kernel", CELL | BLOCKS, ()),
        (
            "cfc_device",
            "forward_kernel",
            CELL | BLOCKS | CHOICES | {"UNITS": 0, "DEPTH": 0, "HEADS": 3},
            ("heads", "heads_bias", "hidden", "hidden_biases", "timespans", "starts", "frozen"),
        ),
        ("synapses_device", "sums_kernel", TILE | {"SENDERS": 5, "RECEIVERS": 9}, ()),
        ("synapses_device", "values_grad_kernel", TILE | {"SENDERS": 5, "RECEIVERS": 9}, ()),
        ("synapses_device", "synapse_sums_kernel", TILE | {"SENDERS": 5, "RECEIVERS": 9}, ()),
        ("ltc_device", "forward_kernel", LOOP, ("divisors", "starts")),
        ("ltc_device", "adjoint_kernel", LOOP, ("starts",)),
        ("ltc_device", "unfold_kernel", LOOP | {"IS_FIRST": True}, ("frozen",)),
        ("ltc_device", "unfold_kernel", LOOP | {"IS_FIRST": False}, ()),
        ("ltc_device", "fold_kernel", LOOP | {"IS_FIRST": True}, ()),
        ("ltc_device", "fold_kernel", LOOP | {"IS_FIRST": False}, ()),
        ("ltc_device", "enter_kernel", {"NEURONS": 5, "UNFOLDS": 2, "ROWS": 1, "BLOCK_I": 8}, ()),
    ],
)
def test_kernels_compile_for_hopper_without_a_gpu(
    module: str,
    kernel: str,
    constants: dict[str, Any],
    absent: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    triton = pytest.importorskip("triton")
    if os.environ.get("TRITON_INTERPRET") == "1":
        pytest.skip("kernels that are interpreted cannot be compiled")
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    function = getattr(_device_module(module), kernel)
    numbers = ("steps", "rows", "step", "unfold", "share")
    kinds = dict.fromkeys(numbers, "i32") | dict.fromkeys(("starts", "frozen"), "*u8")
    constants = dict.fromkeys(absent) | constants
    signature = {
        name: "constexpr" if name in constants else kinds.get(name, "*fp32")
        for name in function.arg_names
    }
    source = ASTSource(fn=function, signature=signature, constexprs=constants)
    options = {**triton_kernels.LAUNCH, "num_warps": 4}
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)
    assert made.asm["cubin"].startswith(b"\x7fELF")
    if kernel in ("forward_kernel", "adjoint_kernel"):
        assert made.asm["ttgir"].count("barrier") >= 1


def _device_module(name: str) -> ModuleType:
    from cauce.models.liquid.kernels import cfc_device, ltc_device, synapses_device

    modules = {"cfc": cfc_device, "ltc": ltc_device, "synapses": synapses_device}
    return modules[name.removesuffix("_device")]


def _run_a_cell(dtype: torch.dtype) -> None:
    weights = CfCWeights(torch.zeros(6, 2, dtype=dtype))
    drive, state = torch.zeros(1, 1, 6, dtype=dtype), torch.zeros(1, 2, dtype=dtype)
    cfc_recurrence(drive, state, weights, CfCForm(), Flow())


def test_tensors_that_the_kernels_cannot_compute_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(triton_kernels, "find_spec", lambda name: name)
    with use_backend("triton"):
        with pytest.raises(UserError, match=r"got tensors on cpu; it needs CUDA.\nMove the model"):
            _run_a_cell(torch.float32)
        with pytest.raises(UserError, match=r"got torch.float64; it computes in torch.float32"):
            _run_a_cell(torch.float64)
        monkeypatch.setattr(triton_kernels, "find_spec", lambda name: None)
        with pytest.raises(UserError, match="pip install triton"):
            _run_a_cell(torch.float32)


@pytest.mark.parametrize(
    ("has_cuda", "has_triton", "wanted"),
    [(True, True, True), (True, False, False), (False, True, False)],
)
def test_triton_is_available_where_it_is_installed_beside_a_gpu(
    has_cuda: bool,
    has_triton: bool,
    wanted: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    monkeypatch.setattr(triton_kernels, "find_spec", lambda name: name if has_triton else None)
    is_available = triton_kernels.is_available.__wrapped__
    assert is_available() is wanted
    assert ("pip install triton" in caplog.text) is (has_cuda and not has_triton)
