"""Tasks: questions, how a system is asked them, and what its answers are worth.

    task: capitals
    dataset: {kind: lines, path: capitals.jsonl}
    solver: {kind: choose}
    scorers: [{kind: choice}]

The same in Python: `Task(task="capitals", dataset=Lines(path=...), solver=Choose(), ...)`.
"""

from __future__ import annotations

from cauce.evaluation.scorers import ChoiceScorer, ClaimsScorer, TextScorer
from cauce.evaluation.solvers import Choose, Generate
from cauce.evaluation.tasks.bbq import Bbq, BiasScorer
from cauce.evaluation.tasks.casimedicos import Casimedicos
from cauce.evaluation.tasks.medquad import Medquad
from cauce.evaluation.tasks.questions import Inline, Lines, Question
from cauce.evaluation.tasks.task import Task, run_task

__all__ = [
    "Bbq",
    "BiasScorer",
    "Casimedicos",
    "ChoiceScorer",
    "Choose",
    "ClaimsScorer",
    "Generate",
    "Inline",
    "Lines",
    "Medquad",
    "Question",
    "Task",
    "TextScorer",
    "run_task",
]
