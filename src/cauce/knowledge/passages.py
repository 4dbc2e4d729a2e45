"""The part of a section that answers a question, letter for letter."""

from __future__ import annotations

from cauce.knowledge.sentences import Span, sentences
from cauce.knowledge.words import stems


def passage(
    text: str, limit_chars: int, question: str = "", known: frozenset[str] = frozenset()
) -> str:
    """A contiguous part of `text` of at most `limit_chars`, made of whole sentences where they fit.

    It opens the section, unless words of `question` beyond `known` (stems of the medicine's name
    and of the section's subject) stand elsewhere: then it starts with the sentence that holds most
    of them. A first sentence that is too long is cut at a space.

    >>> text = "Adults take 20 mg a day. Children need less. In renal impairment take 10 mg a day."
    >>> passage(text, 60, "dose in renal impairment")
    'In renal impairment take 10 mg a day.'
    """
    spans = sentences(text)
    if not spans:
        return ""
    start = _best_sentence(text, spans, stems(question) - known)
    return _fill(text, spans[start:], limit_chars)


def _best_sentence(text: str, spans: list[Span], wanted: set[str]) -> int:
    """Index of the sentence that holds most of the wanted stems; 0 when none does."""
    if not wanted:
        return 0
    held = [len(wanted & stems(span.of(text))) for span in spans]
    return held.index(max(held)) if max(held) else 0


def _fill(text: str, spans: list[Span], limit_chars: int) -> str:
    start, end = spans[0].start, spans[0].end
    if end - start > limit_chars:
        cut = text.rfind(" ", start, start + limit_chars)
        return text[start : cut if cut > start else start + limit_chars]
    for span in spans:
        if span.end - start > limit_chars:
            break
        end = span.end
    return text[start:end]
