"""The assistant over real documents, index, names and model; only its words are given in places."""

from __future__ import annotations

import time

import pytest

from cauce.assistant.assistant import Assistant
from cauce.assistant.files import answer_file, render
from cauce.assistant.holding import Threshold
from cauce.assistant.settings import AssistantSettings
from cauce.errors import DataRefused
from cauce.knowledge.claims.numbers import numbers_in, unsupported_numbers
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.models.generation import Written
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base
from cauce.records import Document, Language, Message, Reply, Section
from documents import medicine

DOCUMENTS = (
    medicine("ibuprofen", brands=("Advil",), also=("ibuprofeno",)),
    medicine("ibuprofeno", language="es", group="ibuprofen", document_id="ibuprofen"),
    medicine("hydroxyzine", dose=25, also=("hidroxizina",)),
    medicine("hydralazine", dose=50),
    medicine("metformin", dose=850, also=("metformina",)),
)
TRUE = "Adults take 400 mg every 8 hours."
USE = "¿Para qué sirve el ibuprofeno?"
DOSE = "What is the usual dose of ibuprofen?"


@pytest.fixture(scope="module")
def model():
    return load_base(ModelSettings())


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    path = tmp_path_factory.mktemp("index") / "index.sqlite"
    build_index(path, DOCUMENTS)
    index = Index(path)
    yield index
    index.close()


@pytest.fixture(scope="module")
def assistant(model, index) -> Assistant:
    return Assistant(model, index, AssistantSettings(max_new_tokens=12))


@pytest.fixture
def says(monkeypatch, assistant):
    """What the assistant replies when the model writes `text`."""

    def reply(text: str, question: str = DOSE) -> Reply:
        monkeypatch.setattr(
            "cauce.assistant.writing.generate",
            lambda model, prompts, **options: [Written(text, is_finished=True)] * len(prompts),
        )
        return assistant.reply(question)

    return reply


def assert_cited(reply: Reply) -> None:
    """Each quote stands letter for letter in the section that it names."""
    assert reply.citations
    for citation in reply.citations:
        texts = [
            document.section(citation.section).text
            for document in DOCUMENTS
            if citation.title.startswith(f"{document.title} ·")
            and (document.source, document.id, document.version)
            == (citation.source, citation.id, citation.version)
        ]
        assert len(texts) == 1
        assert citation.quote
        assert citation.quote in texts[0]


def assert_no_number_of_its_own(reply: Reply) -> None:
    quotes = [citation.quote for citation in reply.citations]
    assert unsupported_numbers(reply.text, quotes) == ()


def test_a_true_answer_is_shown_in_the_words_of_the_model(says):
    reply = says(TRUE)
    assert (reply.text, reply.generated, reply.reason) == (TRUE, True, "")
    assert (reply.group, reply.kind, reply.language) == ("ibuprofen", "dose", "en")
    assert all(check.passed for check in reply.checks)
    assert_cited(reply)


@pytest.mark.parametrize(
    ("text", "check", "detail"),
    [
        ("Adults take 800 mg every 8 hours.", "numbers", "800"),
        ("Adults do not take 400 mg every 8 hours.", "negation", "not"),
        ("Do take more than 3 doses a day.", "negation", "not"),
        ("Adults take metformin 400 mg every 8 hours.", "medicines", "metformin"),
        ("Adults take warfarin every 8 hours.", "medicines", "warfarin"),
        ("Adults swallow 400 mg every 8 hours.", "wording", "swallow"),
        ("Adults take 400 mg every", "complete", "unfinished"),
        ("", "complete", "unfinished"),
    ],
)
def test_an_unsupported_answer_is_withheld_and_the_section_is_quoted(says, text, check, detail):
    reply = says(text)
    assert not reply.generated
    assert not reply.abstained
    assert f"withheld: {check}" in reply.reason
    assert detail in reply.reason
    assert "Adults take 400 mg every 8 hours." in reply.text
    assert check in [item.name for item in reply.checks if not item.passed]
    assert_cited(reply)


def test_the_whole_path_with_the_embedded_model_shows_only_what_is_written(assistant):
    reply = assistant.reply(DOSE)
    assert (reply.group, reply.kind, reply.abstained) == ("ibuprofen", "dose", False)
    assert_cited(reply)
    if reply.generated:
        assert all(check.passed for check in reply.checks)
    else:
        assert reply.reason.startswith("withheld: ")
        assert reply.text.removeprefix("Ibuprofen: ") in reply.citations[0].quote


def test_an_unknown_medicine_abstains_and_says_what_it_looked_for(assistant):
    reply = assistant.reply("What is the dose of warfarin?")
    assert (reply.abstained, reply.citations, reply.reason) == (True, (), "unknown: warfarin")
    assert "warfarin" in reply.text
    spanish = assistant.reply("¿Cuál es la dosis de warfarina?")
    assert spanish.reason == "unknown: warfarina"
    assert spanish.text.startswith("No tengo ningún documento sobre «warfarina»")


def test_a_question_without_a_medicine_is_asked_back(assistant):
    reply = assistant.reply("How often should it be taken?")
    assert (reply.abstained, reply.reason) == (True, "unnamed")
    assert reply.text.endswith("Which medicine do you mean?")


def test_a_look_alike_is_asked_about_and_never_picked(assistant):
    reply = assistant.reply("What is the dose of hydraxazine?")
    assert reply.abstained
    assert set(reply.choices) == {"hydroxyzine", "hydralazine"}
    assert reply.reason.startswith("ask: ")
    assert all(choice in reply.text for choice in reply.choices)


def test_a_misspelled_name_is_understood(assistant):
    assert assistant.reply("What is the dose of metfromin?").group == "metformin"


def test_several_medicines_are_answered_one_after_another(assistant):
    reply = assistant.reply("What is the dose of ibuprofen and of metformin?")
    assert not reply.abstained
    assert [citation.id for citation in reply.citations] == ["ibuprofen", "metformin"]
    assert_cited(reply)
    for statement in reply.statements:
        quote = reply.citations[statement.citation].quote
        assert statement.text.split(": ", 1)[-1] in quote or reply.generated


def test_more_medicines_than_a_person_can_read_of_are_asked_back(assistant):
    names = "ibuprofen, metformin, hydroxyzine, hydralazine and warfarin"
    reply = assistant.reply(f"What is the dose of {names}?")
    assert (reply.abstained, len(reply.choices)) == (True, 5)
    assert reply.reason.startswith("several: ibuprofen, metformin")


def test_a_medicine_that_is_not_in_the_store_is_told_of_beside_the_answer(assistant):
    reply = assistant.reply("What is the dose of ibuprofen and of warfarin?")
    assert [citation.id for citation in reply.citations] == ["ibuprofen"]
    assert reply.statements[-1].citation is None
    assert "I have no document about “warfarin”" in reply.statements[-1].text


def test_several_matters_are_answered_in_the_order_asked(assistant):
    reply = assistant.reply("How should ibuprofen be stored, and can I drive?")
    assert {citation.section for citation in reply.citations} == {"storage", "driving"}
    missing = assistant.reply("What is the dose of ibuprofen and its interactions?")
    assert [citation.section for citation in missing.citations] == ["dose"]
    assert "have no section “interactions”" in missing.text


def test_without_a_model_the_section_is_quoted_and_passes_its_own_checks(index):
    reply = Assistant(None, index, AssistantSettings()).reply(DOSE)
    assert (reply.generated, reply.abstained, reply.reason) == (False, False, "")
    assert reply.text.removeprefix("Ibuprofen: ") in reply.citations[0].quote
    assert reply.checks
    assert all(check.passed for check in reply.checks)
    assert_cited(reply)


def test_plain_language_keeps_every_number_and_negation_and_cites_each_line(assistant):
    reply = assistant.reply(DOSE, plain=True)
    assert (reply.generated, reply.kind) == (False, "dose")
    assert all(check.passed for check in reply.checks)
    assert {"400", "8", "3"} <= set(numbers_in(reply.text))
    assert "Do not take more than 3 doses" in reply.text
    heading, *lines = reply.statements
    assert heading.citation is None
    assert [line.citation for line in lines] == [*range(len(reply.citations))]
    assert "\n".join(statement.text for statement in reply.statements) == reply.text
    assert_cited(reply)


def test_every_sentence_carries_its_source_and_a_citation_opens_the_exact_span(assistant):
    for question in QUESTIONS:
        reply = assistant.reply(question)
        assert reply.statements
        for statement in reply.statements:
            assert (statement.citation is None) == reply.abstained
        for citation in reply.citations:
            section = assistant.section(
                citation.source, citation.id, citation.section, citation.language
            )
            end = citation.start + len(citation.quote)
            assert citation.quote in {section.body[citation.start : end]}


def test_a_section_that_no_document_has_is_named(assistant):
    reply = assistant.reply("What are the interactions of ibuprofen?")
    assert (reply.abstained, reply.kind) == (True, "interactions")
    assert reply.reason == "no_section: ibuprofen"
    assert "“interactions”" in reply.text
    assert "«embarazo»" in assistant.reply("¿Puedo tomar ibuprofeno en el embarazo?").text


def test_two_medicines_are_answered_only_where_a_text_names_both(tmp_path, model):
    text = "{} raises the risk of bleeding with aspirin. {} weakens the effect of warfarin."
    documents = [
        medicine(name).model_copy(
            update={
                "sections": (
                    Section(
                        id="interactions",
                        kind="interactions",
                        title="Interactions",
                        text=text.format("It", "It") if name == "ibuprofen" else "None is known.",
                    ),
                )
            }
        )
        for name in ("ibuprofen", "warfarin", "metformin")
    ]
    build_index(tmp_path / "index.sqlite", documents)
    found = Assistant(model, Index(tmp_path / "index.sqlite"), AssistantSettings())
    for question in ("Can I mix warfarin with ibuprofen?", "Do ibuprofen and warfarin interact?"):
        reply = found.reply(question)
        assert reply.group == "ibuprofen"
        assert reply.citations[0].quote == "It weakens the effect of warfarin."
        assert "does not name “ibuprofen”. That does not mean" in reply.text
    unnamed = found.reply("Can I take metformin together with ibuprofen?")
    assert unnamed.reason == "not_named_together: metformin, ibuprofen"
    assert "does not mean they may be combined" in unnamed.text
    # A medicine that the store lacks counts as one too.
    assert found.reply("Can I mix ibuprofen with sertraline?").abstained


def test_a_matter_that_no_word_tells_is_asked_back(assistant):
    reply = assistant.reply("Ibuprofen?")
    assert (reply.abstained, reply.reason, reply.group) == (True, "no_kind: ibuprofen", "ibuprofen")


def test_a_matter_without_a_cue_is_found_by_its_words(assistant):
    assert assistant.reply("ibuprofen reach").kind == "storage"


def test_labels_of_several_makers_give_one_answer_with_the_difference_named(tmp_path):
    def label(maker: str, dose: int) -> Document:
        plain = medicine("ibuprofen", dose=dose, document_id=maker, brands=(f"{maker}fen",))
        return plain.model_copy(
            update={"names": plain.names.model_copy(update={"makers": (f"{maker} Ltd",)})}
        )

    labels = (label("Alpha", 400), label("Beta", 400), label("Gamma", 600))
    build_index(tmp_path / "index.sqlite", labels)
    found = Assistant(None, Index(tmp_path / "index.sqlite"), AssistantSettings())
    reply = found.reply(DOSE)
    assert [citation.id for citation in reply.citations] == ["Alpha", "Gamma"]
    assert "400" in reply.statements[0].text
    other = reply.statements[-1]
    assert other.text.startswith("Another label, of Ibuprofen (Gamma Ltd), says otherwise: “Adults")
    assert "600" in other.text
    assert reply.citations[other.citation].quote == "Adults take 600 mg every 8 hours."
    assert_no_number_of_its_own(reply)
    # Who asks by a brand asks about that label, also of what it does not say.
    assert [c.id for c in found.reply("dose of Gammafen").citations] == ["Gamma"]
    assert [c.id for c in found.reply("dose of Gammafen with asthma").citations] == ["Gamma"]
    assert len(found.reply("How should ibuprofen be stored?").citations) == 1


def test_who_asks_by_a_code_is_answered_from_the_label_that_bears_it(tmp_path):
    def label(name: str, ndc: str, language: Language) -> Document:
        found = medicine(name, group="ibuprofen", document_id=ndc, language=language)
        codes = {"ndc": (ndc,)}
        return found.model_copy(update={"names": found.names.model_copy(update={"codes": codes})})

    labels = (
        label("ibuprofen", "12345-678", "en"),
        label("ibuprofen", "12345-679", "en"),
        label("ibuprofeno", "12345-670", "es"),
    )
    build_index(tmp_path / "index.sqlite", labels)
    found = Assistant(None, Index(tmp_path / "index.sqlite"), AssistantSettings())
    for question in ("dose of NDC 12345-679", "¿Cuál es la dosis del NDC 12345-679?"):
        assert [citation.id for citation in found.reply(question).citations] == ["12345-679"]


def test_what_the_text_does_not_speak_of_is_said(assistant):
    reply = assistant.reply("What is the dose of ibuprofen with asthma?")
    assert not reply.abstained
    assert "says nothing about" in reply.text
    assert "asthma" in reply.text
    assert "says nothing about" not in assistant.reply("dose of ibuprofen in renal impairment").text


def with_sections(name: str, **texts: str) -> Document:
    """A medicine with these sections alone, titled as leaflets number them."""
    return medicine(name).model_copy(
        update={
            "sections": tuple(
                Section(id=kind, kind=kind, title=f"4.{place} {kind.capitalize()}", text=text)
                for place, (kind, text) in enumerate(texts.items(), 1)
            )
        }
    )


def test_who_must_not_use_it_never_reads_as_whom_it_is_for(tmp_path):
    listed = with_sections("mesalazine", contraindications="Patients with severe renal failure.")
    build_index(tmp_path / "index.sqlite", [listed])
    found = Assistant(None, Index(tmp_path / "index.sqlite"), AssistantSettings())
    reply = found.reply("Who should not take mesalazine?")
    assert reply.text == "Mesalazine · Contraindications: Patients with severe renal failure."
    # A section that stands in for one the document lacks says what it is.
    assert found.reply("Is mesalazine dangerous?").citations[0].section == "contraindications"


def test_what_a_heading_alone_names_is_not_told(tmp_path):
    text = "Warfarin bleeds more with it."
    leaflet = with_sections("amoxicillin", interactions=text)
    section = leaflet.sections[0].model_copy(update={"title": "Other medicines, food and alcohol"})
    build_index(tmp_path / "index.sqlite", [leaflet.model_copy(update={"sections": (section,)})])
    found = Assistant(None, Index(tmp_path / "index.sqlite"), AssistantSettings())
    reply = found.reply("Can I drink alcohol with amoxicillin?")
    assert "alcohol" in reply.statements[-1].text
    assert reply.statements[-1].citation is None


def test_that_the_only_text_is_in_another_language_is_said(assistant):
    reply = assistant.reply("¿Cuál es la dosis habitual de metformina?")
    assert "está en inglés" in reply.statements[-1].text


def test_a_follow_up_is_about_the_medicine_last_named_by_the_user(assistant):
    history = (
        Message(role="user", content="What is ibuprofen used for?"),
        Message(role="assistant", content="Ibuprofen relieves pain."),
        Message(role="user", content="And what is metformin used for?"),
        Message(role="assistant", content="Unlike ibuprofen, ..."),
    )
    reply = assistant.reply("How should it be stored?", history)
    assert (reply.group, reply.kind) == ("metformin", "storage")
    assert assistant.reply("How should ibuprofen be stored?", history).group == "ibuprofen"


def test_a_reply_tells_which_words_were_answered_and_does_not_keep_them(assistant):
    reply = assistant.reply("¿Y la metformina?", (Message(role="user", content=USE),))
    assert reply.asked == f"{USE} ¿Y la metformina?"
    assert "asked" not in reply.model_dump()


def test_earlier_turns_of_any_length_are_read_in_time(assistant):
    start = time.process_time()
    earlier = Message(role="user", content="What is ibuprofen for? " + "a" * 100_000)
    assert assistant.reply("How should it be stored?", (earlier,)).group == "ibuprofen"
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("before", "question"),
    [
        ("My father takes warfarin", "and ibuprofen?"),
        ("What is the dose of warfarin?", "Can he take it with ibuprofen?"),
        ("What is the dose of warfarin?", "¿y con ibuprofeno?"),
    ],
)
def test_a_medicine_put_beside_the_one_spoken_of_is_asked_about_with_it(tmp_path, before, question):
    documents = (
        with_sections("warfarin", interactions="Ibuprofen raises the risk of bleeding."),
        with_sections("ibuprofen", dose="Take 400 mg."),
    )
    build_index(tmp_path / "index.sqlite", documents)
    found = Assistant(None, Index(tmp_path / "index.sqlite"), AssistantSettings())
    reply = found.reply(question, (Message(role="user", content=before),))
    assert [citation.id for citation in reply.citations] == ["warfarin"]
    assert reply.kind == "interactions"


@pytest.mark.parametrize("text", ["gracias", "What is the capital of France?"])
def test_a_turn_that_asks_nothing_takes_nothing_from_the_turn_before(assistant, text):
    reply = assistant.reply(text, (Message(role="user", content=DOSE),))
    assert (reply.abstained, reply.reason) == (True, "unnamed")


def test_a_very_long_text_is_answered_or_refused_at_once(index):
    found = Assistant(None, index, AssistantSettings())
    start = time.process_time()
    assert found.reply("a" * 100_000).abstained
    assert not found.reply(f"{DOSE} " + "please " * 20_000).abstained
    assert time.process_time() - start < 10


def test_a_follow_up_that_only_names_a_medicine_asks_the_same_of_it(assistant):
    history = (Message(role="user", content="¿Para qué sirve el ibuprofeno?"),)
    reply = assistant.reply("¿Y la metformina?", history)
    assert (reply.group, reply.kind, reply.language) == ("metformin", "use", "es")


def test_a_spanish_question_is_answered_from_the_spanish_document(assistant):
    reply = assistant.reply("¿Cuál es la dosis habitual de Advil?")
    assert reply.language == "es"
    assert reply.citations[0].title.startswith("Ibuprofeno")
    assert "Los adultos toman 400 mg" in reply.citations[0].quote


def test_where_there_is_only_an_english_document_it_is_quoted(assistant):
    reply = assistant.reply("¿Cuál es la dosis habitual de metformina?")
    assert reply.language == "es"
    assert reply.citations[0].quote.startswith("Adults take 850 mg")
    assert_cited(reply)


def test_a_particular_of_the_question_chooses_where_the_quote_starts(says):
    reply = says("", "What is the dose of ibuprofen in renal impairment?")
    assert reply.text == "Ibuprofen: In renal impairment take half of it once a day."
    assert reply.citations[0].quote == "In renal impairment take half of it once a day."


QUESTIONS = (
    DOSE,
    "What is the dose of warfarin?",
    "¿Para qué sirve el ibuprofeno?",
    "How should it be taken?",
    "How should metformin be stored?",
    "What is the dose of hydraxazine?",
)


def test_replies_are_those_of_each_question_alone_and_in_order(assistant):
    replies = assistant.replies(QUESTIONS)
    assert replies == [assistant.reply(question) for question in QUESTIONS]
    assert [reply.abstained for reply in replies] == [False, True, False, True, False, True]
    for reply in replies:
        if not reply.abstained:
            assert_cited(reply)
    assert assistant.replies([]) == []


def test_a_long_question_leaves_room_for_the_answer(model, index):
    short = Assistant(model, index, AssistantSettings(max_new_tokens=12), max_tokens=88)
    reply = short.reply(DOSE)
    whole = next(document for document in DOCUMENTS if document.id == "ibuprofen").section("dose")
    assert len(reply.citations[0].quote) < len(whole.text)
    assert_cited(reply)


def test_a_question_that_is_too_long_for_the_model_is_answered_with_the_section(assistant):
    replies = assistant.replies([DOSE + " please" * 3000, DOSE])
    assert [reply.abstained for reply in replies] == [False, False]
    assert replies[0].reason == "withheld: the question is too long"
    assert replies[0].text.removeprefix("Ibuprofen: ") in replies[0].citations[0].quote


def test_a_file_of_questions_is_answered_line_by_line(assistant, tmp_path):
    path = tmp_path / "questions.jsonl"
    path.write_text('{"id": 7, "question": "What is the dose of warfarin?"}\n\n{"id": 8}\n')
    lines = answer_file(assistant, path)
    assert next(lines).startswith('{"id": 7, "text": "I have no document about “warfarin')
    with pytest.raises(DataRefused, match=r'questions.jsonl, line 3: not a question.\n.*"id"'):
        next(lines)


def test_a_terminal_shows_the_answer_its_source_and_why(says):
    shown = render(says("Adults take 800 mg every 8 hours."))
    assert shown.startswith("Ibuprofen: Adults take 400 mg every 8 hours.")
    assert "once a day. [1]\n\n[1] Ibuprofen · dose (test/ibuprofen/1/dose)\n    Adults" in shown
    assert "\n\n(withheld: numbers: " in shown


def test_below_a_calibrated_threshold_the_source_is_shown_instead(index) -> None:
    def asked(threshold: float) -> Reply:
        held = Threshold(threshold=threshold, promise="At most 10% are wrong.")
        assistant = Assistant(None, index, AssistantSettings(), threshold=held)
        return assistant.reply(DOSE)

    sure = asked(0.0)
    assert not sure.abstained and sure.confidence is not None and 0.5 < sure.confidence < 1
    unsure = asked(sure.confidence)
    assert unsure.abstained and unsure.text.startswith("I am not sure enough")
    assert sure.citations[0].title in unsure.text
    assert_cited(unsure)
    assert "At most 10% are wrong." in unsure.reason
