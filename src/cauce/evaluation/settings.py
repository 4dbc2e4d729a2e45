"""What an evaluation asks and how precisely it is measured."""

from __future__ import annotations

from pydantic import Field

from cauce.records import Record


class EvaluationSettings(Record):
    """The questions asked and the draws behind the intervals."""

    max_items: int = Field(200, ge=1)
    """Most questions asked, or rows of text measured, which are spread evenly over the test split.

    About 200 questions show a difference of 10 points, 1,000 one of 3.
    """
    max_new_tokens: int = Field(120, ge=1)
    """Longest answer of base and tuned, in tokens; the end token ends it earlier."""
    continuations: int = Field(32, ge=0)
    """Rows of text, of those measured, that the models go on from the first half of; 0 for none."""
    batch_size: int = Field(16, ge=1)
    """Items computed together; results do not depend on it, memory does."""
    bootstrap_draws: int = Field(2000, ge=100)
    """Resamples behind each interval; 2,000 fix a bound to about 2 % of the interval's width."""
