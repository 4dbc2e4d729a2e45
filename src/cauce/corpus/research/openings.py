"""The ways in which a person asks for research, in English and Spanish."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from cauce.corpus.research.citing import Cited
from cauce.corpus.research.phrases import key_phrases
from cauce.corpus.research.settings import Opening
from cauce.corpus.research.statements import shortened
from cauce.corpus.research.vocabulary import Vocabulary
from cauce.records import Language

OPENINGS: dict[Opening, dict[Language, tuple[str, ...]]] = {
    "evidence": {
        "en": (
            "What evidence is there that {}?",
            "Which studies show that {}?",
            "Is there published evidence that {}?",
            "Who has reported that {}?",
            "What research supports the view that {}?",
            "Which papers can I cite for the claim that {}?",
        ),
        "es": (
            "¿Qué pruebas hay de que {}?",
            "¿Qué estudios muestran que {}?",
            "¿Quién ha publicado que {}?",
            "¿En qué trabajos se afirma que {}?",
            "¿Qué investigaciones apoyan la idea de que {}?",
            "¿Qué artículos puedo citar para decir que {}?",
        ),
    },
    "phrases": {
        "en": (
            "Which studies examined {}?",
            "Where can I find research on {}?",
            "What has been published on {}?",
            "Which papers deal with {}?",
            "What is known about {}?",
            "Who has written about {}?",
        ),
        "es": (
            "¿Qué estudios tratan sobre {}?",
            "¿Dónde puedo encontrar investigaciones sobre {}?",
            "¿Qué se ha publicado sobre {}?",
            "¿Qué trabajos hay sobre {}?",
            "¿Qué se sabe sobre {}?",
            "¿Quién ha escrito sobre {}?",
        ),
    },
}
"""`{}` stands for a statement or for a list of phrases; no wording needs their gender or number."""


_POINTS_BACK = re.compile(r"\b(?:this|these|est[aeo]s?|es[aeo]s?)\b|: ")
"""What a whole sentence may explain and its statement, behind "that", leaves in the air."""


def candidates(
    cited: Cited, opening: Opening, vocabulary: Vocabulary, *, seed: int
) -> Iterator[str]:
    """The questions of one kind that a sentence gives, the fullest first, its wordings drawn."""
    language = cited.document.language
    wordings = list(OPENINGS[opening][language])
    random.Random(f"{seed}/{opening}/{cited.id}").shuffle(wordings)
    subjects = evidence_subjects if opening == "evidence" else phrase_subjects
    for subject in subjects(cited, vocabulary):
        for wording in wordings:
            yield wording.format(subject)


def evidence_subjects(cited: Cited, vocabulary: Vocabulary) -> Iterator[str]:
    """The statement and its shortenings as they stand behind "that"."""
    first, space, rest = cited.statement.partition(" ")
    if _POINTS_BACK.search(rest):
        return
    spelled = vocabulary.inner_spelling(first.rstrip(","))
    if spelled is None:
        return
    comma = "," if first.endswith(",") else ""
    for statement in shortened(f"{spelled}{comma}{space}{rest}", cited.document.language):
        yield statement.rstrip(".?! ")


def phrase_subjects(cited: Cited, vocabulary: Vocabulary) -> Iterator[str]:
    """Lists of three and of two key phrases."""
    language = cited.document.language
    for count in (3, 2):
        phrases = key_phrases(cited.statement, count, vocabulary, language)
        if len(phrases) == count:
            yield _listed(phrases, language)


def _listed(phrases: tuple[str, ...], language: Language) -> str:
    """The phrases as a list: "a, b and c", in Spanish with "e" before the sound of i.

    >>> _listed(("virus", "insectos"), "es")
    'virus e insectos'
    """
    last = phrases[-1].lower()
    sounds_i = last.startswith(("i", "hi")) and not last.startswith(("hie", "ia", "io"))
    conjunction = {"en": "and", "es": "e" if sounds_i else "y"}[language]
    return f"{', '.join(phrases[:-1])} {conjunction} {phrases[-1]}"
