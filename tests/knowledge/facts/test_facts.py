from __future__ import annotations

import doctest
import itertools

import pytest

from cauce.knowledge import facts as facts_module
from cauce.knowledge.facts import items as facts_items
from cauce.knowledge.facts.facts import Dose, Fact, Interaction, facts_of, negations, said_in
from cauce.knowledge.facts.items import items_of


def none(text: str) -> set[str]:
    """The medicines of a text that names none."""
    return set()


def texts(kind: str, text: str, language: str = "en") -> list[str]:
    return [fact.text for fact in facts_of(kind, text, language, medicines_of=none)]  # type: ignore[arg-type]


def first(kind: str, text: str) -> Fact:
    return facts_of(kind, text, "en", medicines_of=none)[0]


@pytest.mark.parametrize("module", [facts_module, facts_items])
def test_doc_examples(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def test_every_character_but_space_stands_in_one_item() -> None:
    text = (
        "WARNING: SUDDEN DEATH IN CHILDREN Children died. • Stop it (5.1) • Call 911. "
        "2.1 Usual Dosage Take 5 mg. Table 1: Doses Adult 5 mg"
    )
    spans = [item.span for item in items_of(text)]
    assert "".join(span.of(text) for span in spans).replace(" ", "") == text.replace(
        " ", ""
    ).replace("•", "")
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))


def test_a_long_title_in_capitals_is_read_in_linear_time() -> None:
    assert items_of("WARNING: (A) PREMATURE DISCONTINUATION OF IT, (B) BLEEDING " * 200)


def test_a_span_is_the_statement_as_printed() -> None:
    text = "Do not exceed 40 mg [see Dosage (2.2)]. Take it with food."
    assert [fact.span.of(text) for fact in facts_of("dose", text, "en", medicines_of=none)] == [
        "Do not exceed 40 mg [see Dosage (2.2)].",
        "Take it with food.",
    ]


def test_a_dose_is_read_into_its_fields() -> None:
    fields = first(
        "dose",
        "Patients with renal failure take 2.5 mg/kg orally every 12 hours, up to 300 mg; "
        "reduce it.",
    ).fields
    assert isinstance(fields, Dose)
    assert fields.amounts == ("2.5 mg/kg", "12 hours", "300 mg")
    assert fields.frequencies == ("every 12 hours",)
    assert fields.routes == ("orally",)
    assert fields.populations[0].startswith("Patients with renal failure")
    assert fields.maxima == ("up to 300 mg",)
    assert fields.adjustments == ("reduce",)


def test_an_interaction_is_read_into_its_fields() -> None:
    (fact,) = facts_of(
        "interactions",
        "Avoid grapefruit and strong CYP3A4 inhibitors such as ritonavir.",
        "en",
        medicines_of=lambda text: {"ritonavir"} if "ritonavir" in text else set(),
    )
    assert isinstance(fact.fields, Interaction)
    assert fact.fields.medicines == ("ritonavir",)
    assert fact.fields.foods == ("grapefruit",)
    assert fact.fields.actions == ("Avoid",)
    assert any("CYP3A4 inhibitors" in name for name in fact.fields.classes)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("contraindications", "Epilepsy (4). Known allergy to it (4). Epilepsy (4)"),
        (
            "boxed_warning",
            "It can cause severe and fatal liver damage [see Warnings (5.1)]. Known allergy to it. "
            "It can cause severe and fatal liver damage.",
        ),
    ],
)
def test_what_is_said_twice_is_a_fact_once(kind: str, text: str) -> None:
    assert len(texts(kind, text)) == 2


@pytest.mark.parametrize(
    ("kind", "text", "facts"),
    [
        ("dose", "Adults:\nTake 20 mg a day.\nChildren:\nTake 20 mg a day.", 4),
        ("interactions", "Opioids may add up. Avoid it. Statins may add up. Avoid it.", 4),
        ("boxed_warning", "Colitis was seen. Withhold it. Rash was seen. Withhold it.", 4),
        ("contraindications", "Adults under 40 kg. Adults under 50 kg.", 2),
        ("contraindications", "Heart disease. No heart disease.", 2),
        ("side_effects", "Common:\nheadache\nRare:\nheadache", 4),
    ],
)
def test_what_means_another_thing_elsewhere_is_not_merged(kind: str, text: str, facts: int) -> None:
    assert len(texts(kind, text)) == facts


def test_notes_on_where_to_read_more_are_no_facts() -> None:
    note = "See full prescribing information for complete boxed warning."
    assert texts("boxed_warning", f"{note} It can kill.") == ["It can kill."]


@pytest.mark.parametrize(
    "text",
    ["Limit it (1/2 tablet).", "Keep it between (20 to 25 °C).", "In children (2 to 6 years)."],
)
def test_numbers_in_brackets_that_are_no_reference_stay(text: str) -> None:
    assert said_in(text) == text


@pytest.mark.parametrize(
    ("text", "is_safety"),
    [
        ("Take 5 mg.", True),
        ("Do not chew.", True),
        ("It can be fatal.", True),
        ("The tablet is pink.", False),
    ],
)
def test_what_must_not_be_lost_is_marked(text: str, is_safety: bool) -> None:
    assert first("composition", text).is_safety is is_safety


def test_negations_count_in_both_languages() -> None:
    assert negations("Never take it; avoid milk.") == 2
    assert negations("No lo tome sin agua ni con leche.") == 3
