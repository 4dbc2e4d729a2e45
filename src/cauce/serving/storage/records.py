"""What the calls of the database give back: frozen, and without passwords or digests."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeVar

from cauce.records import Message, Record, Reply

R = TypeVar("R", bound=Record)
Role = Literal["patient", "carer", "clinician", "researcher", "admin"]
"""What a user may do; `cauce.serving.access` says what."""
TokenKind = Literal["token", "session"]
"""Made for a program, or by logging in from a browser."""
State = Literal["asked", "streaming", "done", "interrupted", "stopped"]
"""Of an answer: waiting, being written, whole, cut off by a crash, or stopped by its reader."""
FeedbackKind = Literal["up", "down", "correction"]
Choice = Literal["left", "right", "tie", "neither"]
Verdict = Literal["right", "wrong", "unsafe"]
"""A clinician's word on an answer."""


class User(Record):
    """Whoever logs in."""

    id: str
    name: str
    role: Role
    created_at: datetime


class Token(Record):
    """What lets its bearer in; the secret itself is stored nowhere, and its digest stays inside."""

    id: str
    user_id: str
    kind: TokenKind
    name: str
    """What its owner calls it."""
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    """None where it does not end by itself."""
    used_at: datetime | None


class Consent(Record):
    """The last word of a person on one purpose."""

    purpose: str
    given: bool
    at: datetime


class StoredMessage(Record):
    """A question and its answer as far as it has come."""

    id: str
    conversation_id: str
    place: int
    """In the conversation, from 1; places of deleted conversations are not used again."""
    question: str
    images: tuple[str, ...] = ()
    """What was shown with the question, each a `data:` URI."""
    text: str = ""
    """The answer as it streamed; the reply's text once it is done."""
    state: State = "asked"
    reply: Reply | None = None
    """With its citations and checks; None until it is done."""
    asked_at: datetime
    changed_at: datetime


class Conversation(Record):
    """Questions and answers in order; a list of conversations leaves `messages` empty."""

    id: str
    title: str
    """Its first question, shortened, until it is renamed."""
    created_at: datetime
    changed_at: datetime
    messages: tuple[StoredMessage, ...] = ()

    def history(self) -> tuple[Message, ...]:
        """The turns whose answer is whole, as an assistant is told them."""
        return tuple(
            turn
            for message in self.messages
            if message.state == "done"
            for turn in (
                Message(role="user", content=message.question, images=message.images),
                Message(role="assistant", content=message.text),
            )
        )


class Feedback(Record):
    """What the asker of a question says of its answer."""

    id: str
    user_id: str
    message_id: str
    kind: FeedbackKind
    text: str
    """The better answer of a `correction`; why, of the others."""
    consent: bool
    """Whether a model may learn from it, and clinicians may read the question for it."""
    at: datetime


class Shown(Record):
    """One of two answers that were shown without saying whose they are."""

    system: str
    """The run or model that gave it."""
    text: str


class Vote(Record):
    """Which of two answers a person found better."""

    id: str
    user_id: str
    question: str
    left: Shown
    right: Shown
    choice: Choice
    consent: bool
    at: datetime


class Tally(Record):
    """How often a person chose one way between two systems as they were shown."""

    user_id: str
    left: str
    right: str
    choice: Choice
    votes: int


class Review(Record):
    """A clinician's verdict on an answer."""

    id: str
    user_id: str
    """The clinician."""
    message_id: str
    verdict: Verdict
    text: str
    """Of an answer that is not right, the better one that is learned from; else a remark."""
    at: datetime


class Consented(Record):
    """An answer that a model may learn from, with all that was said of it."""

    message: StoredMessage
    user_id: str
    """Who asked."""
    feedback: tuple[Feedback, ...]
    """Only what was given with consent that was not withdrawn later."""
    reviews: tuple[Review, ...] = ()


class Event(Record):
    """Something done that an administrator can look up later; it holds no text of a person."""

    id: str
    user_id: str | None
    """None where nobody was logged in, or where the user was deleted since."""
    kind: str
    details: dict[str, Any]
    at: datetime


class UserData(Record):
    """Everything that is kept of one person, as they may take it elsewhere."""

    user: User
    tokens: tuple[Token, ...]
    consents: tuple[Consent, ...]
    """Every word on every purpose, oldest first."""
    conversations: tuple[Conversation, ...]
    feedback: tuple[Feedback, ...]
    votes: tuple[Vote, ...]
    reviews: tuple[Review, ...]
    """What the person, as a clinician, said of answers to others."""
    events: tuple[Event, ...]


def record_of(kind: type[R], row: object) -> R:
    """The record with what a row of a table holds under the same names."""
    return kind.model_validate(row, from_attributes=True)
