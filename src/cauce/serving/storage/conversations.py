"""Conversations: a question is stored before its answer is written, the answer as it streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from cauce.records import Reply
from cauce.serving.storage.accounts import no_such, require_user
from cauce.serving.storage.connections import Store
from cauce.serving.storage.models import ConversationRow, MessageRow, now
from cauce.serving.storage.records import Conversation, State, StoredMessage, record_of

TITLE_CHARACTERS = 80


class Conversations(Store):
    """What was asked and answered. A `user_id` finds nothing that is another user's."""

    def start_question(
        self,
        user_id: str,
        conversation_id: str | None,
        question: str,
        images: Sequence[str] = (),
    ) -> StoredMessage:
        """The stored question, in a new conversation where `conversation_id` is None.

        Raises NotFound where the user has no such conversation.
        """
        with self._write() as session:
            if conversation_id is None:
                conversation_id, place = _new_conversation(session, user_id, question), 1
            else:
                place = _next_place(session, user_id, conversation_id)
            row = MessageRow(
                conversation_id=conversation_id,
                place=place,
                question=question,
                images=list(images),
                text="",
                state="asked",
            )
            session.add(row)
            session.flush()
            session.refresh(row)
            return record_of(StoredMessage, row)

    def append(self, message_id: str, text: str) -> bool:
        """Adds to the answer; False when nobody waits for it: it was stopped or deleted."""
        return self._answer(message_id, text=MessageRow.text + text, state="streaming")

    def finish(self, message_id: str, reply: Reply) -> bool:
        """Keeps the whole reply in place of what had streamed; False as `append` does."""
        kept = reply.model_dump(mode="json")
        return self._answer(message_id, text=reply.text, reply=kept, state="done")

    def _answer(self, message_id: str, **values: Any) -> bool:
        waiting = (MessageRow.id == message_id, MessageRow.state.not_in(("done", "stopped")))
        with self._write() as session:
            return _change(session, *waiting, **values)

    def interrupt_open(self) -> int:
        """How many answers a crash had cut off: their questions can be asked again.

        For the start of a server. Where another one is writing such an answer at the same time,
        its next `append` or `finish` makes it right again.
        """
        is_open = MessageRow.state.in_(("asked", "streaming"))
        with self._write() as session:
            cut = update(MessageRow).where(is_open).values(state="interrupted", changed_at=now())
            return len(session.scalars(cut.returning(MessageRow.id)).all())

    def stop(self, user_id: str, message_id: str) -> None:
        """Ends the answer where it is; one that is whole stays as it is. Raises NotFound."""
        with self._write() as session:
            require_message(session, user_id, message_id)
            not_whole = (MessageRow.id == message_id, MessageRow.state != "done")
            _change(session, *not_whole, state="stopped")

    def interrupt(self, message_id: str) -> None:
        """Notes that the answer failed, so that its question can be asked again."""
        self._answer(message_id, state="interrupted")

    def retry(self, user_id: str, message_id: str) -> StoredMessage:
        """The question as if it had just been asked, without its answer. Raises NotFound."""
        with self._write() as session:
            require_message(session, user_id, message_id)
            _change(session, MessageRow.id == message_id, text="", reply=None, state="asked")
            return record_of(StoredMessage, session.get_one(MessageRow, message_id))

    def message(self, user_id: str, message_id: str) -> StoredMessage | None:
        """The message, where it is the user's."""
        with self._read() as session:
            row = session.scalar(owned_messages(user_id).where(MessageRow.id == message_id))
            return record_of(StoredMessage, row) if row else None

    def conversations(self, user_id: str) -> tuple[Conversation, ...]:
        """The user's conversations without their messages, the last changed first."""
        with self._read() as session:
            mine = select(ConversationRow).where(ConversationRow.user_id == user_id)
            rows = session.scalars(
                mine.order_by(ConversationRow.changed_at.desc(), ConversationRow.id)
            )
            return tuple(record_of(Conversation, row) for row in rows)

    def conversation(self, user_id: str, conversation_id: str) -> Conversation | None:
        """The conversation with its messages, where it is the user's."""
        with self._read() as session:
            row = session.scalar(select(ConversationRow).where(*_owned(user_id, conversation_id)))
            return with_messages(session, row) if row else None

    def rename(self, user_id: str, conversation_id: str, title: str) -> None:
        """Gives the conversation another title. Raises NotFound."""
        mine = _owned(user_id, conversation_id)
        titled = update(ConversationRow).where(*mine).values(title=title[:TITLE_CHARACTERS])
        with self._write() as session:
            if session.scalar(titled.returning(ConversationRow.id)) is None:
                raise no_such("conversation", conversation_id)

    def delete_conversation(self, user_id: str, conversation_id: str) -> None:
        """Removes it with its messages and what was said of them. Raises NotFound."""
        gone = delete(ConversationRow).where(*_owned(user_id, conversation_id))
        with self._durably() as session:
            if session.scalar(gone.returning(ConversationRow.id)) is None:
                raise no_such("conversation", conversation_id)
        self.forget_log()


def with_messages(session: Session, row: ConversationRow) -> Conversation:
    """The whole conversation."""
    messages = select(MessageRow).where(MessageRow.conversation_id == row.id)
    rows = session.scalars(messages.order_by(MessageRow.place))
    found = tuple(record_of(StoredMessage, message) for message in rows)
    return record_of(Conversation, row).model_copy(update={"messages": found})


def owned_messages(user_id: str) -> Any:
    """Selects the messages of the user's conversations."""
    return select(MessageRow).join(ConversationRow).where(ConversationRow.user_id == user_id)


def require_message(session: Session, user_id: str, message_id: str) -> None:
    """Raises NotFound where the message is not the user's; nobody else changes it meanwhile."""
    found = owned_messages(user_id).where(MessageRow.id == message_id)
    if session.scalar(found.with_for_update(of=MessageRow)) is None:
        raise no_such("message", message_id)


def _owned(user_id: str, conversation_id: str) -> tuple[ColumnElement[bool], ...]:
    return ConversationRow.id == conversation_id, ConversationRow.user_id == user_id


def _change(session: Session, *which: ColumnElement[bool], state: State, **values: Any) -> bool:
    """Whether there was such a message, which now has the values and the state."""
    changed = update(MessageRow).where(*which).values(state=state, changed_at=now(), **values)
    return session.scalar(changed.returning(MessageRow.id)) is not None


def _new_conversation(session: Session, user_id: str, question: str) -> str:
    require_user(session, user_id)
    title = " ".join(question.split())[:TITLE_CHARACTERS]
    row = ConversationRow(user_id=user_id, title=title, turns=1)
    session.add(row)
    session.flush()
    return row.id


def _next_place(session: Session, user_id: str, conversation_id: str) -> int:
    """The place of a new question; whoever asks at the same time gets the next one."""
    asked = update(ConversationRow).where(*_owned(user_id, conversation_id))
    counted = asked.values(turns=ConversationRow.turns + 1, changed_at=now())
    place: int | None = session.scalar(counted.returning(ConversationRow.turns))
    if place is None:
        raise no_such("conversation", conversation_id)
    return place
