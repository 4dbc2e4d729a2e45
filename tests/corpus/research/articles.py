"""Small articles written for the tests, with their marks and references."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cauce.records import CitationMark, CitingSentence, Document, Language, Reference, Section

MARK = re.compile(r"«([^«»]*)»")
"""A mark in a sentence of a test: `as «[1]» shows`; its numbers are the references it cites."""


def article(
    name: str,
    sentences: Sequence[str],
    *,
    language: Language = "en",
    shared: Sequence[str] = (),
    without_doi: Sequence[str] = (),
) -> Document:
    """An article of one section; reference 7 has the DOI 10.1/name.7, or 10.1/7 where shared."""
    text, citing, cited = "", [], []
    for sentence in sentences:
        found, plain = [], ""
        for place, piece in enumerate(MARK.split(sentence)):
            if place % 2:
                numbers = tuple(re.findall(r"\d+", piece))
                start = len(text) + len(plain)
                found.append(CitationMark(start=start, end=start + len(piece), references=numbers))
                cited += numbers
            plain += piece
        if found:
            citing.append(
                CitingSentence(
                    section="body",
                    start=len(text),
                    end=len(text) + len(plain),
                    text=plain,
                    marks=tuple(found),
                )
            )
        text += f"{plain} "
    references = tuple(
        Reference(
            id=number,
            title=f"Work {number}",
            doi=None
            if number in without_doi
            else f"10.1/{number}"
            if number in shared
            else f"10.1/{name}.{number}",
        )
        for number in dict.fromkeys(cited)
    )
    return Document(
        source="articles",
        id=name,
        version="1",
        title=f"Article {name}",
        language=language,
        sections=(Section(id="body", kind="other", title="", text=text),),
        references=references,
        citing=tuple(citing),
        group=name,
    )


def unmarked_of(sentence: str) -> str:
    """What is left of one sentence."""
    from cauce.corpus.research.citing import unmarked

    return unmarked(article("a", [sentence]).citing[0])
