"""The section and the sentence that answer, over small documents and the real labels."""

from __future__ import annotations

import doctest
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.knowledge.evidence import conditions, evidence
from cauce.knowledge.evidence.conditions import conditions_of
from cauce.knowledge.evidence.evidence import Evidence, find_evidence
from cauce.knowledge.evidence.fallbacks import FALLBACKS, SUBJECTS
from cauce.knowledge.evidence.passages import Wanted, best_place, flat, passage_at, wanted_stems
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.knowledge.words import stems
from cauce.records import Document, Section, Table
from cauce.sources.medicines import FURTHER_KINDS, KINDS

LABEL = {
    "dose": "Adults take 20 mg a day. If a dose is missed, take it at the next meal.",
    "warnings": "Monitor the blood count. Do not operate machinery until it is known how it acts. "
    "Do not stop it abruptly.",
    "contraindications": "Do not use in known allergy.",
    "populations": "Reduce the dose to 10 mg in severe renal impairment.",
    "children": "Safety under 12 years has not been shown.",
    "interactions": "Avoid ketoconazole.",
}


@pytest.mark.parametrize("module", [evidence, conditions])
def test_the_examples_in_the_docstrings(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def found_in(
    folder: Path, texts: Mapping[str, str], kind: str, question: str = "", limit_chars: int = 80
) -> Evidence | None:
    """The evidence in a document with one section of each kind."""
    path = folder / "index.sqlite"
    sections = tuple(Section(id=name, kind=name, title=name, text=texts[name]) for name in texts)
    document = Document(
        source="test", id="a", version="1", title="Xanadu", language="en", sections=sections,
        group="xanadu",
    )  # fmt: skip
    build_index(path, [document])
    index = Index(path)
    (entry,) = index.documents("xanadu")
    found = find_evidence(
        index, entry, kind, limit_chars=limit_chars, question=question, known="Xanadu dose"
    )
    index.close()
    return found


@pytest.mark.parametrize(
    ("kind", "question", "section", "quote"),
    [
        ("dose", "", "dose", "Adults take 20 mg a day."),
        ("dose", "dose of Xanadu", "dose", "Adults take 20 mg a day."),
        ("dose", "I missed a dose of Xanadu", "dose", "If a dose is missed"),
        ("dose", "dose in renal impairment", "populations", "Reduce the dose to 10 mg"),
        ("dose", "dose in children", "children", "Safety under 12 years"),
        ("driving", "Can I drive?", "warnings", "Do not operate machinery"),
        ("warnings", "Can I stop it suddenly?", "warnings", "Do not stop it abruptly"),
    ],
)
def test_the_sentence_that_speaks_of_it_is_quoted_wherever_it_stands(
    tmp_path: Path, kind: str, question: str, section: str, quote: str
) -> None:
    found = found_in(tmp_path, LABEL, kind, question)
    assert found is not None
    assert (found.section.id, found.missing) == (section, ())
    assert found.quote.startswith(quote)


@pytest.mark.parametrize(
    ("kind", "question", "missing"),
    [
        ("dose", "dose in liver cirrhosis", ["hepatic"]),
        ("interactions", "Can I drink wine with it?", ["alcohol"]),
        ("dose", "dose in renal and hepatic impairment", ["hepatic"]),
    ],
)
def test_what_no_section_speaks_of_is_told(
    tmp_path: Path, kind: str, question: str, missing: list[str]
) -> None:
    found = found_in(tmp_path, LABEL, kind, question)
    assert found is not None
    assert [condition.key for condition in found.missing] == missing


@pytest.mark.parametrize("kind", ["driving", "pregnancy", "overdose", "children"])
def test_a_document_that_says_nothing_of_it_gives_no_evidence(tmp_path: Path, kind: str) -> None:
    texts = {"dose": LABEL["dose"], "warnings": "Monitor the blood count."}
    question = "Can children take it?" if kind == "children" else "tell me"
    assert found_in(tmp_path, texts, kind, question) is None


def test_without_a_question_no_other_kind_stands_in(tmp_path: Path) -> None:
    assert found_in(tmp_path, LABEL, "driving") is None


def test_a_child_in_a_question_on_an_overdose_changes_nothing(tmp_path: Path) -> None:
    texts = {**LABEL, "overdose": "Call a poison centre."}
    found = found_in(tmp_path, texts, "overdose", "My toddler ate a bottle")
    assert found is not None
    assert (found.section.id, found.missing) == ("overdose", ())


def test_a_sentence_too_long_to_quote_is_quoted_about_what_is_sought(tmp_path: Path) -> None:
    long = "Give " + "one of many forms, " * 60 + "and in renal impairment half, " + "so on, " * 60
    found = found_in(tmp_path, {"dose": long}, "dose", "renal impairment", limit_chars=200)
    assert found is not None
    assert "renal impairment half" in found.quote
    assert len(found.quote) <= 200
    assert found.quote in long


def test_a_section_of_a_table_alone_is_quoted(tmp_path: Path) -> None:
    rows = (("CrCl", "Dose"), ("30 to 60", "20 mg"), ("below 30", "10 mg"))
    section = Section(id="d", kind="dose", title="Dose", text="", tables=(Table(rows=rows),))
    document = Document(
        source="t", id="a", version="1", title="X", language="en", sections=(section,), group="x"
    )
    build_index(tmp_path / "i.sqlite", [document])
    index = Index(tmp_path / "i.sqlite")
    found = find_evidence(
        index, index.documents("x")[0], "dose", limit_chars=80, question="dose with low CrCl"
    )
    index.close()
    assert found is not None
    assert found.quote == "CrCl | Dose\n30 to 60 | 20 mg\nbelow 30 | 10 mg"


def test_chains_are_of_kinds_that_sections_have() -> None:
    kinds = {*KINDS, *FURTHER_KINDS, "other"}
    assert set(FALLBACKS) == set(SUBJECTS) <= kinds
    assert {other for chain in FALLBACKS.values() for other in chain} <= kinds
    assert all(kind not in chain for kind, chain in FALLBACKS.items())


@given(st.text(max_size=60))
def test_a_flat_text_is_as_long_as_the_text(text: str) -> None:
    assert len(flat(text)) == len(text)


@given(st.text(alphabet="áéñüAÉ bc", max_size=40))
def test_a_flat_text_has_no_accents(text: str) -> None:
    assert set(flat(text)) <= set("aenu bc")


PIECES = ("renal", "children", "dose", "alcohol", "tome", "10", "mg.", "Niños\n;")


@given(st.lists(st.sampled_from(PIECES)))
def test_whatever_is_sought_the_quote_stands_in_the_section(pieces: list[str]) -> None:
    text = " ".join(pieces)
    wanted = [Wanted(one.told, 4) for one in conditions_of("renal children alcohol")]
    place = best_place(text, [*wanted, *wanted_stems(stems("dosis tome mg"))])
    assert passage_at(text, place, 25) in text
    assert len(passage_at(text, place, 25)) <= 25
