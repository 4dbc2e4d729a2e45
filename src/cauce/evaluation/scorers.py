"""What an answer is worth: a scorer reads the logged item and its example, and needs no model."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from cauce.assistant.research.replies import without_works
from cauce.evaluation.log import Item, Score, scored
from cauce.evaluation.metrics import text_scores
from cauce.evaluation.words import words
from cauce.knowledge.claims.checks import CLAIM_CHECKS, MedicinesOf
from cauce.knowledge.claims.numbers import unsupported_numbers
from cauce.knowledge.claims.verdicts import check_claims
from cauce.records import Example, Record

_NAMED = re.compile(
    r"\W*(?:(?:la\s+|the\s+)?(?:respuesta|opción|answer|option)(?:\s+correcta)?\W*"
    r"(?:(?:es|is)\s+)?(?:(?:la|the)\s+)?(?:opción|option)?\W*)?"
    r"(?:(\d{1,2})|([a-z]))(?![\w])",
    re.IGNORECASE,
)
"""`3`, `c)`, `La respuesta correcta es la 3.` at the start of an answer."""


class Scorer(Protocol):
    """Anything that judges an answer."""

    def score(self, item: Item, example: Example) -> dict[str, Score]:
        """A Score by metric; metrics that do not apply to the item are missing."""


class TextScorer(Record):
    """How much of the reference the answer says: ROUGE, BLEU, chrF, METEOR and the rest."""

    kind: Literal["text"] = "text"
    stem: bool = False
    """ROUGE over Snowball stems too; needs the extra `metrics`."""

    def score(self, item: Item, example: Example) -> dict[str, Score]:
        """Every measure of overlap and length, and whether a model stopped by itself."""
        scores = scored(
            text_scores(item.reference, item.answer, language=item.language, stem=self.stem)
        )
        if item.is_finished is not None:
            scores["stops_by_itself"] = Score(value=float(item.is_finished))
        return scores


class ChoiceScorer(Record):
    """Whether the right one of several choices was taken, and how sure the system was.

    A model's choice is the likeliest, by all its tokens and by its likelihood per byte (which does
    not prefer short ones); the choice of a system that only writes is read from what it wrote.
    """

    kind: Literal["choice"] = "choice"

    def score(self, item: Item, example: Example) -> dict[str, Score]:
        """`right_choice`; of a model also `right_choice_per_byte`, `confidence` and `brier`."""
        if item.choice_nlls:
            return _measured(item, example)
        chosen = None if item.abstained else named_choice(item.answer, example.choices)
        if chosen is None:
            missing = "the system abstained" if item.abstained else "no one choice is named"
            return {"right_choice": Score(explanation=missing), "names_choice": Score(value=0.0)}
        right = float(example.choices[chosen] == example.completion)
        return {
            "right_choice": Score(value=right, answer=example.choices[chosen]),
            "names_choice": Score(value=1.0),
        }


class ClaimsScorer(Record):
    """How much of an answer its evidence says, claim by claim, and which checks the rest fails.

    The evidence is what the answer cites, else the example's. An answer may be true of what its
    evidence does not say: such a claim is not supported. Abstentions claim nothing.
    """

    kind: Literal["claims"] = "claims"

    def score(self, item: Item, example: Example) -> dict[str, Score]:
        """`supported_claims`, `contradicted_claims` and `fails_CHECK`: shares of its claims."""
        evidence = [quote for quote in _quotes(item, example) if quote]
        said = "" if item.abstained else without_works(item.answer)
        claims = check_claims(said, evidence, item.language) if evidence else []
        if not claims:
            missing = "no evidence to compare with" if not evidence else "nothing is claimed"
            return {} if item.abstained else {"supported_claims": Score(explanation=missing)}
        failing = [f"{claim.text} ({claim.detail})" for claim in claims if claim.detail]
        shares = {
            f"{verdict}_claims": sum(claim.verdict == verdict for claim in claims)
            for verdict in ("supported", "contradicted")
        } | {
            f"fails_{check}": sum(check in claim.checks for claim in claims)
            for check in ("numbers", *CLAIM_CHECKS)
        }
        scores = scored({name: count / len(claims) for name, count in shares.items()})
        told = scores["supported_claims"].model_copy(update={"explanation": " | ".join(failing)})
        return {**scores, "supported_claims": told}


class FactsScorer:
    """Whether an answer is of the right medicine and section and makes no number up.

    Abstentions are not judged on facts that they do not give.
    """

    def __init__(self, medicines_of: MedicinesOf) -> None:
        self._medicines_of = functools.cache(lambda text: frozenset(medicines_of(text)))

    def score(self, item: Item, example: Example) -> dict[str, Score]:
        """`abstained`; of an answer also `right_drug`, `right_section`, `unsupported_numbers`."""
        scores = {"abstained": Score(value=float(item.abstained))}
        if item.abstained:
            return scores
        scores["right_drug"] = Score(
            value=float(_is_right_drug(item, example, self._medicines_of)),
            answer=item.resolved_group,
        )
        if item.resolved_kind:
            is_right = item.resolved_kind == example.kind
            scores["right_section"] = Score(value=float(is_right), answer=item.resolved_kind)
        missing = unsupported_numbers(item.answer, _sources(item, example), item.language)
        scores["unsupported_numbers"] = Score(
            value=float(bool(missing)), explanation=", ".join(map(str, missing))
        )
        return scores


def named_choice(answer: str, choices: Sequence[str]) -> int | None:
    """The place of the one choice that an answer names: by number or letter, or by its words.

    >>> named_choice("b) Histeroscopia", ["Citología", "Histeroscopia"])
    1
    >>> named_choice("No lo sé", ["Citología", "Histeroscopia"]) is None
    True
    """
    given = words(answer)
    named = [place for place, choice in enumerate(choices) if _holds(given, words(choice))]
    longest = [
        place
        for place in named
        if not any(_holds(words(choices[o]), words(choices[place])) for o in named if o != place)
    ]
    if len(longest) == 1:
        return longest[0]
    if found := _NAMED.match(answer):
        number, letter = found.groups()
        place = int(number) - 1 if number else ord(letter.lower()) - ord("a")
        return place if 0 <= place < len(choices) and not longest else None
    return None


def _holds(text: Sequence[str], part: Sequence[str]) -> bool:
    size = len(part)
    return bool(size) and any(
        list(text[start : start + size]) == list(part) for start in range(len(text) - size + 1)
    )


def _measured(item: Item, example: Example) -> dict[str, Score]:
    sizes = [len(choice.encode()) for choice in example.choices]
    right = example.choices.index(example.completion)
    likeliest = _least(item.choice_nlls)
    per_byte = _least([nll / size for nll, size in zip(item.choice_nlls, sizes, strict=True)])
    shares = _probabilities(item.choice_nlls)
    said = f"{shares[likeliest]:.0%} sure; {shares[right]:.0%} for the right one"
    return {
        "right_choice": Score(
            value=float(likeliest == right), answer=example.choices[likeliest], explanation=said
        ),
        "right_choice_per_byte": Score(
            value=float(per_byte == right), answer=example.choices[per_byte]
        ),
        "confidence": Score(value=shares[likeliest]),
        "brier": Score(
            value=sum((share - (place == right)) ** 2 for place, share in enumerate(shares))
        ),
    }


def _least(values: Sequence[float]) -> int:
    return min(range(len(values)), key=values.__getitem__)


def _probabilities(nlls: Sequence[float]) -> list[float]:
    weights = [math.exp(min(nlls) - nll) for nll in nlls]
    return [weight / sum(weights) for weight in weights]


def _is_right_drug(
    item: Item, example: Example, medicines_of: Callable[[str], frozenset[str]]
) -> bool:
    """By the group that the system resolved; else by the medicines that the answer names.

    Medicines that the question or the evidence names too (an interaction) are no mistake.
    """
    if item.resolved_group:
        return item.resolved_group == example.group
    named = medicines_of(item.answer)
    expected = medicines_of(f"{item.question}\n{example.evidence.quote}")
    return example.group in named and named <= expected | {example.group}


def _sources(item: Item, example: Example) -> list[str]:
    """What the numbers of an answer may come from: the question and the quotes it rests on."""
    return [item.question, *_quotes(item, example)]


def _quotes(item: Item, example: Example) -> list[str]:
    """What an answer rests on: the quotes it cites, else that of its example."""
    cited = [item.citation, *item.other_citations] if item.citation else [example.evidence]
    return [citation.quote for citation in cited if citation]
