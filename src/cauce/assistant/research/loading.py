"""The research assistant of a run."""

from __future__ import annotations

from pathlib import Path

from cauce.assistant.holding import Threshold
from cauce.assistant.research.assistant import ResearchAssistant, Thresholds
from cauce.assistant.research.expanding import Expander
from cauce.assistant.research.finding import Finder
from cauce.assistant.research.writers import WRITTEN, load_writer
from cauce.assistant.settings import AssistantSettings
from cauce.corpus.research.settings import ResearchSettings
from cauce.knowledge.library.library import Embedding, Library
from cauce.knowledge.sections.index import Index
from cauce.models.embedding import load_embedder
from cauce.models.loading import LoadedModel
from cauce.models.tuned import load_model_of
from cauce.runs import Run


def load_research(
    run: Run,
    settings: AssistantSettings,
    corpus: ResearchSettings,
    *,
    model: LoadedModel | None = None,
) -> ResearchAssistant:
    """The assistant over a run's library: its tuned model names evidence; untrained, none does.

    `model` is that model where it is loaded already.
    """
    folder = run.path / "prepare"
    found = embedding_of(corpus.embedding)
    return ResearchAssistant(
        model or load_model_of(run, settings.remedy),
        Finder(
            Library.open(folder / "library", found.embed if found else None),
            _expander_of(corpus, run.path / WRITTEN),
        ),
        Index(folder / "index.sqlite"),
        Thresholds.read(folder),
        settings,
        held=Threshold.read(run),
    )


def _expander_of(corpus: ResearchSettings, folder: Path) -> Expander | None:
    if not corpus.expand or corpus.writer is None:
        return None
    return Expander(load_writer(corpus.writer, folder), corpus.expand)


def embedding_of(name: str) -> Embedding | None:
    """The embedding that a recipe names; None where it names none."""
    if not name:
        return None
    embedder = load_embedder(name)
    return Embedding(embedder, embedder.name, embedder.digest)
