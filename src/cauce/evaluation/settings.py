"""What an evaluation asks and how precisely it is measured."""

from __future__ import annotations

from pydantic import Field

from cauce.records import Record


class EvaluationSettings(Record):
    """The questions asked and the draws behind the intervals."""

    max_items: int = Field(200, ge=1)
    """Most questions asked, or rows of text measured, which are spread evenly over the test split.

    About 200 questions show a difference of 9 points, 1,000 one of 4; the stage says it beforehand.
    """
    max_new_tokens: int = Field(120, ge=1)
    """Longest answer of base and tuned, in tokens; the end token ends it earlier."""
    beside: tuple[str, ...] = ()
    """Models asked the same as they are, beside base and tuned: folders or hub ids."""
    continuations: int = Field(32, ge=0)
    """Rows of text, of those measured, that the models go on from the first half of; 0 for none."""
    batch_size: int = Field(32, ge=1)
    """Items computed together; results do not depend on it, memory does."""
    stem: bool = False
    """ROUGE over Snowball stems too, `rouge1_stem` and so on; needs the extra `metrics`."""
    bertscore: str = ""
    """Folder or hub name of the model that BERTScore reads with; empty: it is not computed."""
    bertscore_layer: int | None = Field(None, ge=1)
    """Whose hidden states it compares, counted from 1; by default three quarters of the way up."""
    bootstrap_draws: int = Field(2000, ge=100)
    """Resamples behind each interval; 2,000 fix a bound to about 2 % of the interval's width."""
