"""One model, many texts at once: rows join and leave the batch between two tokens.

    with Engine(loaded) as engine:
        engine.generate(ids, Settings(max_new_tokens=40)).tokens
        for token in engine.stream(ids, Settings(max_new_tokens=40)): ...

A thread of its own reads each new prompt and writes one token of every row at a time (continuous
batching as in Orca, Yu et al. 2022, OSDI). Each row is written as if it were alone.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Self, TypeVar

import torch
from torch import Tensor

from cauce.errors import DataRefused
from cauce.models.asking import ASKING, AskerLeft
from cauce.models.cache_rows import copied, joined, narrowed
from cauce.models.generation import end_token_ids, ends_in_stop, position_limit
from cauce.models.kept_prefixes import KeptPrefixes
from cauce.models.loading import LoadedModel
from cauce.models.row import Continued, Row, Settings
from cauce.models.stepping import Steps

if TYPE_CHECKING:
    from jaxtyping import Float
    from transformers.cache_utils import Cache

T = TypeVar("T")

# b rows, t tokens, s columns of the cache, v vocabulary

ROWS = 32
"""Texts that are written at the same time."""
PREFIX_BYTES = 256 * 2**20
"""Of what is kept of beginnings that prompts share."""


class Engine:
    """A model that writes for many threads at once.

    `is_batching` says whether rows share its steps. Where that would change what is written, or is
    not known (encoder-decoders, models that see, unknown caches), it works request by request.
    `is_sharing` says whether the beginnings of prompts are read once.
    """

    def __init__(
        self, loaded: LoadedModel, *, rows: int = ROWS, prefix_bytes: int = PREFIX_BYTES
    ) -> None:
        self._loaded = replace(loaded, engine=None)
        self._rows_at_once = rows
        self._ends = {*end_token_ids(loaded)}
        self._limit = position_limit(loaded)
        self._steps = Steps(loaded)
        self._rows: list[Row] = []
        self._caches: list[Cache] = []
        """Of the rows, in their order."""
        self._waiting: deque[Row] = deque()
        self._incoming: SimpleQueue[Row | Callable[[], None] | None] = SimpleQueue()
        self._entrance, self._is_closed = threading.Lock(), False
        self.is_batching = self._steps.write_alike()
        self.is_sharing = self.is_batching and self._steps.read_alike()
        self.prefixes = KeptPrefixes(prefix_bytes)
        self._thread = threading.Thread(target=self._work, name="cauce engine", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the thread after the step that it is at; rows that are being written are left."""
        with self._entrance:
            self._is_closed = True
            self._incoming.put(None)
        self._thread.join()

    def _let_in(self, came: Row | Callable[[], None]) -> None:
        with self._entrance:
            if self._is_closed:
                raise AskerLeft("the engine was closed")
            self._incoming.put(came)

    def submit(self, ids: Sequence[int], settings: Settings) -> Row:
        """A row that will be written.

        Raises DataRefused where it cannot fit into the model, and AskerLeft once it is closed.
        """
        if not ids:
            raise DataRefused("a prompt has no token.\nGive one at least.")
        if self._limit is not None and len(ids) + settings.max_new_tokens > self._limit:
            raise DataRefused(
                f"a prompt of {len(ids)} tokens with an answer of up to {settings.max_new_tokens} "
                f"exceeds the {self._limit} that {self._loaded.name!r} can read.\n"
                "Shorten it or lower max_new_tokens."
            )
        row = Row(ids, settings, ASKING.get())
        self._let_in(row)
        return row

    def generate(self, ids: Sequence[int], settings: Settings) -> Continued:
        """What follows the tokens; waits until it is whole."""
        return self.generate_all([ids], settings)[0]

    def generate_all(self, prompts: Sequence[Sequence[int]], settings: Settings) -> list[Continued]:
        """What follows each, in order; waits for all. Raises as `submit`, and AskerLeft."""
        rows = [self.submit(ids, settings) for ids in prompts]
        try:
            return [Continued([*row], row.has_end) for row in rows]
        finally:
            for row in rows:
                row.leave()

    def stream(self, ids: Sequence[int], settings: Settings) -> Iterator[int]:
        """The tokens as they come; closing the iterator takes the row off."""
        row = self.submit(ids, settings)
        try:
            yield from row
        finally:
            row.leave()

    def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises, done between two steps: nothing else uses the model."""
        done: Future[T] = Future()

        def do() -> None:
            with _handing_to(done.set_exception):
                done.set_result(work())

        self._let_in(do)
        return done.result()

    def _work(self) -> None:
        with torch.inference_mode():
            while self._take_in():
                self._admit()
                self._step()
        for row in (*self._rows, *self._waiting):
            row.close(AskerLeft("the engine was closed"))

    def _take_in(self) -> bool:
        """Takes what has come, waiting for it where nothing is to be done; False at the end."""
        is_idle = not (self._rows or self._waiting)
        while True:
            try:
                came = self._incoming.get(block=is_idle)
            except Empty:
                return True
            if came is None:
                return False
            if isinstance(came, Row):
                self._waiting.append(came)
            else:
                came()
            is_idle = False

    def _admit(self) -> None:
        """Reads the prompts that there is room for, and puts their rows beside the others."""
        while self._waiting and len(self._rows) < self._rows_at_once:
            row = self._waiting.popleft()
            if row.is_deserted:
                row.close(AskerLeft("left before it was begun"))
                continue
            with _handing_to(row.close):
                cache, logits = self._read_prompt(row.ids)
                if self._go_on([row], logits[None]):
                    self._rows.append(row)
                    self._caches.append(narrowed(cache, row.columns))

    def _step(self) -> None:
        """One token more of every row."""
        if not self._rows:
            return
        staying: list[int] = []
        with _handing_to(*(row.close for row in self._rows)):
            last = [row.written[-1] for row in self._rows]
            columns = [row.columns for row in self._rows]
            cache, logits = self._steps.read_rows(last, joined(self._caches), columns)
            self._caches = [cache]
            staying += self._go_on(self._rows, logits)
        if len(staying) < len(self._rows):
            self._keep(staying)

    def _keep(self, places: Sequence[int]) -> None:
        """Goes on with those rows alone, whose caches are copied once, with the next that come."""
        self._rows = [self._rows[place] for place in places]
        columns = max((row.columns for row in self._rows), default=0)
        runs = [narrowed(cache, columns, run) for cache in self._caches for run in _runs(places)]
        self._caches = runs

    def _go_on(self, rows: Sequence[Row], logits: Float[Tensor, "b v"]) -> list[int]:
        """Writes the next token of each row; returns the places of those that are not over."""
        scores, likeliest = (best.tolist() for best in logits.max(-1))
        going: list[int] = []
        for place, row in enumerate(rows):
            with _handing_to(row.close):
                self._refuse(row, scores[place])
                token = row.choose(logits[place], likeliest[place])
                if self._writes(row, token):
                    going.append(place)
                else:
                    row.close()
        return going

    def _refuse(self, row: Row, score: float) -> None:
        """Raises what ends the row before its time."""
        if row.is_deserted:
            raise AskerLeft("left while it was written")
        if math.isnan(score):
            raise DataRefused(
                f"{self._loaded.name!r} gave no number for the next token.\nAsk it otherwise."
            )

    def _writes(self, row: Row, token: int) -> bool:
        """Tells the next token of the row; False where the row is whole."""
        if token in self._ends:
            row.has_end = True
            return False
        row.tell(token)
        return not self._is_over(row)

    def _is_over(self, row: Row) -> bool:
        settings = row.settings
        if len(row.written) == settings.max_new_tokens:
            return True
        return bool(settings.stop) and ends_in_stop(self._loaded, row.written, settings.stop)

    def _read_prompt(self, ids: tuple[int, ...]) -> tuple[Cache, Float[Tensor, " v"]]:
        """What the model keeps of a prompt, and what it expects after it."""
        if not self.is_sharing:
            return self._steps.read(ids, None, 0)
        # Ids behind the vocabulary stand for another series tomorrow.
        lasting = next((it for it, one in enumerate(ids) if one >= self._loaded.vocabulary), None)
        shareable = ids[: len(ids) - 1 if lasting is None else lasting]
        kept, cache = self.prefixes.longest(shareable)
        parting = self.prefixes.parting(shareable, kept)
        if parting > kept:
            cache, _ = self._steps.read(ids[kept:parting], cache, kept)
            self.prefixes.keep(ids[:parting], copied(narrowed(cache, parting)))
        return self._steps.read(ids[parting:], cache, parting)


def _runs(places: Sequence[int]) -> list[slice]:
    """The places, in order, as slices of neighbours."""
    groups = itertools.groupby(enumerate(places), key=lambda pair: pair[1] - pair[0])
    runs = [[place for _, place in group] for _, group in groups]
    return [slice(run[0], run[-1] + 1) for run in runs]


@contextmanager
def _handing_to(*askers: Callable[[Exception], None]) -> Iterator[None]:
    """What goes wrong inside is told to those who wait for it, and stops nobody else's row."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - it is raised again where it is waited for
        for tell in askers:
            tell(error)
