"""The same contenders on an accelerator: tokens a second, memory, share of its matrix products."""

from __future__ import annotations

import time
from dataclasses import replace

from benchmarks import report
from benchmarks.training import shapes
from benchmarks.training.contenders import Job
from benchmarks.training.measure import measure, median_step_wall_s, say

JOBS = (
    Job("cauce", "llama-60m", steps=24, batch_size=32, width=1024),
    Job("cauce", "llama-350m", steps=24, batch_size=16, width=1024),
    Job("cauce", "t5-base", steps=24, batch_size=32, width=512, target_width=128),
)


def accelerator() -> None:
    """Wall-clock figures of every contender and shape, each read after synchronising."""
    import torch

    if not torch.cuda.is_available():
        raise SystemExit(
            "no CUDA device is visible to torch.\nRun on one, or measure with --device cpu."
        )
    peak = matmul_flops_per_s("cuda")
    name = torch.cuda.get_device_name()
    torch.cuda.empty_cache()
    report(f"{name}: bf16 matrix product of 8192, TFLOP/s", peak / 1e12, None, "higher")
    for job in JOBS:
        _report_shape(job, peak)


def _report_shape(job: Job, peak_flops_per_s: float) -> None:
    flops = job.batch_size * flops_per_row(job)
    tokens = job.batch_size * _tokens_per_row(job)
    jobs = {"cauce": job, "cauce compiled": replace(job, compile=True)}
    jobs |= {name: replace(job, contender=name) for name in ("hand", "trainer", "sft")}
    jobs["trainer compiled"] = replace(job, contender="trainer", compile=True)
    if job.shape in shapes.T5:
        say(f"{job.shape}: trl refuses it, SFTTrainer trains decoders only")
        del jobs["sft"]
    for name, contender in jobs.items():
        try:
            [found] = measure({name: contender}, rounds=1)[name]
        except RuntimeError as error:
            say(f"{job.shape}, {name}: {error}")
            continue
        seconds = median_step_wall_s([found])
        share = flops / seconds / peak_flops_per_s
        report(f"{job.shape}: tokens per s, {name}", tokens / seconds, None, "higher")
        report(f"{job.shape}: peak device MB, {name}", found.device_peak_mb, None)
        report(f"{job.shape}: share of measured peak, {name}", share, None, "higher")


def matmul_flops_per_s(device: str, *, size: int = 8192, repeats: int = 50) -> float:
    """The best of four timings of large bf16 products: what the arithmetic could reach."""
    import torch

    left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    best_s = float("inf")
    for _ in range(4):
        _wait(device)
        start = time.perf_counter()
        for _ in range(repeats):
            left @ right
        _wait(device)
        best_s = min(best_s, time.perf_counter() - start)
    return 2 * size**3 * repeats / best_s


def flops_per_row(job: Job) -> int:
    """Of forward and backward, counted operation by operation; masked attention counts in full."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        model = shapes.network(job.shape, dropout=0.0, positions=job.width)
        inputs = {"input_ids": torch.zeros(1, job.width, dtype=torch.long)}
        if job.shape in shapes.T5:
            inputs["decoder_input_ids"] = torch.zeros(1, job.target_width, dtype=torch.long)
        else:
            # Without a mask of their own, decoders look into the ids for packed documents.
            inputs["attention_mask"] = torch.ones(1, 1, job.width, job.width, dtype=torch.bool)
    with FlopCounterMode(display=False) as counter:
        model(**inputs, use_cache=False).logits.sum().backward()
    return int(counter.get_total_flops())


def _tokens_per_row(job: Job) -> int:
    return job.width + (job.target_width if job.shape in shapes.T5 else 0)


def _wait(device: str) -> None:
    import torch

    if device == "cuda":
        torch.cuda.synchronize()
