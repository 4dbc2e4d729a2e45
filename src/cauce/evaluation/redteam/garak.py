"""A garak report judged again: how often each probe got a harmful answer, in any of our languages.

Reads the JSONL that garak 0.9 to 0.17 writes: `attempt` entries of status 2 with `probe_classname`,
`prompt` (a string, a message or a conversation) and `outputs` (strings or messages); the entry
`start_run setup` names the probes that were asked for; `eval` entries say how many were evaluated.
garak's own refusal detectors read English alone.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cauce.errors import DataRefused
from cauce.evaluation.redteam.correction import corrected_rate
from cauce.evaluation.redteam.judged import JudgeCounts, judge_counts
from cauce.evaluation.statistics import Estimate, independent_items, rate_exact
from cauce.records import Record, Refusal
from cauce.safety.judge.judging import LABELS, judge

_COMPLETE = 2
"""`status` of an attempt that was answered and evaluated."""
_EVERYTHING = {"", "all", "auto", "*", "active", "default", "none"}
"""Specifications that name no probe."""


class ProbeRate(Record):
    """What one probe got."""

    probe: str
    labels: dict[str, int]
    """Answers by the judge's label."""
    harmful: Estimate
    """Share of harmful answers, with an exact interval; answers to one prompt are a cluster."""
    corrected: Estimate
    """The same with the judge's own mistakes taken out, their uncertainty carried."""


class Rejudged(Record):
    """A garak report, judged again."""

    probes: tuple[ProbeRate, ...]
    silent: tuple[str, ...]
    """Probes that were asked for or started and of which no answer was evaluated: not passed."""
    unanswered: int
    """Outputs that were empty in the report."""
    refused: tuple[Refusal, ...]
    """Lines that are no entry of a report."""
    judge: JudgeCounts
    """What the correction rests on."""


def rejudge(path: Path) -> Rejudged:
    """Judges every answer of a garak report; DataRefused where none of its lines is an entry."""
    entries, refused = _entries(path)
    if not entries:
        raise DataRefused(
            f"{path}: no line is an entry of a garak report.\n"
            "Give the file that garak names `….report.jsonl`."
        )
    labels: dict[str, list[tuple[str, str]]] = defaultdict(list)
    unanswered = 0
    for number, attempt in enumerate(_of_type(entries, "attempt")):
        if attempt.get("status") != _COMPLETE:
            continue
        prompt, cluster = _text(attempt.get("prompt")), str(attempt.get("uuid", number))
        for answer in map(_text, attempt.get("outputs") or []):
            if answer:
                label = judge(prompt, answer).label
                labels[_name(attempt["probe_classname"])].append((label, cluster))
            else:
                unanswered += 1
    measured = judge_counts()
    return Rejudged(
        probes=tuple(_rate(probe, labels[probe], measured) for probe in sorted(labels)),
        silent=tuple(_silent(entries, set(labels))),
        unanswered=unanswered,
        refused=tuple(refused),
        judge=measured,
    )


def _entries(path: Path) -> tuple[list[dict[str, Any]], list[Refusal]]:
    """The report's entries, and the lines that are none."""
    entries, refused = [], []
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                entry = json.loads(line)
                kind = entry["entry_type"]
                if kind == "attempt" and not isinstance(entry["probe_classname"], str):
                    raise TypeError("probe_classname")
            except (ValueError, KeyError, TypeError):
                reason = "no entry of a garak report"
                refused.append(Refusal(file=str(path), position=f"line {number}", reason=reason))
                continue
            entries.append(entry)
    return entries, refused


def _of_type(entries: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    return (entry for entry in entries if entry["entry_type"] == kind)


def _text(said: object) -> str:
    """What stands in a string, in a message, or in the last turn of a conversation."""
    if isinstance(said, str):
        return said.strip()
    if isinstance(said, Mapping):
        if said.get("turns"):
            return _text(said["turns"][-1])
        return _text(said.get("content", said.get("text")))
    return ""


def _name(probe: str) -> str:
    """`dan.DanInTheWild`, with or without `probes.` before it."""
    return probe.removeprefix("probes.")


def _rate(probe: str, told: list[tuple[str, str]], measured: JudgeCounts) -> ProbeRate:
    counted = Counter(label for label, _ in told)
    harmful = [float(label == "harmful") for label, _ in told]
    prompts = [prompt for _, prompt in told]
    size = independent_items(harmful, prompts)
    return ProbeRate(
        probe=probe,
        labels={label: counted[label] for label in LABELS},
        harmful=rate_exact(harmful, prompts),
        corrected=corrected_rate(
            counted["harmful"] / len(told) * size,
            size,
            *measured.figures,
            clusters=len({*prompts}),
        ),
    )


def _silent(entries: list[dict[str, Any]], answered: set[str]) -> Iterator[str]:
    """Probes, or modules of them, that were named and of which nothing was evaluated."""
    evaluated: Counter[str] = Counter()
    for entry in _of_type(entries, "eval"):
        evaluated[_name(str(entry["probe"]))] += _evaluated(entry)
    started = {_name(entry["probe_classname"]) for entry in _of_type(entries, "attempt")}
    ran = {probe for probe in answered if evaluated[probe] or not evaluated}
    for name in sorted({*_asked_for(entries), *started, *evaluated}):
        if not any(probe == name or probe.startswith(f"{name}.") for probe in ran):
            yield name


def _evaluated(entry: Mapping[str, Any]) -> int:
    """How many outputs an `eval` entry counts: `total_evaluated`, `total` before garak 0.14."""
    return int(entry.get("total_evaluated", entry.get("total", 0)) or 0)


def _asked_for(entries: list[dict[str, Any]]) -> Iterator[str]:
    """The names in `plugins.probe_spec`, and in `run.spec` of 0.17."""
    for setup in _of_type(entries, "start_run setup"):
        spec = setup.get("run.spec")
        named = spec.get("include", []) if isinstance(spec, Mapping) else spec
        listed = named if isinstance(named, list) else str(named or "").split(",")
        yield from (_name(name.strip()) for name in listed if name.strip().startswith("probes."))
        for name in str(setup.get("plugins.probe_spec") or "").split(","):
            if name.strip().lower() not in _EVERYTHING:
                yield _name(name.strip())
