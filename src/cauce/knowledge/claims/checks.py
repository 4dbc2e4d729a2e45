"""Whether an answer says nothing that its cited text does not say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cauce.knowledge.claims.claims import problems_of
from cauce.knowledge.claims.items import items_of
from cauce.knowledge.claims.numbers import numbers_in, unsupported_numbers
from cauce.knowledge.claims.omissions import Problem
from cauce.knowledge.words import words
from cauce.records import Check, Language

MedicinesOf = Callable[[str], set[str]]
"""Names the medicines of a text: substances of the store, those that it lacks as `?name`."""

CLAIM_CHECKS = ("wording", "negation", "units", "frequency", "route", "population")
"""The checks that compare each sentence of an answer with one of its source."""


def check_answer(
    answer: str,
    quote: str,
    title: str,
    medicines_of: MedicinesOf,
    *,
    language: Language | None = None,
) -> tuple[Check, ...]:
    """The checks of an answer against the text it cites; an answer is shown when all pass.

    `title` is what the reader knows besides the quote (the medicine and the section's subject);
    `medicines_of` names the medicines that a text mentions; `language` is that of the quote.
    """
    problems = problems_of(answer, quote, title, language)
    numbers = _uncited(_unsupported(answer, quote, language))
    return (
        check_complete(answer),
        _check("numbers", numbers + _details(problems, "numbers")),
        check_medicines(answer, f"{title}\n{quote}", medicines_of),
        *(_check(name, _details(problems, name)) for name in CLAIM_CHECKS),
    )


def check_complete(answer: str) -> Check:
    """Passes when the answer has words and its last sentence is finished."""
    finished = bool(words(answer)) and answer.rstrip()[-1:] in set(".!?…)»”")
    return Check(name="complete", passed=finished, detail="" if finished else "unfinished sentence")


def check_numbers(answer: str, quote: str, language: Language | None = None) -> Check:
    """Passes when every number of the answer stands in the quote, in digits, in words or converted.

    >>> check_numbers("Take 0.5 g.", "Take 500 mg.").passed
    True
    """
    missing = _unsupported(answer, quote, language)
    return _check("numbers", _uncited(missing))


def check_medicines(answer: str, source: str, medicines_of: MedicinesOf) -> Check:
    """Passes when every medicine the answer names is named in the source."""
    missing = sorted(medicines_of(answer) - medicines_of(source))
    return _check("medicines", _uncited(missing))


def _unsupported(answer: str, quote: str, language: Language | None) -> tuple[str, ...]:
    """The numbers of the answer that the quote has neither as they are nor in another unit."""
    missing = unsupported_numbers(answer, [quote], language)
    if not missing:
        return ()
    known = items_of(quote, language)
    converted = {
        number
        for item in items_of(answer, language)
        if item.kind != "word" and any(other.says(item) for other in known)
        for number in numbers_in(item.text)
    }
    return tuple(number for number in missing if number not in converted)


def _uncited(missing: Sequence[str]) -> list[str]:
    return [f"{', '.join(missing[:5])}: not in the cited section"] if missing else []


def _details(problems: Sequence[Problem], check: str) -> list[str]:
    return list(dict.fromkeys(problem.detail for problem in problems if problem.check == check))


def _check(name: str, details: Sequence[str]) -> Check:
    return Check(name=name, passed=not details, detail="; ".join(details[:5]))
