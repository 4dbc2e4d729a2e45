"""Who agreed to what is done with a person's record, and until when."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from cauce.errors import ConsentExpired, ConsentRefused
from cauce.records import Record

Purpose = Literal["conversation", "training", "research", "display"]
"""Answers with the record in mind; a model that learns from it; a study; showing it."""
Quality = Literal["self", "parent", "guardian", "curator", "attorney", "relative"]
"""In which quality somebody consents: the person, or whoever may do so for them."""


class Consent(Record):
    """What was agreed to; the same goes for every reading of the record."""

    by: str = Field(min_length=1)
    """Name of the person, or of their representative."""
    quality: Quality
    purposes: tuple[Purpose, ...]
    given: date
    until: date
    """The last day that it goes for, UTC."""

    def has_expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return today > self.until


def require(consent: Consent, purpose: Purpose, name: str, today: date) -> None:
    """Raises ConsentRefused or ConsentExpired, with what to do, unless the twin may be read."""
    if consent.has_expired(today):
        raise ConsentExpired(
            f"the consent to the twin {name!r} ended on {consent.until}.\n"
            f"Renew it where the person agrees: cauce twin renew {name} --until DATE; "
            f"or remove it: cauce twin forget {name}"
        )
    if purpose not in consent.purposes:
        agreed = ", ".join(consent.purposes) or "nothing"
        raise ConsentRefused(
            f"the twin {name!r} was asked for {purpose}, and what was agreed to is {agreed}.\n"
            f"Where the person agrees: cauce twin renew {name} --until {consent.until} "
            + " ".join(f"--for {agreed}" for agreed in (*consent.purposes, purpose))
        )
