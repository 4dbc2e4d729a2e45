"""The research assistant of a run."""

from __future__ import annotations

from cauce.assistant.research.assistant import ResearchAssistant, Thresholds
from cauce.assistant.settings import AssistantSettings
from cauce.knowledge.library.library import Embedding, Library
from cauce.knowledge.sections.index import Index
from cauce.models.embedding import load_embedder
from cauce.models.loading import load_tuned
from cauce.runs import Run


def load_research(run: Run, settings: AssistantSettings, embedding: str) -> ResearchAssistant:
    """The assistant over a run's library: its tuned model names evidence; untrained, none does."""
    folder = run.path / "prepare"
    found = embedding_of(embedding)
    trained = "train" in run.manifest["stages"]
    return ResearchAssistant(
        load_tuned(run.path / "train" / "model") if trained else None,
        Library(folder / "library", found.embed if found else None),
        Index(folder / "index.sqlite"),
        Thresholds.read(folder),
        settings,
    )


def embedding_of(name: str) -> Embedding | None:
    """The embedding that a recipe names; None where it names none."""
    if not name:
        return None
    embedder = load_embedder(name)
    return Embedding(embedder, embedder.name, embedder.digest)
