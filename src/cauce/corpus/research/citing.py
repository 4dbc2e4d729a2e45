"""The sentences of an article that a question can be made of, without their citation marks.

A sentence is left, with the reason, when it is about the article itself or about something said
before it ("this virus", "we used"), when it only points to a method, when a name of its grammar is
a cited author, or when it is no whole sentence of 8 to 45 words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cauce.corpus.research.statements import UNFINISHED, statement_of
from cauce.corpus.research.wording import AUTHORS, DEICTIC, MARK, METHODS
from cauce.records import Citation, CitingSentence, Document, Language, Reference

FEWEST_WORDS, MOST_WORDS = 8, 45

_INNER = r"(?:[^()\[\]]|\([^()]*\)|\[[^\[\]]*\])*"
_BRACKETED = re.compile(rf"\s*(?:\({_INNER}{MARK}{_INNER}\)|\[{_INNER}{MARK}{_INNER}\])")
_EMPTY_BRACKETS = re.compile(r"\s*[(\[][\s,;.–-]*[)\]]")
_JOINED = re.compile(rf"{MARK}(?:\s*(?:[,;–—-]|and|y|e|&)?\s*{MARK})+")
_POINTER = re.compile(
    r"[\s,;]*\b(?:(?:for (?:a )?(?:recent )?reviews?,? )?(?:see(?: also)?|véase|ver|cf\.?)|"
    r"e\.\s?g\.|i\.\s?e\.|p\.\s?ej\.|reviewed in|revisado en|(?:in )?[Rr]efs?\.?)"
    rf"(?:[\s,]*(?:see|e\.\s?g\.|p\.\s?ej\.|also|[Rr]efs?\.?))*[\s,]*(?={MARK})"
)
_PERSON = r"(?:(?:van|von|de|den|der|la|di) )*[A-ZÀ-Þ][\w'’-]+"
_NAMED = re.compile(
    rf"{_PERSON}(?:,? (?:and|&|y) {_PERSON})?,? (?:et\s+al\.?|(?:and|y) (?:co-?workers|colleagues"
    rf"|colaboradores|cols?\.?))(?:['’]s)?(?:\s*{MARK})*"
)
_NAMED_WITH_YEAR = re.compile(
    rf"(?:{_PERSON}(?:,? (?:and|&|y) {_PERSON})?\s*)?\(?{AUTHORS}(?:\s*\(?{AUTHORS})*\)?"
)
_AS_A_WORD = re.compile(
    rf"\b(?:in|by|of|from|to|with|and|or|than|that|as|en|por|de|con|según|que)\s*{MARK}"
)
_LEFTOVERS = (
    (re.compile(MARK), ""),
    (re.compile(r"\s+"), " "),
    (re.compile(r"(?:,? (?:and|y|see|e\.g\.,?))? ?(?=[.;]\s*$)"), ""),
    (re.compile(r" +(?=[,.;:)\]])"), ""),
    (re.compile(r"(?<=[(\[]) +"), ""),
    (re.compile(r"[,;](?=[,;.])"), ""),
)
_SYMBOLS = re.compile(r"[=∈∑∫→{}\\|]|\b[α-ωΑ-Ω]\w?\b(?!-)|\w\((?:t|x|s)\b|https?:|www\.")


class Cited(NamedTuple):
    """A citing sentence that a question can be made of."""

    document: Document
    sentence: CitingSentence
    clean: str
    """As it is printed, without marks and in one line."""
    statement: str
    """What it claims: without its connective, its frame and its asides."""
    works: tuple[Reference, ...]
    """The references that it cites and that have a DOI."""

    @property
    def id(self) -> str:
        """Document, section and place: the same whenever the article is read."""
        return f"{self.document.key}/{self.sentence.section}/{self.sentence.start}"

    @property
    def article(self) -> str:
        """Group of the document: its DOI, where the source knows it."""
        return self.document.group or self.document.id

    @property
    def citation(self) -> Citation:
        """The sentence letter for letter, where it stands."""
        document = self.document
        return Citation(
            source=document.source,
            id=document.id,
            version=document.version,
            section=self.sentence.section,
            quote=self.sentence.text,
            start=self.sentence.start,
            title=document.title,
            language=document.language,
            url=document.url,
        )


class Left(NamedTuple):
    """A citing sentence that no question is made of, and why."""

    id: str
    clean: str
    reason: str


def usable_sentences(document: Document) -> Iterator[Cited | Left]:
    """Every citing sentence of an article, as one to use or as one to leave."""
    for cited in cited_sentences(document):
        reason = why_unusable(unmarked(cited.sentence), cited.statement, document.language)
        if not cited.works:
            reason = reason or "none of the cited works has a DOI"
        yield Left(cited.id, cited.clean, reason) if reason else cited


def cited_sentences(document: Document) -> Iterator[Cited]:
    """Every citing sentence of an article, with the works that have a DOI, if any."""
    references = {reference.id: reference for reference in document.references}
    for sentence in document.citing:
        text = unmarked(sentence)
        found = [references[id] for id in sentence.references if id in references]
        works = {work.doi: work for work in found if work.doi}
        yield Cited(
            document,
            sentence,
            clean=text.replace(AUTHORS, "").strip(),
            statement=statement_of(text, document.language),
            works=tuple(works.values()),
        )


def unmarked(sentence: CitingSentence) -> str:
    """The sentence without its marks; where a mark is a word of it, a place holder is left.

    Brackets go with the mark that they hold and everything beside it, and so do "see", "e.g." and
    the "and" between marks. Authors who act in the sentence ("Díaz et al. [4] found that") become
    one place holder, for their finding may be told without them.
    """
    text = sentence.text
    for mark in sorted(sentence.marks, key=lambda mark: mark.start, reverse=True):
        start, end = mark.start - sentence.start, mark.end - sentence.start
        text = text[:start] + _stand_in(text, start, end) + text[end:]
    while (shorter := _BRACKETED.sub(MARK, text)) != text:
        text = shorter
    text = _POINTER.sub("", _JOINED.sub(MARK, text))
    text = _NAMED_WITH_YEAR.sub(AUTHORS, _NAMED.sub(AUTHORS, text))
    text = _AS_A_WORD.sub(lambda found: found[0].replace(MARK, f" {AUTHORS}"), text)
    text = _EMPTY_BRACKETS.sub("", text)
    for pattern, instead in _LEFTOVERS:
        text = pattern.sub(instead, text)
    return text.strip()


def _stand_in(text: str, start: int, end: int) -> str:
    """MARK for a mark that can be taken away, AUTHORS for one that names who did something."""
    mark = text[start:end]
    opened = text.rfind("(", 0, start) > text.rfind(")", 0, start)
    opened = opened or text.rfind("[", 0, start) > text.rfind("]", 0, start)
    if opened or mark[:1] in "([":
        is_year = re.fullmatch(r"\(?(?:1[89]|20)\d\d[a-z]?\)?", mark)
        named = re.search(rf"{_PERSON} ?\(?$", text[:start])
        return AUTHORS if is_year and named else MARK
    return AUTHORS if re.match(r"[^\W\d_]{2}", mark) else MARK


def why_unusable(text: str, statement: str, language: Language) -> str | None:
    """Why no question is made of a sentence (without marks); None when one can be."""
    length = len(text.split())
    if not FEWEST_WORDS <= length <= MOST_WORDS:
        return (
            f"{'fewer' if length < FEWEST_WORDS else 'more'} words than {FEWEST_WORDS}-{MOST_WORDS}"
        )
    if METHODS[language].search(text):
        return "points to a method"
    if DEICTIC[language].search(statement):
        return "about the article itself or what was said before"
    if AUTHORS in statement:
        return "the cited authors are part of the sentence"
    if _is_fragment(statement):
        return "no whole sentence"
    return None


def _is_fragment(text: str) -> bool:
    """True without a capital, a stop or the other bracket, and with formulas or a loose end."""
    return (
        not (text[:1].isupper() or re.match(r"\w+[A-Z\d]", text))
        or text[-1:] not in ".?!"
        or any(text.count(one) != text.count(other) for one, other in ("()", "[]", "“”", "«»"))
        or text.count('"') % 2 == 1
        or bool(_SYMBOLS.search(text))
        or UNFINISHED.search(text) is not None
    )
