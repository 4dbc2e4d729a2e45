from __future__ import annotations

import doctest
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.assistant import plain_lines, plain_words
from cauce.assistant.plain import PlainView, is_faithful, plain_answer, plain_view
from cauce.assistant.plain_words import PlainWriter, glossary
from cauce.knowledge.claims.numbers import numbers_in
from cauce.knowledge.evidence.evidence import Evidence
from cauce.knowledge.facts.facts import facts_of, negations
from cauce.knowledge.names.resolver import NameResolver
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.knowledge.sections.store import SectionEntry
from cauce.records import Document, Language, Section

NAMES = {"ritonavir", "warfarin"}


def medicines_of(text: str) -> set[str]:
    return {name for name in NAMES if name in text.lower()}


def view_of(tmp_path, language: Language = "en", **sections: str) -> PlainView:
    return plain_view(entries(tmp_path, language, **sections), language, medicines_of=medicines_of)


def entries(tmp_path, language: Language = "en", **sections: str) -> list[SectionEntry]:
    document = Document(
        source="test",
        id="x",
        version="3",
        title="Xamol",
        language=language,
        group="xamol",
        sections=tuple(
            Section(
                id=kind,
                kind="warnings" if kind == "boxed_warning" else kind,
                title=kind,
                text=text,
            )
            for kind, text in sections.items()
        ),
    )
    build_index(tmp_path / "index.sqlite", [document])
    index = Index(tmp_path / "index.sqlite")
    (entry,) = index.documents("xamol")
    kinds = dict.fromkeys(section.kind for section in document.sections)
    return [section for kind in kinds for section in index.sections(entry, kind)]


def lines(view: PlainView) -> list[str]:
    return [line.text for part in view.parts for line in part.lines]


@pytest.mark.parametrize("module", [plain_lines, plain_words])
def test_doc_examples(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def test_what_matters_most_comes_first(tmp_path) -> None:
    view = view_of(
        tmp_path,
        use="For pain.",
        interactions="Avoid warfarin.",
        dose="Take 5 mg.",
        contraindications="Epilepsy.",
        boxed_warning="It can be fatal.",
        other="Made in a factory.",
    )
    assert [part.kind for part in view.parts] == [
        "boxed_warning",
        "contraindications",
        "dose",
        "interactions",
        "use",
    ]
    assert all(part.heading.endswith("?") for part in view.parts)
    assert "factory" not in view.text


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("contraindications", "Epilepsy (4)", "Do not use it in case of: epilepsy."),
        (
            "contraindications",
            "XAMOL is contraindicated in patients with hypotension [see Warnings (5.1)].",
            "Do not use XAMOL: patients with low blood pressure (hypotension).",
        ),
        ("contraindications", "Women with epilepsy.", "Do not use it in: women with epilepsy."),
        ("interactions", "Ritonavir should be avoided.", "Avoid ritonavir."),
        (
            "interactions",
            "Warfarin Clinical Impact: Increased risk of bleeding.",
            "What happens: Increased risk of bleeding.",
        ),
        ("dose", "The recommended dose of XAMOL is 5 mg orally once daily.",
         "Recommended dose of XAMOL: 5 mg by mouth once a day."),
    ],
)  # fmt: skip
def test_a_statement_is_said_plainly(tmp_path, kind: str, text: str, shown: str) -> None:
    assert shown in lines(view_of(tmp_path, **{kind: text}))


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("contraindications", "Si es alérgico a xamol.", "No se usa si es alérgico a xamol."),
        ("contraindications", "Hipersensibilidad al xamol.",
         "No se usa si hay: alergia (hipersensibilidad) al xamol."),
        ("interactions", "Se debe evitar el ritonavir.", "Evite ritonavir."),
        ("dose", "No debe superar los 4 g al día.", "No debe pasar de los 4 g al día."),
        ("dose", "La dosis recomendada de warfarin es de 5 mg al día.",
         "Dosis recomendada de warfarin: 5 mg al día."),
    ],
)  # fmt: skip
def test_a_spanish_statement_is_said_plainly_in_spanish(
    tmp_path, kind: str, text: str, shown: str
) -> None:
    assert lines(view_of(tmp_path, "es", **{kind: text})) == [shown]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "In trial 38, patients with heart disease had more bleeding."),
        ("en", "If you smoke, tell your doctor."),
        ("en", "For details see the trials."),
        ("en", "Reactions have included hives."),
        ("en", "None."),
        ("en", "Patients treated before may have a risk of cancer."),
        ("es", "Si está tomando otro, consulte a su médico."),
    ],
)
def test_a_remark_among_contraindications_is_not_made_one(
    tmp_path, language: Language, text: str
) -> None:
    assert lines(view_of(tmp_path, language, contraindications=text)) == [text]


def test_the_row_of_a_table_keeps_its_cells(tmp_path) -> None:
    (line,) = lines(view_of(tmp_path, "es", contraindications="Rifampicina | para infecciones"))
    assert line == "Rifampicina: para infecciones."


def test_what_holds_several_ideas_is_taken_apart(tmp_path) -> None:
    view = view_of(
        tmp_path,
        dose="Take the tablet in the morning with a full glass of water, but children should take "
        "it at night; swallow it whole.",
    )
    assert lines(view) == [
        "Take the tablet in the morning with a full glass of water.",
        "But children should take it at night.",
        "Swallow it whole.",
    ]


def test_a_term_is_explained_once_and_kept() -> None:
    writer = PlainWriter("en")
    assert writer.write("Risk of hypotension.") == "Risk of low blood pressure (hypotension)."
    assert writer.write("Treat hypotension.") == "Treat low blood pressure."
    assert writer.write("It fell (hypotension).") == "It fell (hypotension)."
    assert writer.write("Urticaria (a rash).") == "Urticaria (a rash)."


def test_the_forms_of_a_term_are_explained_once() -> None:
    writer = PlainWriter("es")
    assert writer.write("Arritmia o arritmias.") == (
        "alteración del latido (arritmia) o alteraciones del latido."
    )


def test_a_name_is_not_explained_by_its_parts() -> None:
    assert PlainWriter("es").write("hipertensión portal") == "hipertensión portal"
    assert PlainWriter("en").write("erythema multiforme") == "erythema multiforme"


def test_the_items_of_a_list_stand_under_what_announces_them(tmp_path) -> None:
    body = "These must not be used:\nwarfarin\n• ritonavir\nTell your doctor."
    view = view_of(tmp_path, interactions=body)
    assert view.text.splitlines()[1:] == [
        "These must not be used:",
        "- Warfarin.",
        "- Ritonavir.",
        "Tell your doctor.",
    ]


def test_a_reason_gets_a_line_of_its_own(tmp_path) -> None:
    said = (
        "Do not drive any car or work with machines for two whole days after the operation, "
        "because the tablets can make you sleepy."
    )
    assert lines(view_of(tmp_path, warnings=said)) == [
        "Do not drive any car or work with machines for two whole days after the operation.",
        "The reason: the tablets can make you sleepy.",
    ]
    negated = said.replace(", because", " because")
    assert len(lines(view_of(tmp_path, warnings=negated))) == 1


def test_a_line_opens_the_span_that_it_says(tmp_path) -> None:
    body = "Take 5 mg. Do not chew. Take 5 mg with food. Do not chew."
    (section,) = entries(tmp_path, dose=body)
    (part,) = plain_view([section], "en", medicines_of=medicines_of).parts
    for line in part.lines:
        citation = line.citation
        assert body[citation.start : citation.start + len(citation.quote)] == citation.quote
        assert (citation.source, citation.id, citation.version) == ("test", "x", "3")
        assert citation.section == "dose"


def test_what_cannot_be_said_plainly_is_shown_where_it_stands(tmp_path) -> None:
    long = "In patients " + "with kidneys and livers and hearts and lungs " * 6 + "take 5 mg."
    view = view_of(tmp_path, dose=f"Take 10 mg. {long} The maximum is 7 mg.")
    (part,) = view.parts
    assert [line.is_verbatim for line in part.lines] == [False, True, False]
    assert part.lines[1].text == long
    assert f"“{long}”" in view.text
    assert view.text.endswith("What stands in “ ” is in the leaflet’s own words.")
    assert view.rendered_share == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "lines",
    [
        ["Take 6 mg without milk or warfarin."],
        ["Take 5 g without milk or warfarin."],
        ["Take 5 mg with milk or warfarin."],
        ["Take 5 mg without milk or ritonavir."],
        ["Take 5 mg without milk."],
        ["Take it without milk or warfarin."],
        ["Do not take 5 mg without milk or warfarin."],
        ["Take 5 mg without milk or warfarin " + "and so on " * 20],
        [],
    ],
)
def test_a_line_that_changes_a_fact_is_not_shown(lines: list[str]) -> None:
    (fact,) = facts_of(
        "dose", "Take 5 mg without milk or warfarin.", "en", medicines_of=medicines_of
    )
    assert not is_faithful(fact, lines, "en", medicines_of)
    assert is_faithful(fact, [fact.text], "en", medicines_of)


@settings(max_examples=50)
@given(
    st.lists(
        st.sampled_from(
            [
                "Take 5 mg once daily.",
                "Do not exceed 40 mg/day in renal impairment (2.1).",
                "XAMOL is contraindicated in epilepsy.",
                "Strong inhibitors (e.g., ritonavir) should be avoided; monitor INR with warfarin.",
                "2.3 Elderly Patients Reduce the dose by half.",
                "• Hypotension: stop it",
            ]
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["dose", "contraindications", "interactions", "boxed_warning"]),
)
def test_no_number_medicine_or_negation_is_lost(texts: list[str], kind: str) -> None:

    body = " ".join(texts)
    with TemporaryDirectory() as folder:
        shown = " ".join(lines(view_of(Path(folder), **{kind: body})))
    ignored = {"2.1", "2.3"}
    assert set(numbers_in(body, "en")) - ignored <= set(numbers_in(shown, "en"))
    assert medicines_of(body) == medicines_of(shown)
    assert bool(negations(body)) <= bool(negations(shown))


def test_a_passage_alone_is_said_plainly(tmp_path) -> None:
    (section,) = entries(tmp_path, dose="Adults take 5 mg. Administer it orally. Store it dry.")
    view = plain_answer(Evidence(section, "Administer it orally."), "en", medicines_of=medicines_of)
    assert lines(view) == ["Give it by mouth."]
    assert view.parts[0].lines[0].citation.start == 18


def test_nothing_gives_an_empty_view() -> None:
    assert plain_view([], "en", medicines_of=medicines_of).text == ""
    assert plain_view([], "en", medicines_of=medicines_of).rendered_share == 1


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_glossary_changes_no_fact(language: Language) -> None:
    """No plain word holds a number, a medicine or a negation that its term lacks, nor a term."""
    resolver = NameResolver([])
    entries = glossary(language)
    for term, plain in (entries.terms | entries.words).items():
        assert set(numbers_in(plain)) == set(numbers_in(term)), term
        assert negations(plain) == negations(term), term
        assert resolver.medicines_of(plain) == resolver.medicines_of(term), term


def test_conditions_under_another_lead_are_not_forbidden(tmp_path) -> None:
    body = (
        "Si es alérgico a xamol.\nTenga especial cuidado con Xamol.\nHay un mayor riesgo:\n"
        "• si tiene una enfermedad renal, su dosis puede ser modificada"
    )
    assert lines(view_of(tmp_path, "es", contraindications=body)) == [
        "No se usa si es alérgico a xamol.",
        "Tenga especial cuidado con Xamol.",
        "Hay un mayor riesgo:",
        "Si tiene una enfermedad de los riñones (enfermedad renal), su dosis puede ser modificada.",
    ]


def test_a_pointer_to_the_warnings_ends_no_prohibition(tmp_path) -> None:
    body = (
        "• si tiene tuberculosis activa (ver “Advertencias y precauciones”)\n"
        "• si padece gota moderada o grave"
    )
    shown = lines(view_of(tmp_path, "es", contraindications=body))
    assert shown[1] == "No se usa si tiene gota moderada o grave."


def test_a_list_of_symptoms_is_taken_apart(tmp_path) -> None:
    said = (
        "Deje de tomarlo si tiene alguno de los siguientes síntomas: fiebre, ampollas en la boca, "
        "hinchazón de la cara (labios, lengua), dolor fuerte de barriga y orina oscura."
    )
    assert lines(view_of(tmp_path, "es", warnings=said)) == [
        "Deje de tomarlo si tiene alguno de los siguientes síntomas:",
        "Fiebre.",
        "Ampollas en la boca.",
        "Hinchazón de la cara (labios, lengua).",
        "Dolor fuerte de barriga y orina oscura.",
    ]


def test_a_list_that_a_verb_closes_stays_whole(tmp_path) -> None:
    said = (
        "Muchos productos son de riesgo con xamol: el romero, el tomillo, el orégano, el laurel, "
        "la menta y la salvia aumentan el sangrado."
    )
    assert len(lines(view_of(tmp_path, "es", interactions=said))) == 2
