"""Right drug, right section, no number of its own: the assistant of a run over its real labels.

    cauce run recipes/vademecum.yaml sources.0.path=labels-150.jsonl.gz
    python -m benchmarks.vademecum vademecum

Asks every document of the run about six sections, in turn in every wording and by generic name and
brand, and checks each reply against the document that the question was made from.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks import report
from cauce.assistant.assistant import Assistant
from cauce.corpus.examples import spoken_names
from cauce.corpus.questions import QUESTIONS
from cauce.knowledge.claims.numbers import unsupported_numbers
from cauce.records import Document, Reply
from cauce.runs import Run, read_records

KINDS = ("use", "dose", "side_effects", "contraindications", "interactions", "pregnancy")


class Asked(NamedTuple):
    """A question and what a right answer rests on."""

    question: str
    group: str
    kind: str


def questions(documents: list[Document]) -> Iterator[Asked]:
    """One question per document and kind that it has text about."""
    turn = itertools.count()
    for document in documents:
        for kind in KINDS:
            if not any(section.kind == kind and section.text for section in document.sections):
                continue
            number = next(turn)
            wordings = QUESTIONS[kind][document.language]
            names = spoken_names(document)
            question = wordings[number % len(wordings)].format(name=names[number % len(names)])
            yield Asked(question, document.group, kind)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("run", help="a run's name under runs/, or its path")
    parser.add_argument(
        "--failures", type=Path, help="write what was not right there, as JSON lines"
    )
    options = parser.parse_args()
    run = Run.open(options.run)
    documents = list(read_records(run.path / "fetch" / "documents.jsonl", Document))
    group_of = {(document.source, document.id): document.group for document in documents}
    assistant = Assistant.load(run)
    asked = list(questions(documents))
    start = time.process_time()
    replies = assistant.replies([item.question for item in asked])
    seconds = time.process_time() - start
    pairs = list(zip(asked, replies, strict=True))
    if options.failures:
        write_failures(options.failures, pairs)
    answered = [(item, reply) for item, reply in pairs if not reply.abstained]
    wrong_drug = sum(
        any(group_of[citation.source, citation.id] != item.group for citation in reply.citations)
        for item, reply in answered
    )
    right = sum(is_right(item, reply) for item, reply in pairs)
    invented = sum(bool(numbers_of_its_own(reply)) for _, reply in answered)
    own_words = sum(reply.generated for _, reply in answered)
    report("questions", len(asked), None)
    report("wrong_drug_answers", wrong_drug, 0)
    report("right_drug_and_section_rate", right / len(asked), 0.95, better="higher")
    report("answers_with_a_number_outside_the_citation", invented, 0)
    own_words_rate = own_words / max(1, len(answered))
    report("answers_in_the_models_own_words_rate", own_words_rate, None, better="higher")
    report("cpu_s_per_question", seconds / len(asked), None)


def is_right(item: Asked, reply: Reply) -> bool:
    """An answer about the drug and the section that were asked about."""
    return not reply.abstained and (reply.group, reply.kind) == (item.group, item.kind)


def numbers_of_its_own(reply: Reply) -> tuple[str, ...]:
    """The numbers of the answer that stand in none of its quotes."""
    return unsupported_numbers(reply.text, [citation.quote for citation in reply.citations])


def write_failures(path: Path, pairs: list[tuple[Asked, Reply]]) -> None:
    with path.open("w", encoding="utf-8") as stream:
        for item, reply in pairs:
            numbers = () if reply.abstained else numbers_of_its_own(reply)
            if numbers or not is_right(item, reply):
                row = {**item._asdict(), "numbers": numbers, "reply": reply.model_dump()}
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
