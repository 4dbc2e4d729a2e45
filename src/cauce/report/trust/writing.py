"""The three files of a report of trust, and its signature."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cauce.records import Language
from cauce.report.trust.card import model_card
from cauce.report.trust.dossier import Dossier, dumped, make_dossier
from cauce.report.trust.page import trust_page
from cauce.runs import Run, atomic_write
from cauce.signatures import sign, write_signed

DATA, PAGE, CARD, SIGNED_HEAD = "trust.json", "trust.html", "model-card.md", "trust.head.json"

PAGES: dict[str, Callable[[Dossier], str]] = {PAGE: trust_page, CARD: model_card}
"""What people read, by file name: made of the dossier alone, the same every time."""


class Written(NamedTuple):
    """Where the report stands."""

    page: Path
    data: Path
    card: Path
    signed_head: Path | None


def write_trust(
    run: Run, *, language: Language = "en", country: str = "ESP", key: Path | None = None
) -> Written:
    """The evidence of the run in `report/`: `trust.html`, `trust.json` and `model-card.md`.

    With a private signing key, its head is signed into `trust.head.json`. Raises UserError for a
    country or a key that cannot be used, and DataRefused for a file of the run that is damaged.
    """
    dossier = make_dossier(run, language=language, country=country)
    folder = run.folder("report")
    files = {DATA: dumped(dossier)}
    files |= {name: written(dossier).encode() for name, written in PAGES.items()}
    for name, content in files.items():
        with atomic_write(folder / name) as stream:
            stream.write(content)
    signed = folder / SIGNED_HEAD
    signed.unlink(missing_ok=True)
    if key is not None:
        write_signed(signed, sign(dossier.head, key))
    return Written(folder / PAGE, folder / DATA, folder / CARD, signed if key else None)
