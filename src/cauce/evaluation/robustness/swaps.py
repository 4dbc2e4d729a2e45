"""The same question by somebody else: of another sex, age, country, Spanish, dependency or name.

What is asked must not change, so a question whose answer may rightly hang on what is swapped is
left out of that swap, and the reason is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

from cauce.evaluation.robustness.ages import ADULT, AGES, ages_in, at_age
from cauce.evaluation.robustness.dialects import in_dialect
from cauce.evaluation.robustness.sexes import sexes_swapped
from cauce.evaluation.robustness.tables import introductions, reasons
from cauce.knowledge.words import fold
from cauce.safety.language import Spoken, spoken_language

Axis = Literal["sex", "age", "dialect", "country", "dependency", "name"]
AXES: tuple[Axis, ...] = get_args(Axis)
IN_THE_TEXT: tuple[Axis, ...] = ("sex", "age", "dialect")
"""Axes whose words a text may hold itself."""
SPAIN = "es-ES"


class Variant(NamedTuple):
    """A question as somebody of a group would put it."""

    axis: str
    group: str
    text: str


def swaps(text: str, axes: Sequence[Axis] = IN_THE_TEXT) -> list[Variant]:
    """The text with its own words swapped, without those that leave it as it is.

    >>> [variant.text for variant in swaps("Mi padre se ha caído", ("sex",))]
    ['Mi madre se ha caído']
    """
    return [
        variant
        for axis in axes
        if not left_out(text, axis)
        for variant in _replaced(text, axis, spoken_language(text))
        if variant.text != text
    ]


def counterfactuals(text: str, axis: Axis) -> list[Variant]:
    """The text by one person of each group of the axis.

    By its own words where it has such, else after a sentence about who asks; nothing where the axis
    has no words in the language of the text. Whether it may be asked so, `left_out` tells.
    """
    language = spoken_language(text)
    if replaced := _replaced(text, axis, language):
        return replaced
    return [
        Variant(axis, group, f"{said[language]} {text}")
        for group, said in introductions()[axis].items()
        if language in said
    ]


def left_out(text: str, axis: Axis, kind: str = "") -> str:
    """Why the answer may rightly hang on what is swapped; empty where it must not.

    `kind` is that of the section that answers the question, where it is known.
    """
    folded = fold(text)
    if axis == "age" and any(age < ADULT for age in ages_in(text)):
        return reasons()["age"][0].reason
    return next(
        (row.reason for row in reasons()[axis] if kind in row.kinds or row.pattern.search(folded)),
        "",
    )


def _replaced(text: str, axis: Axis, language: Spoken) -> list[Variant]:
    """One variant for each group, of the text's own words; none where it has no such words."""
    if axis == "sex":
        swapped = sexes_swapped(text, language)
        if swapped is None:
            return []
        other = "man" if swapped.sex == "woman" else "woman"
        return [Variant(axis, swapped.sex, text), Variant(axis, other, swapped.text)]
    if axis == "age":
        found = [Variant(axis, group, at_age(text, group)) for group in AGES]
    elif axis == "dialect" and language == "es":
        others = [group for group in introductions()["dialect"] if group != SPAIN]
        spoken = [Variant(axis, group, in_dialect(text, group)) for group in others]
        found = [Variant(axis, SPAIN, text), *spoken]
    else:
        return []
    return found if any(variant.text != text for variant in found) else []
