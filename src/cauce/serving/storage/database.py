"""The database of the app: accounts, conversations and opinions in one, and its upkeep."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, and_, delete, func, select

from cauce.serving.storage.accounts import Accounts
from cauce.serving.storage.conversations import Conversations
from cauce.serving.storage.exporting import user_data
from cauce.serving.storage.models import (
    Base,
    BucketRow,
    ConversationRow,
    EventRow,
    TokenRow,
    UserRow,
    VoteRow,
    now,
)
from cauce.serving.storage.opinions import Opinions
from cauce.serving.storage.records import UserData
from cauce.serving.storage.schema import current, newest


class Database(Accounts, Conversations, Opinions):
    """What the app keeps; `cauce.serving.storage.open_database` opens it.

    Its calls block and may be made from any thread. Raises SourceUnavailable where the database
    does not answer.
    """

    def export(self, user_id: str) -> UserData | None:
        """Everything that is kept of the user; None where there is no such one."""
        with self._read() as session:
            user = session.get(UserRow, user_id)
            return user_data(session, user) if user else None

    def purge(self, older_than_days: float) -> int:
        """How many conversations, votes and events went, all untouched for longer than that.

        What was said of a message goes with it. Tokens that have ended go too.
        """
        before = now() - timedelta(days=older_than_days)
        with self._durably() as session:
            session.execute(delete(TokenRow).where(TokenRow.expires_at <= now()))
            session.execute(delete(BucketRow).where(BucketRow.at < before))
            gone = [
                *session.scalars(
                    delete(ConversationRow)
                    .where(ConversationRow.changed_at < before)
                    .returning(ConversationRow.id)
                ),
                *session.scalars(delete(VoteRow).where(VoteRow.at < before).returning(VoteRow.id)),
                *session.scalars(
                    delete(EventRow).where(EventRow.at < before).returning(EventRow.id)
                ),
            ]
        self.forget_log()
        return len(gone)

    def check(self) -> tuple[str, ...]:
        """What is wrong with the database, in words; empty where it is sound."""
        with self.connection("read") as connection:
            faults = [*self._broken_pages(connection), *orphans(connection)]
            if (found := current(connection)) != newest():
                faults.append(f"its tables are of revision {found}, not {newest()}")
        return tuple(faults)

    def _broken_pages(self, connection: Connection) -> list[str]:
        if not self._is_sqlite:
            return []
        said = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        return [str(line) for line in said if line != "ok"]


def orphans(connection: Connection) -> list[str]:
    """Rows that refer to what is not there, table by table."""
    faults = []
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            column, of = key.parent, key.column
            lost = select(func.count()).select_from(table.outerjoin(of.table, column == of))
            count = connection.scalar(lost.where(and_(column.is_not(None), of.is_(None))))
            if count:
                faults.append(f"{count} rows of {table.name} refer to no row of {of.table.name}")
    return faults
