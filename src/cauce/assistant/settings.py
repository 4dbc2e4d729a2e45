"""How the assistant quotes and writes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cauce.records import Record
from cauce.safety.guard.settings import GuardSettings

Way = Literal["question", "expanded", "topics"]
"""By what the research assistant looks for evidence: the questions made of sentences, the sentences
by the question in several words, or the sentences by its topics."""


class AssistantSettings(Record):
    """Limits of what is quoted to the model and of what it writes."""

    passage_chars: int = Field(700, ge=100)
    """Longest passage of a section that the model reads and the reader sees, in characters."""
    answer_chars: int = Field(400, ge=40)
    """Longest quotation shown when the model's own words are withheld, in characters."""
    max_new_tokens: int = Field(120, ge=1)
    """Longest text the model may write, in tokens; an unfinished sentence is withheld."""
    way: Way = "expanded"
    """How evidence is looked for where articles are the source."""
    model_names: bool = False
    """Whether the model picks among the sentences that were found; else the first is shown, which
    a small model does not better (docs/log.md, 2026-11-29)."""
    batch_size: int = Field(16, ge=1)
    """Questions answered together when a file of them is given."""
    remedy: str = Field("", pattern=r"^[\w.-]*$")
    """Name in `RUN/remedies` of the model that is served instead of the trained one, such as
    `project`: one whose tuning was made less harmful."""
    reader: str = ""
    """A vision-language model that reads names on images: a folder such as
    `runs/boxes/train/model`, or a base. Empty leaves the assistant blind."""
    twin_model: str = ""
    """A run of `cauce twin train` whose risk stands on the served page of a twin. Empty shows
    none."""
    policy: str = ""
    """Folder of a policy that chooses, turn by turn, to answer, ask back, show the source or send
    to a professional (docs/how-to/policy.md). Empty answers whatever can be answered."""
    guards: GuardSettings = GuardSettings()
    """What is noticed before the model is asked, and before its answer is shown."""
    country: str = Field("ES", pattern=r"^[A-Z]{2}$")
    """Whose telephone numbers emergencies are answered with; ISO 3166."""
