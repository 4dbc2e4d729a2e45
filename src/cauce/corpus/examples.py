"""Documents become questions, each with the passage that answers it and the answer."""

from __future__ import annotations

import random
from collections.abc import Iterator

from cauce.corpus.prompts import prompt
from cauce.corpus.questions import QUESTIONS, held_out_wording, training_wordings
from cauce.corpus.settings import CorpusSettings
from cauce.knowledge.evidence.evidence import Evidence, find_evidence, short_answer
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.store import DocumentEntry
from cauce.knowledge.words import fold
from cauce.records import Document, Example


def examples_of(
    document: Document, index: Index, settings: CorpusSettings, *, seed: int, split: str
) -> Iterator[Example]:
    """Examples of each section: several wordings to train on, one to validate, one kept to test.

    Each question has the passage that the assistant would find for it; one that a section of
    another kind would answer is left out.
    """
    entry = _entry(document, index)
    draw = random.Random(f"{seed}/{document.key}")
    names = spoken_names(document)
    for kind in settings.kinds:
        wordings: tuple[str, ...] = (held_out_wording(kind, document.language),)
        if split != "test":
            count = settings.questions_per_section if split == "train" else 1
            wordings = tuple(draw.sample(training_wordings(kind, document.language), count))
        for number, wording in enumerate(wordings):
            name = draw.choice(names)
            question = wording.format(name=name)
            evidence = find_evidence(
                index,
                entry,
                kind,
                limit_chars=settings.passage_chars,
                question=question,
                known=f"{name} {' '.join(QUESTIONS[kind][document.language])}",
            )
            if evidence is None or evidence.section.kind != kind:
                continue
            answer = short_answer(document.title, evidence.quote, settings.answer_chars)
            if answer:
                yield _example(document, evidence, kind, number, question, answer)


def _example(
    document: Document, evidence: Evidence, kind: str, number: int, question: str, answer: str
) -> Example:
    return Example(
        id=f"{document.key}/{kind}/{number}",
        messages=prompt(question, evidence),
        completion=answer,
        question=question,
        evidence=evidence.citation,
        group=document.group,
        kind=kind,
        language=document.language,
    )


def _entry(document: Document, index: Index) -> DocumentEntry:
    for entry in index.documents(document.group):
        if (entry.source, entry.id, entry.language) == (
            document.source,
            document.id,
            document.language,
        ):
            return entry
    raise KeyError(document.key)


def spoken_names(document: Document) -> list[str]:
    """The names a person would ask by: the generic name, and the first brand; never in capitals.

    Of several generic names, the one that is the document's title is in the document's language.
    """
    names = document.names
    generics = [*names.generics, *names.substances]
    own = [name for name in generics if fold(name) == fold(document.title)]
    found = [spoken(name) for name in ((own or generics)[:1] + list(names.brands[:1]))]
    return list(dict.fromkeys(found)) or [document.title]


def spoken(name: str) -> str:
    """The name as a person writes it: labels print theirs in capitals."""
    return name.lower() if name.isupper() else name
