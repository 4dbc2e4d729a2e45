"""Whether an answer says nothing that its cited text does not say."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cauce.knowledge.numbers import numbers_in, unsupported_numbers
from cauce.knowledge.sentences import sentences
from cauce.knowledge.words import content_words, fold, words
from cauce.records import Check, Language

NEGATIONS = frozenset(
    fold(word)
    for word in """
    no not never nor none cannot without avoid nunca jamás ningún ninguna ninguno ni sin tampoco
    evite evitar don't doesn't isn't can't mustn't except excepto salvo unless only solo sólo
    solamente
    """.split()  # noqa: SIM905
)


def check_answer(
    answer: str,
    quote: str,
    title: str,
    medicines_of: Callable[[str], set[str]],
    *,
    language: Language | None = None,
) -> tuple[Check, ...]:
    """The checks of an answer against the text it cites; an answer is shown when all pass.

    `title` is what the reader knows besides the quote (the medicine and the section's subject);
    `medicines_of` names the medicines that a text mentions; `language` is that of the quote.
    """
    claims = _claims(answer, quote)
    return (
        check_complete(answer),
        check_numbers(answer, quote, language),
        check_medicines(answer, f"{title}\n{quote}", medicines_of),
        _check_wording(claims, title),
        _check_negation(claims),
    )


class Claim(NamedTuple):
    """A sentence of an answer and the sentence of the quote that it is nearest to."""

    text: str
    source: str


def check_complete(answer: str) -> Check:
    """Passes when the answer has words and its last sentence is finished."""
    finished = bool(words(answer)) and answer.rstrip()[-1:] in set(".!?…)»”")
    return Check(name="complete", passed=finished, detail="" if finished else "unfinished sentence")


def check_numbers(answer: str, quote: str, language: Language | None = None) -> Check:
    """Passes when every number of the answer stands in the quote, in digits or in words."""
    missing = unsupported_numbers(answer, [quote], language)
    return _check("numbers", missing, "not in the cited section")


def check_medicines(answer: str, source: str, medicines_of: Callable[[str], set[str]]) -> Check:
    """Passes when every medicine the answer names is named in the source."""
    missing = sorted(medicines_of(answer) - medicines_of(source))
    return _check("medicines", missing, "not in the cited section")


def check_wording(answer: str, quote: str, title: str = "") -> Check:
    """Passes when each sentence is one of the quote with words left out, none added or moved.

    So a number cannot pass from one age group, route or frequency to another.

    >>> quote = "Adults take 400 mg a day. Children take 200 mg."
    >>> check_wording("Adults take 400 mg.", quote).passed
    True
    >>> check_wording("Children take 400 mg.", quote).passed
    False
    """
    return _check_wording(_claims(answer, quote), title)


def check_negation(answer: str, quote: str) -> Check:
    """Passes when each sentence of the answer negates as often as the sentence it comes from."""
    return _check_negation(_claims(answer, quote))


def _claims(answer: str, quote: str) -> list[Claim]:
    sources = [span.of(quote) for span in sentences(quote)]
    claims = [span.of(answer) for span in sentences(answer)]
    return [
        Claim(claim, max(sources, key=lambda source: _likeness(claim, source), default=""))
        for claim in claims
    ]


def _likeness(claim: str, source: str) -> tuple[float, float]:
    """How much of the claim the source holds, then how much else it holds."""
    mine, theirs = set(_said(claim)), set(_said(source))
    shared = len(mine & theirs)
    return shared / max(1, len(mine)), shared / max(1, len(mine | theirs))


def _check_wording(claims: Sequence[Claim], title: str) -> Check:
    added = [claim.text for claim in claims if not _left_out(claim, title)]
    return _check("wording", added, "not the wording of the cited section")


def _left_out(claim: Claim, title: str) -> bool:
    """True when what the claim says is said in that order by the title and the source together."""
    remaining = iter([*_said(title), *_said(claim.source)])
    return all(item in remaining for item in _said(claim.text))


def _said(text: str) -> list[str]:
    """The folded content words, and the numbers, in order."""
    tokens = re.findall(r"[\d.,/½¼¾]*\d|[½¼¾]|[^\W\d_]+", text)
    said: list[str] = []
    for token in tokens:
        numbers = numbers_in(token)
        said += numbers or content_words(token)
    return said


def _check_negation(claims: Sequence[Claim]) -> Check:
    changed = [claim.text for claim in claims if _negations(claim.text) != _negations(claim.source)]
    return _check("negation", changed, "negates otherwise than its source")


def _negations(text: str) -> int:
    return sum(word in NEGATIONS for word in words(text))


def _check(name: str, offending: Sequence[str], problem: str) -> Check:
    detail = f"{', '.join(offending[:5])}: {problem}" if offending else ""
    return Check(name=name, passed=not offending, detail=detail)
