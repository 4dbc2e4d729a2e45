"""Soft-prefix vectors: a person's series, read by a liquid network, stands before the prompt.

The way of OpenTSLM's SoftPrompt (Langer et al. 2025, arXiv 2510.02410) with a CfC as encoder. Each
vector has an id of its own behind the vocabulary's: to whatever pads, packs, trains or generates it
is one more token, and attention masks, positions, caches and labels are those of any prompt.

Axes: b series, t times, v variables, n neurons, k vectors, d width of the model.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from cauce.corpus.tokens import Tokens, tokenize
from cauce.errors import DataRefused, UserError
from cauce.models.liquid.cfc import CfC
from cauce.models.loading import FOUNDATION, LoadedModel
from cauce.records import Example, Measurements

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

UNITS = 64
"""Neurons of the encoder."""

_NUMBERING = threading.Lock()
"""Two who ask at the same time never get one number, which would show one the other's series."""

FURTHEST = 10.0
"""Deviations from the mean beyond which a value is drawn in."""


class Scales(NamedTuple):
    """What is usual in the series that are learned from: the measure of all others."""

    variables: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    span: float
    """Hours between two times of a series."""
    times: float
    """Times of a series."""


def scales_of(series: Sequence[Measurements]) -> Scales:
    """The scales of these series; DataRefused where nothing was measured in them."""
    values: dict[str, list[float]] = {}
    spans: list[float] = []
    for one in series:
        for name, pairs in one.of.items():
            values.setdefault(name, []).extend(value for _, value in pairs)
        hours = one.hours()
        spans += [after - before for before, after in itertools.pairwise(hours)]
    if not values:
        raise DataRefused(
            f"of {len(series)} series none holds a number: there is nothing to read before the "
            "prompts.\nGive the examples a series, or set model.prefix_vectors to 0."
        )
    names = tuple(sorted(values))
    columns = [torch.tensor(values[name], dtype=torch.float64) for name in names]
    deviations = [float(column.std(correction=0)) or 1.0 for column in columns]
    return Scales(
        names,
        mean=tuple(float(column.mean()) for column in columns),
        deviation=tuple(deviations),
        span=sum(spans) / len(spans) if spans else 1.0,
        times=1 + len(spans) / len(series),
    )


def scales_of_examples(examples: Sequence[Example]) -> Scales:
    """The scales of their series; DataRefused where one has none, which would teach nothing."""
    bare = [example.id for example in examples if not example.series]
    if bare:
        raise DataRefused(
            f"{len(bare)} of {len(examples)} training examples have no series, the first is "
            f"{bare[0]!r}, and model.prefix_vectors asks for one.\n"
            "Give each document a section of kind series, or set model.prefix_vectors to 0."
        )
    return scales_of([series_of(example) for example in examples])


class SeriesPrefix(nn.Module):
    """k vectors of a series, each as long as a token's vector usually is.

    A CfC runs over the times with value, mask and time since the last value of each variable, and
    the time that is left until the end. Each of k learned queries adds up the states that it knows
    (sigmoid q s / sqrt n), and two layers make a vector of that and of the last state. A sum can
    count: of how often there was fever it told 0.98 right, and means weighted by softmax 0.86
    (2026-11).
    """

    mean: Float[Tensor, " v"]
    deviation: Float[Tensor, " v"]
    span: Float[Tensor, ""]
    times: Float[Tensor, ""]
    size: Float[Tensor, ""]

    def __init__(self, scales: Scales, *, vectors: int, width: int, size: float = 1.0) -> None:
        super().__init__()
        self.variables, self.vectors = scales.variables, vectors
        self.register_buffer("mean", torch.tensor(scales.mean))
        self.register_buffer("deviation", torch.tensor(scales.deviation))
        self.register_buffer("span", torch.tensor(scales.span))
        self.register_buffer("times", torch.tensor(scales.times))
        self.register_buffer("size", torch.tensor(size))
        self.cell = CfC(3 * len(scales.variables) + 1, UNITS)
        self.queries = nn.Parameter(torch.randn(vectors, UNITS))
        self.projector = nn.Sequential(
            nn.Linear(2 * UNITS, 4 * UNITS),
            nn.GELU(),
            nn.Linear(4 * UNITS, width),
            nn.LayerNorm(width, elementwise_affine=False),
        )

    def forward(
        self,
        values: Float[Tensor, "b t v"],
        hours: Float[Tensor, "b t"],
        padding: Bool[Tensor, "b t"],
    ) -> Float[Tensor, "b k d"]:
        """The vectors; `values` are NaN where nothing was measured, padding is at the end."""
        steps = torch.diff(hours, dim=1, prepend=hours[:, :1]) / self.span
        inputs = self._inputs(values, hours).masked_fill(padding[..., None], 0.0)
        # Told anew: what is announced of the text's documents is not about series.
        starts = torch.zeros_like(padding)
        starts[:, 0] = True
        states, last = self.cell(
            inputs,
            timespans=steps.masked_fill(padding, 0.0),
            document_starts=starts,
            padding=padding,
        )
        scores = torch.einsum("kn,btn->bkt", self.queries, states) * UNITS**-0.5
        known = scores.sigmoid().masked_fill(padding[:, None], 0.0) @ states
        pooled = known * self.times**-0.5
        ends = last.to(pooled.dtype)[:, None].expand_as(pooled)
        return cast(Tensor, self.projector(torch.cat([pooled, ends], -1)) * self.size)

    def _inputs(
        self, values: Float[Tensor, "b t v"], hours: Float[Tensor, "b t"]
    ) -> Float[Tensor, "b t i"]:
        is_there = ~values.isnan()
        scaled = (values - self.mean) / self.deviation
        scaled = scaled.nan_to_num(0.0).clamp(-FURTHEST, FURTHEST)
        at = hours[..., None].expand_as(values)
        last = at.where(is_there, hours[:, :1, None] - self.span).cummax(1).values
        left = hours.amax(1, keepdim=True) - hours
        times = torch.cat([at - last, left[..., None]], -1) / self.span
        return torch.cat([scaled, is_there.to(scaled.dtype), times.log1p()], -1)


class Shown(NamedTuple):
    """A series as `SeriesPrefix` reads it."""

    values: Float[Tensor, "t v"]
    hours: Float[Tensor, " t"]


class ReadsSeries(nn.Embedding):
    """An embedding in which ids behind the vocabulary are vectors of series: id V + k s + j is
    vector j of series s.

    One without `series`, a model's further table of the same tokens, has zeros there.
    """

    series: SeriesPrefix | None
    shown: dict[int, Shown]
    """The series that ids stand for now, by number; no part of what is saved."""
    numbers: dict[str, int]
    """Of those that stay: their number by their text."""
    following: int
    """The next number."""

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(self, input: Int[Tensor, "b t"]) -> Float[Tensor, "b t d"]:
        """The vectors of these tokens and series."""
        places = input - self.num_embeddings
        is_series = places >= 0
        vectors = super().forward(input.masked_fill(is_series, 0))
        if not bool(is_series.any()):
            return vectors
        if self.series is None:
            return vectors.masked_fill(is_series[..., None], 0.0)
        number = places[is_series] // self.series.vectors
        which = places[is_series] % self.series.vectors
        unique, row = cast(Any, torch).unique(number, return_inverse=True)
        made = self._vectors(self.series, [self.shown[it] for it in unique.tolist()])
        return vectors.index_put(is_series.nonzero(as_tuple=True), made[row, which].to(vectors))

    def _vectors(self, series: SeriesPrefix, shown: Sequence[Shown]) -> Float[Tensor, "b k d"]:
        device = self.weight.device
        hours = pad_sequence([it.hours for it in shown], batch_first=True)
        values = pad_sequence([it.values for it in shown], batch_first=True)
        sizes = torch.tensor([len(it.hours) for it in shown])
        padding = torch.arange(hours.shape[1]) >= sizes[:, None]
        return cast(Tensor, series(values.to(device), hours.to(device), padding.to(device)))


def _made_reading(table: nn.Embedding, series: SeriesPrefix | None) -> ReadsSeries:
    """The same embedding, which scales or not, now with ids for series."""
    kind = type(table)
    table.__class__ = type(f"{kind.__name__}OfSeries", (ReadsSeries, kind), {})
    reading = cast(ReadsSeries, table)
    reading.series, reading.shown, reading.numbers, reading.following = series, {}, {}, 0
    return reading


def add_prefix(loaded: LoadedModel, scales: Scales, *, vectors: int, seed: int) -> LoadedModel:
    """`loaded`, frozen, with a fresh prefix that alone is trained; `attach` adds a LoRA beside it.

    What it says of prompts without a series is as before, bit for bit. `seed` draws the weights.
    """
    table = _table_of(loaded)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        every = torch.arange(table.num_embeddings, device=table.weight.device)
        size = float(table(every).square().mean().sqrt())
        prefix = SeriesPrefix(scales, vectors=vectors, width=table.embedding_dim, size=size)
    return put_prefix(loaded, prefix)


def put_prefix(loaded: LoadedModel, prefix: SeriesPrefix) -> LoadedModel:
    """`loaded`, frozen, with that prefix; UserError where it has one already."""
    if loaded.prefix_vectors:
        raise UserError(
            f"{loaded.name!r} reads a series already, as {loaded.prefix_vectors} vectors.\n"
            "Add a prefix to the model it was made from."
        )
    table = _table_of(loaded)
    loaded.bare.requires_grad_(False)
    for other in _further_tables(loaded, table):
        _made_reading(other, None)
    _made_reading(table, prefix.to(table.weight.device))
    return replace(loaded, prefix_vectors=prefix.vectors)


def prefix_of(loaded: LoadedModel) -> SeriesPrefix:
    """The prefix of a model that has one."""
    return cast(SeriesPrefix, _reading_of(loaded).series)


def is_read(loaded: LoadedModel, series: Measurements) -> bool:
    """Whether the model has a prefix that reads any of what was measured."""
    return bool(loaded.prefix_vectors) and not set(series.of).isdisjoint(
        prefix_of(loaded).variables
    )


def show(loaded: LoadedModel, series: Measurements) -> list[int]:
    """The ids to put before a prompt about this series, which the model knows from now on.

    Asked again, they are the same: for examples that are learned, or judged by. Raises DataRefused
    where nothing was measured that the model reads.
    """
    reading, text = _reading_of(loaded), series.text
    if text not in reading.numbers:
        reading.numbers[text] = _put(reading, series)
    return _ids(reading, reading.numbers[text])


def tokens_of_example(loaded: LoadedModel, example: Example, completion: str) -> Tokens:
    """The example with that completion, as the model reads it: its series as text or as vectors.

    However many they are. Raises DataRefused for a series that cannot be read.
    """
    has_vectors = bool(loaded.prefix_vectors and example.series)
    tokens = tokenize(
        loaded.tokenizer,
        example.messages_without_series if has_vectors else example.messages,
        completion,
        is_encoder_decoder=loaded.is_encoder_decoder,
        max_tokens=sys.maxsize,
        processor=loaded.processor,
    )
    if not has_vectors:
        return tokens
    return tokens._replace(prompt=[*show(loaded, series_of(example)), *tokens.prompt])


def series_of(example: Example) -> Measurements:
    """The series of an example that has one; DataRefused with the line that is none."""
    try:
        return Measurements.of_text(example.series)
    except ValueError as error:
        raise DataRefused(
            f"the series of example {example.id!r} cannot be read: {error}.\n"
            "Write a line for each reading: its name, then hour:value pairs."
        ) from error


@contextmanager
def showing(
    loaded: LoadedModel, series: Sequence[Measurements | None]
) -> Iterator[list[list[int]]]:
    """While entered, the ids of each series, none for None: a person's numbers are then forgotten.

    Raises as `show`.
    """
    if not any(series):
        yield [[] for _ in series]
        return
    reading = _reading_of(loaded)
    numbers = [_put(reading, one) if one is not None else None for one in series]
    try:
        yield [[] if number is None else _ids(reading, number) for number in numbers]
    finally:
        for number in numbers:
            if number is not None:
                del reading.shown[number]


def series_ids(loaded: LoadedModel) -> int:
    """How many ids behind the vocabulary stand for something now."""
    if not loaded.prefix_vectors:
        return 0
    return loaded.prefix_vectors * (1 + max(_reading_of(loaded).shown, default=-1))


def save_prefix(loaded: LoadedModel, path: Path) -> dict[str, Any]:
    """Writes the prefix as safetensors; returns what `load_prefix` needs besides, for JSON."""
    from safetensors.torch import save_file

    prefix = prefix_of(loaded)
    save_file({name: it.contiguous() for name, it in prefix.state_dict().items()}, path)
    return {"vectors": prefix.vectors, "variables": list(prefix.variables)}


def load_prefix(loaded: LoadedModel, path: Path, card: dict[str, Any]) -> LoadedModel:
    """`loaded` with the prefix at `path`; DataRefused where it was made for another model."""
    from safetensors.torch import load_file

    names = tuple(card["variables"])
    blank = Scales(names, (0.0,) * len(names), (1.0,) * len(names), span=1.0, times=1.0)
    width = _table_of(loaded).embedding_dim
    with torch.random.fork_rng():
        prefix = SeriesPrefix(blank, vectors=card["vectors"], width=width)
    try:
        prefix.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise DataRefused(
            f"{path} was made for another model than {loaded.name!r}: "
            f"{str(error).splitlines()[-1].strip()}\n"
            "Restore the model that it was trained on, or train again."
        ) from error
    return put_prefix(loaded, prefix)


def _put(reading: ReadsSeries, series: Measurements) -> int:
    """Keeps the series under the next number."""
    prefix = cast(SeriesPrefix, reading.series)
    known = {name: dict(pairs) for name, pairs in series.of.items() if name in prefix.variables}
    hours = sorted({hour for pairs in known.values() for hour in pairs})
    if not hours:
        raise DataRefused(
            f"a series holds {', '.join(series.of) or 'nothing'}, and the model reads "
            f"{', '.join(prefix.variables)}.\nGive it one of these, or ask without a series."
        )
    missing = float("nan")
    rows = [[known.get(it, {}).get(hour, missing) for it in prefix.variables] for hour in hours]
    shown = Shown(torch.tensor(rows), torch.tensor(hours, dtype=torch.float32))
    with _NUMBERING:
        number = reading.following if reading.shown else 0
        reading.following = number + 1
        reading.shown[number] = shown
    return number


def _ids(reading: ReadsSeries, number: int) -> list[int]:
    vectors = cast(SeriesPrefix, reading.series).vectors
    first = reading.num_embeddings + number * vectors
    return list(range(first, first + vectors))


def _reading_of(loaded: LoadedModel) -> ReadsSeries:
    if not loaded.prefix_vectors:
        raise UserError(
            f"{loaded.name!r} was not trained to read a series.\n"
            "Train one with model.prefix_vectors, or put the series into the prompt as text."
        )
    return cast(ReadsSeries, _table_of(loaded))


def _table_of(loaded: LoadedModel) -> nn.Embedding:
    """The embedding that the prompt goes through: of an encoder-decoder, its encoder's."""
    bare = loaded.bare
    if loaded.is_encoder_decoder and bare.config.model_type != FOUNDATION:
        bare = bare.get_encoder()
    return cast(nn.Embedding, bare.get_input_embeddings())


def _further_tables(loaded: LoadedModel, table: nn.Embedding) -> list[nn.Embedding]:
    """What else a decoder looks up by the ids of its prompt, such as values of attention."""
    if loaded.is_encoder_decoder:
        return []
    return [
        part
        for part in loaded.bare.modules()
        if isinstance(part, nn.Embedding)
        and part is not table
        and part.num_embeddings == table.num_embeddings
    ]
