"""OpenAlex: a second voice on a DOI, and on retractions. Look-ups of single DOIs are free."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from cauce.records import Reference
from cauce.sources.dois import normal_doi
from cauce.sources.registries.registry import Registry, RegistrySettings
from cauce.sources.registries.work import Work, says_retracted

OPENALEX = "https://api.openalex.org/"
FIRST_PER_SECOND = 10.0
FIELDS = "doi,title,authorships,publication_year,biblio,primary_location,type,is_retracted"


class OpenAlex(Registry):
    """The open index of works."""

    def __init__(self, settings: RegistrySettings, url: str = OPENALEX) -> None:
        super().__init__(url, settings, per_second=FIRST_PER_SECOND)

    def work(self, doi: str) -> Work | None:
        """What OpenAlex holds for a DOI; None where it does not know it."""
        body = self.answer(f"works/doi:{quote(doi, safe='')}", {"select": FIELDS})
        return work_of(body) if body else None


def work_of(item: dict[str, Any]) -> Work | None:
    """A work of OpenAlex's JSON; None for an item without a DOI."""
    doi = normal_doi(item.get("doi") or "")
    if doi is None:
        return None
    title = item.get("title") or ""
    part = item.get("biblio") or {}
    place = (item.get("primary_location") or {}).get("source") or {}
    reference = Reference(
        id=doi,
        doi=doi,
        title=" ".join(title.split()),
        authors=tuple(_family_first(each["author"]["display_name"]) for each in _authors(item)),
        year=str(item.get("publication_year") or ""),
        container=place.get("display_name") or "",
        volume=part.get("volume") or "",
        issue=part.get("issue") or "",
        pages="-".join(
            dict.fromkeys(filter(None, [part.get("first_page"), part.get("last_page")]))
        ),
    )
    return Work(
        reference=reference,
        source="openalex",
        kind=item.get("type") or "",
        retracted=bool(item.get("is_retracted")) or says_retracted(title),
    )


def _authors(item: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in item.get("authorships") or [] if each["author"].get("display_name")]


def _family_first(name: str) -> str:
    """`Family, Given` of a name that is given in the order it is spoken."""
    given, _, family = name.rpartition(" ")
    return f"{family}, {given}" if given else family
