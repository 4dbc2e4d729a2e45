"""DataCite: the registry of arXiv's DOIs (`10.48550/arxiv.`), data sets and software."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from cauce.records import Reference
from cauce.sources.dois import normal_doi
from cauce.sources.registries.registry import Registry, RegistrySettings
from cauce.sources.registries.work import Work, says_retracted

DATACITE = "https://api.datacite.org/"
FIRST_PER_SECOND = 3.0
"""Its documented limit: 1,000 questions in five minutes."""
SAME_WORK = frozenset(
    [
        "IsVersionOf",
        "HasVersion",
        "IsNewVersionOf",
        "IsPreviousVersionOf",
        "IsIdenticalTo",
        "IsVariantFormOf",
        "IsOriginalFormOf",
        "IsTranslationOf",
        "HasTranslation",
    ]
)


class DataCite(Registry):
    """The registry of what is not published by a journal."""

    def __init__(self, settings: RegistrySettings, url: str = DATACITE) -> None:
        super().__init__(url, settings, per_second=FIRST_PER_SECOND)

    def work(self, doi: str) -> Work | None:
        """What is registered for a DOI; None where DataCite does not know it."""
        body = self.answer(f"dois/{quote(doi, safe='')}", {})
        return work_of(body["data"]["attributes"]) if body else None


def work_of(item: dict[str, Any]) -> Work | None:
    """A work of DataCite's JSON; None for an item without a DOI."""
    doi = normal_doi(item.get("doi") or "")
    if doi is None:
        return None
    title = next((each["title"] for each in item.get("titles") or [] if each.get("title")), "")
    place = item.get("container") or {}
    reference = Reference(
        id=doi,
        doi=doi,
        title=" ".join(title.split()),
        authors=tuple(name for name in map(_name, item.get("creators") or []) if name),
        year=str(item.get("publicationYear") or ""),
        container=place.get("title") or "",
        volume=place.get("volume") or "",
        issue=place.get("issue") or "",
        pages="-".join(filter(None, [place.get("firstPage"), place.get("lastPage")])),
    )
    return Work(
        reference=reference,
        source="datacite",
        kind=(item.get("types") or {}).get("resourceTypeGeneral") or "",
        versions=_versions(item, doi),
        retracted=says_retracted(title),
    )


def _name(person: dict[str, Any]) -> str:
    names = [person.get("familyName") or "", person.get("givenName") or ""]
    return ", ".join(filter(None, names)) or person.get("name") or ""


def _versions(item: dict[str, Any], doi: str) -> tuple[str, ...]:
    found = (
        normal_doi(other.get("relatedIdentifier") or "")
        for other in item.get("relatedIdentifiers") or []
        if other.get("relationType") in SAME_WORK and other.get("relatedIdentifierType") == "DOI"
    )
    return tuple(sorted({other for other in found if other and other != doi}))
