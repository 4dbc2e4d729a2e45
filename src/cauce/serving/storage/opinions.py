"""What people say of answers: feedback, votes of the arena, reviews by clinicians."""

from __future__ import annotations

import itertools
from typing import cast

from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.orm import Session

from cauce.serving.storage.accounts import no_such, require_user
from cauce.serving.storage.connections import Store
from cauce.serving.storage.conversations import require_message
from cauce.serving.storage.models import (
    ConsentRow,
    FeedbackRow,
    MessageRow,
    ReviewRow,
    VoteRow,
)
from cauce.serving.storage.records import (
    Choice,
    Consented,
    Feedback,
    FeedbackKind,
    Review,
    Shown,
    StoredMessage,
    Tally,
    Verdict,
    Vote,
    record_of,
)

IMPROVE = "improve"
"""The purpose to which feedback with consent may be used; its withdrawal ends that for all given
before."""
THUMBS: tuple[FeedbackKind, ...] = ("up", "down")


class Opinions(Store):
    """What a model can learn from, as far as people agreed to it."""

    def add_feedback(
        self,
        user_id: str,
        message_id: str,
        kind: FeedbackKind,
        text: str = "",
        *,
        consent: bool,
    ) -> Feedback:
        """Keeps it in place of what the user said before: one thumb and one correction a message.

        Raises NotFound where the message is not the user's.
        """
        replaced = THUMBS if kind in THUMBS else (kind,)
        before = (FeedbackRow.message_id == message_id, FeedbackRow.kind.in_(replaced))
        with self._durably() as session:
            require_message(session, user_id, message_id)
            session.execute(delete(FeedbackRow).where(*before))
            row = FeedbackRow(
                user_id=user_id, message_id=message_id, kind=kind, text=text, consent=consent
            )
            session.add(row)
            session.flush()
            return record_of(Feedback, row)

    def feedback(self, user_id: str, message_id: str) -> tuple[Feedback, ...]:
        """What the user said of the message."""
        mine = (FeedbackRow.user_id == user_id, FeedbackRow.message_id == message_id)
        with self._read() as session:
            rows = session.scalars(select(FeedbackRow).where(*mine).order_by(FeedbackRow.at))
            return tuple(record_of(Feedback, row) for row in rows)

    def add_vote(
        self,
        user_id: str,
        question: str,
        left: Shown,
        right: Shown,
        choice: Choice,
        *,
        consent: bool = False,
    ) -> Vote:
        """Keeps which of two answers the user found better."""
        with self._durably() as session:
            require_user(session, user_id)
            row = VoteRow(
                user_id=user_id,
                question=question,
                left_system=left.system,
                left_text=left.text,
                right_system=right.system,
                right_text=right.text,
                choice=choice,
                consent=consent,
            )
            session.add(row)
            session.flush()
            return vote_of(row)

    def votes(self, *, consented: bool = False) -> tuple[Vote, ...]:
        """All votes, oldest first; with `consented` only those that a model may learn from."""
        which = (VoteRow.consent, _not_withdrawn(VoteRow)) if consented else ()
        with self._read() as session:
            rows = session.scalars(select(VoteRow).where(*which).order_by(VoteRow.at))
            return tuple(vote_of(row) for row in rows)

    def tallies(self) -> tuple[Tally, ...]:
        """How often each user chose each way between two systems: all votes, without a word."""
        kind = (VoteRow.user_id, VoteRow.left_system, VoteRow.right_system, VoteRow.choice)
        with self._read() as session:
            rows = session.execute(select(*kind, func.count()).group_by(*kind).order_by(*kind))
            return tuple(
                Tally(user_id=user, left=left, right=right, choice=choice, votes=votes)
                for user, left, right, choice, votes in rows
            )

    def consented(self) -> tuple[Consented, ...]:
        """Every answer that a model may learn from, in the order in which they were asked."""
        with self._read() as session:
            return _consented(session)

    def reviews_open(self) -> tuple[Consented, ...]:
        """The answers found bad, with consent to be read, that no clinician has judged yet."""
        return tuple(
            item
            for item in self.consented()
            if not item.reviews and any(one.kind != "up" for one in item.feedback)
        )

    def add_review(self, user_id: str, message_id: str, verdict: Verdict, text: str = "") -> Review:
        """Keeps the clinician's verdict; the same clinician's earlier one goes.

        Raises NotFound where nobody consented to the message being read.
        """
        before = (ReviewRow.message_id == message_id, ReviewRow.user_id == user_id)
        with self._durably() as session:
            require_user(session, user_id)
            if not _consented(session, MessageRow.id == message_id):
                raise no_such("message", message_id)
            session.execute(delete(ReviewRow).where(*before))
            row = ReviewRow(user_id=user_id, message_id=message_id, verdict=verdict, text=text)
            session.add(row)
            session.flush()
            return record_of(Review, row)


def _not_withdrawn(table: type[FeedbackRow] | type[VoteRow]) -> ColumnElement[bool]:
    """Whoever said it did not withdraw the consent afterwards."""
    withdrawn = exists().where(
        ConsentRow.user_id == table.user_id,
        ConsentRow.purpose == IMPROVE,
        ConsentRow.given.is_(False),
        ConsentRow.at >= table.at,
    )
    return ~withdrawn


def _consented(session: Session, *which: ColumnElement[bool]) -> tuple[Consented, ...]:
    found = session.execute(
        select(MessageRow, FeedbackRow)
        .join(FeedbackRow, FeedbackRow.message_id == MessageRow.id)
        .where(FeedbackRow.consent, _not_withdrawn(FeedbackRow), *which)
        .order_by(MessageRow.asked_at, MessageRow.id, FeedbackRow.at)
    )
    reviews: dict[str, tuple[Review, ...]] = {}
    for row in session.scalars(select(ReviewRow).order_by(ReviewRow.at)):
        reviews[row.message_id] = (*reviews.get(row.message_id, ()), record_of(Review, row))
    return tuple(
        _consented_to(message, [said for _, said in pairs], reviews.get(message.id, ()))
        for message, pairs in itertools.groupby(found, key=lambda pair: pair[0])
    )


def _consented_to(
    message: MessageRow, said: list[FeedbackRow], reviews: tuple[Review, ...]
) -> Consented:
    return Consented(
        message=record_of(StoredMessage, message),
        user_id=said[0].user_id,
        feedback=tuple(record_of(Feedback, one) for one in said),
        reviews=reviews,
    )


def vote_of(row: VoteRow) -> Vote:
    """The vote that the row holds."""
    return Vote(
        id=row.id,
        user_id=row.user_id,
        question=row.question,
        left=Shown(system=row.left_system, text=row.left_text),
        right=Shown(system=row.right_system, text=row.right_text),
        choice=cast(Choice, row.choice),
        consent=row.consent,
        at=row.at,
    )
