"""Everything that is kept of one person, for that person to take elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from cauce.records import Record
from cauce.serving.storage.conversations import with_messages
from cauce.serving.storage.models import (
    ConsentRow,
    ConversationRow,
    EventRow,
    FeedbackRow,
    ReviewRow,
    TokenRow,
    UserRow,
    VoteRow,
)
from cauce.serving.storage.opinions import vote_of
from cauce.serving.storage.records import (
    Consent,
    Event,
    Feedback,
    Review,
    Token,
    User,
    UserData,
    record_of,
)

At = InstrumentedAttribute[datetime]
R = TypeVar("R", bound=Record)
Theirs = TypeVar(
    "Theirs", TokenRow, ConsentRow, ConversationRow, FeedbackRow, VoteRow, ReviewRow, EventRow
)


def user_data(session: Session, user: UserRow) -> UserData:
    """What the tables hold of the user; neither password nor digests, which let others in."""

    def theirs(table: type[Theirs], at: At) -> list[Theirs]:
        return list(session.scalars(select(table).where(table.user_id == user.id).order_by(at)))

    conversations = theirs(ConversationRow, ConversationRow.created_at)
    return UserData(
        user=record_of(User, user),
        tokens=_all(Token, theirs(TokenRow, TokenRow.created_at)),
        consents=_all(Consent, theirs(ConsentRow, ConsentRow.at)),
        conversations=tuple(with_messages(session, row) for row in conversations),
        feedback=_all(Feedback, theirs(FeedbackRow, FeedbackRow.at)),
        votes=tuple(vote_of(row) for row in theirs(VoteRow, VoteRow.at)),
        reviews=_all(Review, theirs(ReviewRow, ReviewRow.at)),
        events=_all(Event, theirs(EventRow, EventRow.at)),
    )


def _all(kind: type[R], rows: Sequence[object]) -> tuple[R, ...]:
    return tuple(record_of(kind, row) for row in rows)
