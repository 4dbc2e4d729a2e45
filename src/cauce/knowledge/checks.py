"""Whether an answer says nothing that its cited text does not say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cauce.knowledge.numbers import unsupported_numbers
from cauce.knowledge.sentences import sentences
from cauce.knowledge.words import content_words, fold, stem, stems, words
from cauce.records import Check

NEGATIONS = frozenset(
    fold(word)
    for word in "no not never nor none cannot without avoid nunca jamás ningún ninguna ninguno ni sin "
    "tampoco evite evitar don't doesn't isn't can't mustn't except excepto salvo".split()
)


def check_answer(answer: str, quote: str, title: str, medicines_of: Callable[[str], set[str]]) -> tuple[Check, ...]:
    """The checks of an answer against the text it cites; an answer is shown when all pass.

    `title` is what the reader knows besides the quote (the medicine and the section's subject);
    `medicines_of` names the medicines that a text mentions.
    """
    return (
        check_complete(answer),
        check_numbers(answer, quote),
        check_medicines(answer, f"{title}\n{quote}", medicines_of),
        check_words(answer, f"{title}\n{quote}"),
        check_negation(answer, quote),
    )


def check_complete(answer: str) -> Check:
    """Passes when the answer has words and its last sentence is finished."""
    finished = bool(words(answer)) and answer.rstrip()[-1:] in set(".!?…)»”:") - {":"}
    return Check(name="complete", passed=finished, detail="" if finished else "unfinished sentence")


def check_numbers(answer: str, quote: str) -> Check:
    """Passes when every number of the answer stands in the quote, however it is spelled."""
    return _check("numbers", unsupported_numbers(answer, [quote]), "not in the cited section")


def check_medicines(answer: str, source: str, medicines_of: Callable[[str], set[str]]) -> Check:
    """Passes when every medicine the answer names is named in the source."""
    return _check("medicines", sorted(medicines_of(answer) - medicines_of(source)), "not in the cited section")


def check_words(answer: str, source: str) -> Check:
    """Passes when every content word of the answer stands in the source in some inflection."""
    known = stems(source)
    missing = [word for word in dict.fromkeys(content_words(answer)) if stem(word) not in known]
    return _check("words", missing, "not in the cited section")


def check_negation(answer: str, quote: str) -> Check:
    """Passes when each sentence of the answer negates as often as the sentence it comes from."""
    sources = [span.of(quote) for span in sentences(quote)]
    changed = []
    for span in sentences(answer):
        claim = span.of(answer)
        source = max(sources, key=lambda text: _overlap(claim, text), default="")
        if _negations(claim) != _negations(source):
            changed.append(claim)
    return _check("negation", changed, "negates otherwise than its source")


def _overlap(claim: str, source: str) -> float:
    """Shared stems over all stems: a short source that is the whole claim beats a long one."""
    mine, theirs = stems(claim), stems(source)
    return len(mine & theirs) / max(1, len(mine | theirs))


def _negations(text: str) -> int:
    return sum(word in NEGATIONS for word in words(text))


def _check(name: str, offending: Sequence[str], problem: str) -> Check:
    detail = f"{', '.join(offending[:5])}: {problem}" if offending else ""
    return Check(name=name, passed=not offending, detail=detail)
