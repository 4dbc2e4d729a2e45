"""What people say of answers becomes what a model can learn from: with consent, without names."""

from __future__ import annotations

from cauce.serving.feedback.export import PREFERENCES, PROVENANCE, Exported, export_feedback
from cauce.serving.feedback.rows import Provenance, origin_of, waits
from cauce.serving.feedback.settings import FeedbackSettings

__all__ = [
    "PREFERENCES",
    "PROVENANCE",
    "Exported",
    "FeedbackSettings",
    "Provenance",
    "export_feedback",
    "origin_of",
    "waits",
]
