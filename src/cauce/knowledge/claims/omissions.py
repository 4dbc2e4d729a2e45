"""What a claim may not leave out of the source sentence whose words it says in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from cauce.knowledge.claims.items import CRITICAL, Item, Key, Kind
from cauce.knowledge.claims.quantities import Quantity

CHECK_OF: dict[Kind, str] = {
    "quantity": "numbers",
    "frequency": "frequency",
    "route": "route",
    "population": "population",
    "negation": "negation",
    "exception": "negation",
}
"""The check that an item fails; of the rest it is `wording`."""

_GOVERNED: tuple[Kind, ...] = ("quantity", "frequency")
_ADJUNCTS: tuple[Kind, ...] = ("quantity", "frequency", "route")
_CONDITIONAL: tuple[Kind, ...] = ("exception", "condition")


class Problem(NamedTuple):
    """What a claim says that its source does not, and the check that it fails."""

    check: str
    detail: str
    contradicts: bool = False
    """True where the source says otherwise, False where it only does not say so."""


class Source(NamedTuple):
    """The items of a source sentence, the first `heading` of them its heading's."""

    items: tuple[Item, ...]
    heading: int


def omissions(
    claim: Sequence[Item],
    ordered: Sequence[Item],
    matched: Sequence[int],
    populations: Sequence[int],
    source: Source,
    *,
    is_named: bool,
) -> list[Problem]:
    """What is wrong with what the claim leaves out, or with whom it speaks of."""
    kept = {*matched, *populations}
    checks: tuple[Callable[[], Problem | None], ...] = (
        lambda: _drops_critical(kept, source),
        lambda: _drops_part_of_clause(kept, source),
        lambda: _drops_anchor(kept, source),
        lambda: _drops_condition(kept, source),
        lambda: _drops_negation_before(kept, source),
        lambda: _moves_amount(claim, ordered, matched, source),
        lambda: _joins_otherwise(ordered, matched, source.items),
        lambda: _takes_place_of_subject(matched, source) if is_named else None,
    )
    found = [problem for check in checks if (problem := check())]
    denied = any(problem.contradicts for problem in found)
    return [problem._replace(contradicts=denied) for problem in found]


def _drops_critical(kept: set[int], source: Source) -> Problem | None:
    clauses = {source.items[place].clause for place in kept}
    for place, item in enumerate(source.items):
        if place not in kept and item.kind in CRITICAL and item.clause in clauses:
            check = CHECK_OF.get(item.kind, "wording")
            return Problem(
                check, f"leaves out {item.text!r} of the source", item.kind == "negation"
            )
    return None


def _drops_part_of_clause(kept: set[int], source: Source) -> Problem | None:
    """That "Adults take 400 mg, children 200 mg" does not say "Adults take 200 mg"."""
    clauses = {source.items[place].clause for place in kept}
    last = max(kept, default=-1)
    for place, item in enumerate(source.items):
        if place in kept or item.clause not in clauses:
            continue
        if place == last + 1 and item.kind in _ADJUNCTS:
            return None
        return Problem("wording", f"leaves out {item.text!r} of the source")
    return None


def _drops_anchor(kept: set[int], source: Source) -> Problem | None:
    """That an amount or a parenthesis behind words left out is not tied to those before them."""
    for place in sorted(kept)[1:]:
        item = source.items[place]
        start = place
        while start - 1 not in kept:
            start -= 1
        gap = source.items[start:place]
        aside = item.bracket == 0 and all(other.bracket for other in gap)
        opens_bracket = item.bracket != source.items[place - 1].bracket and item.bracket != 0
        if gap and not aside and (opens_bracket or item.kind in _GOVERNED):
            return Problem("wording", f"{item.text}: leaves out {gap[-1].text!r} before it")
    return None


def _drops_condition(kept: set[int], source: Source) -> Problem | None:
    pieces = {source.items[place].piece for place in kept}
    for place, item in enumerate(source.items):
        if place not in kept and item.kind in _CONDITIONAL and item.piece in pieces:
            return Problem("negation", f"leaves out {item.text!r} of the source")
    return None


def _drops_negation_before(kept: set[int], source: Source) -> Problem | None:
    for place, item in enumerate(source.items):
        if item.kind != "negation" or place in kept:
            continue
        later = (source.items[other] for other in kept if other > place)
        if any(other.piece == item.piece and item.bracket in (0, other.bracket) for other in later):
            return Problem("negation", f"leaves out {item.text!r} of the source", True)
    return None


def _joins_otherwise(
    ordered: Sequence[Item], matched: Sequence[int], source: Sequence[Item]
) -> Problem | None:
    """That the claim says "and" where the source says only "or", or the other way round."""
    start = matched[0] + 1 if matched else 0
    for item, place in zip(ordered[1:], matched[1:], strict=True):
        theirs = {other.joint for other in source[start : place + 1]} - {""}
        if item.joint and theirs and item.joint not in theirs:
            return Problem(
                "wording", f"{item.joint!r} before {item.text!r}: the source says otherwise"
            )
        start = place + 1
    return None


def _moves_amount(
    claim: Sequence[Item], ordered: Sequence[Item], matched: Sequence[int], source: Source
) -> Problem | None:
    for item, place in zip(ordered, matched, strict=True):
        if item.kind not in _GOVERNED:
            continue
        mine = _governors(claim, item, 0)
        theirs = _governors(source.items, source.items[place], source.heading)
        if mine != theirs:
            said = ", ".join(sorted(_named(theirs))) or "no population"
            return Problem("population", f"{item.text}: the source says it of {said}", bool(theirs))
    return None


def _governors(items: Sequence[Item], amount: Item, heading: int) -> set[Key]:
    """The populations of an amount: of its own clause, else of those before, after, or above."""
    found = [(place, item) for place, item in enumerate(items) if item.kind == "population"]
    body = [item for place, item in found if place >= heading]
    before = [item.governed for item in body if item.governed <= amount.governed]
    after = [item.governed for item in body if item.governed > amount.governed]
    if before or after:
        nearest = max(before) if before else min(after)
        return {item.key for item in body if item.governed == nearest}
    return {item.key for _, item in found}


def _named(populations: set[Key]) -> Iterator[str]:
    for _, value in populations:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Quantity):
            yield f"an age {value.comparison} {value.high} months".replace("  ", " ")


def _takes_place_of_subject(matched: Sequence[int], source: Source) -> Problem | None:
    first = matched[0] if matched else 0
    head = [item for item in source.items[source.heading : first] if item.kind == "word"]
    if not head:
        return None
    return Problem("wording", f"puts a name in the place of {head[0].text!r}")
