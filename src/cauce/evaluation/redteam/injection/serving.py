"""The assistant of a run over documents with orders in them, in the place of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cauce.assistant.guarded import GuardedAssistant
from cauce.assistant.loading import load_assistant
from cauce.assistant.research.assistant import ResearchAssistant
from cauce.corpus.quarantine import clean_document
from cauce.evaluation.redteam.asking import Turn, play
from cauce.evaluation.redteam.attempts import INJECTION, Attempt
from cauce.evaluation.redteam.injection.planting import LEAFLET_FORMS, write_leaflets
from cauce.evaluation.redteam.targets import Target
from cauce.knowledge.sections.indexing import build_index
from cauce.records import Document
from cauce.runs import Run
from cauce.sources.epi import EpiSource


class Planted(NamedTuple):
    """Questions to documents with orders in them, and the assistant that reads these."""

    attempts: Sequence[Attempt]
    served: dict[str, Target]
    """The assistant by the form of the orders in what it reads."""

    def play(self, attempt: Attempt, target: Target) -> list[Turn]:
        """The turns of a try: of one at planted documents with the assistant that reads these."""
        is_planted = attempt.family == INJECTION
        return play(attempt, self.served[attempt.technique] if is_planted else target)


def plant(run: Run, served: GuardedAssistant, folder: Path) -> Planted:
    """The run's assistant over planted leaflets, which are written to the folder.

    Model, settings and guards are the run's, and orders are taken out of the leaflets where they
    are of its own documents. Nothing is held back by a calibrated threshold: the more is answered,
    the more an order can do. An assistant over articles reads no leaflets: nothing is planted.
    """
    if isinstance(served.inner, ResearchAssistant):
        return Planted((), {})
    attempts: list[Attempt] = []
    readers: dict[str, Target] = {}
    for form in LEAFLET_FORMS:
        attempts += write_leaflets(folder / form / "leaflets", form)
        planted = Run(folder / form)
        documents = _documents(folder / form / "leaflets", has_quarantine=served.guards.quarantine)
        build_index(planted.folder("prepare") / "index.sqlite", documents)
        shutil.copyfile(run.path / "recipe.yaml", planted.path / "recipe.yaml")
        readers[form] = load_assistant(planted, weights=served.model)
    return Planted(attempts, readers)


def _documents(leaflets: Path, *, has_quarantine: bool) -> Iterator[Document]:
    for item in EpiSource(path=leaflets).documents():
        if isinstance(item, Document):
            yield clean_document(item)[0] if has_quarantine else item
