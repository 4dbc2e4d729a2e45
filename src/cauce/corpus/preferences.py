"""Judged answers become examples: what was asked, what was liked, and what was not."""

from __future__ import annotations

from cauce.records import Citation, Document, Example, Message, Section
from cauce.sources.preferences import CHOSEN, EVIDENCE, REJECTED, UNWANTED

TURNS = {"system", "user", "assistant"}


def preference_of(document: Document) -> Example | None:
    """The judged answer that the document holds; None where it holds none.

    The citation is the evidence, and the question where there is none: what claims are checked
    against, and what is compared to keep one question in one split.
    """
    texts = {section.kind: section for section in document.sections if section.text.strip()}
    turns = [it for it in document.sections if it.kind in TURNS and it.text.strip()]
    answer = texts.get(CHOSEN) or texts.get(UNWANTED)
    if not turns or turns[-1].kind != "user" or answer is None:
        return None
    rejected = texts.get(REJECTED)
    return Example(
        id=document.key,
        messages=tuple(map(_message, turns)),
        completion=answer.text,
        question=turns[-1].text,
        evidence=_citation(document, texts.get(EVIDENCE, turns[-1])),
        group=document.group,
        kind="answer",
        language=document.language,
        rejected=rejected.text if rejected else "",
        is_wanted=CHOSEN in texts,
    )


def _message(turn: Section) -> Message:
    return Message.model_validate({"role": turn.kind, "content": turn.text})


def _citation(document: Document, cited: Section) -> Citation:
    return Citation(
        source=document.source,
        id=document.id,
        version=document.version,
        section=cited.id,
        quote=cited.text,
        language=document.language,
        url=document.url,
    )
