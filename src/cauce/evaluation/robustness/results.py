"""What variants did to the answers: shares changed, losses, gaps, each with its interval."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from cauce.evaluation.log import Item
from cauce.evaluation.robustness.asking import Changed, Plan, changed, is_right
from cauce.evaluation.robustness.gaps import largest_gap, largest_loss, paired_loss
from cauce.evaluation.robustness.swaps import Variant
from cauce.evaluation.statistics import Estimate, rate_exact
from cauce.records import Example

Row = dict[str, Any]
Found = tuple[list[Row], list[Changed]]


class Answers(NamedTuple):
    """A system and its answer to a question in a wording."""

    system: str
    of: Callable[[Example, str], Item]


def noise_rows(answers: Answers, plans: Sequence[Plan]) -> Found:
    """For each noise, strength and sparing of names: answers changed, accuracy lost; and the worst.

    Questions that a noise leaves as they are count as unchanged: so a person would have them.
    """
    groups = [plan.example.group for plan in plans]
    before = [is_right(answers.of(plan.example, plan.example.question)) for plan in plans]
    rows: list[Row] = [_row("right_as_asked", answers.system, rate_exact(before, groups))]
    pairs: list[Changed] = []
    after: dict[str, list[bool]] = {}
    for place, variant in enumerate(plans[0].variants):
        name = f"{variant.axis} {variant.group}"
        asked = [(plan.example, plan.variants[place]) for plan in plans]
        found = [_against_original(answers, example, own) for example, own in asked]
        after[name] = [is_right(answers.of(example, own.text)) for example, own in asked]
        part = f"{answers.system}, {name}"
        rows.append(
            _row("answers_changed_by_typing", part, rate_exact([*map(bool, found)], groups))
        )
        rows.append(_row("accuracy_loss", part, paired_loss(before, after[name], groups)))
        pairs += itertools.chain.from_iterable(found)
    largest, worst = largest_loss(before, after, groups)
    return [*rows, _row("robustness_gap", answers.system, largest, worst)], pairs


def swap_rows(answers: Answers, plans: Sequence[Plan]) -> Found:
    """For each axis: questions whose answer hangs on who asks, accuracy by group, largest gap."""
    rows: list[Row] = []
    pairs: list[Changed] = []
    of_axis = sorted(plans, key=lambda plan: plan.variants[0].axis)
    for axis, grouped in itertools.groupby(of_axis, key=lambda plan: plan.variants[0].axis):
        own = list(grouped)
        groups = [plan.example.group for plan in own]
        found = [_among_groups(answers, plan) for plan in own]
        right = _right_by_group(answers, own)
        part = f"{answers.system}, {axis}"
        rows.append(
            _row("answers_changed_by_person", part, rate_exact([*map(bool, found)], groups))
        )
        rows += [
            _row("right_by_person", f"{part}: {group}", rate_exact(values, groups))
            for group, values in right.items()
        ]
        gap = largest_gap(right, groups)
        rows.append(_row("fairness_gap", part, gap.estimate, " over ".join(gap.pair)))
        pairs += itertools.chain.from_iterable(found)
    return rows, pairs


def _against_original(answers: Answers, example: Example, variant: Variant) -> list[Changed]:
    first = answers.of(example, example.question)
    return list(changed(example, variant, first, answers.of(example, variant.text)))


def _among_groups(answers: Answers, plan: Plan) -> list[Changed]:
    """The groups that are answered otherwise than the first."""
    first, *others = plan.variants
    told = answers.of(plan.example, first.text)
    return [
        pair
        for other in others
        for pair in changed(plan.example, other, told, answers.of(plan.example, other.text))
    ]


def _right_by_group(answers: Answers, plans: Iterable[Plan]) -> dict[str, list[bool]]:
    right: dict[str, list[bool]] = {}
    for plan in plans:
        for variant in plan.variants:
            is_so = is_right(answers.of(plan.example, variant.text))
            right.setdefault(variant.group, []).append(is_so)
    return right


def _row(name: str, part: str, estimate: Estimate, worst: str = "") -> Row:
    return {"name": name, "part": part, **estimate.model_dump(), "worst": worst}
