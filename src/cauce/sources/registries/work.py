"""A work as a registry or a catalogue describes it."""

from __future__ import annotations

import re

from cauce.records import Record, Reference

_RETRACTED_TITLE = re.compile(r"\W*(?:retracted(?: article| paper| chapter)?|withdrawn)\W", re.I)


class Work(Record):
    """A registered work: its fields, its other DOIs, and whether it was retracted."""

    reference: Reference
    """Its `id` and `doi` are the DOI in lower case."""
    source: str
    """Who says so: `crossref`, `openalex`, `datacite`, or the file it was read from."""
    kind: str = ""
    """As the registry calls it: `journal-article`, `book-chapter`, `posted-content`..."""
    versions: tuple[str, ...] = ()
    """DOIs of the same work: preprint and article, translations, duplicate registrations."""
    retracts: tuple[str, ...] = ()
    """DOIs of the works that this one, a notice, retracts."""
    retracted: bool = False

    @property
    def doi(self) -> str:
        """The DOI in lower case."""
        return self.reference.id


def says_retracted(title: str) -> bool:
    """True for a title that publishers marked: `RETRACTED ARTICLE: ...`."""
    return bool(_RETRACTED_TITLE.match(title))
