"""What the app keeps: users, conversations, feedback; SQLite in a file, or PostgreSQL by URL.

SQLAlchemy and alembic are of the extra `serve`; importing this package needs neither.
"""

from __future__ import annotations

from cauce.serving.storage.opening import open_database
from cauce.serving.storage.records import (
    Choice,
    Consent,
    Consented,
    Conversation,
    Event,
    Feedback,
    FeedbackKind,
    Review,
    Role,
    Shown,
    State,
    StoredMessage,
    Tally,
    Token,
    TokenKind,
    User,
    UserData,
    Verdict,
    Vote,
)

__all__ = [
    "Choice",
    "Consent",
    "Consented",
    "Conversation",
    "Event",
    "Feedback",
    "FeedbackKind",
    "Review",
    "Role",
    "Shown",
    "State",
    "StoredMessage",
    "Tally",
    "Token",
    "TokenKind",
    "User",
    "UserData",
    "Verdict",
    "Vote",
    "open_database",
]
