"""The questions: what they are built on, how they read, and which are accepted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cauce.corpus.research.acceptance import Acceptance, Accepted, unknown_names, word_overlap
from cauce.corpus.research.citing import Cited, usable_sentences
from cauce.corpus.research.near import NearQuestions
from cauce.corpus.research.openings import OPENINGS
from cauce.corpus.research.phrases import key_phrases
from cauce.corpus.research.questions import Made, make_questions
from cauce.corpus.research.ranking import SentenceIndex
from cauce.corpus.research.rewriting import PromptWriter, filled, lines_written, question_in
from cauce.corpus.research.settings import ResearchSettings
from cauce.corpus.research.vocabulary import Vocabulary
from cauce.errors import UserError
from cauce.records import Language
from corpus.research.articles import MARK, article

ENGLISH = (
    "However, insecticide resistance of Aedes mosquitoes has spread across the region of the "
    "Amazon (Díaz 2001) «[1]».",
    "Several studies have shown that vitamin D supplements reduce the risk of hip fractures in "
    "older adults «[2]»–«[3]».",
    "Offshore wind farms change the migration routes of sea birds, which avoid the turbines «[4]».",
    "The digital twin of a container terminal reduces the energy demand of cargo ships «[5]».",
)
SPANISH = (
    "Sin embargo, la resistencia a los insecticidas se ha extendido por América Latina «[1]».",
    "Se ha demostrado que la vitamina D reduce el riesgo de fracturas en personas mayores «[2]».",
    "Los océanos absorben una cuarta parte del dióxido de carbono de la atmósfera «[3]».",
    "La hepatitis C crónica puede causar cirrosis, insuficiencia hepática e infecciones «[4]».",
    "Aedes albopictus transmite el virus del chikunguña en la costa mediterránea «[5]».",
    "En España, la prevalencia de la hipertensión arterial es del 42,6 % entre adultos «[6]».",
)


def made(
    sentences: Sequence[str],
    language: Language = "en",
    *,
    write: PromptWriter | None = None,
    **chosen: object,
) -> Made:
    document = article("a", sentences, language=language)
    usable = [it for it in usable_sentences(document) if isinstance(it, Cited)]
    return make_questions(
        usable,
        Vocabulary(section.text for section in document.sections),
        SentenceIndex([cited.clean for cited in usable]),
        ResearchSettings(**chosen),  # type: ignore[arg-type]
        seed=0,
        writer=write,
    )


@pytest.mark.parametrize(
    ("sentence", "phrases"),
    [
        (
            "Immunity was considered indicative of the spread of dengue virus in dry forests.",
            {"the spread of dengue virus", "dry forests"},
        ),
        (
            "Infected patients exhibit antibody titers after vaccination with a mild vaccine.",
            {"Infected patients", "antibody titers", "a mild vaccine"},
        ),
        (
            "The results of gene expression analysis increased confidence in DNA barcoding.",
            {"the results of gene expression analysis", "DNA barcoding"},
        ),
        (
            "PIN proteins accumulate on the membrane of Cx. pipiens mosquitoes in vitro.",
            {"PIN proteins", "the membrane of Cx. pipiens mosquitoes in vitro"},
        ),
    ],
)
def test_key_phrases_are_noun_groups(sentence: str, phrases: set[str]) -> None:
    """The failures of RAKE are no phrases: participles, predicates, verbs behind a noun."""
    known = Vocabulary([sentence, "We saw that the PIN and Infected people had immunity."])
    assert set(key_phrases(sentence, 9, known, "en")) == phrases


@pytest.mark.parametrize(
    ("sentence", "phrases"),
    [
        (SPANISH[1], {"la vitamina D", "el riesgo de fracturas", "personas mayores"}),
        (SPANISH[2], {"una cuarta parte del dióxido de carbono"}),
        (SPANISH[3], {"la hepatitis C crónica"}),
        (SPANISH[4], {"Aedes albopictus", "el virus del chikunguña", "la costa mediterránea"}),
    ],
)
def test_spanish_phrases_keep_their_articles(sentence: str, phrases: set[str]) -> None:
    text = MARK.sub("", sentence.removeprefix("Se ha demostrado que "))
    known = Vocabulary([text, "Creemos que la Aedes y los de la"])
    assert set(key_phrases(text, 9, known, "es")) == phrases


def test_english_questions_read_as_questions() -> None:
    asked = {it.question for it in made(ENGLISH, questions_per_sentence=2).questions}
    subjects = {
        "evidence": "vitamin D supplements reduce the risk of hip fractures in older adults",
        "phrases": "vitamin D supplements, the risk of hip fractures and older adults",
    }
    for opening, subject in subjects.items():
        wordings = OPENINGS[opening]["en"]  # type: ignore[index]
        assert asked & {wording.format(subject) for wording in wordings}
    assert len(asked) == 7
    assert any("Aedes mosquitoes" in question for question in asked)


def test_spanish_questions_read_as_questions() -> None:
    asked = [it.question for it in made(SPANISH, "es", questions_per_sentence=2).questions]
    assert len(asked) == 7
    assert all(question.startswith("¿") and question.endswith("?") for question in asked)
    assert any("que la vitamina D reduce el riesgo de fracturas" in it for it in asked)
    assert any("la vitamina D, el riesgo de fracturas y personas mayores" in it for it in asked)
    assert not any("What" in question or "(" in question for question in asked)


def test_both_kinds_are_mixed_and_one_alone_can_be_asked_for() -> None:
    kinds = [it.opening for it in made(ENGLISH).questions]
    assert kinds.count("evidence") == kinds.count("phrases") == 2
    only = made(ENGLISH, openings=("phrases",)).questions
    assert {it.opening for it in only} == {"phrases"}


def test_the_answer_is_every_cited_doi_a_line() -> None:
    question = next(it for it in made(ENGLISH).questions if "vitamin" in it.sentence)
    example = question.example
    assert example.completion == "doi:10.1/a.2\ndoi:10.1/a.3"
    assert [message.content for message in example.messages] == [example.question]
    assert example.evidence.quote.endswith("older adults [2]–[3].")
    assert (example.group, example.kind, example.evidence.section) == ("a", "citing", "body")
    text = article("a", ENGLISH).sections[0].text
    assert text[example.evidence.start :].startswith(example.evidence.quote)


WRITER = {"model": "any"}
HUNT = "Do wolves hunt in packs?"
SENTENCE = "Wolves of the Iberian forest hunt 40 roe deer in packs of 6 during the winter months"


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("Which studies show that wolves hunt roe deer in packs in winter [4]?", "a citation"),
        ("Which wolves hunt roe deer in packs in the forest (Díaz, 2001)?", "a citation"),
        ("Which wolves of Díaz et al. hunt deer in packs in the forest?", "a citation"),
        ("Do wolves hunt deer in packs of the forest as in 10.1000/xyz?", "a citation"),
        ("Do wolves of the Polish forest hunt deer in packs during winter?", "a name"),
        ("Do wolves of the Iberian forest hunt 41 roe deer in packs?", "a number"),
        ("Do wolves of the forest hunt seven roe deer in packs?", "a number"),
        ("Is it cold up north, and what might anybody eat there?", "too far"),
        (f"{SENTENCE}?", "a copy"),
        ("Do wolves hunt in packs? During the winter months?", "not one question"),
        ("Wolves hunt roe deer in packs during the winter.", "not one question"),
        ("Who has written about forest and winter months?", "does not find"),
    ],
)
def test_each_rule_refuses_with_its_reason(question: str, reason: str) -> None:
    others = [f"The forest has {it} winter months" for it in ("some", "few", "many", "long")]
    acceptance = Acceptance(SentenceIndex([SENTENCE, *others]))
    judged = acceptance.judge(question, SENTENCE, 0, "en")
    assert isinstance(judged, str)
    assert judged.startswith(reason)


def test_a_good_question_is_accepted_once() -> None:
    question = "Which studies show that wolves of the Iberian forest hunt roe deer in packs?"
    acceptance = Acceptance(SentenceIndex(["The sea is deep", SENTENCE]))
    judged = acceptance.judge(question, SENTENCE, 1, "en")
    assert judged == Accepted(rank=1, overlap=word_overlap(question, SENTENCE))
    assert acceptance.take(question)
    assert not acceptance.take(question.replace("Which", "What"))


def test_another_index_may_rank() -> None:
    class Worst:
        def rank(self, question: str, place: int) -> int:
            return 4

    question = "Which studies show that wolves of the Iberian forest hunt roe deer in packs?"
    judged = Acceptance(Worst()).judge(question, SENTENCE, 0, "en")
    assert judged == "does not find the sentence"


def test_names_are_told_from_first_words() -> None:
    assert unknown_names("What does the E2 protein of USUV do? Where?", "USUV has proteins") == (
        "e2",
    )
    assert unknown_names("¿Qué hace el Ebro?", "El río Ebro crece") == ()


def test_near_questions_are_those_of_a_high_jaccard() -> None:
    near = NearQuestions()
    words = [f"w{chr(97 + i)}{chr(97 + j)}" for i in range(5) for j in range(10)]
    assert near.add(" ".join(words))
    assert not near.add(" ".join([*words[:-1], "other"]))
    assert near.add(" ".join(words[:25] + [f"{word}x" for word in words[25:]]))
    assert near.add("one") and not near.add("one")


def test_the_index_ranks_by_bm25() -> None:
    index = SentenceIndex(["wolves hunt", "wolves hunt deer", "the sea", "the deep sea of wolves"])
    assert [index.rank("deer", place) for place in range(4)] == [2, 1, 2, 2]
    assert index.rank("deep sea", 3) == 1
    assert index.rank("deep sea", 2) == 2


def test_a_model_may_say_it_in_its_own_words() -> None:
    def write(prompts: Sequence[str], /) -> Sequence[str]:
        assert all(prompt.startswith("Ask anew: ") for prompt in prompts)
        assert any("older adults.\nWork 2\nWork 3" in prompt for prompt in prompts)
        return [
            '"Do vitamin D supplements lower how often hip fractures happen to older people?"'
            if "vitamin" in prompt
            else "Is it true (Wu, 2020)?"
            for prompt in prompts
        ]

    asked = {"rewrite": "Ask anew: {question} {sentence}\n{works}", "writer": WRITER}
    found = made(ENGLISH, write=write, **asked)
    plain = made(ENGLISH)
    assert found.rewritten == {"accepted": 1, "a citation is left in it": 3}
    changed = [it for it in found.questions if it.template]
    assert [it.question for it in changed] == [
        "Do vitamin D supplements lower how often hip fractures happen to older people?"
    ]
    assert changed[0].template in {it.question for it in plain.questions}


def test_a_model_that_loses_texts_is_refused() -> None:
    with pytest.raises(UserError, match=r"gave 0 texts for 4 prompts.\nGive one text"):
        made(ENGLISH, write=lambda prompts: [], rewrite="Say {question}", writer=WRITER)


@pytest.mark.parametrize(
    ("written", "question"),
    [
        ("Sure! Here is one:\n\n1. Question: **Do wolves hunt in packs?**", HUNT),
        ("<think>Which?\nWolves, I guess?</think>\n- Do wolves\u00a0hunt in packs?", HUNT),
        ('Q: "Do wolves hunt in packs?"\nDo bears?', HUNT),
        ("Pregunta: «¿Cazan los lobos?»", "¿Cazan los lobos?"),
        ("Wolves hunt.\nIn packs.", "Wolves hunt. In packs."),
        ("<think>Which wolves?", ""),
        ("", ""),
    ],
)
def test_only_the_question_is_taken_of_what_a_model_says(written: str, question: str) -> None:
    [lines] = lines_written(lambda prompts: [written], ["Ask."])
    assert question_in(lines) == question


def test_what_stands_in_a_question_is_not_filled_in_again() -> None:
    prompt = filled("{question} {works} {else}", question="{works} {sentence}?", works="A")
    assert prompt == "{works} {sentence}? A {else}"


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"rewrite": "Say it anew.", "writer": WRITER}, "must hold {sentence} or {question}"),
        ({"expand": "Search for {sentence}", "writer": WRITER}, "must hold {question}"),
        ({"rewrite": "Say {question}"}, "name it in writer.model"),
        ({"writer": WRITER}, "give it a prompt, rewrite or expand"),
        ({"expand": "{question}", "writer": {**WRITER, "key": "KEY"}}, "no server is asked"),
        ({"expand": "{question}", "writer": {**WRITER, "key": "sk-1"}}, "writer.key"),
        ({"expand": "{question}", "writer": {**WRITER, "url": "localhost:1/v1"}}, "writer.url"),
        ({"openings": ()}, "name evidence, phrases or both"),
        ({"openings": ("phrases", "phrases")}, "each once"),
        ({"test_share": 0.45, "validation_share": 0.4}, "less than 0.2 to train on"),
    ],
)
def test_impossible_settings_are_refused(chosen: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ResearchSettings(**chosen)  # type: ignore[arg-type]
