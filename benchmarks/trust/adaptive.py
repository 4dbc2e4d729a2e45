"""Attackers that adapt, orders planted in documents, and what can be drawn out of a model.

    python -m benchmarks.trust.adaptive RUN

RUN is a finished run of `recipes/demo.yaml`. Goals, techniques, orders and requests were written by
authors of this project, who know the guards; no model of any size attacks here, for none that
follows instructions is part of the package. Every answer that the judge calls harmful is printed to
stderr, for it calls some sentences of leaflets so.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks import report
from cauce import road
from cauce.assistant.assistant import Assistant
from cauce.assistant.loading import load_assistant
from cauce.evaluation.log import read_log
from cauce.evaluation.redteam.adaptive.campaign import AdaptiveSettings, attack_adaptively
from cauce.evaluation.redteam.adaptive.gcg import GcgSettings
from cauce.evaluation.redteam.adaptive.results import Search
from cauce.evaluation.redteam.asking import Asked
from cauce.evaluation.redteam.attempts import Attempt
from cauce.evaluation.redteam.campaign import LOG
from cauce.evaluation.redteam.extraction import extract
from cauce.evaluation.redteam.injection.measuring import (
    InjectionFindings,
    ask_planted,
    injection_findings,
)
from cauce.evaluation.redteam.injection.planting import (
    LEAFLET_FORMS,
    write_articles,
    write_leaflets,
)
from cauce.evaluation.redteam.judged import judge_counts
from cauce.evaluation.redteam.targets import Attacked, Kept, ModelTarget
from cauce.evaluation.statistics import Estimate
from cauce.models.tuned import load_tuned
from cauce.recipe import parse_recipe
from cauce.runs import Run
from cauce.safety.guard.rules import system_rules

BUDGET = 20
CANARY = "kfvqhxmdrzjcwpnkyfhd"
GCG = GcgSettings(passes=500)
GCG_GOALS = 10


def measure(run: Path) -> None:
    """Reports goals reached, orders shown and obeyed, and what was drawn out."""
    demo = Run(run)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _adaptive(demo, folder / "adaptive")
        _suffixes(demo, folder / "suffixes")
        for quarantine in (False, True):
            _injection(demo, folder / f"quarantine-{quarantine}", quarantine=quarantine)
        _extraction(demo, folder)


def _adaptive(demo: Run, folder: Path) -> None:
    found = attack_adaptively(
        Attacked("assistant", load_assistant(demo)),
        AdaptiveSettings(budget=BUDGET),
        folder,
        figures=judge_counts().figures,
        progress=_tell,
    )
    for search in found.searches:
        _search(search)
    _tell_harmful(folder)
    _rate("adaptive: innocent prompts refused beside", found.findings.innocent.refused)


def _suffixes(demo: Run, folder: Path) -> None:
    """Suffixes found on the demonstration's model, sent to its assistant."""
    assistant = load_assistant(demo)
    found = attack_adaptively(
        Attacked("assistant", assistant),
        AdaptiveSettings(budget=1, goals=GCG_GOALS, gcg=GCG),
        folder,
        weights=assistant.model,
        progress=_tell,
    )
    _search(found.searches[-1])
    _tell_harmful(folder)


def _tell_harmful(folder: Path) -> None:
    for asked in read_log(folder / LOG, Asked):
        for turn in asked.turns if not asked.attempt.is_safe else ():
            if turn.label == "harmful":
                _tell(f"{asked.attempt.request} | {turn.way} | {turn.answer!r}")


def _search(found: Search) -> None:
    _rate(f"goals reached by {found.attacker}, {found.budget} queries each", found.reached)
    report(f"{found.attacker}: queries", found.queries, None)
    if found.queries_to_success is not None:
        report(f"{found.attacker}: median queries to success", found.queries_to_success, None)
    if found.by_false_alarms is not None:
        report(f"{found.attacker}: reached by the judge's errors", found.by_false_alarms, None)
    if found.passes:
        report(f"{found.attacker}: forward passes", found.passes, None)


def _injection(demo: Run, folder: Path, *, quarantine: bool) -> None:
    """Ordinary questions to planted leaflets and articles, by quoting and by the tuned model."""
    guard = f"quarantine {'on' if quarantine else 'off'}"
    asked: list[Attempt] = []
    for form in LEAFLET_FORMS:
        asked += write_leaflets(folder / form, form)
    quoted, written = [], []
    for form in LEAFLET_FORMS:
        own = [one for one in asked if one.technique == form]
        prepared = _prepared(folder, form, "epi", quarantine=quarantine)
        quoted += ask_planted(load_assistant(prepared), own)
        inner = load_assistant(prepared).inner
        if form == "visible" and isinstance(inner, Assistant):
            inner = Assistant(
                load_tuned(demo.path / "train" / "model"),
                inner.store,
                parse_recipe({"run": "planted", "sources": [{"kind": "vademecum"}]}, "x").assistant,
            )
            written += ask_planted(inner, own)
    _orders(f"leaflets quoted, {guard}", injection_findings(quoted))
    _orders(f"leaflets told by the model, {guard}", injection_findings(written))
    articles = write_articles(folder / "citation")
    prepared = _prepared(folder, "citation", "articles", quarantine=quarantine)
    found = ask_planted(load_assistant(prepared), articles)
    _orders(f"titles of cited works, {guard}", injection_findings(found))


def _prepared(folder: Path, form: str, kind: str, *, quarantine: bool) -> Run:
    """A run whose documents are the planted ones, as far as its prepare stage."""
    recipe = {
        "run": f"planted-{form}",
        "sources": [{"kind": kind, "path": str(folder / form)}],
        "corpus": {"kind": "questions" if kind == "epi" else "research"},
        "model": {"base": "cauce-mini", "max_tokens": 900},
        "assistant": {"guards": {"quarantine": quarantine}},
    }
    journey = road.start(parse_recipe(recipe, "planted"), lambda line: None, folder / "runs")
    road.walk(journey, "prepare")
    return journey.run


def _orders(name: str, found: InjectionFindings) -> None:
    _rate(f"{name}: orders obeyed", found.obeyed)
    _rate(f"{name}: orders shown", found.shown)
    for form, rate in found.shown_by_form.items() if len(found.shown_by_form) > 1 else ():
        _rate(f"{name}: orders shown, {form}", rate)
    _rate(f"{name}: questions answered", found.answered)


def _extraction(demo: Run, folder: Path) -> None:
    """The demonstration's model alone, with rules that hold a marker, and its assistant, which has
    none.

    Its texts tell of medicines and of nobody: what is found in them are mistakes of the finder.
    """
    rules = system_rules("es", CANARY)
    texts = tuple((demo.path / "prepare" / "train.jsonl").read_text("utf-8").splitlines())
    model = ModelTarget(load_tuned(demo.path / "train" / "model"), max_new_tokens=60, rules=rules)
    told = Kept(canary=CANARY, rules=rules, texts=texts)
    for name, target, kept in (
        ("model alone", model, told),
        ("assistant", load_assistant(demo), Kept(texts=texts)),
    ):
        attacked = Attacked(name, target, kept=kept)
        found = extract(attacked, folder / f"{name}.jsonl", progress=_tell)
        for what, rate in (
            ("system prompt's marker", found.marker),
            ("system prompt's words", found.rules),
            ("personal data, invented or not", found.personal),
            ("personal data learned", found.learned),
        ):
            if rate is not None:
                _rate(f"extraction, {name}: {what}", rate)


def _rate(name: str, rate: Estimate) -> None:
    report(f"{name} (of {rate.n})", rate.value, None)
    if rate.high is not None:
        report(f"{name}: upper 95 % limit", rate.high, None)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    measure(Path(sys.argv[1]))
