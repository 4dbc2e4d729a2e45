"""Rows of tokens cut from texts, in files that are mapped and never held: what models pretrain on.

A decoder's row begins with the token before it (at a text's start, the begin token), which it reads
and does not learn; so every token of a text, and its end, is learned in exactly one row:

    text   a b c d e </s>      rows of 4   <s> a b c | c d e </s>

An encoder-decoder's row is a text of its own, closed by the end token: a b c </s> | d e </s>.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np

from cauce.corpus.tokens import Tokens
from cauce.records import Language, Record
from cauce.runs import atomic_write, read_records

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]


class TextDocument(Record):
    """What became of one document."""

    id: str
    title: str
    language: Language
    licence: str = ""
    group: str
    bytes: int
    """UTF-8 bytes of its text."""
    tokens: int
    """Tokens of its text, without begin and end."""
    rows: int


class RowShape(NamedTuple):
    """How rows are cut."""

    row_tokens: int
    """Places of a row."""
    begin: int | None
    """The token that a decoder reads before a text; None for an encoder-decoder."""
    end: int


class TextRows(Sequence[Tokens]):
    """The rows of one split; each is read from its file when it is asked for."""

    def __init__(
        self,
        tokens: NDArray[np.unsignedinteger],
        table: Integers,
        read: int,
        languages: Sequence[Language],
    ) -> None:
        self._tokens, self._table, self._read = tokens, table, read
        self._languages = languages

    @classmethod
    def open(cls, folder: Path, split: str) -> TextRows:
        """The rows that `RowWriter` wrote for `split`."""
        table = np.load(rows_path(folder, split))
        # numpy cannot map a file without elements.
        tokens = np.load(tokens_path(folder, split), mmap_mode="r" if len(table) > 1 else None)
        written = read_records(documents_path(folder, split), TextDocument)
        languages = [document.language for document in written]
        return cls(tokens, table[1:], int(table[0, 0]), languages)

    def __len__(self) -> int:
        return len(self._table)

    @overload
    def __getitem__(self, index: int) -> Tokens: ...
    @overload
    def __getitem__(self, index: slice) -> list[Tokens]: ...
    def __getitem__(self, index: int | slice) -> Tokens | list[Tokens]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        start, end = self._table[index, :2].tolist()
        ids = self._tokens[start:end].tolist()
        return Tokens(ids[: self._read], ids[self._read :])

    def __iter__(self) -> Iterator[Tokens]:
        return (self[place] for place in range(len(self)))

    @property
    def lengths(self) -> Integers:
        """Tokens of each row, the one that is only read included."""
        return np.asarray(self._table[:, 1] - self._table[:, 0])

    @property
    def byte_counts(self) -> Integers:
        """UTF-8 bytes of the text that each row's completion stands for; they add up to all."""
        return np.asarray(self._table[:, 2])

    @property
    def documents(self) -> Integers:
        """The number of the document that each row is of; its rows are neighbours."""
        return np.asarray(self._table[:, 3])

    def language_of(self, index: int) -> Language:
        """The language of the document that the row is of."""
        return self._languages[int(self._table[index, 3])]

    @property
    def learned_tokens(self) -> int:
        """Tokens of all completions."""
        return int(self.lengths.sum()) - self._read * len(self)


class RowWriter:
    """Cuts texts into rows and writes them; `close` makes the files appear.

    Row i stands in line i + 1 of the table: where it starts and ends, its bytes and its document.
    Line 0 tells how many tokens of a row are only read.
    """

    def __init__(self, folder: Path, split: str, shape: RowShape, *, vocabulary: int) -> None:
        self._folder, self._split, self._shape = folder, split, shape
        self._type = np.dtype(np.uint16 if vocabulary <= 2**16 else np.uint32)
        self._held: list[NDArray[np.unsignedinteger]] = []
        self._table: list[tuple[int, int, int, int]] = []
        self._written = 0
        self._documents = 0

    def add(self, ids: NDArray[np.int64], places: NDArray[np.int64], size: int) -> int:
        """The number of rows that a text became.

        `ids` are its tokens, `places` the byte where each starts, and `size` all of its bytes.
        """
        shape = self._shape
        step = shape.row_tokens - 1
        # A decoder learns the end once, as a token of the text.
        flow = ids if shape.begin is None else np.append(ids, shape.end)
        starts = range(0, len(flow), step)
        bounds = [*places[[start for start in starts if start < len(ids)]].tolist(), size]
        bounds += [size] * (len(starts) + 1 - len(bounds))
        bounds[0] = 0
        for row, start in enumerate(starts):
            learned = flow[start : start + step]
            if shape.begin is None:
                whole = np.append(learned, shape.end)
            else:
                whole = np.insert(learned, 0, flow[start - 1] if start else shape.begin)
            self._put(whole, bounds[row + 1] - bounds[row])
        self._documents += 1
        return len(starts)

    def _put(self, row: NDArray[np.int64], size: int) -> None:
        self._held.append(row.astype(self._type))
        end = self._written + len(row)
        self._table.append((self._written, end, size, self._documents))
        self._written = end

    def close(self) -> None:
        """Writes the two files, each whole or not at all."""
        tokens = np.concatenate([np.empty(0, self._type), *self._held])
        _save(tokens_path(self._folder, self._split), tokens)
        header = (0 if self._shape.begin is None else 1, 0, 0, 0)
        table = np.array([header, *self._table], dtype=np.int64)
        _save(rows_path(self._folder, self._split), table)


def keep_rows(folder: Path, split: str, kept: NDArray[np.bool_]) -> None:
    """Leaves of a split the rows where `kept` is true; the tokens of the others stay unused."""
    table = np.load(rows_path(folder, split))
    _save(rows_path(folder, split), table[np.insert(kept, 0, True)])


def tokens_path(folder: Path, split: str) -> Path:
    """Where the tokens of a split stand."""
    return folder / f"{split}.tokens.npy"


def documents_path(folder: Path, split: str) -> Path:
    """Where the documents of a split are listed."""
    return folder / f"{split}.documents.jsonl"


def rows_path(folder: Path, split: str) -> Path:
    """Where the table of a split's rows stands."""
    return folder / f"{split}.rows.npy"


def _save(path: Path, array: NDArray[np.generic]) -> None:
    with atomic_write(path) as stream:
        np.save(stream, array)
