"""Splits that keep every group, a substance or an article, on one side; and a check of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from cauce.errors import DataRefused, LeakageFound
from cauce.knowledge.words import fold
from cauce.records import Example

SPLITS = ("train", "validation", "test")


def draw_groups(documents: Mapping[str, int], most_documents: int, *, seed: int) -> set[str]:
    """Groups, drawn by hash, whose documents are about `most_documents` at most; all when they are.

    `documents` tells how many each group has. At least three groups are drawn where there are so
    many, so that each split has one.
    """
    ordered = sorted(documents, key=lambda group: _rank(f"{seed}/drawn/{group}"))
    drawn: set[str] = set()
    count = 0
    for group in ordered:
        count += documents[group]
        if count > most_documents and len(drawn) >= len(SPLITS):
            break
        drawn.add(group)
    return drawn


def assign_groups(
    groups: Iterable[str], *, validation_share: float, test_share: float, seed: int
) -> dict[str, str]:
    """Group -> split. The order is drawn by hash, so a new one moves few of the others.

    A share of 0 leaves its split empty. Raises DataRefused when there are fewer groups than splits.
    """
    ordered = sorted(set(groups), key=lambda group: _rank(f"{seed}/{group}"))
    if len(ordered) < 1 + bool(validation_share) + bool(test_share):
        raise DataRefused(
            f"the documents are of {len(ordered)} group(s): {', '.join(ordered) or 'none'}.\n"
            "Training, validation and test need at least one each: add documents."
        )
    tests, validations = (
        max(1, round(share * len(ordered))) if share else 0
        for share in (test_share, validation_share)
    )
    return {
        group: "test" if rank < tests else "validation" if rank < tests + validations else "train"
        for rank, group in enumerate(ordered)
    }


def _rank(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def drop_repeats(splits: Mapping[str, Sequence[Example]]) -> tuple[dict[str, list[Example]], int]:
    """Splits in which no passage of a later split stands in an earlier one, and how many went.

    Makers share whole sentences across substances ("Store at 20 to 25 °C"): what stands in the
    training split is dropped from validation and test, and never the other way round.
    """
    seen: set[str] = set()
    kept: dict[str, list[Example]] = {}
    for split in SPLITS:
        kept[split] = [example for example in splits[split] if _passage_key(example) not in seen]
        seen |= {_passage_key(example) for example in kept[split]}
    dropped = sum(map(len, splits.values())) - sum(map(len, kept.values()))
    return kept, dropped


def refuse_empty_splits(
    splits: Mapping[str, Sequence[Example] | int], *, what: str, remedy: str
) -> None:
    """Raises DataRefused, with the remedy, when a split holds nothing, or counts 0.

    `what` names one of the things that it should hold.
    """
    empty = [split for split in SPLITS if not splits[split]]
    if empty:
        raise DataRefused(f"no {what} is left for {', '.join(empty)}.\n{remedy}")


def check_leakage(splits: Mapping[str, Sequence[Example]]) -> None:
    """Raises LeakageFound when a group or a passage stands in two splits."""
    for what, key in (("group", lambda example: example.group), ("passage", _passage_key)):
        owner: dict[str, tuple[str, str]] = {}
        for split, examples in splits.items():
            for example in examples:
                other, other_id = owner.setdefault(key(example), (split, example.id))
                if other != split:
                    raise LeakageFound(
                        f"the same {what} stands in {other} ({other_id}) and in {split} "
                        f"({example.id}).\nWhat is measured would have been learned by heart. "
                        "Split by group with `cauce prepare`, and give both documents the "
                        "same group."
                    )


def _passage_key(example: Example) -> str:
    return " ".join(fold(example.evidence.quote).split())
