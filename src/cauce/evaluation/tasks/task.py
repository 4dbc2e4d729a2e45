"""A task as data, and its run: every system is asked, every answer logged and scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from cauce.errors import DataRefused
from cauce.evaluation.evaluate import Progress, evaluate
from cauce.evaluation.scorers import ChoiceScorer, ClaimsScorer, TextScorer
from cauce.evaluation.settings import EvaluationSettings
from cauce.evaluation.solvers import Choose, Generate, Solver, System
from cauce.evaluation.tasks.bbq import Bbq, BiasScorer
from cauce.evaluation.tasks.casimedicos import Casimedicos
from cauce.evaluation.tasks.medquad import Medquad
from cauce.evaluation.tasks.questions import Inline, Lines, Question
from cauce.records import Citation, Example, Message, Record, Refusal
from cauce.runs import write_records

Dataset = Annotated[Inline | Lines | Casimedicos | Medquad | Bbq, Field(discriminator="kind")]
"""Any set of questions that a task may name."""

TaskScorer = Annotated[
    TextScorer | ChoiceScorer | ClaimsScorer | BiasScorer, Field(discriminator="kind")
]
"""Any scorer that a task may name."""


class Asked(NamedTuple):
    """The questions of a task as examples, and what of its data was set aside."""

    examples: list[Example]
    refusals: list[Refusal]


class Task(Record):
    """Questions, a way of asking, and the scorers of the answers."""

    task: str = Field(pattern=r"^[\w.-]+$")
    """Its name; its logs stand under `runs/NAME`."""
    version: int = 1
    """Raised when the same answers would score otherwise."""
    about: str = ""
    """What it measures and where the data are from, in a line."""
    dataset: Dataset
    prompt: str = "{question}\n{choices}"
    """What is asked: `{question}`, `{choices}` (numbered, a line each) and `{evidence}`."""
    solver: Solver = Generate()
    scorers: tuple[TaskScorer, ...] = (TextScorer(),)

    @model_validator(mode="after")
    def _asks_the_question(self) -> Task:
        if "{question}" not in self.prompt:
            raise ValueError("the prompt does not hold {question}: every question would be alike")
        return self

    def ask(self) -> Asked:
        """Every question as an Example.

        Raises DataRefused when there is none, when two have one id, or when some of those that are
        to be chosen from have no choices.
        """
        read = list(self.dataset.questions())
        questions = [one for one in read if isinstance(one, Question)]
        refusals = [one for one in read if isinstance(one, Refusal)]
        examples = [self._example(one, place) for place, one in enumerate(questions)]
        self._refuse_unfit(examples, refusals)
        return Asked(examples, refusals)

    def _example(self, question: Question, place: int) -> Example:
        id = question.id or f"question {place + 1}"
        numbered = [f"{number}. {choice}" for number, choice in enumerate(question.choices, 1)]
        text = self.prompt
        parts = {"choices": "\n".join(numbered), "evidence": question.evidence}
        # The question last: what stands in braces in it is its own.
        for name, part in {**parts, "question": question.question}.items():
            text = text.replace(f"{{{name}}}", part)
        return Example(
            id=id,
            messages=(Message(role="user", content=text.strip()),),
            completion=question.reference,
            choices=question.choices,
            question=text.strip(),
            evidence=Citation(
                source=self.task,
                id=id,
                version=str(self.version),
                section="evidence",
                quote=question.evidence,
                language=question.language,
            ),
            group=question.group or id,
            kind=question.kind,
            language=question.language,
        )

    def _refuse_unfit(self, examples: Sequence[Example], refusals: Sequence[Refusal]) -> None:
        if not examples:
            first = f"; the first: {refusals[0].position}, {refusals[0].reason}" if refusals else ""
            raise DataRefused(
                f"the task {self.task} has no question: {len(refusals)} were set aside{first}.\n"
                "Mend its dataset."
            )
        counts = Counter(example.id for example in examples)
        repeated = [id for id, count in counts.items() if count > 1]
        if repeated:
            raise DataRefused(
                f"the task {self.task} has {counts[repeated[0]]} questions with the id "
                f"{repeated[0]!r}.\nGive each an id of its own."
            )
        open_ended = [example.id for example in examples if len(example.choices) < 2]
        if isinstance(self.solver, Choose) and open_ended:
            raise DataRefused(
                f"the task {self.task} is solved by choosing, and {len(open_ended)} of its "
                f"questions have no two choices, such as {open_ended[0]!r}.\n"
                "Give them choices, or set solver.kind to generate."
            )


def run_task(
    task: Task,
    systems: Sequence[System],
    folder: Path,
    settings: EvaluationSettings,
    *,
    progress: Progress,
    seed: int = 0,
) -> dict[str, Any]:
    """Asks every system; writes `NAME.jsonl` each, `scores.json` and `refused.jsonl`.

    Returns the counts. Killed and started again, it goes on where the logs end.
    """
    examples, refusals = task.ask()
    write_records(folder / "refused.jsonl", refusals)
    if refusals:
        progress(f"{task.task}: {len(refusals)} questions set aside, see {folder}/refused.jsonl")
    counts = evaluate(
        examples,
        systems,
        folder,
        settings,
        scorers=task.scorers,
        solver=task.solver,
        progress=progress,
        seed=seed,
    )
    return {"task": task.task, "version": task.version, **counts, "refused": len(refusals)}
