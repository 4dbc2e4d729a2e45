"""How well a model foretells held-out text, and how it goes on from the first half of a row.

Every token of a row is foretold from those before it. Bits per byte are the nats of all tokens over
the UTF-8 bytes that they spell, so models with different tokenizers can be told apart by them;
ends of documents cost nats and spell nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

from numpy.typing import NDArray

from cauce.corpus.tokens import Tokens
from cauce.errors import DataRefused
from cauce.evaluation.compare import compare
from cauce.evaluation.evaluate import summarise
from cauce.evaluation.likelihood import likelihood
from cauce.evaluation.log import Item, append_items, read_items, scored, sha256, write_items
from cauce.evaluation.metrics import SIGNATURES, text_scores
from cauce.evaluation.settings import EvaluationSettings
from cauce.models.loading import LoadedModel
from cauce.records import Language
from cauce.runs import cpu_seconds, peak_memory_mb, write_json

KIND = "text"
"""The `kind` of an item that is a row of text."""

_BLOCK = 4
"""Batches between two writes of the log: what a kill can lose, and what is in memory."""


class HeldOutRows(Protocol):
    """Rows of text that were not trained on, read one at a time."""

    @property
    def byte_counts(self) -> NDArray[Any]:
        """UTF-8 bytes that the completion of each row spells."""

    @property
    def documents(self) -> NDArray[Any]:
        """The number of the document that each row is of: the cluster of the statistics."""

    @property
    def lengths(self) -> NDArray[Any]:
        """Tokens of each row."""

    def language_of(self, index: int) -> Language:
        """Of the row's document."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, index: int, /) -> Tokens:
        """A row: a token that it goes on from, where there is one, and the tokens foretold."""


def evaluate_text(
    base: LoadedModel,
    tuned: LoadedModel,
    rows: HeldOutRows,
    folder: Path,
    settings: EvaluationSettings,
    *,
    seed: int,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Writes `base.jsonl`, `tuned.jsonl` and `scores.json`; returns the stage's summary.

    Of the rows `settings.max_items` are measured, evenly spread, and some of them gone on with. No
    more than a batch of rows is computed at a time. Killed and started again in the same folder, it
    goes on where the logs end. Raises DataRefused when there is no row.
    """
    if not len(rows):
        raise DataRefused(
            "there is no row of held-out text: 0 were given; at least 1 is needed.\n"
            "Raise corpus.test_share, or add documents."
        )
    chosen = spread(range(len(rows)), settings.max_items)
    continued = set(spread(_long_rows(rows, chosen), settings.continuations))
    scores: dict[str, Any] = {}
    for name, loaded in (("base", base), ("tuned", tuned)):
        reader = _Reader(loaded, rows, settings.max_new_tokens)
        planned = (reader.planned(name, i, is_continued=i in continued) for i in chosen)
        path = folder / f"{name}.jsonl"
        _measure_rows(reader, planned, path, settings.batch_size, progress)
        items = read_items(path)
        scores[name] = {
            "metrics": summarise(items, draws=settings.bootstrap_draws, seed=seed),
            "cpu_s": round(sum(item.answer_cpu_s for item in items), 2),
            "peak_mb": peak_memory_mb(),
        }
    write_json(folder / "scores.json", {"systems": scores, "signatures": SIGNATURES})
    return {
        "rows": len(chosen),
        "of_rows": len(rows),
        "documents": len(set(rows.documents[chosen].tolist())),
        "bytes": int(rows.byte_counts[chosen].sum()),
        "continued": len(continued),
    }


def compare_text(evaluate_folder: Path, folder: Path, *, seed: int) -> dict[str, Any]:
    """Writes `comparison.json`, tuned against base over the same rows; returns a summary."""
    logs = [read_items(evaluate_folder / f"{name}.jsonl") for name in ("base", "tuned")]
    comparison = compare(*logs, seed=seed)
    write_json(folder / "comparison.json", comparison.model_dump(mode="json"))
    return {"items": comparison.items, "flipped": len(comparison.flipped)}


def spread(candidates: Sequence[int], most: int) -> list[int]:
    """At most `most` of the candidates, in order and evenly spread over all of them.

    >>> spread(range(10), 4), spread([7, 8], 4)
    ([0, 2, 5, 7], [7, 8])
    """
    count = min(most, len(candidates))
    return [candidates[i * len(candidates) // count] for i in range(count)]


def _measure_rows(
    reader: _Reader,
    planned: Iterator[_Planned],
    path: Path,
    batch_size: int,
    progress: Callable[[str], None],
) -> None:
    """Leaves in the log at `path` the planned rows, measured, in their order, and no others.

    Rows that are in it already with the same text stay as they are.
    """
    logged = {item.id: item for item in read_items(path)}
    kept: list[Item] = []
    missing: list[_Planned] = []
    for row in planned:
        found = logged.get(row.item.id)
        if found and not missing and _is_same(found, row.item):
            kept.append(found)
        else:
            missing.append(row)
    if len(kept) < len(logged):
        write_items(path, kept)
    block = batch_size * _BLOCK
    for start in range(0, len(missing), block):
        append_items(path, reader.measured(missing[start : start + block], batch_size))
        done = len(kept) + min(start + block, len(missing))
        progress(f"{missing[0].item.system}: {done}/{len(kept) + len(missing)} rows measured")


class _Planned(NamedTuple):
    """A row that is to be measured: its place, and its entry in the log as far as it is known."""

    place: int
    item: Item

    @property
    def is_continued(self) -> bool:
        """Whether the model is to go on from its first half."""
        return bool(self.item.reference)


class _Reader:
    """A model that reads the rows."""

    def __init__(self, loaded: LoadedModel, rows: HeldOutRows, max_new_tokens: int) -> None:
        self._loaded = loaded
        self._rows = rows
        self._most = max_new_tokens

    def planned(self, system: str, index: int, *, is_continued: bool) -> _Planned:
        row = self._rows[index]
        prompt, reference = self._halves(row)
        text = self._decode([*row.prompt, *row.completion])
        question = self._decode(prompt) if is_continued else ""
        item = Item(
            id=f"row {index:06}",
            system=system,
            question=question,
            prompt_sha256=sha256(question),
            reference=self._decode(reference) if is_continued else "",
            reference_sha256=sha256(text),
            answer="",
            group=f"document {self._rows.documents[index]}",
            kind=KIND,
            language=self._rows.language_of(index),
        )
        return _Planned(index, item)

    def measured(self, rows: Sequence[_Planned], batch_size: int) -> list[Item]:
        """The items of the rows with their likelihoods, and answers and scores where continued."""
        before = cpu_seconds()
        figures = likelihood(self._loaded, [self._foretold(row.place) for row in rows], batch_size)
        answers = self._continuations([row for row in rows if row.is_continued], batch_size)
        cpu_s = round((cpu_seconds() - before) / len(rows), 4)
        found = []
        for (index, item), own in zip(rows, figures, strict=True):
            counted = own.model_copy(update={"bytes": self._bytes(index)})
            changes: dict[str, Any] = {"likelihood": counted, "answer_cpu_s": cpu_s}
            if index in answers:
                changes["answer"] = answers[index]
                changes["scores"] = scored(text_scores(item.reference, answers[index]))
            found.append(item.model_copy(update=changes))
        return found

    def _foretold(self, index: int) -> Tokens:
        """The row; an encoder-decoder reads the first half of it, to foretell the second."""
        row = self._rows[index]
        if not self._loaded.is_encoder_decoder:
            return row
        ids = [*row.prompt, *row.completion]
        return Tokens(self._prompt(ids[: len(ids) // 2]), ids[len(ids) // 2 :])

    def _bytes(self, index: int) -> int | None:
        """What the foretold tokens spell; not counted where they are half a row."""
        return None if self._loaded.is_encoder_decoder else int(self._rows.byte_counts[index])

    def _halves(self, row: Tokens) -> tuple[list[int], list[int]]:
        """The tokens to go on from, and those that truly follow, as many as are to be written."""
        ids = [*row.prompt, *row.completion]
        half = len(ids) // 2
        return ids[:half], ids[half : half + self._most]

    def _prompt(self, ids: list[int]) -> list[int]:
        """What the model reads of `ids`: an encoder's text is closed by the end token."""
        end = [cast(int, self._loaded.tokenizer.eos_token_id)]
        return ids + end if self._loaded.is_encoder_decoder else ids

    def _continuations(self, rows: Sequence[_Planned], batch_size: int) -> dict[int, str]:
        """What the model writes for each row, by index; rows of one length share a batch."""
        alike: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        prompts: dict[int, list[int]] = {}
        for index, _ in rows:
            prompt, reference = self._halves(self._rows[index])
            prompts[index] = self._prompt(prompt)
            alike[len(prompt), len(reference)].append(index)
        written: dict[int, str] = {}
        for (_, new_tokens), members in alike.items():
            for start in range(0, len(members), batch_size):
                batch = members[start : start + batch_size]
                texts = self._write([prompts[index] for index in batch], new_tokens)
                written.update(zip(batch, texts, strict=True))
        return written

    def _write(self, prompts: Sequence[list[int]], new_tokens: int) -> list[str]:
        """The greedy continuation of each of the equally long prompts."""
        import torch
        from transformers import GenerationConfig

        config = cast(Any, GenerationConfig)(
            max_new_tokens=new_tokens,
            do_sample=False,
            eos_token_id=self._loaded.tokenizer.eos_token_id,
            pad_token_id=self._loaded.pad_id,
        )
        ids = torch.tensor(prompts, device=self._loaded.device)
        model = self._loaded.model.eval()
        with torch.inference_mode():
            found = model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=config
            )
        start = 1 if self._loaded.is_encoder_decoder else ids.shape[1]
        return [self._decode(row) for row in found[:, start:].tolist()]

    def _decode(self, ids: Sequence[int]) -> str:
        text = self._loaded.tokenizer.decode(
            list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return str(text)


def _long_rows(rows: HeldOutRows, chosen: Sequence[int]) -> list[int]:
    """Of the chosen rows those that are at least half as long as the longest."""
    lengths = rows.lengths[list(chosen)].tolist()
    least = max(2, max(lengths) / 2)
    return [row for row, length in zip(chosen, lengths, strict=True) if length >= least]


def _is_same(logged: Item, planned: Item) -> bool:
    unmeasured: dict[str, Any] = {
        "likelihood": None,
        "answer": "",
        "scores": {},
        "answer_cpu_s": 0.0,
    }
    return logged.model_copy(update=unmeasured) == planned
