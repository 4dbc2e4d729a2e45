"""The DOI of each reference: printed, else in the catalogue, else at Crossref, then confirmed.

    with open_registries(settings) as registries:
        for match in Resolver(catalogue, registries).resolve(references, threads=4): ...

Without registries only the catalogue is asked. Every answer of a registry is kept by its client,
so a run that was stopped goes on where it was.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from cauce.knowledge.works.catalogue import Catalogue
from cauce.knowledge.works.matching import NO_MATCH, Match, best_match, local_match
from cauce.records import Reference
from cauce.sources.registries.crossref import Crossref
from cauce.sources.registries.datacite import DataCite
from cauce.sources.registries.openalex import OpenAlex
from cauce.sources.registries.registry import RegistrySettings
from cauce.sources.registries.work import Work

CONTRADICTED = 0.5
"""A second registry whose fields score less than this speaks of another work."""


class Registries(NamedTuple):
    """The registries that are asked: the first for candidates, all to confirm a DOI."""

    crossref: Crossref
    openalex: OpenAlex
    datacite: DataCite


@contextlib.contextmanager
def open_registries(settings: RegistrySettings) -> Iterator[Registries]:
    """The three registries, whose connections end with the block."""
    with (
        Crossref(settings) as crossref,
        OpenAlex(settings) as openalex,
        DataCite(settings) as datacite,
    ):
        yield Registries(crossref, openalex, datacite)


class _Resolved(NamedTuple):
    match: Match
    work: Work | None = None
    """What a registry said of the DOI."""


class Resolver:
    """Resolves references against a catalogue, which learns the works that registries know."""

    def __init__(self, catalogue: Catalogue, registries: Registries | None = None) -> None:
        self._catalogue = catalogue
        self._registries = registries

    def resolve(self, references: Sequence[Reference], threads: int = 4) -> Iterator[Match]:
        """The match of each reference, in order; `threads` ask the registries at their pace.

        SourceUnavailable when a registry does not answer; run again, it goes on from there.
        """
        local = [local_match(cited, self._catalogue) for cited in references]
        if self._registries is None:
            yield from local
            return
        with ThreadPoolExecutor(threads) as pool:
            asked = partial(_asked, self._registries)
            for match, work in pool.map(asked, references, local):
                if work:
                    self._catalogue.add([work], confirmed=match.confirmed)
                yield match


def _asked(registries: Registries, cited: Reference, local: Match) -> _Resolved:
    """What the registries add to what the catalogue knows."""
    if local.source == "printed" and local.doi:
        return _verified(registries, cited, local) or _searched(registries, cited, NO_MATCH)
    return _Resolved(local) if local.doi else _searched(registries, cited, local)


def _verified(registries: Registries, cited: Reference, printed: Match) -> _Resolved | None:
    """A printed DOI with its registered work; None where no registry knows it."""
    crossref, _, datacite = registries
    doi = str(printed.doi)
    first, second = (datacite, crossref) if doi.startswith("10.48550/") else (crossref, datacite)
    work = first.work(doi) or second.work(doi)
    if work is None:
        return None
    retracted = printed.retracted or work.retracted
    return _confirmed(registries, cited, printed._replace(retracted=retracted), work)


def _searched(registries: Registries, cited: Reference, local: Match) -> _Resolved:
    """The best of several works that Crossref proposes, or what was known before."""
    works = registries.crossref.candidates(cited.raw or _as_text(cited))
    with Catalogue() as proposed:
        proposed.add(works)
        match = best_match(cited, proposed.entries(), "crossref")
    work = next((work for work in works if work.doi == match.doi), None)
    if work is None:
        return _Resolved(max(local, match, key=lambda each: each.score))
    return _confirmed(registries, cited, match, work)


def _confirmed(registries: Registries, cited: Reference, match: Match, work: Work) -> _Resolved:
    """The match as OpenAlex sees it: confirmed, unknown there, or, unless printed, contradicted."""
    second = registries.openalex.work(work.doi)
    if second is None:
        return _Resolved(match, work)
    score = _score_of(cited, second)
    if score < CONTRADICTED and match.source != "printed":
        return _Resolved(match._replace(doi=None, score=score, margin=score, retracted=False))
    retracted = match.retracted or second.retracted
    return _Resolved(
        match._replace(retracted=retracted, confirmed=score >= CONTRADICTED),
        work.model_copy(update={"retracted": retracted}),
    )


def _score_of(cited: Reference, work: Work) -> float:
    """How well one work alone fits a reference."""
    with Catalogue() as alone:
        alone.add([work])
        return best_match(cited, alone.entries(), "crossref").score


def _as_text(cited: Reference) -> str:
    """What a reference without a printed string is searched by."""
    parts = (cited.title, cited.container, cited.volume, cited.pages, cited.year)
    return " ".join(filter(None, [*cited.authors[:3], *parts]))
