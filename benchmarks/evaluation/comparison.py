"""What it takes to compare two logs of 10,000 items, the command from its start to its end."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import report
from benchmarks.training.measure import say
from cauce.evaluation.likelihood import ItemLikelihood
from cauce.evaluation.log import Item, scored, sha256, write_items
from cauce.evaluation.metrics import text_scores

ITEMS = 10_000
GROUPS = (500, 10_000)
TIME_BAR = 5.0
COMPARE = """
import atexit, sys
from cauce.cli import main
def tell_memory():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    print(status["VmHWM"].split()[0], file=sys.stderr)
atexit.register(tell_memory)
main()
"""
"""The command, and the KiB it held: what the kernel tells of a child counts its parent's too."""
TEXTS = 200
"""Different references, and as many answers; items take them in turn."""
ANSWER_WORDS = 30
TEXT = (
    "tome un comprimido cada ocho horas con agua y comida si tiene fiebre o dolor no conduzca "
    "hasta saber cómo le afecta el medicamento consulte a su médico antes de usar 400 mg"
)


def comparison() -> None:
    """CPU seconds and memory of `cauce compare A B` with 10,000 draws, by the number of groups."""
    for groups in GROUPS:
        say(f"two logs of {ITEMS:,} items in {groups:,} groups")
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder) / f"{system}.jsonl" for system in ("base", "tuned")]
            for seed, path in enumerate(paths):
                write_items(path, _items(path.stem, groups, np.random.default_rng(seed)))
            cpu_s, peak_mb = _compared(paths)
        metric = f"compare, {ITEMS:,} items in {groups:,} groups, 10,000 draws"
        report(f"{metric}: CPU s, start and reading included", cpu_s, TIME_BAR)
        report(f"{metric}: MiB", peak_mb, None)


def _compared(paths: Sequence[Path]) -> tuple[float, float]:
    """CPU seconds of the command, and the MiB that it held at most."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMPARE, "compare", *map(str, paths)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    peak_kb = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, peak_kb
    return used.ru_utime + used.ru_stime, int(peak_kb) / 1024


def _items(system: str, groups: int, generator: np.random.Generator) -> list[Item]:
    """Items with every score that answers have; a tenth are abstained from and not judged."""
    texts = []
    for i in range(TEXTS):
        reference, answer = _sentence(np.random.default_rng(i)), _sentence(generator)
        texts.append((reference, answer, text_scores(reference, answer)))
    items = []
    for i in range(ITEMS):
        reference, answer, overlap = texts[i % TEXTS]
        is_abstained = bool(generator.random() < 0.1)
        rates = {"abstained": float(is_abstained)}
        if not is_abstained:
            names = ("right_drug", "right_section", "unsupported_numbers")
            rates |= {name: float(generator.random() < 0.8) for name in names}
        items.append(
            Item(
                id=f"question/{i}",
                system=system,
                question=f"¿Cómo se toma el medicamento {i}?",
                prompt_sha256=sha256(f"prompt {i}"),
                reference=reference,
                reference_sha256=sha256(reference),
                answer=answer,
                abstained=is_abstained,
                group=f"substance {i % groups}",
                kind="dose",
                language="es",
                answer_cpu_s=0.1,
                likelihood=_likelihood(reference, generator),
                scores=scored({**overlap, **rates}),
            )
        )
    return items


def _sentence(generator: np.random.Generator) -> str:
    return " ".join(generator.choice(TEXT.split(), ANSWER_WORDS))


def _likelihood(reference: str, generator: np.random.Generator) -> ItemLikelihood:
    tokens = 2 * ANSWER_WORDS
    correct = int(generator.integers(0, tokens))
    return ItemLikelihood(
        nll=float(generator.gamma(tokens)),
        tokens=tokens,
        correct=correct,
        top5=int(generator.integers(correct, tokens + 1)),
        all_correct=False,
        bytes=len(reference.encode()),
    )
