"""One row of evidence: a number, how sure it is, and how anyone can get it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from cauce.evaluation.statistics import Estimate
from cauce.records import Record
from cauce.report.trust.measures import Heading, Measure, Unit, measures
from cauce.runs import Run, sha256_of_file

Kind = Literal["measured", "estimated", "declared", "missing"]
Judged = Literal["met", "not met", "unclear", "no bar"]

CHANGED = "measured before the run changed, or by another version of cauce"
OFF = "this guard is off in the recipe of the run"
"""Why a row is missing though its measure was measured."""


class Evidence(Record):
    """What is known of one measure, or that nothing is."""

    name: str
    """Of the measure."""
    part: str = ""
    """Which system, family or group, where a measure has several rows."""
    headings: tuple[Heading, ...]
    sections: tuple[int, ...]
    value: float | str | None = None
    low: float | None = None
    """Lower bound of the 95 % interval."""
    high: float | None = None
    n: int | None = None
    unit: Unit
    source: Kind
    """`estimated` came out of constants, `declared` is what people say, and neither is measured."""
    note: str = ""
    """The constants of an estimate, or why a row is missing."""
    run: str
    """Empty where the figure is the package's, the same for every run."""
    file: str = ""
    """Where the number stands, in the run's folder or, of the package, in its own."""
    data_sha256: str = ""
    """Of what was measured on."""
    command: str = ""
    """Makes the number again; of a missing one, makes it."""
    seed: int | None = None
    date: str = ""
    """ISO 8601, of the measurement."""

    @property
    def judged(self) -> Judged:
        """Whether the whole interval lies on the good side of the bar that was set beforehand."""
        measure = measures().get(self.name)
        if measure is None or measure.bar is None or self.low is None or self.high is None:
            return "no bar" if measure is None or measure.bar is None else "unclear"
        best, worst = sorted((self.low, self.high), reverse=measure.better == "higher")
        sign = -1 if measure.better == "higher" else 1
        if sign * worst <= sign * measure.bar:
            return "met"
        return "not met" if sign * best > sign * measure.bar else "unclear"


class Origin(NamedTuple):
    """What all rows of one file share."""

    run: str
    file: str
    data_sha256: str = ""
    command: str = ""
    seed: int | None = None
    date: str = ""


def origin(run: Run, file: str, *, data: str, command: str, stage: str = "") -> Origin:
    """Of numbers in `file` that were measured on `data`, both in the run's folder.

    `stage` is the stage of the manifest that tells the date.
    """
    manifest = run.manifest
    data_path = run.path / data
    return Origin(
        run=run.path.name,
        file=file,
        data_sha256=sha256_of_file(data_path) if data and data_path.is_file() else "",
        command=command.replace("{run}", run.path.name),
        seed=manifest.get("seed"),
        date=manifest["stages"].get(stage, {}).get("finished", ""),
    )


def measured(
    name: str,
    found: Estimate | float | str,
    where: Origin,
    *,
    part: str = "",
    source: Kind = "measured",
    note: str = "",
) -> Evidence:
    """The row of a value that stands in a file."""
    measure = measure_of(name)
    value = found if not isinstance(found, Estimate) else found.value
    low, high, n = (found.low, found.high, found.n) if isinstance(found, Estimate) else (None,) * 3
    return Evidence(
        name=name,
        part=part,
        headings=measure.headings,
        sections=measure.sections,
        value=value,
        low=low,
        high=high,
        n=n,
        unit=measure.unit,
        source=source,
        note=note,
        **where._asdict(),
    )


def missing(measure: Measure, run: str, note: str = "", *, command: str = "") -> Evidence:
    """The row of what nobody measured, with the command that would: its own, if none is given."""
    return Evidence(
        name=measure.name,
        headings=measure.headings,
        sections=measure.sections,
        unit=measure.unit,
        source="missing",
        note=note,
        run=run,
        command=command or measure.command.replace("{run}", run),
    )


def measure_of(name: str) -> Measure:
    """The measure of that name; one unknown here is a number under its own name."""
    return measures().get(name) or Measure(
        name=name,
        title={"en": name, "es": name},
        headings=("robustness",),
        sections=(3,),
        unit="number",
    )


def estimate_of(score: Mapping[str, Any]) -> Estimate | None:
    """The estimate that a file holds as `value`, `low`, `high`, `n`; None where it has no value."""
    if score.get("value") is None:
        return None
    return Estimate(
        value=score["value"], low=score.get("low"), high=score.get("high"), n=score.get("n") or 0
    )
