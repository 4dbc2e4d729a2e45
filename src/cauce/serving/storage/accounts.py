"""Users, their passwords, tokens and sessions, consents; rate limits; events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cauce.errors import NotFound, UserError
from cauce.serving.storage.connections import Store
from cauce.serving.storage.models import (
    Base,
    BucketRow,
    ConsentRow,
    EventRow,
    TokenRow,
    UserRow,
    now,
)
from cauce.serving.storage.records import (
    Consent,
    Event,
    Role,
    Token,
    TokenKind,
    User,
    record_of,
)


class Accounts(Store):
    """Who may ask, and what they agreed to."""

    def users(self) -> tuple[User, ...]:
        """Everybody, by name."""
        with self._read() as session:
            return tuple(
                record_of(User, row) for row in session.scalars(select(UserRow).order_by("name"))
            )

    def user(self, user_id: str) -> User | None:
        """The user with the id."""
        with self._read() as session:
            row = session.get(UserRow, user_id)
            return record_of(User, row) if row else None

    def user_named(self, name: str) -> User | None:
        """The user with the name, as it was spelled when added."""
        with self._read() as session:
            row = session.scalar(select(UserRow).where(UserRow.name == name))
            return record_of(User, row) if row else None

    def add_user(self, name: str, role: Role, *, password: str | None = None) -> User:
        """The new user; `password` is a hash. Raises UserError when the name is taken."""
        try:
            with self._durably() as session:
                row = UserRow(name=name, role=role, password=password)
                session.add(row)
                session.flush()
                return record_of(User, row)
        except IntegrityError as error:
            raise UserError(
                f"there is a user {name!r} already.\nChoose another name, or remove that user."
            ) from error

    def set_role(self, user_id: str, role: Role) -> None:
        """Gives the user another role."""
        self._set(user_id, role=role)

    def set_password(self, user_id: str, password: str | None) -> None:
        """Keeps a password's hash; None lets nobody log in with one."""
        self._set(user_id, password=password)

    def _set(self, user_id: str, **values: str | None) -> None:
        with self._durably() as session:
            require_user(session, user_id)
            session.execute(update(UserRow).where(UserRow.id == user_id).values(**values))

    def password(self, user_id: str) -> str | None:
        """The password's hash; None where there is none."""
        with self._read() as session:
            return session.scalar(select(UserRow.password).where(UserRow.id == user_id))

    def delete_user(self, user_id: str) -> None:
        """Removes the user with everything that is theirs; backups are for their keeper."""
        with self._durably() as session:
            require_user(session, user_id)
            session.execute(delete(UserRow).where(UserRow.id == user_id))
        self.forget_log()

    def add_token(
        self,
        user_id: str,
        digest: str,
        *,
        kind: TokenKind = "token",
        name: str = "",
        scopes: Sequence[str] = (),
        expires_at: datetime | None = None,
    ) -> Token:
        """The new token of the user, known by the digest of its secret from now on."""
        with self._durably() as session:
            require_user(session, user_id)
            row = TokenRow(
                user_id=user_id,
                digest=digest,
                kind=kind,
                name=name,
                scopes=list(scopes),
                expires_at=expires_at,
            )
            session.add(row)
            session.flush()
            return record_of(Token, row)

    def token(self, digest: str) -> Token | None:
        """The token whose secret has the digest; None also when it has ended."""
        with self._read() as session:
            row = session.scalar(select(TokenRow).where(TokenRow.digest == digest))
            is_over = row is None or (row.expires_at is not None and row.expires_at <= now())
            return None if row is None or is_over else record_of(Token, row)

    def token_used(self, token_id: str) -> None:
        """Notes that the token was used now."""
        with self._write() as session:
            session.execute(update(TokenRow).where(TokenRow.id == token_id).values(used_at=now()))

    def tokens(self, user_id: str) -> tuple[Token, ...]:
        """Tokens and sessions of the user, oldest first, those that ended among them."""
        with self._read() as session:
            mine = select(TokenRow).where(TokenRow.user_id == user_id)
            rows = session.scalars(mine.order_by(TokenRow.created_at, TokenRow.id))
            return tuple(record_of(Token, row) for row in rows)

    def delete_token(self, user_id: str, token_id: str) -> None:
        """Lets nobody in with the token any more. Raises NotFound when the user has no such one."""
        mine = (TokenRow.id == token_id, TokenRow.user_id == user_id)
        with self._durably() as session:
            if session.scalar(delete(TokenRow).where(*mine).returning(TokenRow.id)) is None:
                raise no_such("token", token_id)

    def consent(self, user_id: str, purpose: str, given: bool) -> Consent:
        """Keeps what the user says of the purpose, beside what was said before."""
        with self._durably() as session:
            require_user(session, user_id)
            row = ConsentRow(user_id=user_id, purpose=purpose, given=given)
            session.add(row)
            session.flush()
            return record_of(Consent, row)

    def consents(self, user_id: str) -> tuple[Consent, ...]:
        """The user's last word on each purpose that was ever asked, by purpose."""
        with self._read() as session:
            mine = select(ConsentRow).where(ConsentRow.user_id == user_id)
            rows = session.scalars(mine.order_by(ConsentRow.at))
            last = {row.purpose: record_of(Consent, row) for row in rows}
        return tuple(last[purpose] for purpose in sorted(last))

    def agreed_to(self, purpose: str) -> tuple[User, ...]:
        """Everybody whose last word on the purpose is yes, by name."""
        about = select(ConsentRow).where(ConsentRow.purpose == purpose).order_by(ConsentRow.at)
        with self._read() as session:
            last = {row.user_id: row.given for row in session.scalars(about)}
            given = UserRow.id.in_([user_id for user_id, is_given in last.items() if is_given])
            rows = session.scalars(select(UserRow).where(given).order_by(UserRow.name))
            return tuple(record_of(User, row) for row in rows)

    def take(self, key: str, *, capacity: float, per_s: float) -> float:
        """0 when the token bucket `key` had a whole token, which is taken; else seconds until then.

        A bucket is full with `capacity` tokens at first, and `per_s` flow in each second.
        """
        with self._write() as session:
            self._open_bucket(session, key, capacity)
            row = session.get_one(BucketRow, key, with_for_update=True)
            moment = now()
            flown = max((moment - row.at).total_seconds(), 0.0) * per_s
            level = min(capacity, row.level + flown)
            row.at = moment
            row.level = level - 1 if level >= 1 else level
        return 0.0 if level >= 1 else (1 - level) / per_s

    def _open_bucket(self, session: Session, key: str, capacity: float) -> None:
        """Another server may open it at the same moment; then that one stays."""
        if self._is_sqlite:
            from sqlalchemy.dialects.sqlite import insert
        else:
            from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
        row = insert(BucketRow).values(key=key, level=capacity, at=now())
        session.execute(row.on_conflict_do_nothing())

    def add_event(self, kind: str, user_id: str | None = None, **details: Any) -> None:
        """Keeps that something was done; `details` are values of JSON and no text of a person."""
        with self._durably() as session:
            session.add(EventRow(kind=kind, user_id=user_id, details=details))

    def events(self, limit: int = 200) -> tuple[Event, ...]:
        """The last events, the newest first."""
        with self._read() as session:
            rows = session.scalars(select(EventRow).order_by(EventRow.at.desc()).limit(limit))
            return tuple(record_of(Event, row) for row in rows)

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        with self._read() as session:
            return {
                table.name: session.scalar(select(func.count()).select_from(table)) or 0
                for table in Base.metadata.sorted_tables
            }


def require_user(session: Session, user_id: str) -> None:
    """Raises NotFound when there is no such user."""
    if not session.scalar(select(exists().where(UserRow.id == user_id))):
        raise no_such("user", user_id)


def no_such(what: str, its_id: str) -> NotFound:
    """The same error for what is not there and for what is another user's."""
    return NotFound(f"no {what} {its_id[:64]!r}.\nName one that is yours.")
