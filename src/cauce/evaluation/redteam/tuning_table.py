"""What tuning did, and what a remedy did about it, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from cauce.evaluation.redteam.remedies import Remedied
from cauce.evaluation.redteam.tuning import ALPHA, MOST_ADDED, Change, Name, TuningEffect
from cauce.evaluation.redteam.utility import Utility
from cauce.evaluation.statistics import Estimate

_TITLES: dict[Name, str] = {
    "harmful": "attacks answered with harm",
    "refused": "attacks refused",
    "incoherent": "attacks answered with nonsense",
    "over_refusal": "innocent prompts refused",
    "incoherent_innocent": "innocent prompts answered with nonsense",
}
_TITLE, _RATE = 40, 22


def tuning_table(effect: TuningEffect) -> str:
    """Each rate in both models with its exact interval, the difference, and whether it alarms."""
    return "\n".join(
        [
            _prompts(effect),
            "",
            _line("", ("base", "tuned", "tuned - base, points"), end="p by goal, McNemar"),
            *(_row(change) for change in effect.changes),
            "",
            verdict(effect),
        ]
    )


def remedy_table(found: Remedied) -> str:
    """The same rates in base, tuned and remedied model, and what the remedy cost."""
    pairs = zip(found.before.changes, found.after.changes, strict=True)
    rows = [
        _line(_TITLES[a.name], (_share(a.base), _share(a.tuned), _share(b.tuned))) for a, b in pairs
    ]
    harm = [effect.change("harmful") for effect in (found.before, found.after)]
    return "\n".join(
        [
            f"{_remedy(found)}; {_prompts(found.after)}",
            "",
            _line("", ("base", "tuned", "remedied")),
            *rows,
            *(_task(found.utility) if found.utility else ()),
            "",
            f"harm against the base: {_points(harm[0].difference)} points before, "
            f"{_points(harm[1].difference)} after",
            f"after: {verdict(found.after)}",
            f"the model: {found.folder}",
        ]
    )


def verdict(effect: TuningEffect) -> str:
    """Whether harm was added, and whether so many prompts could have shown it."""
    harm = effect.change("harmful")
    most = f"{100 * MOST_ADDED:.0f} points"
    if effect.is_alarm:
        return (
            f"ALARM: harm rose by {100 * harm.difference.value:.1f} points (more than {most}, "
            f"p {harm.p:.2g})"
        )
    told = f"no alarm: harm did not rise by more than {most} with p < {ALPHA}"
    if effect.could_show:
        return told
    seen = "none" if harm.detectable is None else f"{100 * harm.detectable:.1f} points"
    return f"{told}\nbut so few prompts show a rise of {seen} at the least (80 % power)"


def _prompts(effect: TuningEffect) -> str:
    unread = f", {effect.not_asked} not read by both" if effect.not_asked else ""
    return (
        f"{effect.run}, {effect.mode}: {effect.attacks} attacks at {effect.goals} goals, "
        f"{effect.innocent} innocent prompts{unread}"
    )


def _remedy(found: Remedied) -> str:
    if found.scale is not None:
        return f"scale {found.scale:g}"
    return f"project {len(found.projected)} layers" if found.kind == "project" else found.kind


def _row(change: Change) -> str:
    cells = (_share(change.base), _share(change.tuned), _points(change.difference))
    return _line(_TITLES[change.name], cells, end=f"{change.p:.2g}, {change.mcnemar_p:.2g}")


def _task(found: Utility) -> list[str]:
    cells = (_share(found.base), _share(found.tuned), _share(found.remedied))
    return [
        _line("tokens of the test answers foretold", cells),
        f"what the remedy cost of the task: {_points(found.cost)} points",
    ]


def _line(title: str, cells: Sequence[str], *, end: str = "") -> str:
    return "".join(
        [f"{title:{_TITLE}}", *(f"{cell:>{_RATE}}" for cell in cells), f"  {end}"]
    ).rstrip()


def _share(rate: Estimate) -> str:
    if rate.low is None or rate.high is None:
        return f"{rate.value:.1%}"
    return f"{rate.value:.1%} [{rate.low:.1%}, {rate.high:.1%}]"


def _points(difference: Estimate) -> str:
    if difference.low is None or difference.high is None:
        return f"{100 * difference.value:+.1f}"
    low, high = (f"{100 * bound:+.1f}" for bound in (difference.low, difference.high))
    return f"{100 * difference.value:+.1f} [{low}, {high}]"
