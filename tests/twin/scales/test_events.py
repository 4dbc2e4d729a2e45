"""Scales as a record holds them: questionnaires, panels, single observations, noted totals."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cauce.twin.scales.events import from_events
from cauce.twin.scales.tables import scale_named
from cauce.twin.timeline import Code, Event, Person, Timeline

MONDAY = datetime(2024, 3, 4, 9, tzinfo=UTC)
TUESDAY = datetime(2024, 3, 5, 9, tzinfo=UTC)


def answer(
    name: str,
    value: float | str,
    *,
    origin: str = "",
    at: datetime | None = MONDAY,
    loinc: str = "",
) -> Event:
    return Event(
        kind="answer",
        name=name,
        codes=(Code(system="loinc", code=loinc),) if loinc else (),
        start=at,
        value=None if isinstance(value, str) else value,
        text=value if isinstance(value, str) else "",
        file="record.json",
        origin=origin or f"line {name}",
    )


def timeline(*events: Event) -> Timeline:
    return Timeline(person=Person(id="one"), events=events)


def all_of(scale: str, language: str, points: int, **place: object) -> list[Event]:
    return [
        answer(item.names[language], points, **place)  # type: ignore[index,arg-type]
        for item in scale_named(scale).items
    ]


@pytest.mark.parametrize("language", ["es", "en", "ca"])
def test_items_are_known_by_their_names_in_three_languages(language):
    [scored] = from_events(timeline(*all_of("norton", language, 3)))
    assert (scored.scale, scored.total, scored.band) == ("norton", 15, "low")
    assert len(scored.events) == 5


def test_items_are_known_by_their_codes_whatever_they_are_called():
    events = [
        answer("x", item.options[0].points, loinc=item.loinc, origin=f"Observation/{item.id}")
        for item in scale_named("barthel").items
    ]
    [scored] = from_events(timeline(*events))
    assert (scored.scale, scored.total) == ("barthel", 100)


def test_answers_may_be_options_in_words():
    events = [answer("comer", "con ayuda", loinc="83184-2"), answer("Barthel: escaleras", "help")]
    [scored] = from_events(timeline(*events))
    assert scored.points == {"feeding": 5, "stairs": 5}
    assert scored.total is None
    assert scored.bounds == (10, 90)


def test_one_resource_is_one_sitting_and_single_answers_are_put_together_by_time():
    first = all_of("norton", "es", 4, origin="QuestionnaireResponse/a#1")
    second = all_of("norton", "es", 1, origin="QuestionnaireResponse/b")
    third = all_of("norton", "es", 2, at=TUESDAY)
    totals = [scored.total for scored in from_events(timeline(*first, *second, *third))]
    assert totals == [20, 5, 10]


def test_an_item_of_two_scales_is_of_the_one_that_others_tell():
    norton = all_of("norton", "es", 2)
    braden = [answer("actividad", 2), answer("movilidad", 2)]
    [scored] = from_events(timeline(*norton))
    assert scored.points["mobility"] == 2
    assert from_events(timeline(*braden)) == ()
    both = from_events(timeline(*norton, answer("Braden: nutrición", 3)))
    assert [one.scale for one in both] == ["norton", "braden"]
    assert both[0].missing == ("activity", "mobility")


def test_bare_names_need_half_of_the_items():
    assert from_events(timeline(answer("enfado", 4), answer("compras", 1))) == ()
    assert from_events(timeline(answer("pain intensity", 3))) == ()
    [scored] = from_events(timeline(answer("Zarit: enfado", 0)))
    assert scored.points == {"anger": 0}


def test_a_noted_total_is_taken_as_it_is():
    pain = answer("Pain severity", 6, loinc="72514-3").model_copy(update={"kind": "reading"})
    scored = from_events(timeline(answer("Índice de Barthel", 45), pain))
    assert [(one.scale, one.total, one.band) for one in scored] == [
        ("barthel", 45, "severe"),
        ("pain", 6, "moderate"),
    ]
    assert scored[0].missing == ()
    assert scored[0].bounds == (45, 45)


def test_a_noted_total_that_no_answers_add_up_to_is_set_aside():
    for total in (103, 47, -5, 45.5, "half"):
        [scored] = from_events(timeline(answer("Barthel", total)))
        assert scored.total is None
        assert scored.bounds == (0, 100)
        [refusal] = scored.refused
        assert (refusal.file, refusal.position) == ("record.json", "line Barthel")
        assert "add up" in refusal.reason


def test_a_noted_total_that_its_items_contradict_is_set_aside():
    items = all_of("norton", "es", 3)
    [agreed] = from_events(timeline(*items, answer("Norton", 15)))
    assert (agreed.total, agreed.refused) == (15, ())
    [contradicted] = from_events(timeline(*items, answer("Norton", 16)))
    assert contradicted.total == 15
    assert [refusal.position for refusal in contradicted.refused] == ["line Norton"]
    [partly] = from_events(timeline(*items[:4], answer("Norton", 16)))
    assert (partly.total, partly.refused) == (16, ())


def test_points_that_no_option_has_are_set_aside_with_their_place_and_not_told():
    items = all_of("norton", "es", 3)
    items[0] = answer("estado físico", 9777, origin="row 7")
    [scored] = from_events(timeline(*items))
    assert scored.missing == ("physical",)
    [refusal] = scored.refused
    assert refusal.position == "row 7"
    assert "9777" not in refusal.reason


def test_an_item_answered_twice_counts_when_both_say_the_same():
    items = all_of("norton", "es", 3)
    [same] = from_events(timeline(*items, answer("estado físico", 3, origin="again")))
    assert (same.total, same.refused) == (15, ())
    [other] = from_events(timeline(*items, answer("estado físico", 4, origin="again")))
    assert other.missing == ("physical",)
    assert {refusal.position for refusal in other.refused} == {"line estado físico", "again"}


@pytest.mark.parametrize(
    ("first", "rest", "scale", "total"),
    [(0, 4, "zarit", 84), (5, 1, "zarit-martin", 26), (2, 3, "zarit", None)],
)
def test_zarit_is_counted_in_the_one_way_that_fits_or_not_at_all(first, rest, scale, total):
    events = all_of("zarit", "es", rest, origin="QuestionnaireResponse/z")
    events[0] = answer(events[0].name, first, origin="QuestionnaireResponse/z")
    [scored] = from_events(timeline(*events))
    assert (scored.scale, scored.total) == (scale, total)
    assert len(scored.refused) == (0 if total else 22)


def test_a_total_of_zarit_is_taken_where_its_name_or_size_tells_the_way():
    told = {
        ("Zarit", 90): ("zarit-martin", 90),
        ("Zarit", 10): ("zarit", 10),
        ("Zarit", 50): ("zarit", None),
        ("Zarit 22-110", 50): ("zarit-martin", 50),
        ("Zarit 0-88", 50): ("zarit", 50),
    }
    for (name, value), expected in told.items():
        [scored] = from_events(timeline(answer(name, value)))
        assert (scored.scale, scored.total) == expected


def test_what_was_refuted_empty_or_of_no_scale_is_passed_by():
    refuted = answer("Barthel", 45).model_copy(update={"is_active": False})
    nothing = answer("Barthel", "")
    foreign = answer("Do you smoke?", 1)
    planned = answer("Barthel", 45).model_copy(update={"kind": "plan"})
    assert from_events(timeline(refuted, nothing, foreign, planned)) == ()
