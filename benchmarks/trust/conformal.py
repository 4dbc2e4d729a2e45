"""Do conformal thresholds keep their promise, and what do they leave? On real and simulated scores.

    python -m benchmarks.trust.conformal

Each set of answers is split in halves 200 times at random: one half sets the threshold, the other
tells how often the promise was kept. The answers are those of the assistant of articles (every
question of the test split asked with and without its article in the library), those of the
assistant of medicines (the held-out questions; right is the kind of section that was asked for),
and simulated ones. Both assistants run without a model; that of articles shows its first find
whatever its confidence, so that the threshold decides alone, and what that of medicines abstains
from is not wrong.

What the checks of claims catch is measured by `benchmarks.trust.claims` and, on labels, by
`benchmarks.medicines`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks import report
from benchmarks.medicines.sections import HELD_OUT_NAMES, held_out_questions
from benchmarks.scholar.answers import PATTERNS
from cauce import road
from cauce.assistant.assistant import Assistant
from cauce.assistant.loading import load_assistant
from cauce.assistant.research.assistant import ResearchAssistant
from cauce.assistant.research.preparing import answers_of
from cauce.assistant.settings import AssistantSettings
from cauce.errors import UserError
from cauce.evaluation.conformal import (
    FEWEST,
    Judged,
    guarantee_claims,
    guarantee_shown,
    kept,
)
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.indexing import build_index
from cauce.recipe import parse_recipe
from cauce.records import Document, Example, Message
from cauce.runs import read_records
from cauce.sources.vademecum import VademecumSource

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SPLITS = 200
ALPHAS = (0.05, 0.1, 0.2)
ALPHA_OF_FEW = 0.1
MOST_OFF = 0.01
"""Between the mean coverage and its target."""

Answers = list[list[Judged]]
"""The claims of each answer; an answer judged as a whole is one claim."""


def measure(data: Path = DATA) -> None:
    """Coverage less its target, and the share that is left, of each set of answers."""
    generator = np.random.default_rng(0)
    sets: dict[str, Answers] = {
        "simulated answers": [_simulated(generator, 1) for _ in range(600)],
        "simulated answers of 5 claims": [_simulated(generator, 5) for _ in range(600)],
        "assistant of medicines": [[one] for one in of_medicines()],
    }
    with tempfile.TemporaryDirectory() as folder:
        if (data / "scholar").is_dir():
            sets["assistant of articles"] = [
                [one] for one in of_articles(data / "scholar", Path(folder))
            ]
    for name, answers in sets.items():
        wrong = sum(not all(claim.right for claim in own) for own in answers) / len(answers)
        report(f"{name} ({len(answers)}): wrong without a threshold", wrong, None)
        for alpha in ALPHAS:
            if wrong > alpha:
                _report_split(name, answers, alpha, generator)
        if wrong > ALPHA_OF_FEW:
            _report_few(name, answers, generator)
        if name != "simulated answers of 5 claims":
            _report_shown(name, [claim for own in answers for claim in own], generator)


def _simulated(generator: np.random.Generator, claims: int) -> list[Judged]:
    """Claims that are right as often as their score says."""
    scores = generator.uniform(0.2, 1, claims)
    return [Judged(float(s), bool(generator.uniform() < s)) for s in scores]


def _report_split(
    name: str, answers: Answers, alpha: float, generator: np.random.Generator
) -> None:
    covered, left, _ = _split(answers, len(answers) // 2, alpha, generator)
    report(
        f"{name}, alpha {alpha}: mean coverage less its target",
        abs(covered - (1 - alpha)),
        MOST_OFF,
    )
    report(f"{name}, alpha {alpha}: shown or kept", left, None, "higher")


def _report_few(name: str, answers: Answers, generator: np.random.Generator) -> None:
    """With as few judged answers as may be: 2 of 26 are allowed to be wrong, not 2.6."""
    covered, left, worse = _split(answers, FEWEST, ALPHA_OF_FEW, generator)
    label = f"{name}, {FEWEST} judged, alpha {ALPHA_OF_FEW}"
    report(f"{label}: mean coverage", covered, 1 - ALPHA_OF_FEW, "higher")
    report(f"{label}: shown or kept", left, None, "higher")
    # No bar: errors are counted on the other answers, and go beyond the limit by chance too.
    report(f"{label}: splits beyond the limit of one set", worse, None)


def _split(
    answers: Answers, judged: int, alpha: float, generator: np.random.Generator
) -> tuple[float, float, float]:
    """Mean coverage, what is left, and how often errors pass what 95 % of sets stay below."""
    covered, left, worse = [], [], []
    for _ in range(SPLITS):
        order = generator.permutation(len(answers))
        found = guarantee_claims([answers[place] for place in order[:judged]], alpha)
        new = [answers[place] for place in order[judged:]]
        shown = [kept(own, found.threshold) for own in new]
        covered.append(sum(all(claim.right for claim in own) for own in shown) / len(new))
        left.append(sum(map(len, shown)) / sum(map(len, new)))
        worse.append(1 - covered[-1] > found.one_set)
    return float(np.mean(covered)), float(np.mean(left)), float(np.mean(worse))


def _report_shown(
    name: str, answers: Sequence[Judged], generator: np.random.Generator, alpha: float = 0.2
) -> None:
    """How often more than alpha of what is shown is wrong, where a promise could be made."""
    broken, left = [], []
    half = len(answers) // 2
    for _ in range(SPLITS):
        order = generator.permutation(len(answers))
        try:
            found = guarantee_shown([answers[place] for place in order[:half]], alpha)
        except UserError:
            continue
        shown = kept([answers[place] for place in order[half:]], found.threshold)
        broken.append(sum(not one.right for one in shown) > alpha * len(shown))
        left.append(len(shown) / (len(answers) - half))
    report(f"{name}, of the shown {alpha}: promises made", len(broken) / SPLITS, None, "higher")
    if broken:
        report(f"{name}, of the shown {alpha}: broken", float(np.mean(broken)), None)
        report(f"{name}, of the shown {alpha}: shown", float(np.mean(left)), None, "higher")


def of_medicines() -> Iterator[Judged]:
    """The held-out questions, each after a turn that names a medicine of the vademecum."""
    documents = [one for one in VademecumSource().documents() if isinstance(one, Document)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.sqlite"
        build_index(path, documents)
        assistant = Assistant(None, Index(path), AssistantSettings())
        for number, row in enumerate(held_out_questions()):
            names = HELD_OUT_NAMES[row.language]
            turn = Message(role="user", content=names[number % len(names)])
            reply = assistant.reply(row.named(number), [turn])
            is_right = reply.abstained or reply.kind in row.kinds
            yield Judged(reply.confidence or 0.0, is_right)


def of_articles(folder: Path, work: Path) -> Iterator[Judged]:
    """Questions made of articles, asked of the library with and without the article of each."""
    articles = work / "articles"
    articles.mkdir()
    for number, path in enumerate(sorted(p for pattern in PATTERNS for p in folder.glob(pattern))):
        (articles / f"{number}.xml").write_bytes(path.read_bytes())
    recipe = {
        "run": "conformal",
        "sources": [{"kind": "articles", "path": str(articles)}],
        "corpus": {"kind": "research", "questions_per_sentence": 2, "test_share": 0.4},
    }
    journey = road.start(parse_recipe(recipe, "benchmarks.trust"), lambda line: None, work)
    road.walk(journey, "prepare")
    assistant = load_assistant(journey.run).inner
    assert isinstance(assistant, ResearchAssistant)
    examples = list(read_records(journey.run.path / "prepare" / "test.jsonl", Example))
    questions = [example.question for example in examples]
    for without in ((), [example.group for example in examples]):
        replies = assistant.replies(questions, without=without)
        for example, reply in zip(examples, replies, strict=True):
            first = {*reply.looked_at[0]} if reply.looked_at else set()
            yield Judged(reply.confidence or 0.0, bool(first & {*answers_of(example)}))


if __name__ == "__main__":
    measure()
