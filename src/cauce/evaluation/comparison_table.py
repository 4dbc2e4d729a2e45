"""Comparisons as plain text: one table for all, and the answers that changed, side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import zip_longest

from cauce.evaluation.comparison import Comparison, Cost, Flip, MetricDifference

SAFETY = ("right_drug", "right_section", "unsupported_numbers", "abstained")
"""Metrics of what an answer could do to its reader."""
COSTS = {"cpu_s": "CPU s an answer", "peak_mb": "memory, MiB"}
FLIPS_SHOWN = 3
_COLUMN = 50
_ANSWER_LINES = 5

_Line = tuple[str, ...]


def format_table(comparisons: Sequence[Comparison]) -> str:
    """The comparisons of one system with others as a table; the footer says what is corrected."""
    parts: list[_Line] = [_header(comparisons)]
    for title, rows in _parts(comparisons):
        if rows:
            parts += [(title,), *rows]
    primary = {row.metric: None for one in comparisons for row in one.metrics if row.is_primary}
    tested = sum(row.is_primary for one in comparisons for row in one.metrics)
    return "\n".join(
        [
            *(_counted(one) for one in comparisons),
            *_aligned(parts, names=1 if len(comparisons) == 1 else 2),
            *(line for one in comparisons for line in _missing(one)),
            f"Intervals and p by group. Holm: p corrected over {tested} tests, those of",
            f"{', '.join(primary)}; more of the same is not corrected.",
        ]
    )


def _counted(c: Comparison) -> str:
    return f"{c.a} -> {c.b}: {c.items} items in {c.groups} groups, {len(c.flipped)} flipped"


def _missing(c: Comparison) -> Iterable[str]:
    for name, missing in ((c.a, c.only_in_b), (c.b, c.only_in_a)):
        if missing:
            yield f"{len(missing)} items lack in {name}: {', '.join(missing[:5])}"
    for reason in c.not_compared:
        yield f"{c.a} -> {c.b}, not compared: {reason}"


def _header(comparisons: Sequence[Comparison]) -> _Line:
    first = comparisons[0]
    systems = ("", first.a, first.b) if len(comparisons) == 1 else ("", "system", first.a, "value")
    return (*systems, "difference", "95 % interval", "p", "Holm", "n", "")


def _parts(comparisons: Sequence[Comparison]) -> Iterable[tuple[str, list[_Line]]]:
    rows = [(one, row) for one in comparisons for row in one.metrics]
    primary = [(one, row) for one, row in rows if row.is_primary]
    is_many = len(comparisons) > 1
    for title, chosen in (
        ("quality", [(c, row) for c, row in primary if row.metric not in SAFETY]),
        ("safety", [(c, row) for c, row in primary if row.metric in SAFETY]),
    ):
        yield title, _metric_lines(chosen, is_many)
    yield "speed and memory", _cost_lines(comparisons, is_many)
    yield "more of the same", _metric_lines([pair for pair in rows if pair not in primary], is_many)


def _metric_lines(
    rows: Sequence[tuple[Comparison, MetricDifference]], is_many: bool
) -> list[_Line]:
    """The lines of metrics, all systems of each together."""
    names = list(dict.fromkeys(row.metric for _, row in rows))
    return [
        _metric_line(row, (name, c.b) if is_many else (name,))
        for name in names
        for c, row in rows
        if row.metric == name
    ]


def _metric_line(row: MetricDifference, names: _Line) -> _Line:
    interval = "not measured"
    if row.low is not None and row.high is not None:
        interval = f"[{_signed(row.low)}, {_signed(row.high)}]"
    holm = "" if row.p_holm is None else f"{row.p_holm:.4f}"
    return (
        *names,
        _number(row.a),
        _number(row.b),
        _signed(row.difference),
        interval,
        f"{row.p:.4f}",
        holm,
        str(row.n),
        _verdict(row),
    )


def _verdict(row: MetricDifference) -> str:
    if row.verdict != "no difference shown" or not row.detectable:
        return row.verdict
    return f"not shown; {_number(row.detectable)} would be"


def _cost_lines(comparisons: Sequence[Comparison], is_many: bool) -> list[_Line]:
    return [
        _cost_line(cost, (title, c.b) if is_many else (title,))
        for name, title in COSTS.items()
        for c in comparisons
        for cost in c.costs
        if cost.name == name
    ]


def _cost_line(cost: Cost, names: _Line) -> _Line:
    a, b = (_number(value) if value is not None else "not measured" for value in (cost.a, cost.b))
    times = f"{cost.b / cost.a:.2f} times" if cost.a and cost.b is not None else ""
    return (*names, a, b, times, "", "", "", "", "")


def _aligned(lines: Sequence[_Line], *, names: int) -> list[str]:
    """Names, which come first, to the left; a line of one cell is the title of a part."""
    whole = [line for line in lines if len(line) > 1]
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    shown = []
    for line in lines:
        if len(line) == 1:
            shown.append(line[0])
            continue
        cells = zip(line, widths, strict=True)
        *figures, verdict = [
            cell.ljust(width) if place < names else cell.rjust(width)
            for place, (cell, width) in enumerate(cells)
        ]
        shown.append("  ".join([*figures, verdict.strip()]).rstrip())
    shown.insert(1, "-" * max(map(len, shown)))
    return shown


def _number(value: float) -> str:
    return _signed(value).replace("+", "")


def _signed(value: float) -> str:
    return f"{value:+.3f}" if abs(value) < 10 else f"{value:+.1f}"


def format_flips(comparisons: Sequence[Comparison]) -> str:
    """The largest changes with both answers side by side; empty when nothing flipped."""
    told = []
    for one in comparisons:
        shown = one.flipped[:FLIPS_SHOWN]
        if shown:
            told.append(f"{one.a} -> {one.b}, {len(shown)} of the {len(one.flipped)} flipped:")
        told += [_flip_text(flip, one) for flip in shown]
    return "\n\n".join(told)


def _flip_text(flip: Flip, comparison: Comparison) -> str:
    changes = ", ".join(
        f"{name} {_number(flip.scores_a[name])} to {_number(flip.scores_b[name])}"
        for name in flip.changed
    )
    columns = [
        [name, *textwrap.wrap(answer, _COLUMN, max_lines=_ANSWER_LINES, placeholder=" ...")]
        for name, answer in ((comparison.a, flip.answer_a), (comparison.b, flip.answer_b))
    ]
    sides = [f"  {a:{_COLUMN}} | {b}".rstrip() for a, b in zip_longest(*columns, fillvalue="")]
    told = [
        f"  {label}: {textwrap.shorten(text, 2 * _COLUMN, placeholder=' ...')}"
        for label, text in (("asked", flip.question), ("reference", flip.reference))
        if text
    ]
    return "\n".join([f"{flip.id}: {changes}", *told, *sides])
