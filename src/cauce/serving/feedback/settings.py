"""Which of what people said a model may learn from."""

from __future__ import annotations

from pydantic import Field

from cauce.records import Record


class FeedbackSettings(Record):
    """How feedback is sifted before a model learns from it."""

    review: bool = True
    """Whether answers that were disliked or corrected, and whatever the judge calls harmful, wait
    for a clinician's verdict."""
    most_per_user: int = Field(50, ge=1)
    """Most rows that come of the questions of one user, the latest ones: nobody's taste prevails
    by diligence."""
