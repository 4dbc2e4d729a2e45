"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes them, what is referred to first."""
    _people()
    _conversations()
    _opinions()
    op.create_table("buckets", _id("key"), sa.Column("level", sa.Double(), nullable=False), _at())


def _people() -> None:
    op.create_table(
        "users",
        *(_id(), _text("name", unique=True), _text("role")),
        *(_text("password", nullable=True), _at("created_at")),
    )
    op.create_table(
        "tokens",
        *(_id(), _of("users"), _text("kind"), _text("name"), _text("digest", unique=True)),
        sa.Column("scopes", sa.JSON(), nullable=False),
        *(_at("created_at"), _at("expires_at", nullable=True), _at("used_at", nullable=True)),
    )
    op.create_table("consents", _id(), _of("users"), _text("purpose"), _flag("given"), _at())
    op.create_table(
        "events",
        *(_id(), _of("users", nullable=True, ondelete="SET NULL"), _text("kind")),
        sa.Column("details", sa.JSON(), nullable=False),
        _at(index=True),
    )


def _conversations() -> None:
    op.create_table(
        "conversations",
        *(_id(), _of("users"), _text("title"), sa.Column("turns", sa.Integer(), nullable=False)),
        *(_at("created_at"), _at("changed_at", index=True)),
    )
    op.create_table(
        "messages",
        *(_id(), _of("conversations", index=False)),
        sa.Column("place", sa.Integer(), nullable=False),
        _text("question"),
        sa.Column("images", sa.JSON(), nullable=False),
        *(_text("text"), _text("state", index=True)),
        sa.Column("reply", sa.JSON(), nullable=True),
        *(_at("asked_at"), _at("changed_at")),
        sa.UniqueConstraint("conversation_id", "place"),
    )


def _opinions() -> None:
    op.create_table(
        "feedback",
        *(_id(), _of("users"), _of("messages")),
        *(_text("kind"), _text("text"), _flag("consent"), _at()),
    )
    op.create_table(
        "votes",
        *(_id(), _of("users"), _text("question")),
        *(_text("left_system"), _text("left_text"), _text("right_system"), _text("right_text")),
        *(_text("choice"), _flag("consent"), _at()),
    )
    op.create_table(
        "reviews",
        *(_id(), _of("users"), _of("messages"), _text("verdict"), _text("text"), _at()),
    )


def _id(name: str = "id") -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), primary_key=True)


def _of(
    table: str, *, nullable: bool = False, ondelete: str = "CASCADE", index: bool = True
) -> sa.Column[Any]:
    key = sa.ForeignKey(f"{table}.id", ondelete=ondelete)
    name = f"{table.removesuffix('s')}_id"
    return sa.Column(name, sa.Text(), key, nullable=nullable, index=index)


def _text(
    name: str, *, nullable: bool = False, unique: bool = False, index: bool = False
) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable, unique=unique, index=index)


def _at(name: str = "at", *, nullable: bool = False, index: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Double(), nullable=nullable, index=index)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False)
