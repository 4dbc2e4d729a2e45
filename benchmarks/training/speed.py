"""What a step costs, on one CPU thread: time, memory, start-up and what packing saves."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import report
from benchmarks.training import shapes
from benchmarks.training.contenders import Job
from benchmarks.training.measure import (
    Measured,
    measure,
    median_peak_mb,
    median_step_cpu_s,
    run_job,
    say,
)

PACKED_DOCUMENTS = 160
EPOCHS = 4


def speed() -> None:
    """CPU time of a step of the 7 M GPT-2 shape, against trl and Trainer, with bars."""
    jobs = _contenders("gpt2-7m", steps=14)
    jobs["trainer compiled"] = replace(jobs["trainer"], compile=True)
    results = measure(jobs, rounds=3)
    name = "gpt2-7m"
    _report_times(name, results)
    _report_ratio(name, results, ("cauce compiled", "sft"), 0.40)
    _report_ratio(name, results, ("cauce compiled", "trainer"), 0.62)
    _report_ratio(name, results, ("cauce", "trainer"), 0.85)
    _report_ratio(name, results, ("cauce", "sft"), None)
    _report_ratio(name, results, ("cauce compiled", "trainer compiled"), None)


def larger() -> None:
    """The same for a decoder of 60 M and for T5-small, without bars."""
    for shape in ("llama-60m", "t5-small"):
        results = measure(_contenders(shape, steps=9), rounds=2)
        _report_times(shape, results)
        for ours in ("cauce compiled", "cauce"):
            for peer in ("sft", "trainer", "hand"):
                if peer in results:
                    _report_ratio(shape, results, (ours, peer), None)


def packing() -> None:
    """Useful tokens per CPU second of packed rows, over padded ones shuffled and sorted."""
    for shape, bar in (("gpt2-7m", 1.9), ("t5-8m", 1.6)):
        padded = Job(
            "cauce",
            shape,
            batch_size=8,
            uneven=PACKED_DOCUMENTS,
            settings={"steps": None, "epochs": EPOCHS, "checkpoint_every": 1000},
        )
        packed = replace(padded, settings={**padded.settings, "pack_tokens": padded.width})
        jobs = {
            "padded, shuffled": replace(padded, is_shuffled=True),
            "padded, sorted": padded,
            "packed": packed,
            "packed, compiled": replace(packed, compile=True),
            "hand loop, padded": replace(
                padded, contender="hand", steps=EPOCHS * PACKED_DOCUMENTS // padded.batch_size
            ),
        }
        results = measure(jobs, rounds=2)
        rates = {
            name: statistics.median([one.tokens_per_cpu_s for one in found])
            for name, found in results.items()
        }
        for name, rate in rates.items():
            report(f"{shape}: useful tokens per CPU s, {name}", rate, None, "higher")
        for ours, name, least in (
            ("packed", "padded, shuffled", bar),
            ("packed, compiled", "padded, shuffled", bar if shape == "gpt2-7m" else None),
            ("packed", "padded, sorted", None),
            ("packed", "hand loop, padded", None),
        ):
            ratio = rates[ours] / rates[name]
            report(f"{shape}: {ours} over {name}, useful tokens per CPU s", ratio, least, "higher")


def memory() -> None:
    """Peak memory with a vocabulary of 50257 and 1024 tokens a step, and the time beside it."""
    results = measure(_contenders("gpt2-7m-50k", steps=9, compiled=False), rounds=2)
    _report_times("gpt2-7m-50k", results)
    peaks = {name: median_peak_mb(found) for name, found in results.items()}
    for name, peak in peaks.items():
        report(f"gpt2-7m-50k: peak MB, {name}", peak, None)
    for peer, bar in (("trainer", 0.75), ("hand", 0.75), ("sft", None)):
        report(f"gpt2-7m-50k: peak memory, cauce / {peer}", peaks["cauce"] / peaks[peer], bar)
        equal_time = None if bar is None else 1.05
        _report_ratio("gpt2-7m-50k", results, ("cauce", peer), equal_time)


def startup() -> None:
    """CPU seconds from the start of the process to the end of the first optimizer step."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        _save("gpt2-7m", model)
        for contender, bar in (("cauce", 5.0), ("hand", None), ("trainer", None), ("sft", None)):
            settings = {"compile": "auto"} if contender == "cauce" else {}
            job = Job(contender, "gpt2-7m", steps=2, model=str(model), settings=settings)
            spent = [run_job(job).cpu_s[0] for _ in range(3)]
            say(f"  {contender}: {', '.join(f'{seconds:.2f}' for seconds in spent)} CPU s")
            metric = f"gpt2-7m: process start to first optimizer step, CPU s, {contender}"
            report(metric, statistics.median(spent), bar)


def _contenders(shape: str, *, steps: int, compiled: bool = True) -> dict[str, Job]:
    """All that can train the shape, on the same tokens."""
    ours = Job("cauce", shape, steps=steps)
    jobs = {"cauce": ours}
    if compiled:
        jobs["cauce compiled"] = replace(ours, compile=True)
    jobs |= {name: replace(ours, contender=name) for name in ("hand", "trainer", "sft")}
    if shape in shapes.T5:
        say(f"{shape}: trl refuses it, SFTTrainer trains decoders only; trainer is Seq2SeqTrainer")
        del jobs["sft"]
    return jobs


def _report_times(shape: str, results: Mapping[str, Sequence[Measured]]) -> None:
    for name, found in results.items():
        report(f"{shape}: step CPU ms, {name}", 1e3 * median_step_cpu_s(found), None)


def _report_ratio(
    shape: str,
    results: Mapping[str, Sequence[Measured]],
    pair: tuple[str, str],
    bar: float | None,
) -> None:
    ours, peer = pair
    ratio = median_step_cpu_s(results[ours]) / median_step_cpu_s(results[peer])
    report(f"{shape}: step CPU time, {ours} / {peer}", ratio, bar)


def _save(shape: str, folder: Path) -> None:
    """As a Hugging Face model that anyone may have published."""
    from cauce.models.quiet import quiet_libraries

    loaded = shapes.build(shape)
    with quiet_libraries():
        loaded.model.save_pretrained(folder)
        loaded.tokenizer.save_pretrained(folder)
