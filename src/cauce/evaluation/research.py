"""Four ways to a DOI, side by side: what each makes up, gets wrong, leaves open and finds.

Every question is asked twice: of the whole library, and without the article that it was made of, in
which nothing answers. A model that writes DOIs itself is asked once. A way that shows the first
sentence found tells how sure it was of each question, whether or not it answered: risk against
coverage comes of that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path
from typing import get_args

from cauce.assistant.research.assistant import ResearchAssistant
from cauce.assistant.research.preparing import answers_of
from cauce.assistant.settings import Way
from cauce.evaluation.calibration import brier_score, calibration_error, risk_coverage
from cauce.evaluation.statistics import Estimate, mean_bootstrap, rate_exact
from cauce.evaluation.ways import WAYS, Certainty, WayScores
from cauce.models.generation import generate_identifiers
from cauce.models.loading import LoadedModel
from cauce.records import Example, Record
from cauce.runs import write_json
from cauce.sources.dois import dois_in

HITS = (1, 3, 5)
"""Of the sentences looked at, the first so many."""
NAMES: dict[Way, str] = {
    "question": "question to question",
    "expanded": "question in several words",
    "topics": "topics to sentence",
}
NAMED = "the same, named by the model"
TRIE, FREE = "tuned, only known DOIs", "tuned, any text"


class Answer(Record):
    """What one way said to one question."""

    way: str
    question: str
    article: str
    dois: tuple[str, ...]
    abstained: bool
    without: bool = False
    looked_at: tuple[tuple[str, ...], ...] = ()
    confidence: float | None = None
    """Probability that the first sentence found answers, where that is what the way shows."""
    seconds: float | None = None
    """Wall time of its batch over the questions in it."""
    batch: int | None = None


Gold = dict[str, set[str]]
"""The DOIs that answer each question."""


def compare_ways(
    assistant: ResearchAssistant,
    examples: Sequence[Example],
    folder: Path,
    *,
    free: Sequence[str] = (),
    batch_size: int,
    seed: int,
    progress: Callable[[str], None],
) -> list[WayScores]:
    """Writes `ways.jsonl` (every answer) and `ways.json`; returns the rows of the table.

    `free` are the tuned model's unbound answers to the examples, where there are any.
    """
    known = {doi for one in assistant.finder.library.evidence.values() for doi in one.dois}
    answers: list[Answer] = []
    asked: list[tuple[str, Way, bool]] = [(NAMES[way], way, False) for way in get_args(Way)]
    if assistant.model is not None:
        asked.insert(2, (NAMED, "expanded", True))
    for name, way, by_model in asked:
        progress(f"asking: {name}")
        ask = partial(_asked, assistant, name, way, model_names=by_model)
        answers += _timed(examples, batch_size, ask)
        answers += ask(examples, without=True)
    if assistant.model is not None:
        progress("asking the tuned model for known DOIs")
        write = partial(_written, assistant.model, sorted(known))
        answers += _timed(examples, batch_size, write)
    answers += [
        _answer(FREE, example, dois_in(text)) for example, text in zip(examples, free, strict=False)
    ]
    gold = {example.question: {*answers_of(example)} for example in examples}
    rows = score_ways(answers, gold, known, seed=seed)
    write_json(folder / WAYS, [row.model_dump(mode="json") for row in rows])
    with (folder / "ways.jsonl").open("w", encoding="utf-8") as stream:
        stream.writelines(answer.model_dump_json() + "\n" for answer in answers)
    return rows


def score_ways(
    answers: Sequence[Answer], gold: Gold, known: Collection[str], *, seed: int
) -> list[WayScores]:
    """The rows of the table, ways in the order of their answers; `known` are the DOIs there are."""
    ways = dict.fromkeys(answer.way for answer in answers)
    return [
        _scores(way, [one for one in answers if one.way == way], gold, known, seed) for way in ways
    ]


def _timed(
    examples: Sequence[Example],
    batch_size: int,
    ask: Callable[[Sequence[Example]], list[Answer]],
) -> list[Answer]:
    """The answers, each with its share of the time that its batch took."""
    answers: list[Answer] = []
    for number, start in enumerate(range(0, len(examples), batch_size)):
        batch = examples[start : start + batch_size]
        began = time.perf_counter()
        found = ask(batch)
        seconds = (time.perf_counter() - began) / len(batch)
        answers += [one.model_copy(update={"seconds": seconds, "batch": number}) for one in found]
    return answers


def _asked(
    assistant: ResearchAssistant,
    name: str,
    way: Way,
    examples: Sequence[Example],
    *,
    model_names: bool,
    without: bool = False,
) -> list[Answer]:
    replies = assistant.replies(
        [example.question for example in examples],
        way=way,
        without=[example.group for example in examples] if without else (),
        model_names=model_names,
    )
    return [
        _answer(name, example, dois_in(reply.text)).model_copy(
            update={
                "abstained": reply.abstained,
                "without": without,
                "looked_at": reply.looked_at,
                "confidence": None if model_names else reply.confidence,
            }
        )
        for example, reply in zip(examples, replies, strict=True)
    ]


def _written(model: LoadedModel, known: Sequence[str], examples: Sequence[Example]) -> list[Answer]:
    lines = generate_identifiers(
        model,
        [example.messages for example in examples],
        [f"doi:{doi}" for doi in known],
        most=3,
        batch_size=len(examples),
    )
    return [
        _answer(TRIE, example, [line.removeprefix("doi:") for line in found])
        for example, found in zip(examples, lines, strict=True)
    ]


def _answer(way: str, example: Example, dois: Sequence[str]) -> Answer:
    """An answer that abstains where it names no DOI."""
    return Answer(
        way=way,
        question=example.question,
        article=example.group,
        dois=tuple(dois),
        abstained=not dois,
    )


def _scores(
    way: str, own: Sequence[Answer], gold: Gold, known: Collection[str], seed: int
) -> WayScores:
    asked = [answer for answer in own if not answer.without]
    withheld = [answer for answer in own if answer.without]
    everything = {*known}
    made_up = [bool({*answer.dois} - everything) for answer in own]
    right = [bool({*answer.dois} & gold[answer.question]) for answer in asked]
    wrong = [
        bool(answer.dois) and not is_right and {*answer.dois} <= everything
        for answer, is_right in zip(asked, right, strict=True)
    ]
    return WayScores(
        way=way,
        fabricated=_rate(made_up, own),
        wrong=_rate(wrong, asked),
        right=_rate(right, asked),
        abstained=_rate([answer.abstained for answer in asked], asked),
        answered_without=_rate([not it.abstained for it in withheld], withheld)
        if withheld
        else None,
        hits={f"hit@{k}": _rate([_hit(it, gold, k) for it in asked], asked) for k in HITS}
        if any(answer.looked_at for answer in asked)
        else {},
        seconds=_seconds(asked, seed),
        certainty=_certainty(asked, withheld, gold, seed),
    )


def _seconds(asked: Sequence[Answer], seed: int) -> Estimate | None:
    """Of a question, with an interval over the batches."""
    timed = [(one.seconds, str(one.batch)) for one in asked if one.seconds is not None]
    if not timed:
        return None
    seconds, batches = zip(*timed, strict=True)
    return mean_bootstrap(seconds, batches, seed=seed)


def _certainty(
    asked: Sequence[Answer], withheld: Sequence[Answer], gold: Gold, seed: int
) -> Certainty | None:
    """None where how sure the way was is not known."""
    sure = [answer.confidence for answer in (*asked, *withheld) if answer.confidence is not None]
    if len(sure) < len(asked) + len(withheld):
        return None
    right = [_hit(answer, gold, 1) for answer in (*asked, *withheld)]
    articles = [answer.article for answer in (*asked, *withheld)]
    n = len(asked)
    risk = risk_coverage(
        sure[:n], [not is_right for is_right in right[:n]], articles[:n], seed=seed
    )
    passed = [confidence >= risk.threshold for confidence in sure[n:]]
    return Certainty(
        risk=risk,
        answered_without=_rate(passed, withheld),
        brier=brier_score(sure, right, articles, seed=seed),
        calibration_error=calibration_error(sure, right),
    )


def _hit(answer: Answer, gold: Gold, k: int) -> bool:
    seen = {doi for dois in answer.looked_at[:k] for doi in dois}
    return bool(seen & gold[answer.question])


def _rate(values: Sequence[bool], answers: Sequence[Answer]) -> Estimate:
    return rate_exact([float(value) for value in values], [answer.article for answer in answers])
