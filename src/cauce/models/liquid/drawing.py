"""A wiring as a picture: the circuit neuron by neuron, or maps of its density where it is wide.

One SVG that needs nothing beside it, follows light and dark, and tells excitatory from inhibitory
by colour (blue and vermilion of Okabe and Ito, which the colour-blind tell apart) and by dashes.

Axes: s sources (inputs, then neurons), n neurons, r and c blocks of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from cauce.models.liquid.wiring import Wiring

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int8
    from numpy import ndarray

MOST_IN_COLUMN, MOST_SYNAPSES = 60, 3000
"""A circuit with more would be a smear: it is drawn as maps."""

BLOCKS = 48
"""Along a side of a map, at most about: smaller ones could not be seen."""

_WIDTH, _TOP, _RADIUS, _SHADES = 760, 90, 6, 10

_SIGNS = {1: ("plus", "excitatory"), -1: ("minus", "inhibitory")}

_NAMES = {
    "fully-connected": "Fully connected wiring",
    "random": "Random wiring",
    "ncp": "Neural circuit policy",
    "auto-ncp": "Neural circuit policy",
}

_STYLE = """
.wiring .ground { fill: #ffffff } .wiring text { fill: #1f2328; font: 13px sans-serif }
.wiring .name { font: bold 16px sans-serif } .wiring .centred { text-anchor: middle }
.wiring .before { text-anchor: end } .wiring .frame { fill: none; stroke: #8c959f }
.wiring .plus, .wiring .minus { fill: none; stroke-width: 1.2 }
.wiring .plus { stroke: #0072b2 } .wiring .minus { stroke: #d55e00; stroke-dasharray: 5 3 }
.wiring .plus-ink { fill: #0072b2 } .wiring .minus-ink { fill: #d55e00 }
.wiring .dot { fill: #ffffff; stroke: #1f2328; stroke-width: 1.6 }
@media (prefers-color-scheme: dark) {
.wiring .ground { fill: #0d1117 } .wiring text { fill: #e6edf3 }
.wiring .plus { stroke: #56b4e9 } .wiring .minus { stroke: #f0883e }
.wiring .plus-ink { fill: #56b4e9 } .wiring .minus-ink { fill: #f0883e }
.wiring .dot { fill: #0d1117; stroke: #e6edf3 }
}
"""

Column = Literal["sensory", "inter", "command", "motor"]
Blocks = dict[Column, list[list[int]]]


class _Place(NamedTuple):
    """Where a neuron is drawn, and in which column from the left."""

    x: float
    y: float
    column: int


def draw(wiring: Wiring) -> str:
    """The SVG of `wiring`: dots and lines, or for a wide one two maps of density.

    >>> from cauce.models.liquid.wiring import AutoNCP
    >>> draw(AutoNCP(8, 24, 4)).startswith("<svg")
    True
    """
    columns = _columns(wiring)
    masks = np.concatenate([wiring.sensory_synapses, wiring.synapses])
    is_wide = max(map(len, columns.values())) > MOST_IN_COLUMN
    if is_wide or np.count_nonzero(masks) > MOST_SYNAPSES:
        return _maps(wiring, columns, masks)
    return _circuit(wiring, columns, masks)


def _columns(wiring: Wiring) -> dict[Column, list[int]]:
    """Sources by what they do, in the order of processing; columns without any are left out."""
    kinds = [wiring.kind(neuron) for neuron in range(wiring.units)]
    columns: dict[Column, list[int]] = {"sensory": list(range(wiring.input_size))}
    for name in get_args(Column)[1:]:
        sources = [wiring.input_size + n for n, kind in enumerate(kinds) if kind == name]
        if sources:
            columns[name] = sources
    return columns


def _circuit(wiring: Wiring, columns: dict[Column, list[int]], masks: Int8[ndarray, "s n"]) -> str:
    tallest = max(map(len, columns.values()))
    height = max(180.0, tallest * (30.0 if tallest <= 24 else 18.0))
    places = _places(columns, height)
    lines, arcs = [], []
    for source, target in np.argwhere(masks).tolist():
        start, end = places[source], places[wiring.input_size + target]
        name, _ = _SIGNS[int(masks[source, target])]
        if end.column > start.column:
            lines.append(f'<path class="{name}" d="{_line(start, end)}"/>')
        else:
            mark = f"{name}-{wiring.digest}"
            arcs.append(f'<path class="{name}" d="{_arc(start, end)}" marker-end="url(#{mark})"/>')
    dots = [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="6"/>' for x, y, _ in places.values()]
    heads = [
        _text(f"{name} ({len(sources)})", places[sources[0]].x, _TOP - 10, "centred")
        for name, sources in columns.items()
    ]
    note = "Lines run from left to right; arcs with an arrowhead stay in their layer or lead back."
    parts = [_arrowheads(wiring), *_legend(masks), *heads, *lines, *arcs, *dots]
    return _page(wiring, columns, note, _TOP + height, parts)


def _places(columns: dict[Column, list[int]], height: float) -> dict[int, _Place]:
    gap = (_WIDTH - 160) / (len(columns) - 1)
    return {
        source: _Place(80 + gap * column, _TOP + height * (at + 0.5) / len(sources), column)
        for column, sources in enumerate(columns.values())
        for at, source in enumerate(sources)
    }


def _line(start: _Place, end: _Place) -> str:
    middle = (start.x + end.x) / 2
    return _curve((start.x, start.y), (middle, start.y), (middle, end.y), (end.x, end.y))


def _arc(start: _Place, end: _Place) -> str:
    """Within a column to the right where it leads down and to the left where it leads up."""
    edge = _RADIUS + 1
    if start == end:
        x, y = start.x, start.y
        return _curve((x - 4, y - 5), (x - 15, y - 22), (x + 15, y - 22), (x + 4, y - edge))
    if start.column != end.column:
        first, last = (start.x - 60, start.y + 44), (end.x + 60, end.y + 44)
        return _curve((start.x, start.y), first, last, (end.x + edge, end.y + 3))
    side = 1 if end.y > start.y else -1
    near = side * edge
    far = near + side * (16 + 0.2 * abs(end.y - start.y))
    x = start.x
    return _curve((x + near, start.y), (x + far, start.y), (x + far, end.y), (x + near, end.y))


def _curve(*points: tuple[float, float]) -> str:
    start, *rest = (f"{x:.1f} {y:.1f}" for x, y in points)
    return f"M{start}C{' '.join(rest)}"


def _arrowheads(wiring: Wiring) -> str:
    """Markers with names of their own, since one page may hold many drawings."""
    marks = (
        f'<marker id="{name}-{wiring.digest}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path class="{name}-ink" d="M0 0L8 4L0 8z"/></marker>'
        for name, _ in _SIGNS.values()
    )
    return f"<defs>{''.join(marks)}</defs>"


def _legend(masks: Int8[ndarray, "s n"]) -> Iterator[str]:
    for at, (sign, (name, label)) in enumerate(_SIGNS.items()):
        x = 440 + 160 * at
        yield f'<path class="{name}" d="M{x} 42h30"/>'
        yield _text(f"{label} ({(masks == sign).sum():,})", x + 36, 46)


def _maps(wiring: Wiring, columns: dict[Column, list[int]], masks: Int8[ndarray, "s n"]) -> str:
    size = -(-wiring.units // BLOCKS)
    sizes = dict.fromkeys(columns, size) | {"sensory": -(-wiring.input_size // BLOCKS)}
    rows: Blocks = {
        name: [sources[at : at + sizes[name]] for at in range(0, len(sources), sizes[name])]
        for name, sources in columns.items()
    }
    down = sum(map(len, rows.values()))
    # Whole pixels, because seams would show between the blocks.
    width = 310 // (down - len(rows["sensory"]))
    height = min(width, 600 // down)
    shares = {sign: _shares(masks == sign, rows, wiring.input_size) for sign in _SIGNS}
    fullest = max(float(share.max()) for share in shares.values())
    parts = list(_row_names(rows, height))
    for left, (sign, (name, label)) in zip((84, 430), _SIGNS.items(), strict=True):
        parts.append(_text(f"{label} ({(masks == sign).sum():,})", left, _TOP - 10))
        parts.append(
            f'<g transform="translate({left} {_TOP})"><g transform="scale({width} {height})">'
            f"{_map(shares[sign] / fullest, name)}</g>{_frames(rows, width, height)}</g>"
        )
    note = (
        f"Too wide to draw neuron by neuron: each block stands for up to {size} neurons (or "
        f"{sizes['sensory']} inputs) of its row that feed up to {size} of its column. Columns "
        f"from the left: {', '.join(list(rows)[1:])}. The fuller the ink, the more of the "
        f"possible synapses of a block exist: at most {fullest:.0%}."
    )
    return _page(wiring, columns, note, _TOP + height * down, parts)


def _shares(hits: Bool[ndarray, "s n"], rows: Blocks, input_size: int) -> Float[ndarray, "r c"]:
    """Which share of the synapses that each block could have are `hits`."""
    sources = [block for blocks in rows.values() for block in blocks]
    targets = [block for name, blocks in rows.items() if name != "sensory" for block in blocks]
    columns = np.concatenate(targets) - input_size
    down, across = ([len(block) for block in blocks] for blocks in (sources, targets))
    sums = hits[np.concatenate(sources)][:, columns].astype(np.float64)
    for axis, lengths in enumerate((down, across)):
        sums = np.add.reduceat(sums, [0, *accumulate(lengths)][:-1], axis=axis)
    return sums / np.outer(down, across)


def _map(shares: Float[ndarray, "r c"], name: str) -> str:
    """Neighbours of one shade in one rectangle, rectangles of one shade in one path."""
    paths: dict[int, str] = {}
    for y, row in enumerate(np.ceil(shares * _SHADES - 1e-9).astype(int).tolist()):
        x = 0
        for shade, run in groupby(row):
            length = len(list(run))
            paths[shade] = paths.get(shade, "") + f"M{x} {y}h{length}v1h-{length}z"
            x += length
    return "".join(
        f'<path class="{name}-ink" opacity="{shade / _SHADES}" shape-rendering="crispEdges" '
        f'd="{path}"/>'
        for shade, path in sorted(paths.items())
        if shade
    )


def _frames(rows: Blocks, width: int, height: int) -> str:
    """Lines round what the neurons of one kind send to those of another."""
    down = [0, *accumulate(height * len(blocks) for blocks in rows.values())]
    targets = (len(blocks) for name, blocks in rows.items() if name != "sensory")
    across = [0, *accumulate(width * length for length in targets)]
    path = "".join(f"M0 {y}h{across[-1]}" for y in down)
    path += "".join(f"M{x} 0v{down[-1]}" for x in across)
    return f'<path class="frame" d="{path}"/>'


def _row_names(rows: Blocks, height: int) -> Iterator[str]:
    top, last = float(_TOP), 0.0
    for name, blocks in rows.items():
        last = max(top + height * len(blocks) / 2 + 4, last + 14)
        yield _text(name, 78, last, "before")
        top += height * len(blocks)


def _page(
    wiring: Wiring,
    columns: dict[Column, list[int]],
    note: str,
    bottom: float,
    parts: list[str],
) -> str:
    kind = "masks" if wiring.origin is None else wiring.origin["kind"]
    name = (
        f"{_NAMES.get(kind, 'Wiring')}: {wiring.input_size:,} inputs, {wiring.units:,} neurons, "
        f"{wiring.output_size:,} outputs"
    )
    counts = (
        f"{wiring.sensory_synapse_count:,} sensory and {wiring.synapse_count:,} other synapses, "
        f"{100 * wiring.density:.3g}% of those possible"
    )
    layers = ", ".join(f"{len(sources):,} {column}" for column, sources in columns.items())
    notes = wrap(note, 108)
    height = bottom + 24 + 18 * len(notes)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="wiring" role="img" '
            f'viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" height="{height:.0f}">',
            f"<title>{name}</title>",
            f"<desc>{counts}. Columns: {layers}. {note}</desc>",
            f"<style>{_STYLE}</style>",
            f'<rect class="ground" width="{_WIDTH}" height="{height:.0f}"/>',
            _text(name, 24, 24, "name"),
            _text(counts, 24, 46),
            *parts,
            *(_text(line, 24, bottom + 22 + 18 * at) for at, line in enumerate(notes)),
            "</svg>\n",
        ]
    )


def _text(words: str, x: float, y: float, role: str = "note") -> str:
    return f'<text class="{role}" x="{x:.1f}" y="{y:.1f}">{words}</text>'
