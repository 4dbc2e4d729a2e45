"""All that the page of a twin shows, worked out; the template only writes it down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, get_args

from cauce.records import Spoken
from cauce.report.twin.axis import LASTING, Period, Tick, periods
from cauce.report.twin.guess import Guess, percent, reliability
from cauce.report.twin.lanes import Lanes, dates_of, lanes
from cauce.report.twin.lines import Line, Measured, line
from cauce.report.twin.usual import Usual, usual_of
from cauce.report.twin.wording import LANGUAGES, SAYS
from cauce.twin.domain_text import withheld_text
from cauce.twin.readings import known_readings
from cauce.twin.scales.adherence import Adherence, Supply, adherence
from cauce.twin.scales.events import from_events
from cauce.twin.scales.scoring import Scored
from cauce.twin.scales.tables import scales
from cauce.twin.store import Twin
from cauce.twin.summary.recorded import age_at, is_current, place_of
from cauce.twin.summary.summary import summary_of
from cauce.twin.summary.wording import SEXES, printed_date, printed_number, printed_unit
from cauce.twin.timeline import Event, EventKind, Timeline

FIRST_READINGS = (
    *("egfr", "creatinine", "systolic_pressure", "diastolic_pressure", "heart_rate"),
    *("oxygen_saturation", "temperature", "weight", "body_mass_index", "glucose", "hba1c"),
    *("potassium", "sodium", "haemoglobin", "pain"),
)
"""Drawn before the others, as far as they were measured."""
SHOWN_READINGS = 12
CARE: tuple[EventKind, ...] = ("encounter", "procedure", "plan")
ADHERENCE_DAYS = 365
SHAPES = {
    "": "M-3.2 0 A3.2 3.2 0 1 0 3.2 0 A3.2 3.2 0 1 0 -3.2 0 Z",
    "above": "M0 -6 L5.5 4 L-5.5 4 Z",
    "below": "M0 6 L5.5 -4 L-5.5 -4 Z",
}
"""What a number is drawn as, by the side of the usual marks that it lies on."""


class View(NamedTuple):
    """The charts of one period."""

    period: Period
    ticks: tuple[Tick, ...]
    medicines: Lanes
    readings: tuple[Line, ...]
    more_readings: tuple[Line, ...]
    conditions: Lanes
    care: dict[str, Lanes]
    scales: tuple[Line, ...]


class Row(NamedTuple):
    """An event in the table."""

    date: str
    what: str
    value: str
    note: str
    """That it is over, or was written in error; else empty."""
    origin: str


class Adhered(NamedTuple):
    """Days of a medicine in the last year of the record."""

    name: str
    days: str
    is_adherent: bool


def content(
    twin: Twin, language: Spoken, when: datetime, guess: Guess | None = None
) -> dict[str, Any]:
    """Everything the template shows, by name, as of `when` (UTC)."""
    timeline, says = twin.timeline, SAYS[language]
    scored = from_events(timeline)
    measured = _measured(timeline, scored, language)
    views = [_view(timeline, measured, scored, period, language) for period in periods(timeline)]
    summary = summary_of(timeline, language, when)
    return {
        "name": twin.name,
        "language": language,
        "languages": LANGUAGES,
        "says": says,
        "who": _who(timeline, language, when),
        "title": says["title"].format(name=timeline.person.name or says["nameless"]),
        "dates": _dates(views, language),
        "allergies": _rows((e for e in timeline.of_kind("allergy") if e.is_active), language),
        "past_allergies": _names(e for e in timeline.of_kind("allergy") if not e.is_active),
        "kidney": summary.reading("egfr") or summary.reading("creatinine"),
        "medicines": _names(e for e in timeline.of_kind("medicine") if is_current(e, when)),
        "conditions": _names(e for e in timeline.of_kind("condition") if is_current(e, when)),
        "adherence": _adherence(timeline, language),
        "views": views,
        "marks_of": "; ".join(sorted({one.usual.source for one in measured if one.usual})),
        "scales": _scale_rows(scored, language),
        "unreadable": _unreadable(scored, language),
        "guess": guess,
        "withheld": withheld_text(guess.doubts, language) if guess and guess.doubts else "",
        "reliability": reliability(guess.bins, language) if guess else None,
        "calibration": _calibration(guess, language),
        "member_list": _members(guess, language),
        "shapes": SHAPES,
        "percent": lambda share: percent(share, language),
        "tables": {
            kind: _rows(events, language)
            for kind in get_args(EventKind)
            if (events := timeline.of_kind(kind))
        },
        "files": twin.sources.files,
        "consent": says["consent_text"].format(
            by=twin.consent.by,
            quality=says[twin.consent.quality],
            given=_day(twin.consent.given, language),
            purposes=", ".join(says[purpose] for purpose in twin.consent.purposes),
            until=_day(twin.consent.until, language),
        ),
        "made": says["made"].format(date=printed_date(when, language)),
    }


def _who(timeline: Timeline, language: Spoken, when: datetime) -> str:
    """Age, sex and date of birth, as far as they are known."""
    person, says = timeline.person, SAYS[language]
    known = [SEXES[language].get(person.sex, "")]
    if person.birth:
        born = _day(person.birth, language)
        known = [says["years"].format(age=age_at(person.birth, when)), *known]
        known.append(says["born"].format(date=born))
    return " · ".join(part for part in known if part)


def _day(day: date, language: Spoken) -> str:
    return printed_date(datetime(day.year, day.month, day.day, tzinfo=UTC), language)


def _dates(views: Sequence[View], language: Spoken) -> str:
    if not views:
        return ""
    period, says = views[-1].period, SAYS[language]
    end = printed_date(period.end - timedelta(days=1), language)
    start = printed_date(period.first, language)
    return f"{says['ends'].format(start=start, end=end)} {says['old'].format(end=end)}"


def _names(events: Iterable[Event]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(event.name for event in events))


def _view(
    timeline: Timeline,
    measured: Sequence[Measured],
    scored: Sequence[Scored],
    period: Period,
    language: Spoken,
) -> View:
    drawn = [found for one in measured if (found := line(one, period, language))]
    care = {kind: lanes(timeline.of_kind(kind), period, language) for kind in CARE}
    totals = [found for one in _totals(scored, language) if (found := line(one, period, language))]
    return View(
        period=period,
        ticks=period.ticks(language),
        medicines=lanes(timeline.of_kind("medicine"), period, language),
        readings=tuple(drawn[:SHOWN_READINGS]),
        more_readings=tuple(drawn[SHOWN_READINGS:]),
        conditions=lanes(timeline.of_kind("condition"), period, language),
        care={kind: found for kind, found in care.items() if found.shown},
        scales=tuple(totals),
    )


def _measured(timeline: Timeline, scored: Sequence[Scored], language: Spoken) -> list[Measured]:
    """Readings with their numbers: the most telling first, then those measured most often.

    What is no known reading and counts in the total of a scale is drawn with the scales.
    """
    counted = {place_of(event) for one in scored if one.total is not None for event in one.events}
    groups: dict[tuple[str, str, str], list[Event]] = {}
    for event in timeline.of_kind("reading"):
        if event.value is None or event.start is None or not event.is_active:
            continue
        if event.reading:
            groups.setdefault((event.reading, "", event.unit), []).append(event)
        elif place_of(event) not in counted:
            groups.setdefault(("", event.name, event.unit), []).append(event)
    ranks = {name: rank for rank, name in enumerate(FIRST_READINGS)}
    ordered = sorted(
        groups.items(), key=lambda row: (ranks.get(row[0][0], len(ranks)), -len(row[1]), row[0])
    )
    return [
        Measured(
            known_readings()[reading].names[language] if reading else name,
            unit,
            tuple(events),
            _usual(reading, timeline, events) if reading else None,
        )
        for (reading, name, unit), events in ordered
    ]


def _usual(name: str, timeline: Timeline, events: Sequence[Event]) -> Usual | None:
    latest = events[-1].start
    return usual_of(name, timeline.person, latest) if latest else None


def _totals(scored: Sequence[Scored], language: Spoken) -> Iterator[Measured]:
    """The totals of each scale as numbers to be drawn."""
    for name in dict.fromkeys(one.scale for one in scored):
        events = [
            one.events[0].model_copy(update={"value": float(one.total)})
            for one in scored
            if one.scale == name and one.total is not None and one.events and one.events[0].start
        ]
        if events:
            band = _band(name, round(events[-1].value or 0), language)
            yield Measured(scales()[name].names[language], "", tuple(events), None, band)


def _band(scale: str, total: int, language: Spoken) -> str:
    return scales()[scale].band_of(total).names[language]


def _scale_rows(scored: Sequence[Scored], language: Spoken) -> list[Row]:
    return [
        Row(
            date=printed_date(one.events[0].start if one.events else None, language),
            what=scales()[one.scale].names[language],
            value=_scored(one, language),
            note="",
            origin=", ".join(dict.fromkeys(place_of(event) for event in one.events)),
        )
        for one in scored
        if one.points or one.total is not None
    ]


def _unreadable(scored: Sequence[Scored], language: Spoken) -> str:
    """How many answers the tables of the scales do not have; empty where there are none."""
    count = sum(len(one.refused) for one in scored)
    return SAYS[language]["unreadable"].format(count=count) if count else ""


def _scored(one: Scored, language: Spoken) -> str:
    """The total with what it means, or between what it lies."""
    names = {band.id: band.names[language] for band in scales()[one.scale].bands}
    band = names.get(one.band, "")
    if one.total is not None:
        return f"{one.total} · {band}" if band else str(one.total)
    missing = SAYS[language]["incomplete"].format(
        count=len(one.missing), low=one.bounds.lowest, high=one.bounds.highest
    )
    return f"{missing} {band}".rstrip()


def _adherence(timeline: Timeline, language: Spoken) -> dict[str, Any] | None:
    """Days covered in the last year of the record, by each medicine supplied more than once."""
    supplied: dict[str, list[Supply]] = {}
    for event in timeline.of_kind("medicine"):
        if event.start and event.unit == "d" and round(event.value or 0) > 0:
            supply = Supply(
                medicine=event.name, start=event.start.date(), days=round(event.value or 0)
            )
            supplied.setdefault(event.name, []).append(supply)
    ends = [supply.start for supplies in supplied.values() for supply in supplies]
    if not ends:
        return None
    last = max(max(ends), *(e.start.date() for e in timeline.events if e.start))
    first = last - timedelta(days=ADHERENCE_DAYS - 1)
    found = {
        name: adherence(supplies, first, last)
        for name, supplies in supplied.items()
        if sum(supply.start >= first for supply in supplies) > 1
    }
    note = SAYS[language]["adherence_note"].format(
        first=_day(first, language), last=_day(last, language)
    )
    return {"note": note, "rows": [_adhered(name, one, language) for name, one in found.items()]}


def _adhered(name: str, one: Adherence, language: Spoken) -> Adhered:
    days = SAYS[language]["adherence_of"].format(
        covered=one.covered, days=one.days, share=round(100 * one.pdc)
    )
    return Adhered(name, days, one.is_adherent)


def _rows(events: Iterable[Event], language: Spoken) -> list[Row]:
    """The events as rows of a table, the latest first."""
    return [
        Row(
            date=dates_of(event, language),
            what=_called(event, language),
            value=_value(event, language),
            note=_note(event, language),
            origin=place_of(event),
        )
        for event in reversed(list(events))
    ]


def _called(event: Event, language: Spoken) -> str:
    known = known_readings().get(event.reading)
    return known.names[language] if known else event.name


def _note(event: Event, language: Spoken) -> str:
    if event.is_active or event.kind in ("encounter", "procedure"):
        return ""
    return SAYS[language]["over" if event.kind in LASTING else "in_error"]


def _value(event: Event, language: Spoken) -> str:
    if event.value is None:
        return event.text
    number = f"{printed_number(event.value, language)} {printed_unit(event.unit, language)}"
    return f"{number.rstrip()} {event.text}".rstrip()


def _calibration(guess: Guess | None, language: Spoken) -> str:
    if guess is None:
        return ""
    people = sum(one.n for one in guess.bins)
    ece = "-" if guess.ece is None else printed_number(guess.ece, language)
    return SAYS[language]["calibration_text"].format(n=people, ece=ece)


def _members(guess: Guess | None, language: Spoken) -> str:
    members = guess.members.items() if guess else ()
    says = SAYS[language]
    return ", ".join(f"{says[name]} {percent(risk, language)} %" for name, risk in members)
