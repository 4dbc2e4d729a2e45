"""Writes judged answers to questions on the leaflets of the package, for recipes/preferences.yaml.

Two answers to each question rest on the same passage: the one that was preferred is its first
sentence, the other that of another section. Nobody judged them; they are for trying things out.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path

from cauce.corpus.examples import spoken_names
from cauce.corpus.questions import KINDS, training_wordings
from cauce.knowledge.evidence.evidence import short_answer
from cauce.records import Document
from cauce.runs import write_records
from cauce.sources import VademecumSource
from cauce.sources.preferences import JudgedAnswer

PASSAGE_CHARS, ANSWER_CHARS = 300, 160


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--path", type=Path, default=Path("runs/written-preferences.jsonl"))
    path = parser.parse_args().path
    path.parent.mkdir(parents=True, exist_ok=True)
    documents = (it for it in VademecumSource().documents() if isinstance(it, Document))
    count = write_records(path, (judged for it in documents for judged in judged_answers(it)))
    print(f"{count} judged answers in {path}")


def judged_answers(document: Document) -> Iterator[JudgedAnswer]:
    """One for each section that a question can be asked about."""
    draw = random.Random(document.key)
    passages = {
        section.kind: section.text[:PASSAGE_CHARS].rsplit(" ", 1)[0]
        for section in document.sections
        if section.kind in KINDS and section.text
    }
    answers = {
        kind: answer
        for kind, passage in passages.items()
        if (answer := short_answer(document.title, passage, ANSWER_CHARS))
    }
    for kind, answer in answers.items():
        others = [it for other, it in answers.items() if other != kind and it != answer]
        if others:
            asked = draw.choice(training_wordings(kind, document.language))
            question = asked.format(name=spoken_names(document)[0])
            yield JudgedAnswer(
                prompt=f"{document.title}\n{passages[kind]}\n\n{question}",
                chosen=answer,
                rejected=draw.choice(others),
                evidence=passages[kind],
                group=document.group,
                language=document.language,
                origin="scripts/write_preferences.py",
            )


if __name__ == "__main__":
    main()
