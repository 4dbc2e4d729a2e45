"""Whether each claim of an answer is made by one sentence of its source: what is wrong where not.

A claim is a sentence of the answer. It is supported by a source sentence, with the heading it
stands under, when all of these hold:

- What it says is said there in the same order, with words left out and none added. Amounts, units,
  frequencies and routes are compared by what they mean; words without their endings; the phrase
  that names a population ("in adults") may stand elsewhere.
- It leaves out whole clauses, between commas, parentheses and coordinators. Of a clause that it
  keeps it may leave out only the end, from an amount, a route or a frequency on, and then no
  negation, population, "may", or limit ("maximum").
- Behind words left out stands no amount, and no parenthesis, that may belong to them.
- It leaves out no "unless", "except", "only", "if" or "until", and no negation before what it
  keeps, save behind a semicolon or a "but"; "and" does not become "or".
- Each amount belongs to the same population in both.
- The medicine's name in front is that of the document, and takes no other subject's place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from cauce.knowledge.claims.items import Item, Key, items_of
from cauce.knowledge.claims.omissions import CHECK_OF, Problem, Source, omissions
from cauce.knowledge.claims.quantities import Quantity
from cauce.knowledge.claims.statements import Statement, statements_of
from cauce.records import Language

CANDIDATES = 4
"""Source sentences that a claim is compared with, the nearest first."""


class Compared(NamedTuple):
    """A claim of an answer, what is wrong with it, and how much of it the evidence says."""

    text: str
    problems: list[Problem]
    """With the nearest sentence of the evidence; empty when any sentence supports the claim."""
    said: float
    """Share of what it claims, and of its problems, that stands in the nearest sentence: below 1
    where there is a problem."""


def problems_of(
    answer: str, quote: str, title: str = "", language: Language | None = None
) -> list[Problem]:
    """What the claims of `answer` say that `quote` does not; empty when all are supported.

    >>> quote = "Adults take 400 mg a day. Children take 200 mg."
    >>> problems_of("Adults take 0.4 g a day.", quote)
    []
    >>> problems_of("Children take 400 mg.", quote)
    [Problem(check='numbers', detail='400 mg: the source says 200 mg', contradicts=True)]
    """
    claims = compared(answer, [quote], title, language)
    return [problem for claim in claims for problem in claim.problems]


def compared(
    answer: str, evidence: Sequence[str], title: str = "", language: Language | None = None
) -> Iterator[Compared]:
    """Each claim of `answer` beside the sentences of all the texts; one without words has none."""
    sources = [
        _source(statement, language) for text in evidence for statement in statements_of(text)
    ]
    names = [item.value for item in items_of(title, language)]
    for text, claim in _claims(answer, language):
        if claim:
            keys = {item.key for item in claim}
            nearest = sorted(sources, key=lambda source: _nearness(keys, source), reverse=True)
            problems = _problems_of_claim(claim, nearest[:CANDIDATES], names)
            said = _nearness(keys, nearest[0])[0] if nearest else 0.0
            yield Compared(text, problems, said * len(keys) / (len(keys) + len(problems)))


def _claims(answer: str, language: Language | None) -> Iterator[tuple[str, tuple[Item, ...]]]:
    for statement in statements_of(answer):
        heading = items_of(statement.heading, language)
        if any(item.kind != "word" for item in heading):
            yield statement.text, items_of(f"{statement.heading} {statement.text}", language)
        else:
            yield statement.text, items_of(statement.text, language)


def _source(statement: Statement, language: Language | None) -> Source:
    heading = items_of(statement.heading, language)
    if not statement.heading.endswith(":"):
        shift = heading[-1] if heading else None
        body = [_after(item, shift) for item in items_of(statement.text, language)]
        return Source((*heading, *body), len(heading))
    joined = items_of(f"{statement.heading} {statement.text}", language)
    return Source(joined, len(heading))


def _after(item: Item, last: Item | None) -> Item:
    """The item in clauses and pieces of its own, behind those of the heading."""
    if last is None:
        return item
    return item._replace(
        clause=item.clause + last.clause + 1,
        piece=item.piece + last.piece + 1,
        governed=item.governed + last.governed + 1,
    )


def _problems_of_claim(
    claim: tuple[Item, ...], nearest: Sequence[Source], names: Sequence[object]
) -> list[Problem]:
    """The problems with the nearest source sentence; none when any sentence supports the claim."""
    first: list[Problem] | None = None
    for source in nearest or [Source((), 0)]:
        problems = _with_one(claim, source, names)
        if not problems:
            return []
        first = problems if first is None else first
    return first or []


def _nearness(keys: set[Key], source: Source) -> tuple[float, float]:
    """How much of the claim the source holds, then how much else it holds."""
    theirs = {item.key for item in source.items}
    shared = len(keys & theirs)
    return shared / max(1, len(keys)), shared / max(1, len(keys | theirs))


def _with_one(claim: tuple[Item, ...], source: Source, names: Sequence[object]) -> list[Problem]:
    problems = _aligned(claim, source)
    prefixes = range(min(_name_in_front(claim, names), len(claim) - 1), 0, -1) if problems else ()
    named = (_aligned(claim[prefix:], source, is_named=True) for prefix in prefixes)
    return [] if any(not found for found in named) else problems


def _name_in_front(claim: Sequence[Item], names: Sequence[object]) -> int:
    """How many items at the start of the claim are the title's, in its order."""
    remaining = iter(names)
    count = 0
    for item in claim:
        if item.kind != "word" or item.value not in remaining:
            break
        count += 1
    return count


def _aligned(claim: Sequence[Item], source: Source, *, is_named: bool = False) -> list[Problem]:
    """The problems of the better of two alignments: the first to end, and the last to start."""
    ordered = [item for item in claim if item.kind != "population"]
    places = [place for place, item in enumerate(source.items) if item.kind != "population"]
    missing = _missing(ordered, [source.items[place] for place in places])
    if missing:
        return [_problem(item, source.items) for item in missing]
    best: list[Problem] | None = None
    for kept in _alignments(ordered, [source.items[place] for place in places]):
        matched = [places[place] for place in kept]
        for populations in _populations(claim, matched, source.items):
            problems = omissions(claim, ordered, matched, populations, source, is_named=is_named)
            if not problems:
                return []
            best = problems if best is None else best
    return best if best is not None else _unnamed(claim, source.items)


def _missing(ordered: Sequence[Item], source: Sequence[Item]) -> list[Item]:
    """The claimed items that are not said behind those before them."""
    missing: list[Item] = []
    place = 0
    for item in ordered:
        found = next((at for at in range(place, len(source)) if source[at].says(item)), None)
        if found is None:
            missing.append(item)
        else:
            place = found + 1
    return missing


def _alignments(ordered: Sequence[Item], source: Sequence[Item]) -> Iterator[list[int]]:
    """Places of the claimed items in the source: in the window that ends first, then the last."""
    end = 0
    for item in ordered:
        while not source[end].says(item):
            end += 1
        end += 1
    first = _backwards(ordered, source, end)
    yield first
    last = _backwards(ordered, source, len(source))
    if last != first:
        yield last


def _backwards(ordered: Sequence[Item], source: Sequence[Item], end: int) -> list[int]:
    places: list[int] = []
    for item in reversed(ordered):
        end -= 1
        while not source[end].says(item):
            end -= 1
        places.append(end)
    return places[::-1]


def _problem(item: Item, source: Sequence[Item]) -> Problem:
    """The problem of a claimed item that the source does not say there."""
    alike = [other for other in source if other.kind == item.kind]
    said = ", ".join(dict.fromkeys(other.text for other in alike))
    check = CHECK_OF.get(item.kind, "wording")
    if isinstance(item.value, Quantity) and any(_same_number(item, other) for other in alike):
        check = "units"
    if check == "wording" or not said:
        is_denied = item.kind == "negation"
        return Problem(check, f"{item.text}: not said there by the source", is_denied)
    return Problem(check, f"{item.text}: the source says {said}", True)


def _same_number(item: Item, other: Item) -> bool:
    return item.text.split()[0] == other.text.split()[0] and item.text != other.text


def _populations(
    claim: Sequence[Item], matched: Sequence[int], source: Sequence[Item]
) -> Iterator[list[int]]:
    """Where the source names the claim's populations, in the same order: first, and nearest."""
    named = [item for item in claim if item.kind == "population"]
    first, last = (matched[0], matched[-1]) if matched else (0, len(source))
    distances: tuple[Callable[[int], int], ...] = (
        lambda place: place,
        lambda place: max(first - place, place - last, 0),
    )
    found = [_in_order(named, source, distance) for distance in distances]
    for place, places in enumerate(found):
        if places is not None and places not in found[:place]:
            yield places


def _in_order(
    named: Sequence[Item], source: Sequence[Item], distance: Callable[[int], int]
) -> list[int] | None:
    """A place for each behind the one before it, the least distant; None when one has none."""
    places: list[int] = []
    for item in named:
        after = places[-1] if places else -1
        found = [place for place, other in enumerate(source) if place > after and other.says(item)]
        if not found:
            return None
        places.append(min(found, key=distance))
    return places


def _unnamed(claim: Sequence[Item], source: Sequence[Item]) -> list[Problem]:
    """The problem of the populations that the source does not name in that order."""
    named = [item for item in claim if item.kind == "population"]
    unknown = [item for item in named if not any(other.says(item) for other in source)]
    return [_problem(item, source) for item in unknown or named[:1]]
