"""Every number of an answer stands in its cited span: quoted answers, and a run's own words.

Each document is asked about every kind of section that it has text about, in turn in every wording
and by generic name and brand. With `--run` the run's model writes, over the run's documents;
without, the sections of the shared labels and of the embedded vademecum are quoted.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks import report
from benchmarks.medicines.options import Options
from cauce.assistant.assistant import Assistant
from cauce.assistant.settings import AssistantSettings
from cauce.corpus.examples import spoken_names
from cauce.corpus.questions import QUESTIONS
from cauce.knowledge.claims.numbers import unsupported_numbers
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.records import Document, Reply
from cauce.runs import Run, read_records
from cauce.sources import OpenFdaSource, VademecumSource

KINDS = ("use", "dose", "side_effects", "contraindications", "interactions", "pregnancy")
QUICK_DOCUMENTS = 20


class Asked(NamedTuple):
    """A question and the substance that it is about."""

    question: str
    group: str


def run(options: Options) -> None:
    """Prints the figures of a run's model, or of the quoting assistant."""
    if options.run:
        trained = Run.open(options.run)
        documents = list(read_records(trained.path / "fetch" / "documents.jsonl", Document))
        measure(Assistant.load(trained), documents, options)
        return
    labels = OpenFdaSource(path=options.data / "openfda" / "labels-150.jsonl.gz").documents()
    every = [
        item for item in (*labels, *VademecumSource().documents()) if isinstance(item, Document)
    ]
    with TemporaryDirectory() as folder:
        build_index(Path(folder) / "index.sqlite", every)
        store = Index(Path(folder) / "index.sqlite")
        measure(Assistant(None, store, AssistantSettings()), every, options)
        store.close()


def measure(assistant: Assistant, documents: Sequence[Document], options: Options) -> None:
    """Asks and reports."""
    asked = list(questions(documents[:QUICK_DOCUMENTS] if options.quick else documents))
    start = time.process_time()
    replies = assistant.replies([item.question for item in asked])
    seconds = time.process_time() - start
    group_of = {(document.source, document.id): document.group for document in documents}
    pairs = list(zip(asked, replies, strict=True))
    answered = [(item, reply) for item, reply in pairs if not reply.abstained]
    wrong = [
        (item, reply)
        for item, reply in answered
        if any(group_of[cited.source, cited.id] != item.group for cited in reply.citations)
    ]
    own = [(item, reply) for item, reply in answered if numbers_of_its_own(reply)]
    options.write_failures(
        "numbers",
        [{**item._asdict(), "reply": reply.model_dump()} for item, reply in (*wrong, *own)],
    )
    report("numbers: questions", len(asked), None)
    report("numbers: answered_rate", len(answered) / len(asked), None, better="higher")
    report("numbers: wrong_drug_answers", len(wrong), 0)
    held = 1 - len(own) / max(1, len(answered))
    report("answers_whose_numbers_stand_in_the_cited_span_rate", held, 1.0, better="higher")
    written = sum(reply.generated for _, reply in answered) / max(1, len(answered))
    report("numbers: answers_in_the_models_own_words_rate", written, None, better="higher")
    report("numbers: cpu_s_per_question", seconds / len(asked), None)


def questions(documents: Sequence[Document]) -> Iterator[Asked]:
    """One question per document and kind that it has text about."""
    turn = itertools.count()
    for document in documents:
        for kind in KINDS:
            if any(section.kind == kind and section.text for section in document.sections):
                number = next(turn)
                wordings = QUESTIONS[kind][document.language]
                names = spoken_names(document)
                wording = wordings[number % len(wordings)]
                yield Asked(wording.format(name=names[number % len(names)]), document.group)


def numbers_of_its_own(reply: Reply) -> tuple[str, ...]:
    """The numbers of the answer that stand in none of its quotes."""
    return unsupported_numbers(reply.text, [citation.quote for citation in reply.citations])
