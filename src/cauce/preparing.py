"""The prepare stage of a recipe, and the model that its run starts from."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cauce.corpus.research.settings import ResearchSettings
from cauce.corpus.settings import CorpusSettings, PairsSettings, TextSettings
from cauce.errors import DataRefused
from cauce.records import Example, Message
from cauce.runs import read_records

if TYPE_CHECKING:
    from cauce.corpus.tokens import Tokens
    from cauce.models.loading import LoadedModel
    from cauce.road import Journey

LONGEST_QUESTION = 60
"""Tokens of a question that a model rewrites."""


def prepare_stage(journey: Journey, folder: Path) -> dict[str, Any]:
    """Writes what the recipe's kind of corpus makes of the documents; returns the summary."""
    if isinstance(journey.recipe.corpus, TextSettings):
        return _prepare_text(journey, folder, journey.recipe.corpus)
    if isinstance(journey.recipe.corpus, ResearchSettings):
        return _prepare_research(journey, folder, journey.recipe.corpus)
    return _prepare_examples(journey, folder, journey.recipe.corpus)


def _prepare_examples(
    journey: Journey, folder: Path, corpus: CorpusSettings | PairsSettings
) -> dict[str, Any]:
    from cauce.corpus.pairs import prepare_pairs
    from cauce.corpus.prepare import prepare

    recipe, progress = journey.recipe, journey.progress
    documents = journey.run.path / "fetch" / "documents.jsonl"
    base = _make_base(journey, folder)

    def fits(example: Example) -> bool:
        return tokens_of(base, example).length <= recipe.model.max_tokens

    if isinstance(corpus, PairsSettings):
        summary = prepare_pairs(
            documents,
            folder,
            corpus,
            seed=recipe.seed,
            fits=lambda example: _is_closed(base, example) and fits(example),
            copies=lambda learned, held_out: _copies(base, learned, held_out),
            progress=progress,
        )
    else:
        summary = prepare(documents, folder, corpus, seed=recipe.seed, fits=fits, progress=progress)
    return {**summary, **_tokens_learned(base, folder)}


def _prepare_research(journey: Journey, folder: Path, corpus: ResearchSettings) -> dict[str, Any]:
    from cauce.assistant.research.loading import embedding_of
    from cauce.assistant.research.preparing import prepare_assistant
    from cauce.corpus.research.prepare import prepare_research

    recipe, progress = journey.recipe, journey.progress
    documents = journey.run.path / "fetch" / "documents.jsonl"
    base = _make_base(journey, folder)

    def fits(example: Example) -> bool:
        return tokens_of(base, example).length <= recipe.model.max_tokens

    def rewrite(prompts: Sequence[str]) -> list[str]:
        from cauce.models.generation import generate

        asked = [[Message(role="user", content=prompt)] for prompt in prompts]
        batch_size = recipe.assistant.batch_size
        return generate(base, asked, max_new_tokens=LONGEST_QUESTION, batch_size=batch_size)

    questions = prepare_research(
        documents,
        folder,
        corpus,
        seed=recipe.seed,
        fits=fits,
        rewriter=rewrite if corpus.rewrite else None,
        progress=progress,
    )
    assistant = prepare_assistant(
        documents,
        folder,
        embedding_of(corpus.embedding),
        seed=recipe.seed,
        fits=fits,
        progress=progress,
    )
    return {**questions, **assistant, **_tokens_learned(base, folder)}


def _tokens_learned(base: LoadedModel, folder: Path) -> dict[str, Any]:
    """How many tokens the training examples have, and three of them as they are learned."""
    from cauce.corpus.tokens import preview

    tokens = [tokens_of(base, example) for example in read_records(folder / "train.jsonl", Example)]
    return {
        "prompt_tokens": sum(len(item.prompt) for item in tokens),
        "supervised_tokens": sum(len(item.completion) for item in tokens),
        "preview": [
            preview(base.tokenizer, item) for item in tokens[:: max(1, len(tokens) // 3)][:3]
        ],
    }


def _is_closed(loaded: LoadedModel, example: Example) -> bool:
    """Whether the answer, which anyone may have written, does not spell the end token."""
    return str(loaded.tokenizer.eos_token) not in example.completion


def _copies(
    base: LoadedModel, learned: Sequence[Example], held_out: Sequence[Example]
) -> list[int]:
    """The places of the held-out examples that are near copies of learned ones."""
    from cauce.training.overlap import find_overlaps

    both = ([tokens_of(base, example) for example in part] for part in (learned, held_out))
    return [overlap.held_out for overlap in find_overlaps(*both)]


def _prepare_text(journey: Journey, folder: Path, corpus: TextSettings) -> dict[str, Any]:
    from cauce.corpus.text import TextCorpus

    documents = journey.run.path / "fetch" / "documents.jsonl"
    texts = TextCorpus.of(documents, corpus, seed=journey.recipe.seed)
    base = _make_base(journey, folder, texts.texts("train"))
    summary = texts.write(
        folder,
        base.tokenizer,
        corpus,
        is_encoder_decoder=base.is_encoder_decoder,
        progress=journey.progress,
    )
    return {
        **summary,
        "repeated": _drop_repeated_rows(folder),
        "parameters": sum(weight.numel() for weight in base.model.parameters()),
    }


def _drop_repeated_rows(folder: Path) -> dict[str, int]:
    """Leaves out what is held out and stands in the training rows too; says how many rows that is.

    Ends of texts are alike ("Fin"), and so is what licences say. Raises DataRefused where no row
    is left.
    """
    import numpy as np

    from cauce.corpus.rows import TextRows, keep_rows
    from cauce.training.overlap import find_overlaps

    train, validation, test = (
        TextRows.open(folder, split) for split in ("train", "validation", "test")
    )
    found = find_overlaps(train, [*validation, *test])
    kept = np.ones(len(validation) + len(test), bool)
    kept[[overlap.held_out for overlap in found]] = False
    dropped = {}
    for split, mine in (("validation", kept[: len(validation)]), ("test", kept[len(validation) :])):
        dropped[split] = int((~mine).sum())
        if not mine.any():
            raise DataRefused(
                f"all {len(mine)} rows of {split} stand in the training rows too.\n"
                "Add other documents, or name a split for each source (sources.0.split)."
            )
        if dropped[split]:
            keep_rows(folder, split, mine)
    return dropped


def _make_base(journey: Journey, folder: Path, texts: Iterable[str] = ()) -> LoadedModel:
    """The model that the run starts from; one that it makes is kept in `folder/model`."""
    from cauce.models.loading import load_base, save_tuned
    from cauce.models.new import new_model

    recipe = journey.recipe
    if recipe.model.new is None:
        return load_base(recipe.model)
    made = new_model(recipe.model.new, seed=recipe.seed, texts=texts)
    save_tuned(made, folder / "model")
    return made


def base_of(journey: Journey) -> LoadedModel:
    """The model that the run starts from, once its prepare stage is done."""
    from cauce.models.loading import load_base

    settings = journey.recipe.model
    if settings.new is not None:
        folder = journey.run.path / "prepare" / "model"
        settings = settings.model_copy(update={"base": str(folder), "new": None})
    return load_base(settings)


def tokens_of(loaded: LoadedModel, example: Example) -> Tokens:
    """The example as the model's tokens, however many they are."""
    from cauce.corpus.tokens import tokenize

    return tokenize(
        loaded.tokenizer,
        example.messages,
        example.completion,
        is_encoder_decoder=loaded.is_encoder_decoder,
        max_tokens=sys.maxsize,
    )
