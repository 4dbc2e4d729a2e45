"""Right drug and section: every document asked in turn in every wording, and real questions.

Template questions go through the whole assistant without a model; what people ask (`lay_questions`,
MedQuAD) only through the routing, for it names medicines that the documents lack.
"""

from __future__ import annotations

import itertools
import re
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lxml import etree

from benchmarks import report
from benchmarks.medicines.options import Options
from cauce.assistant.assistant import Assistant
from cauce.assistant.routing import conditions_of, cue_words, kinds_of
from cauce.assistant.settings import AssistantSettings
from cauce.assistant.wording import language_of
from cauce.corpus.examples import spoken_names
from cauce.corpus.questions import QUESTIONS
from cauce.knowledge.evidence.conditions import Condition
from cauce.knowledge.evidence.evidence import Evidence, find_evidence
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.knowledge.words import fold
from cauce.records import Document, Reply
from cauce.sources import EpiSource, OpenFdaSource, VademecumSource

LAY_QUESTIONS = Path(__file__).with_name("lay_questions.txt")
HELD_OUT = Path(__file__).with_name("held_out_questions.tsv")
"""Questions by an author who saw neither the code nor the questions that the router learns from.

They are scored only: nobody may look at them, or at what fails, to change the routing.
"""
ROUTER_QUESTIONS = sorted((Path(__file__).parents[2] / "scripts/router_questions").glob("*.tsv"))
HELD_OUT_NAMES = {
    "en": ("omeprazole", "warfarin", "sertraline", "amoxicillin", "metformin", "ibuprofen"),
    "es": ("omeprazol", "warfarina", "sertralina", "amoxicilina", "metformina", "ibuprofeno"),
}
QUICK_DOCUMENTS = 20
PASSAGE_CHARS = AssistantSettings().passage_chars

KIND_OF_MEDQUAD = {
    "contraindication": "contraindications",
    "dietary": "interactions",
    "dose": "dose",
    "emergency or overdose": "overdose",
    "forget a dose": "dose",
    "how does it work": "mechanism",
    "how effective is it": "use",
    "important warning": "warnings",
    "indication": "use",
    "information": "use",
    "interactions with foods": "interactions",
    "interactions with herbs and supplements": "interactions",
    "interactions with medications": "interactions",
    "precautions": "warnings",
    "severe reaction": "side_effects",
    "side effects": "side_effects",
    "storage and disposal": "storage",
    "usage": "dose",
    "why get vaccinated": "use",
}
"""Section that answers a type of MedQuAD; its other types ask nothing of a medicine's text."""

CONDITION_QUESTIONS = {
    "en": (
        ("dose", "dose of {name} in renal impairment"),
        ("dose", "How much {name} with liver cirrhosis?"),
        ("children", "Can children take {name}?"),
        ("elderly", "Is {name} safe for elderly people?"),
        ("pregnancy", "Can I breastfeed on {name}?"),
        ("interactions", "Can I drink alcohol with {name}?"),
        ("interactions", "Is grapefruit bad with {name}?"),
        ("driving", "Can I drive after taking {name}?"),
        ("dose", "I missed a dose of {name}"),
        ("warnings", "Can I stop taking {name} suddenly?"),
    ),
    "es": (
        ("dose", "dosis de {name} en insuficiencia renal"),
        ("dose", "¿Cuánto {name} con cirrosis hepática?"),
        ("children", "¿Pueden los niños tomar {name}?"),
        ("elderly", "¿Es {name} peligroso para los ancianos?"),
        ("pregnancy", "¿Puedo dar el pecho con {name}?"),
        ("interactions", "¿Puedo beber alcohol con {name}?"),
        ("interactions", "¿Es malo el pomelo con {name}?"),
        ("driving", "¿Puedo conducir si tomo {name}?"),
        ("dose", "Me he saltado una toma de {name}"),
        ("warnings", "¿Puedo dejar de tomar {name} de golpe?"),
    ),
}


class Asked(NamedTuple):
    """A question and what a right answer rests on."""

    question: str
    group: str
    kind: str


class OneCondition(NamedTuple):
    """What became of a question about a condition."""

    question: str
    document: str
    quote: str
    is_told: bool
    is_said_to_be_missing: bool


def run(options: Options) -> None:
    """Reports every figure."""
    documents = list(documents_of(options))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.sqlite"
        build_index(path, documents)
        index = Index(path)
        _report_templates(options, index, documents)
        _report_conditions(options, index, documents)
        index.close()
    _report_lay(options)
    _report_held_out()
    _report_medquad(options)


def documents_of(options: Options) -> Iterator[Document]:
    """Labels of the United States, texts of Spain, and the embedded vademecum in both languages."""
    sources = (
        OpenFdaSource(path=options.data / "openfda" / "labels-150.jsonl.gz"),
        EpiSource(path=options.data / "epi-aemps"),
        VademecumSource(languages=("en", "es")),
    )
    for source in sources:
        found = (item for item in source.documents() if isinstance(item, Document))
        yield from itertools.islice(found, QUICK_DOCUMENTS if options.quick else None)


def questions(documents: Sequence[Document]) -> Iterator[Asked]:
    """One question per document and kind that it has text about."""
    turn = itertools.count()
    for document in documents:
        held = {section.kind for section in document.sections if section.text}
        for kind in (kind for kind in QUESTIONS if kind in held):
            number = next(turn)
            wordings = QUESTIONS[kind][document.language]
            names = _asked_by(document)
            question = wordings[number % len(wordings)].format(name=names[number % len(names)])
            yield Asked(question, document.group, kind)


def _asked_by(document: Document) -> list[str]:
    """Spoken names; one substance of a combination names another medicine than the combination."""
    substances = {fold(name) for name in document.names.substances}
    alone = substances if len(substances) > 1 else set()
    names = spoken_names(document)
    return [name for name in names if fold(name) not in alone] or names


def answers(index: Index, asked: Iterable[str]) -> list[Reply]:
    """What the assistant replies without a model."""
    assistant = Assistant(None, index, AssistantSettings())
    return [assistant.reply(question) for question in asked]


def is_right(item: Asked, reply: Reply) -> bool:
    """An answer about the drug and the section that were asked about."""
    return not reply.abstained and (reply.group, reply.kind) == (item.group, item.kind)


def _report_templates(options: Options, index: Index, documents: Sequence[Document]) -> None:
    asked = list(questions(documents))
    replies = answers(index, [item.question for item in asked])
    pairs = list(zip(asked, replies, strict=True))
    wrong = [(item, reply) for item, reply in pairs if not is_right(item, reply)]
    rate = 1 - len(wrong) / len(asked)
    report("template_questions", len(asked), None)
    report("right_drug_and_section_rate", rate, 0.98, better="higher")
    rows = ({**item._asdict(), "reply": reply.model_dump()} for item, reply in wrong)
    options.write_failures("sections", rows)


def condition_answers(index: Index, documents: Sequence[Document]) -> Iterator[OneCondition]:
    """What is quoted when each document is asked about each condition."""
    for document in documents:
        entry = next(
            entry
            for entry in index.documents(document.group)
            if (entry.id, entry.language) == (document.id, document.language)
        )
        name = spoken_names(document)[0]
        for kind, wording in CONDITION_QUESTIONS[document.language]:
            question = wording.format(name=name)
            found = find_evidence(
                index,
                entry,
                kind,
                limit_chars=PASSAGE_CHARS,
                question=question,
                known=f"{name} {cue_words(question)}",
            )
            condition = conditions_of(wording)[0]
            yield OneCondition(
                question,
                document.key,
                found.quote if found else "",
                found is not None and condition.stands_in(_read(found, condition)),
                found is None or condition in found.missing,
            )


def _read(found: Evidence, condition: Condition) -> str:
    """The quote with its heading; headings name alcohol and food whatever stands below them."""
    is_in_headings = condition.key in ("alcohol", "food")
    return found.quote if is_in_headings else f"{found.section.title} {found.quote}"


def _report_conditions(options: Options, index: Index, documents: Sequence[Document]) -> None:
    start = time.process_time()
    found = list(condition_answers(index, documents))
    seconds = time.process_time() - start
    right = [one for one in found if one.is_told != one.is_said_to_be_missing]
    report("condition_questions", len(found), None)
    report("condition_quoted_or_said_missing_rate", len(right) / len(found), 0.98, better="higher")
    report("condition_quoted_rate", sum(one.is_told for one in found) / len(found), None, "higher")
    report("condition_evidence_ms", 1000 * seconds / len(found), 20)
    options.write_failures("conditions", (one._asdict() for one in found if one not in right))


class Lay(NamedTuple):
    """A line of `lay_questions.txt`: the kinds that answer a question, and its part of the file."""

    expected: str
    question: str
    part: str

    @property
    def is_right(self) -> bool:
        """True when the routing gives what the line says."""
        kinds = kinds_of(self.question)
        if self.expected == "-":
            return kinds == []
        if "+" in self.expected:
            return kinds == self.expected.split("+")
        return len(kinds) == 1 and kinds[0] in self.expected.split("/")


def lay_questions(path: Path = LAY_QUESTIONS) -> Iterator[Lay]:
    """The questions of the file, each with the name of its part: the heading that starts with `##`.

    The first set has parts `a` and `b`, by pairs of lines.
    """
    part, number = "", 0
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("## "):
            part, number = line.removeprefix("## "), 0
        elif not line.startswith("#"):
            expected, _, question = line.partition(" | ")
            half = f"_{'ab'[number // 2 % 2]}" if part == "first" else ""
            yield Lay(expected, question, part + half)
            number += 1


def _report_lay(options: Options) -> None:
    lines = list(lay_questions())
    for part in dict.fromkeys(line.part for line in lines):
        own = [line for line in lines if line.part == part]
        right = sum(line.is_right for line in own)
        report(f"lay_routing_rate_{part}_{len(own)}", right / len(own), None, better="higher")
    spanish = [line for line in lines if re.search(r"[¿áéíóúñ]", line.question)]
    known = sum(language_of(line.question) == "es" for line in spanish)
    report("lay_language_rate", known / len(spanish), None, better="higher")
    rows = (
        {**line._asdict(), "kinds": kinds_of(line.question)} for line in lines if not line.is_right
    )
    options.write_failures("lay", rows)


class HeldOut(NamedTuple):
    """A held-out question, `{m}` where its medicine is named, and the kinds that answer it."""

    question: str
    language: str
    kinds: list[str]

    def named(self, number: int) -> str:
        """The question about a real medicine."""
        names = HELD_OUT_NAMES[self.language]
        return self.question.replace("{m}", names[number % len(names)])


def held_out_questions(path: Path = HELD_OUT) -> Iterator[HeldOut]:
    """The held-out questions but for the few short ones that the router learnt word for word."""
    wordings = (text for by_language in QUESTIONS.values() for text in by_language.values())
    learnt = {fold(row.question) for path in ROUTER_QUESTIONS for row in _rows(path)}
    learnt |= {fold(line.question) for line in lay_questions()}
    learnt |= {fold(text.format(name="{m}")) for texts in wordings for text in texts}
    return (row for row in _rows(path) if fold(row.question) not in learnt)


def _rows(path: Path) -> Iterator[HeldOut]:
    for line in path.read_text("utf-8").splitlines():
        kinds, language, question = line.split("\t")
        yield HeldOut(question, language, [kind for kind in kinds.split("+") if kind != "none"])


def _report_held_out() -> None:
    asked = [(row, kinds_of(row.named(number))) for number, row in enumerate(held_out_questions())]
    for language in ("en", "es"):
        own = [found == row.kinds for row, found in asked if row.language == language]
        report(f"held_out_routing_rate_{language}_{len(own)}", sum(own) / len(own), None, "higher")
    first = sum(found[:1] == row.kinds[:1] for row, found in asked)
    report("held_out_first_kind_rate", first / len(asked), None, better="higher")


def medquad_questions(archive: Path) -> Iterator[Asked]:
    """The questions on medicines and supplements whose type tells the section; `group` is the half.

    Medicines are halved by name: the first half was looked at while the routing was tuned.
    """
    with tarfile.open(archive) as members:
        for member in members:
            if not re.search(r"/?(11_MPlusDrugs|12_MPlusHerbs)\w*/.*\.xml$", member.name):
                continue
            stream = members.extractfile(member)
            assert stream
            root: Any = etree.parse(stream).getroot()
            half = "ab"[sum(map(ord, root.findtext("Focus") or "")) % 2]
            for question in root.iter("Question"):
                kind = KIND_OF_MEDQUAD.get(question.get("qtype"))
                if kind:
                    yield Asked(question.text, half, kind)


def _report_medquad(options: Options) -> None:
    asked = list(medquad_questions(options.data / "medquad" / "medquad.tar.xz"))
    for half in "ab":
        own = [item for item in asked if item.group == half]
        right = sum(kinds_of(item.question) == [item.kind] for item in own)
        report(f"medquad_routing_rate_{half}", right / len(own), None, better="higher")
    rows = (
        {**item._asdict(), "kinds": kinds_of(item.question)}
        for item in asked
        if kinds_of(item.question) != [item.kind]
    )
    options.write_failures("medquad", rows)
