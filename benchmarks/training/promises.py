"""What must be exact: packing, accumulation, resuming after a kill, several processes."""

from __future__ import annotations

import json
import multiprocessing
import random
import signal
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import report
from benchmarks.training import shapes
from benchmarks.training.contenders import Job
from benchmarks.training.measure import Measured, run_job, say

if TYPE_CHECKING:
    from torch import Tensor

    from cauce.corpus.tokens import Tokens

KINDS = (("decoder", "gpt2-tiny"), ("T5", "t5-tiny"))
EXACT = {"precision": "fp32", "compile": False, "lr": 1e-3, "monitor_every": 0, "clip_norm": 1e9}
KILLS_EACH = 10
WIDTH = 64
PRELOADED = [
    "torch._dynamo",
    "transformers.models.gpt2.modeling_gpt2",
    "transformers.models.t5.modeling_t5",
    "cauce.training.loop",
]
"""Imported once, so that a kill falls into the training and seldom into its imports."""


def exactness() -> None:
    """Packed loss against documents alone; gradients of micro-batches against one batch."""
    for kind, shape in KINDS:
        items = shapes.uneven_documents(shape, 47, width=WIDTH)
        alone = first_validation_loss(shape, items, batch_size=1)
        packed = first_validation_loss(shape, items, batch_size=4, pack_tokens=WIDTH)
        difference = abs(packed - alone) / alone
        report(f"{kind}: packed loss against alone, relative", difference, 1e-6)
        _refuse_unpacked(shape, items)
        few = items[:7]
        whole = first_gradient(shape, few, batch_size=7)
        parts = first_gradient(shape, few, batch_size=2, accumulation=5)
        rows = first_gradient(shape, few, batch_size=2, accumulation=5, pack_tokens=WIDTH)
        metric = f"{kind}: gradient of a partial window of uneven batches against one batch"
        report(f"{metric}, relative", _relative(parts, whole), 1e-6)
        metric = f"{kind}: gradient of packed micro-batches against one padded batch"
        report(f"{metric}, relative", _relative(rows, whole), 1e-6)


def _refuse_unpacked(shape: str, items: Sequence[Tokens]) -> None:
    """Rows that hold one document each would agree with documents alone, and prove nothing."""
    one_row_a_step = {"steps": None, "epochs": 1, "batch_size": 1, "pack_tokens": WIDTH}
    rows = _train(shape, items, [], one_row_a_step)["steps"]
    if rows > 0.7 * len(items):
        raise RuntimeError(
            f"{len(items)} documents made {rows} rows of {WIDTH} tokens.\n"
            "About two of them fit into one: see cauce.corpus.packing."
        )


def first_validation_loss(shape: str, items: Sequence[Tokens], **settings: Any) -> float:
    """Of the untrained model over all but the first three examples."""
    return float(_train(shape, items[:3], items[3:], settings)["first_validation_loss"])


def first_gradient(shape: str, items: Sequence[Tokens], **settings: Any) -> Tensor:
    """All that the first optimizer step was given, as one vector."""
    import torch
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    seen: list[Tensor] = []

    def take(optimizer: torch.optim.Optimizer, *_: object) -> None:
        groups = optimizer.param_groups
        gradients = [weight.grad.flatten() for group in groups for weight in group["params"]]
        seen.append(torch.cat(gradients).clone())

    handle = register_optimizer_step_pre_hook(take)
    try:
        _train(shape, items, [], settings)
    finally:
        handle.remove()
    return seen[0]


def _train(
    shape: str, items: Sequence[Tokens], validation: Sequence[Tokens], settings: dict[str, Any]
) -> dict[str, Any]:
    from cauce.training.loop import train
    from cauce.training.settings import TrainingSettings

    loaded = shapes.build(shape, positions=WIDTH)
    checked = TrainingSettings.model_validate({**EXACT, "steps": 1, **settings})
    with tempfile.TemporaryDirectory() as folder:
        return train(loaded, items, validation, checked, Path(folder), seed=0, progress=_ignore)


def _relative(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def kills() -> None:
    """SIGKILLs at random moments of the wall's clock: how many trainings end bit-equal."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    equal = sum(_kills_survived(context, kind, shape) for kind, shape in KINDS)
    total = KILLS_EACH * len(KINDS)
    report(f"resumed bit-equal of {total} SIGKILLs at random moments", equal, total, "higher")


def _kills_survived(context: Any, kind: str, shape: str) -> int:
    chance = random.Random(shape)
    equal = 0
    with tempfile.TemporaryDirectory() as temporary:
        straight = Path(temporary) / "straight"
        _run_to_end(context, shape, straight)
        duration_s = _run_to_end(context, shape, Path(temporary) / "timed")
        for number in range(1, KILLS_EACH + 1):
            folder = Path(temporary) / f"kill-{number}"
            while not _kill(context, shape, folder, after_s=chance.uniform(0, duration_s)):
                folder = folder.with_name(f"{folder.name}-again")
            place = _last_step(folder)
            _run_to_end(context, shape, folder)
            is_equal = _weights(folder) == _weights(straight)
            say(f"  {kind} {number}: killed after step {place}, {'equal' if is_equal else 'NOT'}")
            equal += is_equal
    return equal


def train_to_be_killed(shape: str, folder: str) -> None:
    """A training with all that a resume must restore: dropout, a best, half-done epochs."""
    from cauce.training.loop import train
    from cauce.training.settings import TrainingSettings

    items = shapes.uneven_documents(shape, 44, width=WIDTH)
    settings = TrainingSettings(
        batch_size=3,
        accumulation=2,
        steps=50,
        lr=5e-3,
        evaluate_every=4,
        checkpoint_every=3,
        compile=False,
    )
    loaded = shapes.build(shape, dropout=0.1, positions=WIDTH)
    train(loaded, items[:40], items[40:], settings, Path(folder), seed=3, progress=_ignore)


def _run_to_end(context: Any, shape: str, folder: Path) -> float:
    """Wall seconds that it took."""
    start = time.monotonic()
    process = context.Process(target=train_to_be_killed, args=(shape, str(folder)))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"training {shape} in {folder} ended with {process.exitcode}")
    return time.monotonic() - start


def _kill(context: Any, shape: str, folder: Path, *, after_s: float) -> bool:
    """Whether the training was still running when it was killed."""
    process = context.Process(target=train_to_be_killed, args=(shape, str(folder)))
    process.start()
    process.join(after_s)
    process.kill()
    process.join()
    return bool(process.exitcode == -signal.SIGKILL)


def _last_step(folder: Path) -> int:
    losses = _losses(folder)
    return max(losses, default=0)


def _weights(folder: Path) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


def _losses(folder: Path) -> dict[int, float]:
    """The training loss of every step in the log; a line that a kill cut short is none."""
    log = folder / "log.jsonl"
    text = log.read_text() if log.is_file() else ""
    lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return {line["step"]: line["loss"] for line in lines if "loss" in line}


def distributed() -> None:
    """Two processes under torchrun against one, by the losses of all steps."""
    for kind, shape in KINDS:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            alone = run_job(_shared_job(shape, folder / "one", "ddp"))
            expected = _losses(folder / "one")
            for parallel in ("ddp", "fsdp"):
                together = run_job(_shared_job(shape, folder / parallel, parallel), _torchrun())
                _refuse_unshared(alone, together)
                found = _losses(folder / parallel)
                difference = max(abs(found[step] - expected[step]) for step in expected)
                metric = f"{kind}: {parallel} of 2 processes against one, difference of losses"
                report(metric, difference, 1e-5)


def _shared_job(shape: str, folder: Path, parallel: str) -> Job:
    """Seven batches an epoch, the last a short one, in windows of two."""
    return Job(
        "cauce",
        shape,
        steps=8,
        width=WIDTH,
        uneven=27,
        counts_tokens=True,
        folder=str(folder),
        settings={**EXACT, "accumulation": 2, "clip_norm": 1.0, "parallel": parallel},
    )


def _refuse_unshared(alone: Measured, together: Measured) -> None:
    """Two processes that each did all the work would agree with one, and prove nothing."""
    share = together.tokens_embedded / alone.tokens_embedded
    if together.processes != 2 or share > 0.8:
        raise RuntimeError(
            f"{together.processes} processes took part, and one of them read {share:.0%} of what "
            "a process alone reads.\nEach of 2 must do its share of the batches."
        )


def _torchrun() -> list[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = ["--master-addr", "127.0.0.1", "--master-port", str(port)]
    return ["-m", "torch.distributed.run", "--nproc-per-node", "2", *address]


def _ignore(_: str) -> None:
    """Progress is the log's."""
