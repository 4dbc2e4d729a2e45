"""The four things that can be done with a turn, and which of them are allowed.

Nothing here turns what was stopped into an answer: an emergency, an attack and a refusal are left
as they are, and where the assistant gave no answer none is given.
"""

from __future__ import annotations

from typing import Literal, get_args

from cauce.assistant.answers import abstain
from cauce.assistant.policy.features import Reading
from cauce.assistant.wording import SECTION_NAMES, listed
from cauce.corpus.examples import spoken
from cauce.records import Language, Reply, Spoken, Statement
from cauce.safety.triage.answers import emergency_answer

Action = Literal["answer", "ask_back", "show_source", "escalate"]
ACTIONS: tuple[Action, ...] = get_args(Action)
"""The order in which probabilities are told."""
MOST_ASKED = 2
"""Turns in which the assistant has asked, from which an answer is not held back to ask again."""
OFFERED = 2
"""Matters that are offered when it is asked which one is meant."""
POLICY = "policy: "
"""How the reason of a reply begins that a policy put in the place of another."""

WHICH: dict[Language, str] = {
    "es": "¿Qué quiere saber de {name}: {matters}, u otra cosa? Si le pasa algo ahora, cuéntemelo.",
    "en": "What do you want to know about {name}: {matters}, or something else? If anything is "
    "wrong now, tell me.",
}
"""What is asked where the matter is not clear."""
PROFESSIONAL: dict[Spoken, str] = {
    "es": "Esto prefiero que lo vea un profesional: hable con su médico o su farmacéutico. Si "
    "alguien está en peligro ahora, llame al {number}.",
    "ca": "Això prefereixo que ho vegi un professional: parleu amb el metge o el farmacèutic. Si "
    "algú és en perill ara, truqueu al {number}.",
    "en": "I would rather a professional looked at this: talk to a doctor or a pharmacist. If "
    "somebody is in danger now, call {number}.",
}
"""What is said to send somebody to a professional."""


def allowed(reply: Reply, reading: Reading) -> tuple[bool, ...]:
    """Which of `ACTIONS` may be chosen for the assistant's reply; none where it must stand.

    A reply that gives no answer stands as the assistant's own asking back, or is followed by whom
    to turn to.
    """
    if reply.emergency or reply.call or reply.reason.startswith("guard:") or reading.is_alarming:
        return (False,) * len(ACTIONS)
    if reply.abstained:
        return (False, True, False, True)
    has_source = bool(reply.citations) and not reply.plain
    return (True, reading.asked_before < MOST_ASKED, has_source, True)


def carried_out(action: Action, reply: Reply, reading: Reading, *, country: str) -> Reply:
    """What is said when that is done, out of the assistant's reply."""
    match action:
        case "ask_back" if not reply.abstained:
            return _asked_back(reply, reading)
        case "show_source":
            return _sourced(reply)
        case "escalate":
            return _escalated(reply, reading, country)
    return reply


def _asked_back(reply: Reply, reading: Reading) -> Reply:
    """Which medicine where its name was misspelled, else which matter."""
    asked = reading.asked
    names = tuple(spoken(mention.name) for mention in asked.resolution.mentions)
    if any(mention.typos for mention in asked.resolution.mentions):
        found = abstain("ask_one", asked.language, names=names, choices=names)
        return found.model_copy(update={"reason": f"{POLICY}ask_back"})
    matters = tuple(SECTION_NAMES[kind][asked.language] for kind in reading.kinds[:OFFERED])
    text = WHICH[asked.language].format(
        name=listed(names, asked.language),
        matters=listed(matters, asked.language, is_choice=True),
    )
    return Reply(
        text=text,
        statements=(Statement(text=text),),
        abstained=True,
        reason=f"{POLICY}ask_back",
        choices=matters,
        group=reply.group,
        language=asked.language,
    )


def _sourced(reply: Reply) -> Reply:
    """The quote that the answer rests on first, in the place of what was said of it."""
    first, behind = reply.citations[0], [it for it in reply.statements if it.citation != 0]
    statements = (Statement(text=f"{first.title}: {first.quote}", citation=0), *behind)
    return reply.model_copy(
        update={
            "text": "\n".join(statement.text for statement in statements),
            "statements": statements,
            "checks": (),
            "generated": False,
            "reason": "; ".join(filter(None, (reply.reason, f"{POLICY}show_source"))),
        }
    )


def _escalated(reply: Reply, reading: Reading, country: str) -> Reply:
    """Whom to turn to, behind why there is no answer where there is none."""
    number = emergency_answer("urgent", reading.spoken, country).number
    said = Statement(text=PROFESSIONAL[reading.spoken].format(number=number))
    before = reply if reply.abstained else Reply(text="", group=reply.group, kind=reply.kind)
    return before.model_copy(
        update={
            "text": f"{before.text}\n{said.text}".strip(),
            "statements": (*before.statements, said),
            "abstained": True,
            "reason": "; ".join(filter(None, (before.reason, f"{POLICY}escalate"))),
            "call": (number,),
            "language": reading.spoken,
        }
    )
