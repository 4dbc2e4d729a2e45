"""Replies held back below a threshold that was set on answers which people judged.

`cauce calibrate` writes it to `calibrate/threshold.json` of the run, with the promise that it
carries. It comes on top of what an assistant abstains from by itself, and only holds back more.
"""

from __future__ import annotations

from collections.abc import Sequence

from cauce.assistant.wording import say
from cauce.errors import UserError
from cauce.records import Language, Record, Reply, Statement
from cauce.runs import Run, fingerprint

THRESHOLD = "calibrate/threshold.json"
"""Of a run."""
HELD_BACK = "held back"
"""How the reason of a reply begins that is."""
MOST_SOURCES = 3
"""Titles that a reply held back points to."""


class Threshold(Record, extra="ignore", ser_json_inf_nan="strings"):
    """How sure an assistant must be of a reply for it to be shown."""

    threshold: float
    """A reply of more confidence is shown; minus infinity where every one is."""
    promise: str
    """What holds of the replies shown, in words, and what that rests on."""

    state: str = ""
    """Of the run whose answers were judged, as `state_of` gives it."""

    @classmethod
    def read(cls, run: Run) -> Threshold | None:
        """That of a run; None for one that was not calibrated.

        Raises UserError where the run was prepared or trained anew since.
        """
        path = run.path / THRESHOLD
        if not path.is_file():
            return None
        found = cls.model_validate_json(path.read_text("utf-8"))
        if found.state != state_of(run):
            raise UserError(
                f"{path} was set by answers of {run.path} before it was prepared or trained anew.\n"
                "Its promise does not hold any more: remove it, ask, judge and calibrate again."
            )
        return found

    def shown(self, replies: Sequence[Reply]) -> list[Reply]:
        """The replies, with pointers to their sources in the place of those not sure enough.

        A reply of unknown confidence is one of them: nothing can be promised of it.
        """
        return [self._shown(reply) for reply in replies]

    def _shown(self, reply: Reply) -> Reply:
        sure = reply.confidence
        if reply.abstained or (sure is not None and sure > self.threshold):
            return reply
        titles = dict.fromkeys(citation.title or citation.id for citation in reply.citations)
        language: Language = "en" if reply.language == "en" else "es"
        text = say("unsure", language, names=tuple(titles)[:MOST_SOURCES])
        return reply.model_copy(
            update={
                "text": text,
                "statements": (Statement(text=text, citation=0 if titles else None),),
                "works": (),
                "checks": (),
                "abstained": True,
                "generated": False,
                "plain": False,
                "reason": f"{HELD_BACK}: its confidence is {_told(sure)}, and more than "
                f"{self.threshold:.2f} is asked for. {self.promise}",
            }
        )


def state_of(run: Run) -> str:
    """What changes when the run is prepared or trained anew."""
    stages = run.manifest["stages"]
    prints = [stages.get(stage, {}).get("fingerprint") for stage in ("prepare", "train")]
    return fingerprint(*prints)


def _told(sure: float | None) -> str:
    return "unknown" if sure is None else f"{sure:.2f}"
