"""The prepare stage of a text corpus: documents become rows of tokens, split by document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cauce.corpus.rows import RowShape, RowWriter, TextDocument, TextRows, documents_path
from cauce.corpus.settings import TextSettings
from cauce.corpus.splits import SPLITS, assign_groups, refuse_empty_splits
from cauce.corpus.tokenizer import joined_pieces, text_of
from cauce.corpus.tokens import preview
from cauce.errors import DataRefused, LeakageFound, UserError
from cauce.records import Document
from cauce.runs import read_records, write_records

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerBase

    Integers = NDArray[np.int64]

PIECES_AT_ONCE = 64


@dataclass(frozen=True)
class TextCorpus:
    """Documents on disk and the split of each group."""

    documents: Path
    split_of: dict[str, str]

    @classmethod
    def of(cls, documents: Path, settings: TextSettings, *, seed: int) -> TextCorpus:
        """The corpus of documents.jsonl, every group in one split.

        Raises LeakageFound for a group that sources name two splits for, and DataRefused where a
        split stays empty.
        """
        named: dict[str, str] = {}
        others: set[str] = set()
        for document in read_records(documents, Document):
            if document.split is None:
                others.add(document.group)
            elif named.setdefault(document.group, document.split) != document.split:
                raise LeakageFound(
                    f"{document.key} is for {document.split}, and others of its group "
                    f"{document.group!r} are for {named[document.group]}.\n"
                    "Name the same split for both sources, or give the documents other groups."
                )
        others -= named.keys()
        drawn = _drawn(others, set(named.values()), settings, seed)
        return cls(documents, {**named, **drawn})

    def texts(self, split: str) -> Iterator[str]:
        """The texts of a split, in pieces."""
        for document in self._documents(split):
            yield from _pieces(text_of(document))

    def write(
        self,
        folder: Path,
        tokenizer: PreTrainedTokenizerBase,
        settings: TextSettings,
        *,
        is_encoder_decoder: bool,
        progress: Callable[[str], None],
    ) -> dict[str, Any]:
        """Writes the rows of every split; returns their counts.

        Raises UserError for a tokenizer that cannot tell which characters a token stands for.
        """
        encode = _Encoder.of(tokenizer)
        begin, end = tokenizer.bos_token_id, tokenizer.eos_token_id
        shape = RowShape(
            settings.row_tokens,
            # GPT-2's way: where no token begins a text, the end of the one before does.
            None if is_encoder_decoder else end if begin is None else begin,
            end,
        )
        counts: dict[str, dict[str, int]] = {}
        for split in SPLITS:
            writer = RowWriter(folder, split, shape, vocabulary=len(tokenizer))
            written = [_add(writer, encode, document) for document in self._documents(split)]
            writer.close()
            write_records(documents_path(folder, split), written)
            counts[split] = _counts(written)
            progress(f"{split}: " + ", ".join(f"{n:,} {what}" for what, n in counts[split].items()))
        return _summary(counts, folder, tokenizer)

    def _documents(self, split: str) -> Iterator[Document]:
        for document in read_records(self.documents, Document):
            if self.split_of[document.group] == split:
                yield document


def _drawn(groups: set[str], named: set[str], settings: TextSettings, seed: int) -> dict[str, str]:
    """The split of each group that no source names one for."""
    validation = 0.0 if "validation" in named else settings.validation_share
    test = 0.0 if "test" in named else settings.test_share
    needed = ("train" not in named) + bool(validation) + bool(test)
    if len(groups) < needed:
        raise DataRefused(
            f"{len(groups)} document(s) are left to draw {needed} splits from (by name there are: "
            f"{', '.join(sorted(named)) or 'none'}).\n"
            "Add documents, say which separator stands between the texts of one file "
            "(sources.0.separator), or name a split for each source (sources.0.split)."
        )
    if not validation and not test:
        return dict.fromkeys(groups, "train")
    return assign_groups(groups, validation_share=validation, test_share=test, seed=seed)


class _Encoder(NamedTuple):
    """A tokenizer that reads special tokens spelled in a text as the letters they are."""

    backend: Tokenizer

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> _Encoder:
        from tokenizers import Tokenizer
        from transformers import PreTrainedTokenizerFast

        if not isinstance(tokenizer, PreTrainedTokenizerFast):
            raise UserError(
                f"the tokenizer of {tokenizer.name_or_path!r} is a {type(tokenizer).__name__}, "
                "which does not tell which letters a token stands for.\n"
                "Take a model whose folder has a tokenizer.json, or model.new."
            )
        backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
        backend.encode_special_tokens = True
        backend.no_truncation()
        backend.no_padding()
        return cls(backend)

    def encode(self, text: str) -> tuple[Integers, Integers]:
        """The tokens of `text` and the byte where each of them starts."""
        ids, places, before = [], [], 0
        pieces = list(_pieces(text))
        for start in range(0, len(pieces), PIECES_AT_ONCE):
            chosen = pieces[start : start + PIECES_AT_ONCE]
            encoded = self.backend.encode_batch(chosen, add_special_tokens=False)
            for piece, found in zip(chosen, encoded, strict=True):
                ends = _byte_ends(piece)
                characters = np.array(found.offsets, dtype=np.int64).reshape(-1, 2)[:, 0]
                ids.append(np.array(found.ids, dtype=np.int64))
                places.append(before + ends[characters])
                before += int(ends[-1])
        return _joined(ids), _joined(places)


def _byte_ends(text: str) -> Integers:
    """The byte before each character of `text`, and the number of all."""
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    sizes = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
    return np.concatenate([[0], np.cumsum(sizes)])


def _joined(parts: list[Integers]) -> Integers:
    return np.concatenate([np.empty(0, np.int64), *parts])


def _pieces(text: str) -> Iterator[str]:
    return joined_pieces(text.splitlines(keepends=True))


def _add(writer: RowWriter, encoder: _Encoder, document: Document) -> TextDocument:
    text = text_of(document)
    ids, places = encoder.encode(text)
    size = len(text.encode())
    return TextDocument(
        id=document.key,
        title=document.title,
        language=document.language,
        licence=document.licence,
        group=document.group,
        bytes=size,
        tokens=len(ids),
        rows=writer.add(ids, places, size),
    )


def _counts(documents: Iterable[TextDocument]) -> dict[str, int]:
    found = list(documents)
    return {
        "documents": len(found),
        "bytes": sum(document.bytes for document in found),
        "tokens": sum(document.tokens for document in found),
        "rows": sum(document.rows for document in found),
    }


def _summary(
    counts: dict[str, dict[str, int]], folder: Path, tokenizer: PreTrainedTokenizerBase
) -> dict[str, Any]:
    refuse_empty_splits(
        {split: counts[split]["rows"] for split in SPLITS},
        what="text",
        remedy="Add documents, or name another split for a source.",
    )
    rows = TextRows.open(folder, "train")
    return {
        **{what: {split: counts[split][what] for split in SPLITS} for what in counts["train"]},
        "bytes_per_token": {
            split: round(counts[split]["bytes"] / max(counts[split]["tokens"], 1), 3)
            for split in SPLITS
        },
        "vocabulary": len(tokenizer),
        "preview": [preview(tokenizer, row) for row in rows[:: max(1, len(rows) // 3)][:3]],
    }
