"""Whether new weights may take the place of others: what must be kept, and what stands against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cauce.evaluation.examining import Examination, Margins, measures
from cauce.evaluation.keeping import Kept, judge_measure
from cauce.records import Record


class Compared(Record):
    """New weights beside others, measure by measure."""

    model: str
    """What the others are called."""
    measures: tuple[Kept, ...]


def compare_weights(
    model: str, before: Examination, after: Examination, margins: Margins, *, seed: int
) -> Compared:
    """Every measure that both have figures of; one that a run does not have is left out."""
    return Compared(
        model=model,
        measures=tuple(
            judge_measure(measure, before.figures[measure.name], found, seed=seed)
            for measure in measures(margins)
            if (found := after.figures.get(measure.name))
        ),
    )


def reasons_against(compared: Sequence[Compared], accepted: Sequence[str]) -> Iterator[str]:
    """Why the new weights may not be served; nothing where they may.

    What cannot be told is a reason, unless the measure is among those accepted so.
    """
    for one in compared:
        for row in one.measures:
            if row.verdict == "worse":
                yield f"{row.measure} got worse than in {one.model}: {in_words(row)}"
            elif row.verdict == "cannot tell" and row.measure not in accepted:
                yield f"{row.measure} may be worse than in {one.model}: {in_words(row)}"


def in_words(row: Kept) -> str:
    """The figures of a measure, with how many items could tell where these could not.

    Bounds are of the worsening.
    """
    found = f"{row.before:.3f} before, {row.after:.3f} after"
    if row.margin is None:
        return f"{found}; none of {row.items} may be lost"
    bounds = "no bound" if row.high is None else f"at most {row.high:+.3f} worse (95 %)"
    needed = f"; about {row.needed} items could tell" if row.needed else ""
    return f"{found}, {bounds}, {row.margin:g} allowed; {row.items} items{needed}"
