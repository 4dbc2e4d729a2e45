"""The tables, the same on SQLite and PostgreSQL; `migrations` makes them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Dialect, Double, ForeignKey, MetaData, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
"""A migration can name every constraint, also on SQLite, which names none itself."""


class Moment(TypeDecorator[datetime]):
    """A time of UTC, kept as seconds since 1970: the same number in every database."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> float | None:
        """What is stored."""
        return None if value is None else value.timestamp()

    def process_result_value(self, value: float | None, dialect: Dialect) -> datetime | None:
        """What is read."""
        return None if value is None else datetime.fromtimestamp(value, UTC)


class Words(TypeDecorator[str]):
    """Text of people. What no database or file can hold (NUL, half a surrogate) becomes `\\ufffd`
    or `?`, so that a hostile question is stored as well as any other."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What is stored."""
        if value is None:
            return None
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


class Base(DeclarativeBase):
    """Every table."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads it so)
        str: Words(),
        datetime: Moment(),
        dict[str, Any]: JSON(none_as_null=True),
        list[str]: JSON(),
    }


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


def new_id() -> str:
    """128 random bits: no id can be guessed from another."""
    return secrets.token_hex(16)


def id_column() -> Mapped[str]:
    """A primary key."""
    return mapped_column(primary_key=True, default=new_id)


def belongs_to(column: str) -> Mapped[str]:
    """A reference; the row goes when what it refers to goes."""
    return mapped_column(ForeignKey(column, ondelete="CASCADE"), index=True)


class UserRow(Base):
    """A user, with the password's hash where there is one."""

    __tablename__ = "users"
    id: Mapped[str] = id_column()
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    password: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class TokenRow(Base):
    """A token or session, by the digest of its secret."""

    __tablename__ = "tokens"
    id: Mapped[str] = id_column()
    user_id: Mapped[str] = belongs_to("users.id")
    kind: Mapped[str]
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class ConsentRow(Base):
    """One word on one purpose; earlier ones are kept."""

    __tablename__ = "consents"
    id: Mapped[str] = id_column()
    user_id: Mapped[str] = belongs_to("users.id")
    purpose: Mapped[str]
    given: Mapped[bool]
    at: Mapped[datetime] = mapped_column(default=now)


class ConversationRow(Base):
    """A conversation."""

    __tablename__ = "conversations"
    id: Mapped[str] = id_column()
    user_id: Mapped[str] = belongs_to("users.id")
    title: Mapped[str]
    turns: Mapped[int]
    """How many questions it has had."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    changed_at: Mapped[datetime] = mapped_column(default=now, index=True)


class MessageRow(Base):
    """A question and its answer."""

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("conversation_id", "place"),)
    id: Mapped[str] = id_column()
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    place: Mapped[int]
    question: Mapped[str]
    images: Mapped[list[str]]
    text: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)
    reply: Mapped[dict[str, Any] | None]
    asked_at: Mapped[datetime] = mapped_column(default=now)
    changed_at: Mapped[datetime] = mapped_column(default=now)


class FeedbackRow(Base):
    """Feedback."""

    __tablename__ = "feedback"
    id: Mapped[str] = id_column()
    user_id: Mapped[str] = belongs_to("users.id")
    message_id: Mapped[str] = belongs_to("messages.id")
    kind: Mapped[str]
    text: Mapped[str]
    consent: Mapped[bool]
    at: Mapped[datetime] = mapped_column(default=now)


class VoteRow(Base):
    """A vote of the arena."""

    __tablename__ = "votes"
    id: Mapped[str] = id_column()
    user_id: Mapped[str] = belongs_to("users.id")
    question: Mapped[str]
    left_system: Mapped[str]
    left_text: Mapped[str]
    right_system: Mapped[str]
    right_text: Mapped[str]
    choice: Mapped[str]
    consent: Mapped[bool]
    at: Mapped[datetime] = mapped_column(default=now)


class ReviewRow(Base):
    """A clinician's verdict."""

    __tablename__ = "reviews"
    id: Mapped[str] = id_column()
    user_id: Mapped[str] = belongs_to("users.id")
    message_id: Mapped[str] = belongs_to("messages.id")
    verdict: Mapped[str]
    text: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now)


class EventRow(Base):
    """Something done; it outlives the user who did it, without the name."""

    __tablename__ = "events"
    id: Mapped[str] = id_column()
    user_id: Mapped[str | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    kind: Mapped[str]
    details: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(default=now, index=True)


class BucketRow(Base):
    """A token bucket of a rate limit: how full it was, and when."""

    __tablename__ = "buckets"
    key: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[float] = mapped_column(Double)
    at: Mapped[datetime]
