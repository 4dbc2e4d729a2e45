"""Which of some works a reference means, how sure that is, and who is the next to come.

Each candidate gets the odds that it is cited; `score` is its probability among all of them and
the possibility that it is none, so two works that fit equally well halve it. Versions of a work
count as one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from cauce.knowledge.works.catalogue import Catalogue, Entry
from cauce.knowledge.works.comparing import Fields, Printed
from cauce.knowledge.works.weights import log_odds, weights_of_fields, weights_of_strings
from cauce.records import Reference
from cauce.sources.dois import arxiv_doi, dois_in

ACCEPTED = 0.8
"""Least score of a match: on held-out references more than 99.5 % of those above it are right."""
MOST_ODDS = 30.0
"""Natural logarithm; more evidence than this changes no score."""
MatchSource = Literal["printed", "catalogue", "crossref", "none"]


class Match(NamedTuple):
    """What a reference was resolved to, and how."""

    doi: str | None
    """None where no candidate is sure enough; `score` is then that of the best one."""
    score: float
    """Probability that the DOI is the right one, 0..1."""
    margin: float
    """By how much it exceeds that of the next work that is no version of the same."""
    source: MatchSource
    """Where the DOI, or else the best candidate, was found."""
    retracted: bool = False
    confirmed: bool = False
    """True when a second registry knows the DOI with the same fields."""


NO_MATCH = Match(None, 0.0, 0.0, "none")


def best_match(
    cited: Reference,
    candidates: Iterable[Entry],
    source: MatchSource,
    *,
    accepted: float = ACCEPTED,
) -> Match:
    """The candidate that a reference means, if its score is at least `accepted`."""
    odds_of = _odds(cited)
    ranked = sorted(
        ((odds_of(Fields(entry.work.reference)), entry) for entry in candidates),
        key=lambda pair: -pair[0],
    )
    if not ranked:
        return NO_MATCH
    odds, best = ranked[0]
    others: dict[str, float] = {}
    for less, entry in ranked:
        if entry.same != best.same:
            others.setdefault(entry.same, math.exp(less))
    everything = 1.0 + math.exp(odds) + sum(others.values())
    score = math.exp(odds) / everything
    return Match(
        doi=best.work.doi if score >= accepted else None,
        score=score,
        margin=score - max(others.values(), default=0.0) / everything,
        source=source,
        retracted=best.work.retracted and score >= accepted,
    )


def local_match(cited: Reference, catalogue: Catalogue) -> Match:
    """The DOI that the reference prints, else the work of the catalogue that it means.

    A printed DOI that the catalogue does not know, but with more characters, was cut by the end of
    a line.
    """
    found = best_match(cited, catalogue.candidates(cited), "catalogue")
    printed = printed_doi(cited)
    if printed is None:
        arxiv = arxiv_doi(cited.raw)
        return found if found.doi or not arxiv else Match(arxiv, 1.0, 1.0, "printed")
    entry = catalogue.entry(printed)
    if entry is None and found.doi and found.doi.startswith(printed):
        return found
    is_retracted = entry is not None and entry.work.retracted
    return Match(printed, 1.0, 1.0, "printed", is_retracted)


def printed_doi(cited: Reference) -> str | None:
    """The DOI that a reference gives itself."""
    return cited.doi or next(iter(dois_in(cited.raw)), None)


def _odds(cited: Reference) -> Callable[[Fields], float]:
    """What tells the log odds of a work; where fields and string are there, both count half."""
    fields = Fields(cited) if cited.title or cited.container else None
    printed = Printed(cited.raw) if cited.raw else None

    def odds(work: Fields) -> float:
        seen = []
        if fields:
            seen.append(log_odds(fields.compare(work), weights_of_fields()))
        if printed:
            seen.append(log_odds(printed.compare(work), weights_of_strings()))
        return min(sum(seen) / len(seen), MOST_ODDS) if seen else -MOST_ODDS

    return odds
