"""Splits by citing article and by cited work, so that no DOI of the test is learned.

A work that many cite joins most articles into one component of the graph of articles and works, so
components cannot be split. Articles are drawn into splits instead, and a question goes from the
earlier split when any work that it cites is cited in a later one: the test stays whole, and a model
that emits DOIs has seen none of those that it is tested on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cauce.corpus.research.questions import ResearchQuestion
from cauce.corpus.splits import SPLITS
from cauce.errors import LeakageFound


class Parted(NamedTuple):
    """Questions by split, no work of which is cited in two."""

    splits: dict[str, list[ResearchQuestion]]
    dropped: dict[str, int]
    """Questions of each split that cite a work of a later one."""


def part_by_works(questions: Sequence[ResearchQuestion], split_of: Mapping[str, str]) -> Parted:
    """The questions of each split, by the split of their article and then by the cited works."""
    splits: dict[str, list[ResearchQuestion]] = {}
    dropped: dict[str, int] = {}
    kept_apart: set[str] = set()
    for split in reversed(SPLITS):
        drawn = [it for it in questions if split_of.get(it.article) == split]
        splits[split] = [it for it in drawn if kept_apart.isdisjoint(it.dois)]
        dropped[split] = len(drawn) - len(splits[split])
        kept_apart.update(doi for it in splits[split] for doi in it.dois)
    return Parted(
        {split: splits[split] for split in SPLITS}, {split: dropped[split] for split in SPLITS}
    )


def check_works(splits: Mapping[str, Sequence[ResearchQuestion]]) -> None:
    """Raises LeakageFound when a work is cited by questions of two splits."""
    owner: dict[str, str] = {}
    for split, questions in splits.items():
        for question in questions:
            for doi in question.dois:
                if (other := owner.setdefault(doi, split)) != split:
                    raise LeakageFound(
                        f"{doi} is cited in {other} and in {split} ({question.id}).\n"
                        "What is measured would have been learned by heart. Split by cited work "
                        "with `cauce prepare`."
                    )
