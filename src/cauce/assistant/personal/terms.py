"""The conditions and allergens that a record may hold, and how labels speak of them."""

from __future__ import annotations

import importlib.resources
import re
from functools import cache
from typing import NamedTuple

from cauce.knowledge.labels.classes import folded
from cauce.twin.timeline import Event

_NEVER = re.compile(r"(?!)")


class Term(NamedTuple):
    """A condition or allergen: how it is told in a record, and the words of texts that name it."""

    key: str
    said: re.Pattern[str]
    also: re.Pattern[str]
    """Wider words of texts, that include it."""
    snomed: frozenset[str]
    icd10: tuple[str, ...]

    def is_told_by(self, event: Event) -> bool:
        """True where the record holds it, by code or by name."""
        for code in event.codes:
            if code.code in self.snomed:
                return True
            if code.system.startswith("icd10") and self.icd10 and code.code.startswith(self.icd10):
                return True
        return bool(self.said.search(folded(event.name)))

    def stands_in(self, text: str) -> re.Match[str] | None:
        """Where a folded text speaks of it."""
        return self.said.search(text) or self.also.search(text)


@cache
def terms(kind: str) -> tuple[Term, ...]:
    """The `conditions`, `excipients` or `allergens` of `data/twin/terms.yaml`."""
    import yaml

    text = (importlib.resources.files("cauce") / "data/twin/terms.yaml").read_text("utf-8")
    return tuple(
        Term(
            key,
            _pattern(entry["said"]),
            _pattern(entry.get("also", "")),
            frozenset(entry.get("snomed", ())),
            tuple(entry.get("icd10", ())),
        )
        for key, entry in yaml.safe_load(text)[kind].items()
    )


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})") if words else _NEVER
