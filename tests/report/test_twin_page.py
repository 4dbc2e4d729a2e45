from __future__ import annotations

import itertools
import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from cauce.evaluation.risk_systems import ReliabilityBin
from cauce.records import Spoken
from cauce.report.twin import wording
from cauce.report.twin.axis import periods
from cauce.report.twin.guess import Guess, reliability
from cauce.report.twin.lanes import lanes
from cauce.report.twin.lines import BOTTOM, HEIGHT, MOST_POINTS, TOP, Measured, line
from cauce.report.twin.page import render, style, write_page
from cauce.report.twin.text import twin_text
from cauce.report.twin.usual import usual_of
from cauce.twin.readings import known_readings
from cauce.twin.store import SourceFile, Sources, Twin
from cauce.twin.timeline import Event, EventKind, Person, Timeline, in_order
from shared import shared_data
from twin.people import consent

START = datetime(2015, 1, 1, tzinfo=UTC)
WHEN = datetime(2026, 6, 1, tzinfo=UTC)
BINS = [ReliabilityBin(0.1, 0.12, 0.06, 0.2, 90)]
GUESS = Guess("admission", 0.312, {"liquid": 0.28, "trees": 0.35}, BINS, 0.02, "runs/x")


def event(kind: EventKind, name: str, day: float, **fields: object) -> Event:
    place = {"file": "a.json", "origin": f"{kind.title()}/{name}-{day}"}
    return Event.model_validate(
        {"kind": kind, "name": name, "start": START + timedelta(days=day), **place, **fields}
    )


def creatinine(day: float, value: float) -> Event:
    return event("reading", "Creatinine", day, reading="creatinine", value=value, unit="mg/dL")


EVENTS = (
    *(creatinine(day, 0.7 + day / 2000) for day in range(0, 3000, 300)),
    event("allergy", "Penicillin <b>", 3, text="rash"),
    event("medicine", "Apixaban 5 mg", 2000),
    event("medicine", "Amoxicillin", 100, end=START + timedelta(days=107), is_active=False),
    event("condition", "Heart failure", 900),
    event("encounter", "Visit", 2999, is_active=False),
    *(
        event("medicine", "Metformin", day, value=28.0, unit="d", is_active=False)
        for day in (2720, 2748, 2800)
    ),
    event("answer", "Barthel index", 2500, value=55.0),
    event("reading", "Pain", 2600, value=3.0, unit="{score}", is_active=False),
)
PERSON = Person(id="p-1", name="Eva Roig <script>", birth=date(1940, 1, 2), sex="female")


def twin_of(*events: Event, person: Person = PERSON) -> Twin:
    sources = Sources(id="1", persons=("p-1",), files=(SourceFile(file="a.json", sha256="a" * 64),))
    return Twin("eva", Timeline(person=person, events=in_order(events)), consent(), sources)


class Page(HTMLParser):
    """Tags with their attributes, ids, and what stands unclosed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module", params=("es", "en", "ca"))
def page(request: pytest.FixtureRequest) -> str:
    return render(twin_of(*EVENTS), request.param, GUESS, when=WHEN)


def test_the_page_is_whole_alone_and_asks_for_nothing(page: str) -> None:
    parsed = Page(page)
    assert parsed.open == []
    assert not re.search(r"https?:|//|url\(|@import|<script|\son\w+=| style=", page)
    assert {"link", "img", "script", "iframe"}.isdisjoint(tag for tag, _ in parsed.tags)
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_what_a_screen_reader_needs_is_there(page: str) -> None:
    parsed = Page(page)
    ids = {attributes.get("id") for _, attributes in parsed.tags}
    for section in parsed.all("section"):
        assert section["aria-labelledby"] in ids
    for label in parsed.all("label"):
        assert label["for"] in ids
    for svg in (one for one in parsed.all("svg") if one.get("width") or one.get("viewbox")):
        assert svg.get("aria-hidden") == "true" or svg.get("aria-label")
    assert sum(attributes.get("scope") == "row" for attributes in parsed.all("th")) >= len(EVENTS)
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_allergies_come_first_and_nothing_of_a_record_is_markup(page: str) -> None:
    assert page.index("Penicillin &lt;b&gt;") < page.index("Apixaban")
    assert "Eva Roig &lt;script&gt;" in page


def test_every_event_is_in_a_table_with_its_place(page: str) -> None:
    tables = page[page.index('id="tables-title"') :]
    for one in EVENTS:
        assert f"{one.origin} in a.json" in tables.replace("&lt;", "<").replace("&gt;", ">")


def test_a_mark_names_its_resource(page: str) -> None:
    titles = re.findall(r"<title>([^<]*)</title>", page)
    assert any("Medicine/Apixaban 5 mg-2000 in a.json" in title for title in titles)
    assert any("Reading/Creatinine-2700 in a.json" in title for title in titles)


def test_a_guess_is_marked_as_one_and_comes_with_its_calibration(page: str) -> None:
    section = page[page.index('class="guess"') :]
    warning = re.search(r'class="warning">.*?</p>', section)
    assert warning and ("guess" in warning[0] or "estimac" in warning[0])
    assert "31 %" in section and "0,02" in section.replace("0.02", "0,02")
    assert 'class="guess"' not in render(twin_of(*EVENTS), "en", when=WHEN)


def test_the_words_are_there_in_every_language() -> None:
    keys = {language: set(words) for language, words in wording.SAYS.items()}
    assert keys["es"] == keys["en"] == keys["ca"]
    fields = re.compile(r"{\w+}")
    for key in keys["en"]:
        held = [set(fields.findall(words[key])) for words in wording.SAYS.values()]
        assert held[0] == held[1] == held[2], key


def test_an_empty_record_is_told_as_one() -> None:
    page = render(twin_of(person=Person(id="p-1")), "en", when=WHEN)
    assert "does not mean that there is none" in page
    assert "Record of a person" in page
    assert 'type="radio"' not in page


def test_adherence_and_scales_are_those_of_the_published_rules() -> None:
    page = render(twin_of(*EVENTS), "en", when=WHEN)
    # 84 days supplied from day 2720 to 2999, of which 28 + 28 + 28 are covered.
    assert "84 of 280 days (30 %)</strong>, below 80 %" in page
    assert "55 · severe dependency" in page
    assert "written in error" in page


def test_a_noted_total_is_drawn_once_and_what_cannot_be_compared_alone() -> None:
    barthel = (event("reading", "Barthel index", day, value=60.0) for day in (0, 90))
    odd = event("reading", "creatinine", 90, value=5.0, unit="kg")
    page = render(twin_of(creatinine(0, 1), odd, *barthel), "en", when=WHEN)
    cards = re.findall(r'class="card-name">([^<]*)<.*?card-value(?: outside)?">([^<]*)<', page)
    assert cards == [("creatinine", "1 mg/dL"), ("creatinine", "5 kg"), ("Barthel index", "60")]
    assert page.count("A single value: 5 kg") == 2 and "1 values" not in page


def test_periods_are_two_years_and_all(tmp_path: Path) -> None:
    recent, whole = periods(twin_of(*EVENTS).timeline)
    assert (recent.key, whole.key) == ("recent", "all")
    assert recent.end - recent.start == timedelta(days=731)
    assert [recent.place(moment) for moment in (START, recent.start, recent.end)] == [0, 0, 100]
    assert len(periods(twin_of(creatinine(0, 1), creatinine(90, 1)).timeline)) == 1
    assert periods(twin_of().timeline) == ()
    [days] = periods(twin_of(creatinine(0, 1), creatinine(2, 1)).timeline)
    assert [tick.text for tick in days.ticks("ca")] == ["1 gen", "2 gen", "3 gen", "4 gen"]
    for period in (recent, whole, days):
        ticks = period.ticks("es")
        assert 2 <= len(ticks) <= 7
        assert [tick.place for tick in ticks] == sorted(tick.place for tick in ticks)


def test_bars_lie_where_their_dates_do() -> None:
    timeline = twin_of(*EVENTS).timeline
    recent, whole = periods(timeline)
    drawn = lanes(timeline.of_kind("medicine"), whole, "en")
    bars = {lane.name: lane.marks for lane in drawn.shown}
    assert list(bars) == ["Apixaban 5 mg", "Metformin", "Amoxicillin"]
    [goes_on] = bars["Apixaban 5 mg"]
    assert goes_on.goes_on and round(goes_on.x + goes_on.width, 1) == 100
    assert goes_on.x == pytest.approx(whole.place(START + timedelta(days=2000)))
    assert [mark.width for mark in bars["Metformin"]] == [0, 0, 0]
    assert "Amoxicillin" not in {lane.name for lane in lanes(EVENTS, recent, "en").shown}
    many = lanes((event("encounter", f"v{i}", i) for i in range(30)), whole, "en")
    assert len(many.shown) + len(many.more) == 30


def test_numbers_outside_the_usual_marks_are_told_by_shape_and_word() -> None:
    events = (creatinine(0, 0.5), creatinine(400, 0.8), creatinine(800, 1.6))
    marks = usual_of("creatinine", PERSON, WHEN)
    [_, whole] = periods(twin_of(*events).timeline)
    drawn = line(Measured("creatinine", "mg/dL", events, marks), whole, "en")
    assert drawn is not None
    assert [point.side for point in drawn.points] == ["below", "", "above"]
    assert (drawn.side, drawn.usual) == ("above what is usual", "usual: 0.59 to 1.04")
    places = [point.y for point in drawn.points]
    assert places == sorted(places, reverse=True)
    assert all(TOP <= y <= HEIGHT - BOTTOM for y in places)


def test_many_numbers_are_thinned_and_no_extreme_is_lost() -> None:
    rng = np.random.default_rng(1)
    values = [float(value) for value in rng.normal(1, 0.1, 2000)]
    events = tuple(creatinine(i, value) for i, value in enumerate(values))
    [*_, whole] = periods(twin_of(*events).timeline)
    drawn = line(Measured("creatinine", "mg/dL", events, None), whole, "en")
    assert drawn is not None and drawn.is_thinned
    assert len(drawn.points) <= MOST_POINTS
    told = {point.title for point in drawn.points}
    for extreme in (min(values), max(values)):
        assert any(f"-{values.index(extreme)} in" in title for title in told)


def test_usual_marks_are_of_known_readings_and_of_adults_only() -> None:
    from cauce.report.twin.usual import _rows

    assert set(_rows()) <= set(known_readings())
    child = Person(id="c", birth=date(2015, 1, 1), sex="male")
    assert usual_of("creatinine", child, WHEN) is None
    assert usual_of("creatinine", Person(id="u"), WHEN) is None
    assert usual_of("hba1c", Person(id="u"), WHEN) is not None
    assert usual_of("inr", PERSON, WHEN) is None


def test_bins_lie_on_the_diagram_with_their_intervals() -> None:
    bins = [ReliabilityBin(0.1, 0.12, 0.06, 0.2, 90), ReliabilityBin(1.0, 1.0, 0.7, 1.0, 10)]
    drawn = reliability(bins, "es")
    assert drawn is not None
    first, last = drawn.dots
    assert (last.x, last.y) == (drawn.side - 10, 10)
    assert first.size > last.size
    assert first.low > first.y > first.high
    assert "10 % → 12 % (n 90)" in first.title
    assert reliability((), "es") is None


def test_the_text_calls_a_guess_a_guess() -> None:
    told = twin_text(twin_of(creatinine(0, 1.0)), "en", WHEN, GUESS).splitlines()
    assert told[-1] == "admission: 31 %. This is a model's guess, not a fact of the record."
    assert "does not mean that there is none" in told[-2]


def test_text_is_read_on_every_ground() -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1; for marks 1.4.11: 3 to 1."""
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#\w{6})", block))
        for block in re.findall(r":root {(.*?)}", style(), flags=re.DOTALL)[:2]
    )
    for colours in (light, dark):
        for ground in ("paper", "raised"):
            for ink in ("ink", "soft", "river", "worse", "deep"):
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
        for mark in ("river", "worse", "deep", "stone"):
            assert contrast(colours[mark], colours["raised"]) >= 3
        for mark in ("river", "worse"):
            assert contrast(colours[mark], colours["usual"]) >= 3
        for ink in ("ink", "soft", "alarm"):
            assert contrast(colours[ink], colours["alarm-wash"]) >= 4.5
        assert contrast(colours["note-ink"], colours["note"]) >= 4.5
        assert contrast(colours["paper"], colours["river"]) >= 4.5


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (
            share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
            for share in shares
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_a_page_in_a_file_is_for_its_owner(tmp_path: Path) -> None:
    path = write_page(tmp_path / "eva.html", twin_of(*EVENTS), "ca")
    assert path.stat().st_mode & 0o077 == 0
    assert '<html lang="ca">' in path.read_text("utf-8")


@pytest.mark.parametrize("language", ["en"])
def test_real_records_are_drawn(tmp_path: Path, language: Spoken) -> None:
    import tarfile

    from cauce.twin.fhir import read_fhir

    with tarfile.open(shared_data("synthea") / "bundles-10.tar.xz") as archive:
        name = next(n for n in archive.getnames() if n.endswith(".json") and "Sherron" in n)
        archive.extract(name, tmp_path, filter="data")
    [timeline] = read_fhir(tmp_path / name).timelines
    page = render(twin_of()._replace(timeline=timeline), language, when=WHEN)
    assert Page(page).open == []
    assert page.index("House dust mite allergy") < page.index("Fluticasone")
    tables = page[page.index('id="tables-title"') :]
    assert all(one.origin in tables for one in timeline.events)
