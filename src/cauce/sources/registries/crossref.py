"""Crossref: candidates for a printed reference, and what is registered for a DOI.

The score that its search gives is not comparable between questions and the first hit is often
another work, so callers compare the fields of several candidates themselves.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from cauce.records import Reference
from cauce.sources.dois import normal_doi
from cauce.sources.registries.registry import Registry, RegistrySettings
from cauce.sources.registries.work import Work, says_retracted

CROSSREF = "https://api.crossref.org/"
FIRST_PER_SECOND = 1.0
"""Until an answer tells the limit of the pool that one is in."""
CANDIDATES = 5
LONGEST_QUESTION = 600
"""Characters of a reference that are sent: longer ones hold text that is no reference."""
FIELDS = (
    "DOI,title,subtitle,author,editor,issued,container-title,volume,issue,page,article-number,"
    "type,relation,update-to"
)
SAME_WORK = frozenset(
    [
        "is-preprint-of",
        "has-preprint",
        "is-version-of",
        "has-version",
        "is-identical-to",
        "is-same-as",
        "is-variant-form-of",
        "is-original-form-of",
        "is-translation-of",
        "has-translation",
        "is-manuscript-of",
        "has-manuscript",
        "replaces",
        "is-replaced-by",
    ]
)
RETRACTIONS = frozenset({"retraction", "withdrawal", "removal"})


class Crossref(Registry):
    """The registry of most articles, chapters and proceedings."""

    def __init__(self, settings: RegistrySettings, url: str = CROSSREF) -> None:
        super().__init__(url, settings, per_second=FIRST_PER_SECOND)

    def candidates(self, printed: str) -> list[Work]:
        """The works most like a printed reference, best first; none may be the right one."""
        question = " ".join(printed.split())[:LONGEST_QUESTION]
        query: dict[str, str | int] = {
            "query.bibliographic": question,
            "rows": CANDIDATES,
            "select": FIELDS,
        }
        body = self.answer("works", query)
        items = body["message"]["items"] if body else []
        return [work for work in map(work_of, items) if work]

    def work(self, doi: str) -> Work | None:
        """What is registered for a DOI; None where Crossref does not know it."""
        body = self.answer(f"works/{quote(doi, safe='')}", {})
        return work_of(body["message"]) if body else None


def work_of(item: dict[str, Any]) -> Work | None:
    """A work of Crossref's JSON; None for an item without a DOI."""
    doi = normal_doi(item.get("DOI", ""))
    if doi is None:
        return None
    title = ": ".join([*item.get("title", [])[:1], *item.get("subtitle", [])[:1]])
    people = item.get("author") or item.get("editor") or []
    reference = Reference(
        id=doi,
        doi=doi,
        title=" ".join(title.split()),
        authors=tuple(name for name in map(_name, people) if name),
        year=_year(item),
        container=next(iter(item.get("container-title", [])), ""),
        volume=item.get("volume", ""),
        issue=item.get("issue", ""),
        pages=item.get("page") or item.get("article-number", ""),
    )
    return Work(
        reference=reference,
        source="crossref",
        kind=item.get("type", ""),
        versions=_versions(item, doi),
        retracts=_updates(item.get("update-to", [])),
        retracted=bool(_updates(item.get("updated-by", []))) or says_retracted(title),
    )


def _name(person: dict[str, Any]) -> str:
    names = [person.get("family", ""), person.get("given", "")]
    return ", ".join(filter(None, names)) or person.get("name", "")


def _year(item: dict[str, Any]) -> str:
    for parts in item.get("issued", {}).get("date-parts", []):
        if parts and parts[0]:
            return str(parts[0])
    return ""


def _versions(item: dict[str, Any], doi: str) -> tuple[str, ...]:
    found = (
        normal_doi(other.get("id", ""))
        for relation, others in item.get("relation", {}).items()
        if relation in SAME_WORK
        for other in others
        if other.get("id-type") == "doi"
    )
    return tuple(sorted({other for other in found if other and other != doi}))


def _updates(updates: list[dict[str, Any]]) -> tuple[str, ...]:
    """DOIs at the other end of the updates that retract."""
    dois = (normal_doi(each.get("DOI", "")) for each in updates if each["type"] in RETRACTIONS)
    return tuple(sorted({doi for doi in dois if doi}))
