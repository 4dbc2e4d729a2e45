"""Feedback becomes judged answers in a file, with the reasons for whatever is not among them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cauce.records import Record, Reply
from cauce.runs import write_records
from cauce.serving.feedback.rows import ModelAt, Reason, Row, row_of_message, row_of_vote
from cauce.serving.feedback.settings import FeedbackSettings

if TYPE_CHECKING:
    from cauce.serving.storage import Role
    from cauce.serving.storage.database import Database

PREFERENCES, PROVENANCE = "preferences.jsonl", "provenance.jsonl"


class Exported(Record):
    """What of the feedback can be learned from, in numbers."""

    pairs: int
    """Rows with a better and a worse answer."""
    ratings: int
    """Rows with one answer that was liked or was not."""
    users: int | None
    """How many people's questions these are; None where that is not known."""
    set_aside: dict[Reason, int]
    """What is not learned from, by reason."""


def export_feedback(
    database: Database,
    folder: Path,
    settings: FeedbackSettings,
    *,
    reply: Callable[[str], Reply],
    model_at: ModelAt,
    held_out: frozenset[str] = frozenset(),
) -> Exported:
    """Writes what was said with consent to `preferences.jsonl`, and `provenance.jsonl` beside.

    `reply` answers the question of a vote, to know the section that an answer rests on. Rows about
    a group in `held_out` are left out: a run is tested on these.
    """
    reasons: Counter[Reason] = Counter()
    rows: list[Row] = []
    for found in _read(database, settings, reply, model_at):
        if not isinstance(found, Row):
            reasons[found] += 1
        elif found.judged.group in held_out:
            reasons["about what the run is tested on"] += 1
        else:
            rows.append(found)
    kept = sorted(sift(rows, settings.most_per_user, reasons), key=_age)
    write_records(folder / PREFERENCES, (row.judged for row in kept))
    write_records(folder / PROVENANCE, (row.provenance for row in kept))
    return Exported(
        pairs=sum(bool(row.judged.chosen) for row in kept),
        ratings=sum(row.judged.label is not None for row in kept),
        users=len({row.user_id for row in kept}),
        set_aside=dict(sorted(reasons.items())),
    )


def sift(rows: Sequence[Row], most_per_user: int, reasons: Counter[Reason]) -> list[Row]:
    """The rows that contradict no other, once each, of no user more than so many; counts the rest.

    An answer that some found good and others bad teaches neither, whoever is in the majority.
    """
    agreed = list(_agreeing(rows, reasons))
    once = {_content(row): row for row in reversed(agreed)}
    reasons["said before"] += len(agreed) - len(once)
    by_user: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(once.values(), key=_age, reverse=True):
        by_user[row.user_id].append(row)
    kept = [row for own in by_user.values() for row in own[:most_per_user]]
    reasons["over what one user may say"] += len(once) - len(kept)
    for reason in [reason for reason, count in reasons.items() if not count]:
        del reasons[reason]
    return kept


def _read(
    database: Database,
    settings: FeedbackSettings,
    reply: Callable[[str], Reply],
    model_at: ModelAt,
) -> Iterator[Row | Reason]:
    roles = {user.id: user.role for user in database.users()}

    def role(user_id: str) -> Role:
        return roles[user_id]

    for item in database.consented():
        yield row_of_message(item, role, model_at, review=settings.review)
    for vote in database.votes(consented=True):
        yield row_of_vote(vote, reply, role, review=settings.review)


def _agreeing(rows: Sequence[Row], reasons: Counter[Reason]) -> Iterator[Row]:
    opinions: dict[tuple[str, str], set[bool]] = defaultdict(set)
    for row in rows:
        for answer, is_good in _opinions(row):
            opinions[answer].add(is_good)
    for row in rows:
        if any(len(opinions[answer]) > 1 for answer, _ in _opinions(row)):
            reasons["some liked the answer and others did not"] += 1
        else:
            yield row


def _opinions(row: Row) -> Iterator[tuple[tuple[str, str], bool]]:
    """Each answer that the row speaks of, and whether it was found good."""
    judged = row.judged
    if judged.label is not None:
        yield (judged.prompt, judged.completion), judged.label
        return
    yield (judged.prompt, judged.chosen), True
    yield (judged.prompt, judged.rejected), False


def _content(row: Row) -> tuple[str, ...]:
    judged = row.judged
    return judged.prompt, judged.chosen, judged.rejected, judged.completion


def _age(row: Row) -> tuple[str, str]:
    return row.provenance.date, row.provenance.origin
