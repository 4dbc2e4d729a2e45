"""How sure a run's assistant must be, by answers judged where it is used or by its evaluation."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import model_validator

from cauce.assistant.holding import HELD_BACK, THRESHOLD, state_of
from cauce.assistant.research.preparing import answers_of
from cauce.assistant.settings import Way
from cauce.errors import DataRefused, NotFound
from cauce.evaluation.conformal import (
    Among,
    Guarantee,
    Judged,
    guarantee_answers,
    guarantee_claims,
    guarantee_shown,
)
from cauce.evaluation.log import Item, read_items
from cauce.evaluation.made_by import MadeBy, command_of, state_of_model, write_trial
from cauce.evaluation.research import NAMES, Answer
from cauce.records import Example, Record
from cauce.runs import Run, read_records, sha256_of_file

CLAIMS = "calibrate/claims.json"
"""Of a run: the threshold on the scores of claims."""


class JudgedClaim(Record, extra="ignore"):
    """A claim of an answer with its score, and whether people found it right."""

    score: float
    right: bool


class JudgedAnswer(Record, extra="ignore"):
    """A line of local answers: what `cauce ask` gave for a question, and whether it was right."""

    id: str | int
    confidence: float | None = None
    right: bool | None = None
    abstained: bool = False
    reason: str = ""
    group: str = ""
    """Of questions that are to have a promise of their own; every line names one, or none does."""
    claims: tuple[JudgedClaim, ...] | None = None

    @model_validator(mode="after")
    def _is_judged(self) -> JudgedAnswer:
        is_whole = self.confidence is not None and self.right is not None
        if self.claims is None and not self.abstained and not is_whole:
            raise ValueError("an answer needs confidence and right (true or false), or claims")
        return self

    @property
    def judged(self) -> Judged:
        """The answer as a whole; an abstention is not wrong."""
        return Judged(self.confidence or 0.0, self.abstained or bool(self.right))


def calibrate(
    run: Run,
    answers: Path | None = None,
    *,
    alpha: float = 0.1,
    among: Among = "all",
    way: Way = "expanded",
) -> Guarantee:
    """Writes the threshold that the run's assistant is held to from then on, and returns it.

    `answers` is a file of `{"id", "confidence", "right"}`, a line each, with `"abstained"` and
    `"group"` where they apply. Without it the log of the run's evaluation is read; of articles,
    that of the `way` by which the assistant looks for evidence. Of a promise on claims the lines
    are `{"id", "claims": [{"score", "right"}]}`; its threshold, which no reply is held to, stands
    in `calibrate/claims.json`.

    A line that is none refuses the whole file: the promise rests on no judged answer being left
    out. Raises UserError with too few.
    """
    read = answers or _log_of_evaluation(run)
    lines = read_records(read, JudgedAnswer) if answers else _of_evaluation(run, read, way)
    judged = list(lines)
    found = _guarantee(judged, alpha, among, str(answers or run.path))
    found = found.model_copy(update={"state": state_of(run)})
    given = ("--answers", answers) if answers else ()
    made_by = MadeBy(
        command=command_of("calibrate", run, *given, "--alpha", alpha, "--among", among),
        state=state_of_model(run),
        data_sha256=sha256_of_file(read),
    )
    path = run.path / (CLAIMS if among == "claims" else THRESHOLD)
    write_trial(path, json.loads(found.model_dump_json()), made_by)
    return found


def _guarantee(
    answers: Sequence[JudgedAnswer], alpha: float, among: Among, place: str
) -> Guarantee:
    _refuse_held_back(answers, place)
    groups = _groups(answers, place)
    has_claims = [one.claims is not None for one in answers]
    if any(has_claims) != (among == "claims") or len({*has_claims}) > 1:
        raise DataRefused(
            f"{place}: {sum(has_claims)} of {len(answers)} answers have claims, and the promise is "
            f"on {among!r}.\nFor a promise on claims every answer lists its own, else none does."
        )
    if among == "claims":
        claims = [[Judged(*claim) for claim in _pairs(one)] for one in answers]
        return guarantee_claims(claims, alpha, groups=groups)
    if among == "shown":
        if groups:
            raise DataRefused(
                f"{place}: answers have groups, and a promise on the answers shown has none.\n"
                "Leave the groups out, or ask for a promise on all questions."
            )
        return guarantee_shown([one.judged for one in answers if not one.abstained], alpha)
    return guarantee_answers([one.judged for one in answers], alpha, groups=groups)


def _refuse_held_back(answers: Sequence[JudgedAnswer], place: str) -> None:
    held = [one.id for one in answers if one.reason.startswith(HELD_BACK)]
    if held:
        raise DataRefused(
            f"{place}: {len(held)} answers were held back by an earlier threshold, such as "
            f"{held[0]!r}; whether they were right is not known.\n"
            f"Remove {THRESHOLD} of the run, ask again, and judge those answers."
        )


def _pairs(answer: JudgedAnswer) -> Iterator[tuple[float, bool]]:
    return ((claim.score, claim.right) for claim in answer.claims or ())


def _groups(answers: Sequence[JudgedAnswer], place: str) -> list[str]:
    groups = [one.group for one in answers]
    without = [one.id for one in answers if not one.group]
    if any(groups) and without:
        raise DataRefused(
            f"{place}: {len(without)} answers have no group, such as {without[0]!r}; others do.\n"
            "Name the group of every answer, or of none."
        )
    return groups if any(groups) else []


def _log_of_evaluation(run: Run) -> Path:
    """What the run's own evaluation logged: of its assistant, or of its ways to a DOI."""
    folder = run.path / "evaluate"
    for path in (folder / "assistant.jsonl", folder / "ways.jsonl"):
        if path.is_file():
            return path
    raise NotFound(
        f"{run.path} has no evaluation of an assistant to calibrate by.\n"
        f"Run cauce evaluate {run.path.name}, or give answers that people judged."
    )


def _of_evaluation(run: Run, log: Path, way: Way) -> Iterator[JudgedAnswer]:
    """The answers of the run's own evaluation."""
    if log.name == "ways.jsonl":
        yield from _of_ways(run, log, way)
        return
    items = read_items(log)
    if all(item.confidence is None for item in items):
        raise DataRefused(
            f"{log}: none of {len(items)} answers tells how sure it is.\n"
            f"Run cauce evaluate {run.path.name} again, or give answers that people judged."
        )
    yield from map(_of_item, items)


def _of_item(item: Item) -> JudgedAnswer:
    """Right is an answer of the right medicine and section, without a number made up.

    What no threshold holds back, such as the answer to an emergency, is as sure as can be.
    """
    facts = [item.values.get(name, 1.0) for name in ("right_drug", "right_section")]
    right = all(facts) and not item.values.get("unsupported_numbers")
    return JudgedAnswer(
        id=item.id,
        confidence=math.inf if item.confidence is None else item.confidence,
        right=right,
        abstained=item.abstained,
        reason=item.reason,
    )


def _of_ways(run: Run, log: Path, way: Way) -> Iterator[JudgedAnswer]:
    """Right is an answer whose first sentence cites a DOI of the question's."""
    examples = read_records(run.path / "prepare" / "test.jsonl", Example)
    gold = {example.question: {*answers_of(example)} for example in examples}
    for answer in read_records(log, Answer):
        if answer.way == NAMES[way]:
            first = {*answer.looked_at[0]} if answer.looked_at else set[str]()
            yield JudgedAnswer(
                id=answer.question,
                confidence=answer.confidence or 0.0,
                right=bool(first & gold[answer.question]),
                abstained=answer.abstained,
            )
