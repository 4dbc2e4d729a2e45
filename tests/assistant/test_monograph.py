"""A whole medicine: every sentence cited, checked as an answer is, and nothing left in silence."""

from __future__ import annotations

import re

import pytest

from cauce.assistant.assistant import Assistant
from cauce.assistant.monograph import ORDER, monograph
from cauce.assistant.monograph_page import MOST_NAMES, Monograph
from cauce.assistant.settings import AssistantSettings
from cauce.assistant.wording import SECTION_NAMES
from cauce.corpus.questions import description_wording
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.models.generation import Written
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base
from cauce.records import Document, Language, Names, Section
from cauce.sources.vademecum import VademecumSource
from documents import medicine

LONG = " ".join(f"Warning number {number} of the section is to be heeded." for number in range(40))


def label(*sections: Section, **changes: object) -> Document:
    made = medicine("ibuprofen", brands=("Advil",))
    return made.model_copy(update={"sections": sections or made.sections, **changes})


def section(identity: str, text: str, kind: str = "warnings") -> Section:
    return Section(id=identity, kind=kind, title=identity.capitalize(), text=text)


def assistant_of(folder, *documents: Document, **settings: int) -> Assistant:
    """Quotes only."""
    build_index(folder / "index.sqlite", documents)
    return Assistant(None, Index(folder / "index.sqlite"), AssistantSettings(**settings))


def told(assistant: Assistant, name: str, language: Language = "en", **limits: int) -> Monograph:
    found = monograph(assistant, assistant.resolver.resolve(name).mentions[0], language, **limits)
    assert isinstance(found, Monograph)
    return found


@pytest.fixture(scope="module")
def vademecum(tmp_path_factory) -> Assistant:
    documents = [item for item in VademecumSource().documents() if isinstance(item, Document)]
    return assistant_of(tmp_path_factory.mktemp("index"), *documents)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", ["BISACODYL", "Pantoprazol", "ibuprofen", "Sintrom"])
def test_every_sentence_stands_in_the_section_that_it_cites(vademecum, name, language):
    found = told(vademecum, name, language)
    assert [part.kind for part in found.parts] == [kind for kind in ORDER if kind != "warnings"]
    assert found.missing == ("warnings",)
    for part in found.parts:
        for statement in found.statements(part):
            citation = found.citations[statement.citation]
            assert (citation.id, citation.version) == (found.id, found.version)
            assert citation.section == part.kind
            stored = vademecum.store.section(
                citation.source, citation.id, citation.section, language
            )
            assert stored.body[citation.start :].startswith(citation.quote)
            assert statement.text.removeprefix(f"{found.title}: ") in citation.quote


def test_a_short_record_is_told_whole(vademecum):
    found = told(vademecum, "bisacodyl", passages=100)
    assert all(part.told_letters == part.whole_letters for part in found.parts)
    assert all(not part.untold for part in found.parts)
    assert len(found.citations) == sum(len(part.replies) for part in found.parts)


def test_the_page_has_a_heading_for_each_part_and_numbers_its_sources(vademecum):
    found = told(vademecum, "pantoprazol", "es")
    page = found.markdown()
    assert page.startswith("# Pantoprazol\n\n- Nombres: ")
    assert "vademecum/pantoprazole, versión 2026-11; documentos sobre este medicamento: 2" in page
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    expected = [SECTION_NAMES[part.kind]["es"].capitalize() for part in found.parts]
    assert headings == [*expected, "Fuentes"]
    numbers = {int(number) for number in re.findall(r"\[(\d+)\]", page)}
    assert numbers == set(range(1, len(found.citations) + 1))
    assert "\n1. vademecum/pantoprazole/2026-11/use Pantoprazol · " in page
    assert "Los documentos consultados no tienen apartado de: advertencias." in page


def test_what_a_long_section_leaves_untold_is_counted_and_named(tmp_path):
    assistant = assistant_of(tmp_path, label(section("warnings", LONG)))
    found = told(assistant, "ibuprofen", passages=2)
    (part,) = found.parts
    assert len(part.replies) == 2
    assert part.untold == ("Warnings",)
    quotes = [citation.quote for citation in found.citations]
    assert part.told_letters == sum(len("".join(quote.split())) for quote in quotes)
    assert LONG.startswith(" ".join(quotes))
    share = 100 * part.told_letters // part.whole_letters
    said = f"{share} % of the text is told here; the rest is in the record: Warnings."
    assert f"*{said}*" in found.markdown()
    whole = told(assistant, "ibuprofen", passages=1000).parts[0]
    assert whole.told_letters == whole.whole_letters == len("".join(LONG.split()))
    assert not whole.untold


def test_a_quotation_cut_by_the_settings_is_not_called_whole(tmp_path):
    text = "Keep it below 25 degrees, in its box. Keep it out of the reach of children."
    document = label(section("storage", text, "storage"))
    (part,) = told(assistant_of(tmp_path, document, answer_chars=60), "ibuprofen").parts
    assert part.untold == ("Storage",)


def test_a_boxed_warning_comes_first_and_each_section_before_any_second_passage(tmp_path):
    document = label(
        section("warnings", LONG),
        section("precautions", LONG.replace("Warning", "Precaution")),
        section("boxed_warning", LONG.replace("Warning", "Boxed warning")),
        section("heading", "5 WARNINGS"),
    )
    found = told(assistant_of(tmp_path, document), "ibuprofen", passages=4)
    sections = [citation.section for citation in found.citations]
    assert sections == ["boxed_warning", "boxed_warning", "warnings", "precautions"]


def test_a_part_that_one_label_lacks_is_another_s_and_cited_as_such(tmp_path):
    uses = label(
        section("use", "Ibuprofen relieves pain and lowers fever.", "use"),
        id="a",
        version="7",
        effective="2026-01-02",
        names=Names(generics=("ibuprofen",), brands=("Advil", "ADVIL"), makers=("Alfa",)),
    )
    stores = label(
        section("storage", "Keep ibuprofen below 25 degrees Celsius.", "storage"),
        id="b",
        names=Names(generics=("ibuprofen",), makers=("Bravo", "alfa")),
    )
    found = told(assistant_of(tmp_path, uses, stores), "ibuprofen")
    assert [citation.id for citation in found.citations] == ["a", "b"]
    assert (found.version, found.effective, found.documents) == ("7", "2026-01-02", 2)
    assert {name.lower() for name in found.names} == {"ibuprofen", "advil"}
    assert len(found.names) == 2
    assert found.makers == ("Alfa", "Bravo")
    assert "test/a, version 7 (2026-01-02); documents about this medicine: 2" in found.markdown()


def test_of_many_makers_some_are_printed_and_the_rest_counted(tmp_path):
    makers = tuple(f"Maker {number}" for number in range(MOST_NAMES + 5))
    names = Names(generics=("ibuprofen",), makers=makers)
    page = told(assistant_of(tmp_path, label(names=names)), "ibuprofen").markdown()
    assert f"Maker {MOST_NAMES - 1} and 5 more" in page.replace(", and", " and")
    assert f"Maker {MOST_NAMES}," not in page


@pytest.fixture(scope="module")
def model():
    return load_base(ModelSettings())


def test_the_model_writes_all_passages_at_once_and_each_is_checked(model, tmp_path, monkeypatch):
    build_index(tmp_path / "index.sqlite", [label()])
    assistant = Assistant(model, Index(tmp_path / "index.sqlite"), AssistantSettings())
    asked, first = [], "Ibuprofen relieves pain and lowers fever."

    def write(model, prompts, **options):
        asked.append([prompt[-1].content.rsplit("\n", 1)[-1] for prompt in prompts])
        said = {"dosage": "Adults take 800 mg every 8 hours.", "is for": first}
        return [
            Written(
                next((t for word, t in said.items() if word in content), "Keep it below 25 °C."),
                is_finished=True,
            )
            for content in asked[-1]
        ]

    monkeypatch.setattr("cauce.assistant.writing.generate", write)
    found = told(assistant, "Advil")
    (questions,) = asked
    kinds = [part.kind for part in found.parts]
    assert questions == [description_wording(kind, "en").format(name="Advil") for kind in kinds]
    by_kind = {part.kind: part.replies[0] for part in found.parts}
    assert not by_kind["dose"].generated
    assert "withheld: numbers: 800" in by_kind["dose"].reason
    assert "400 mg" in by_kind["dose"].text
    assert by_kind["storage"].generated == all(item.passed for item in by_kind["storage"].checks)
    uses = next(part for part in found.parts if part.kind == "use")
    assert (by_kind["use"].text, by_kind["use"].generated) == (first, True)
    assert uses.untold == ("use",), "a second sentence that the model left out is told of"
    written = sum(reply.generated for reply in by_kind.values())
    assert f"checked against the record: {written} of 4 passages" in found.markdown()


def test_with_the_embedded_model_only_what_is_written_is_shown(model, tmp_path):
    build_index(tmp_path / "index.sqlite", [label()])
    settings = AssistantSettings(max_new_tokens=24)
    found = told(Assistant(model, Index(tmp_path / "index.sqlite"), settings), "ibuprofen")
    for part in found.parts:
        for reply in part.replies:
            assert reply.citations[0].quote in label().section(part.kind).text
            assert reply.generated == (not reply.reason)
            if reply.generated:
                assert all(check.passed for check in reply.checks)


@pytest.mark.parametrize("kind", ORDER)
def test_each_kind_has_a_heading_and_a_wording(kind):
    for language in ("en", "es"):
        assert SECTION_NAMES[kind][language]
        assert "{name}" in description_wording(kind, language)
