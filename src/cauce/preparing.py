"""The prepare stage of a recipe, and the model that its run starts from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cauce.corpus.research.settings import ResearchSettings
from cauce.corpus.settings import (
    CorpusSettings,
    PairsSettings,
    PreferencesSettings,
    TextSettings,
)
from cauce.corpus.shares import MaskedShares
from cauce.errors import DataRefused
from cauce.records import Example
from cauce.runs import read_records, write_records

if TYPE_CHECKING:
    from cauce.corpus.tokens import Tokens
    from cauce.models.loading import LoadedModel
    from cauce.models.settings import ModelSettings
    from cauce.road import Journey


def prepare_stage(journey: Journey, folder: Path) -> dict[str, Any]:
    """Writes what the recipe's kind of corpus makes of the documents; returns the summary."""
    if isinstance(journey.recipe.corpus, TextSettings):
        return _prepare_text(journey, folder, journey.recipe.corpus)
    if isinstance(journey.recipe.corpus, ResearchSettings):
        return _prepare_research(journey, folder, journey.recipe.corpus)
    if isinstance(journey.recipe.corpus, PreferencesSettings):
        return _prepare_preferences(journey, folder, journey.recipe.corpus)
    return _prepare_examples(journey, folder, journey.recipe.corpus)


def _prepare_examples(
    journey: Journey, folder: Path, corpus: CorpusSettings | PairsSettings
) -> dict[str, Any]:
    from cauce.corpus.pairs import prepare_pairs
    from cauce.corpus.prepare import prepare

    recipe, progress = journey.recipe, journey.progress
    documents = _documents(journey, folder, corpus)
    base = _make_base(journey, folder)

    def fits(example: Example) -> bool:
        return _as_read(base, recipe.model, example).length <= recipe.model.max_tokens

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
    safety = _mix_safety(journey, folder, corpus.safety_share, fits)
    _plant(folder, corpus.canaries, seed=recipe.seed)
    return {**summary, **safety, **_tokens_learned(base, recipe.model, folder, progress)}


def _prepare_preferences(
    journey: Journey, folder: Path, corpus: PreferencesSettings
) -> dict[str, Any]:
    from cauce.corpus.pairs import prepare_pairs

    recipe = journey.recipe
    documents = _documents(journey, folder, corpus)
    base = _make_base(journey, folder)

    def fits(example: Example) -> bool:
        """Whether both answers do, and neither spells the end token."""
        answers = [example, *_as_rejected(example)]
        longest = max(tokens_of(base, answer).length for answer in answers)
        return all(_is_closed(base, it) for it in answers) and longest <= recipe.model.max_tokens

    summary = prepare_pairs(
        documents,
        folder,
        corpus,
        seed=recipe.seed,
        fits=fits,
        copies=lambda learned, held_out: _copies(base, learned, held_out),
        progress=journey.progress,
    )
    return {**summary, **_tokens_learned(base, recipe.model, folder, journey.progress)}


def _as_rejected(example: Example) -> list[Example]:
    """The example with its rejected answer in the place of the other, where it has one."""
    answer = example.rejected
    return [example.model_copy(update={"completion": answer, "rejected": ""})] if answer else []


def _documents(journey: Journey, folder: Path, corpus: MaskedShares) -> Path:
    """What was fetched, or what is left of it without personal data and orders to the assistant."""
    from cauce.corpus.masking import write_masked

    documents = _quarantined(journey, folder)
    if not corpus.mask_personal:
        return documents
    masked = folder / "documents.jsonl"
    changed = write_masked(documents, masked)
    journey.progress(f"masked personal data in {changed} documents")
    return masked


def _quarantined(journey: Journey, folder: Path) -> Path:
    """What was fetched, without what it says to the assistant, which is listed beside."""
    from cauce.corpus.quarantine import write_quarantined

    documents = journey.run.path / "fetch" / "documents.jsonl"
    if not journey.recipe.assistant.guards.quarantine:
        return documents
    refusals = write_quarantined(documents, folder / "quarantined.jsonl")
    kept = folder / "quarantine.jsonl"
    write_records(kept, refusals)
    if refusals:
        journey.progress(f"kept {len(refusals)} pieces of text from the model: {kept}")
    return folder / "quarantined.jsonl"


def _mix_safety(
    journey: Journey, folder: Path, share: float, fits: Callable[[Example], bool]
) -> dict[str, int]:
    """Adds safety examples to the training examples; says how many."""
    from cauce.corpus.safety import safety_examples

    if not share:
        return {}
    path = folder / "train.jsonl"
    learned = list(read_records(path, Example))
    added = safety_examples(len(learned), share, seed=journey.recipe.seed, fits=fits)
    write_records(path, [*learned, *added])
    reached = len(added) / (len(learned) + len(added))
    journey.progress(f"added {len(added)} safety examples: {reached:.1%} of what is learned")
    return {"safety_examples": len(added)}


def _plant(folder: Path, count: int, *, seed: int) -> None:
    """Adds that many secrets to the training examples."""
    from cauce.evaluation.privacy.adapter import canary_examples

    if count:
        path = folder / "train.jsonl"
        examples = list(read_records(path, Example))
        write_records(path, [*examples, *canary_examples(count, seed=seed)])


def _prepare_research(journey: Journey, folder: Path, corpus: ResearchSettings) -> dict[str, Any]:
    from cauce.assistant.research.expanding import Expander
    from cauce.assistant.research.loading import embedding_of
    from cauce.assistant.research.preparing import prepare_assistant
    from cauce.assistant.research.writers import WRITTEN, load_writer
    from cauce.corpus.research.prepare import prepare_research

    recipe, progress = journey.recipe, journey.progress
    found = _find_dois(journey, folder, corpus)
    documents = folder / "documents.jsonl"
    base = _make_base(journey, folder)

    def fits(example: Example) -> bool:
        return tokens_of(base, example).length <= recipe.model.max_tokens

    writer = None
    if corpus.writer is not None:
        writer = load_writer(corpus.writer, journey.run.path / WRITTEN, at_hand=base)
        progress(f"what {corpus.writer.model} writes is kept in {journey.run.path / WRITTEN}")
    questions = prepare_research(
        documents,
        folder,
        corpus,
        seed=recipe.seed,
        fits=fits,
        writer=writer,
        progress=progress,
    )
    assistant = prepare_assistant(
        documents,
        folder,
        embedding_of(corpus.embedding),
        opensearch=corpus.opensearch,
        seed=recipe.seed,
        fits=fits,
        progress=progress,
        expander=Expander(writer, corpus.expand) if writer and corpus.expand else None,
    )
    learned = _tokens_learned(base, recipe.model, folder, progress)
    return {**found, **questions, **assistant, **learned}


def _find_dois(journey: Journey, folder: Path, corpus: ResearchSettings) -> dict[str, Any]:
    """Writes the articles with the DOIs of their references into the folder; returns the counts.

    What registries answer is kept in the run and not in the folder, so that no change of the recipe
    has them asked again.
    """
    from cauce.knowledge.works.articles import write_with_dois
    from cauce.knowledge.works.resolver import open_registries
    from cauce.sources.registries.registry import RegistrySettings

    settings = RegistrySettings(mailto=corpus.mailto, folder=journey.run.path / "registries")
    with open_registries(settings) if corpus.online else nullcontext() as registries:
        return write_with_dois(
            _quarantined(journey, folder),
            folder,
            catalogue=corpus.catalogue,
            registries=registries,
            progress=journey.progress,
        )


def _as_read(base: LoadedModel, model: ModelSettings, example: Example) -> Tokens:
    """The example's tokens as the model to be trained reads them: padding where its prefix goes."""
    if not (model.prefix_vectors and example.series):
        return tokens_of(base, example)
    update = {"messages": example.messages_without_series, "series": ""}
    tokens = tokens_of(base, example.model_copy(update=update))
    return tokens._replace(prompt=[*[base.pad_id] * model.prefix_vectors, *tokens.prompt])


def _tokens_learned(
    base: LoadedModel, model: ModelSettings, folder: Path, progress: Callable[[str], None]
) -> dict[str, Any]:
    """How many tokens the training examples have, and three of them as they are learned."""
    from cauce.corpus.tokens import preview

    examples = list(read_records(folder / "train.jsonl", Example))
    texts = (f"{it.messages[-1].content}\n{it.completion}" for it in examples)
    tokens = [_as_read(base, model, example) for example in examples]
    return {
        "tokenizer": _audit(base, texts, progress),
        "prompt_tokens": sum(len(item.prompt) for item in tokens),
        "supervised_tokens": sum(len(item.completion) for item in tokens),
        "preview": [
            preview(base.tokenizer, item) for item in tokens[:: max(1, len(tokens) // 3)][:3]
        ],
    }


def _audit(
    base: LoadedModel, texts: Iterable[str], progress: Callable[[str], None]
) -> dict[str, Any]:
    """What the tokenizer makes of the training texts; told where it loses characters of them."""
    from cauce.corpus.audit import audit_tokenizer

    audit = audit_tokenizer(base.tokenizer, texts)
    if warning := audit.warning():
        progress(warning)
    return audit.figures()


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

    documents = _documents(journey, folder, corpus)
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
        "tokenizer": _audit(base, texts.texts("train"), journey.progress),
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
    from cauce.models.new import new_model
    from cauce.models.tuned import load_base, save_tuned

    recipe = journey.recipe
    if recipe.model.new is None:
        return load_base(recipe.model)
    made = new_model(recipe.model.new, seed=recipe.seed, texts=texts)
    save_tuned(made, folder / "model")
    return made


def base_of(journey: Journey) -> LoadedModel:
    """The model that the run starts from, once its prepare stage is done."""
    from cauce.models.tuned import load_base

    settings = journey.recipe.model
    if settings.new is not None:
        folder = journey.run.path / "prepare" / "model"
        settings = settings.model_copy(update={"base": str(folder), "new": None})
    return load_base(settings)


def tokens_of(loaded: LoadedModel, example: Example) -> Tokens:
    """The example as the model's tokens, however many they are."""
    from cauce.models.prefix import tokens_of_example

    return tokens_of_example(loaded, example, example.completion)
