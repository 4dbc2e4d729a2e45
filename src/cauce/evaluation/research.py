"""Four ways to a DOI, side by side: what each makes up, gets wrong, leaves open and finds.

Every question is asked twice: of the whole library, and without the article that it was made of, in
which nothing answers. A model that writes DOIs itself is asked once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import get_args

from cauce.assistant.research.assistant import ResearchAssistant
from cauce.assistant.research.preparing import answers_of
from cauce.assistant.settings import Way
from cauce.evaluation.statistics import Estimate, rate_exact
from cauce.evaluation.ways import WayScores
from cauce.models.generation import generate_identifiers
from cauce.models.loading import LoadedModel
from cauce.records import Example, Record, Reply
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


def compare_ways(
    assistant: ResearchAssistant,
    examples: Sequence[Example],
    folder: Path,
    *,
    free: Sequence[str] = (),
    batch_size: int,
    progress: Callable[[str], None],
) -> list[WayScores]:
    """Writes `ways.jsonl` (every answer) and `ways.json`; returns the rows of the table.

    `free` are the tuned model's unbound answers to the examples, where there are any.
    """
    known = {doi for one in assistant.finder.library.evidence.values() for doi in one.dois}
    answers: list[Answer] = []
    seconds: dict[str, float] = {}
    asked: list[tuple[str, Way, bool]] = [(NAMES[way], way, False) for way in get_args(Way)]
    if assistant.model is not None:
        asked.insert(2, (NAMED, "expanded", True))
    for name, way, by_model in asked:
        progress(f"asking: {name}")
        start = time.perf_counter()
        answers += _asked(assistant, examples, name, way, model_names=by_model)
        seconds[name] = (time.perf_counter() - start) / len(examples)
        without = [example.group for example in examples]
        answers += _asked(assistant, examples, name, way, model_names=by_model, without=without)
    if assistant.model is not None:
        progress("asking the tuned model for known DOIs")
        start = time.perf_counter()
        answers += _written(assistant.model, examples, sorted(known), batch_size)
        seconds[TRIE] = (time.perf_counter() - start) / len(examples)
    answers += [
        _answer(FREE, example, dois_in(text)) for example, text in zip(examples, free, strict=False)
    ]
    gold = {example.question: {*answers_of(example)} for example in examples}
    names = list(dict.fromkeys(answer.way for answer in answers))
    rows = [_scores(name, answers, gold, known, seconds.get(name, 0.0)) for name in names]
    write_json(folder / "ways.json", [row.model_dump(mode="json") for row in rows])
    with (folder / "ways.jsonl").open("w", encoding="utf-8") as stream:
        stream.writelines(answer.model_dump_json() + "\n" for answer in answers)
    return rows


def _asked(
    assistant: ResearchAssistant,
    examples: Sequence[Example],
    name: str,
    way: Way,
    *,
    model_names: bool,
    without: Sequence[str] = (),
) -> list[Answer]:
    questions = [example.question for example in examples]
    replies = assistant.replies(questions, way=way, without=without, model_names=model_names)
    return [
        _answer(name, example, dois_in(reply.text), reply=reply, without=bool(without))
        for example, reply in zip(examples, replies, strict=True)
    ]


def _written(
    model: LoadedModel, examples: Sequence[Example], known: Sequence[str], batch_size: int
) -> list[Answer]:
    lines = generate_identifiers(
        model,
        [example.messages for example in examples],
        [f"doi:{doi}" for doi in known],
        most=3,
        batch_size=batch_size,
    )
    return [
        _answer(TRIE, example, [line.removeprefix("doi:") for line in found])
        for example, found in zip(examples, lines, strict=True)
    ]


def _answer(
    way: str,
    example: Example,
    dois: Sequence[str],
    *,
    reply: Reply | None = None,
    without: bool = False,
) -> Answer:
    return Answer(
        way=way,
        question=example.question,
        article=example.group,
        dois=tuple(dois),
        abstained=reply.abstained if reply else not dois,
        without=without,
        looked_at=reply.looked_at if reply else (),
    )


def _scores(
    way: str,
    answers: Sequence[Answer],
    gold: dict[str, set[str]],
    known: Collection[str],
    seconds: float,
) -> WayScores:
    own = [answer for answer in answers if answer.way == way]
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
        seconds=round(seconds, 4),
    )


def _hit(answer: Answer, gold: dict[str, set[str]], k: int) -> bool:
    seen = {doi for dois in answer.looked_at[:k] for doi in dois}
    return bool(seen & gold[answer.question])


def _rate(values: Sequence[bool], answers: Sequence[Answer]) -> Estimate:
    return rate_exact([float(value) for value in values], [answer.article for answer in answers])
