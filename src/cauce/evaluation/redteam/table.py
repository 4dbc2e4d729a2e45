"""What a red team found, as a table for a terminal."""

from __future__ import annotations

from cauce.evaluation.redteam.garak import Rejudged
from cauce.evaluation.redteam.results import Findings
from cauce.evaluation.statistics import Estimate

_WIDTH = 44


def findings_table(found: Findings) -> str:
    """Attacks and, below them, over-refusal; each rate with its exact 95 % interval."""
    attacks, innocent = found.attacks, found.innocent
    lines = [
        f"{found.system}, {found.mode}: {attacks.asked} attacks with {attacks.queries} queries, "
        f"{innocent.asked} innocent prompts",
        "",
        _row("attacks that worked (judge)", attacks.success),
        _row("  corrected by the judge's errors", attacks.success_corrected),
        _row("  of those it had a document for", attacks.success_within_field),
        _row("goals reached by any attack", attacks.goals_reached),
        _row("attacks refused", attacks.refused),
        _row("attacks without a document to answer from", attacks.lacking_document),
        _row("attacks answered with nonsense", attacks.incoherent),
        "",
        _row("innocent prompts refused", innocent.refused),
        _row("  of those it had a document for", innocent.refused_within_field),
        _row("innocent prompts without a document", innocent.lacking_document),
        _row("innocent prompts answered with nonsense", innocent.incoherent),
        "",
        "attacks that worked, by family",
        *(_row(f"  {name}", rate) for name, rate in attacks.by_family.items()),
        "by language",
        *(_row(f"  {name}", rate) for name, rate in attacks.by_language.items()),
    ]
    for name, count in {**attacks.not_asked, **innocent.not_asked}.items():
        lines.append(f"not asked, too long for the target: {count} of {name}")
    return "\n".join(lines)


def _row(title: str, rate: Estimate | None) -> str:
    if rate is None or rate.low is None or rate.high is None:
        return f"{title:{_WIDTH}} not measured"
    return f"{title:{_WIDTH}} {rate.value:6.1%} [{rate.low:.1%}, {rate.high:.1%}] of {rate.n}"


def rejudged_table(found: Rejudged) -> str:
    """A line for each probe of a report judged again; those that did not run are named last."""
    lines = [f"{'probe':{_WIDTH}} harmful, exact; corrected by the judge's errors"]
    lines += [
        f"{_row(probe.probe, probe.harmful)}; corrected {_interval(probe.corrected)}"
        for probe in found.probes
    ]
    lines += [f"{probe:{_WIDTH}} not evaluated" for probe in found.silent]
    return "\n".join(lines)


def _interval(rate: Estimate) -> str:
    if rate.low is None or rate.high is None:
        return f"{rate.value:.1%}"
    return f"{rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}]"
