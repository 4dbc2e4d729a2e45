"""What a policy is told of a turn and of the reply to it: numbers, and no word of anybody."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from cauce.assistant.conversation import Asked, asked_in
from cauce.assistant.router import KINDS, blanked, probabilities
from cauce.knowledge.names.resolver import NameResolver
from cauce.knowledge.names.said import shortened
from cauce.knowledge.words import fold, words
from cauce.records import Message, Reply, Spoken
from cauce.safety.language import spoken_language
from cauce.safety.triage.detecting import ALARM, judged

TURN = (
    *("misspelled", "several", "look_alike", "unknown", "unnamed"),
    *("likeliest", "margin", "nothing_asked", "concern", "highest_concern"),
    *("words", "is_question", "wants_source", "asked_before", "turn"),
)
"""What is told of a turn, in this order."""
REPLY = ("abstained", "confidence", "sections", "is_generated", "is_withheld")
"""What is told of the reply, in this order."""
LONGEST = 8
"""Turns of the person that are looked at; those before them are forgotten."""
MOST = 3.0
"""Counts are told in thirds and no higher than this."""
LONG_TURN = 20
"""Words of a turn that is told to be long."""

_SOURCE = re.compile(
    r"\b(?:d[eo]nde (?:lo )?(?:pone|dice|sale|esta)|fuentes?|prospecto|ficha tecnica|textual\w*"
    r"|literal\w*|quien lo dice|enlace|apartado|source|leaflet|label|word for word|exact words?"
    r"|where (?:does|is) (?:it|that)|who says|says so|prospecte|font|on ho diu)\b"
)
"""Words by which somebody asks where a thing stands."""


class Reading(NamedTuple):
    """A turn as it was understood."""

    features: tuple[float, ...]
    asked: Asked
    kinds: tuple[str, ...]
    """Kinds of section, the likeliest first."""
    asked_before: int
    """Turns before in which the assistant asked something."""
    is_alarming: bool
    """Whether it tells of an emergency."""
    spoken: Spoken


def readings(
    question: str, history: Sequence[Message], resolver: NameResolver
) -> tuple[Reading, ...]:
    """The person's turns up to this one, each read with what stands before it alone."""
    turns = [*history, Message(role="user", content=question)]
    places = [place for place, turn in enumerate(turns) if turn.role == "user"][-LONGEST:]
    found: list[Reading] = []
    highest = 0.0
    for number, place in enumerate(places):
        text, before = turns[place].content, turns[:place]
        concern = judged(text).score
        highest = max(highest, concern)
        asked = asked_in(shortened(text), before, resolver)
        chances = _chances(asked)
        asked_before = sum(turn.role == "assistant" and "?" in turn.content for turn in before)
        found.append(
            Reading(
                _features(text, asked, chances, (concern, highest, asked_before, number)),
                asked,
                tuple(
                    kind
                    for kind in sorted(chances, key=chances.__getitem__)[::-1]
                    if kind != "none"
                ),
                asked_before,
                concern >= ALARM,
                spoken_language(text),
            )
        )
    return tuple(found)


def reply_features(reply: Reply) -> tuple[float, ...]:
    """`REPLY` of the assistant's reply, before anything was chosen."""
    return (
        float(reply.abstained),
        0.0 if reply.confidence is None else reply.confidence,
        _share(len(reply.citations)),
        float(reply.generated),
        float(reply.reason.startswith("withheld")),
    )


def _chances(asked: Asked) -> dict[str, float]:
    named = [mention.said for mention in asked.resolution.mentions]
    return probabilities(blanked(asked.text, named))


def _features(
    text: str,
    asked: Asked,
    chances: dict[str, float],
    told: tuple[float, float, int, int],
) -> tuple[float, ...]:
    """`TURN` of one turn; `told`: concern, the highest so far, how often asked, its number."""
    concern, highest, asked_before, number = told
    resolution = asked.resolution
    first, second = sorted((chances[kind] for kind in KINDS), reverse=True)[:2]
    return (
        max((mention.typos for mention in resolution.mentions), default=0) / 2,
        _share(len(resolution.mentions) - 1),
        float(resolution.kind == "ask"),
        float(resolution.kind == "unknown"),
        float(resolution.kind == "unnamed"),
        first,
        first - second,
        chances["none"],
        # Square roots spread what lies below the alarm, where a policy has to tell apart.
        concern**0.5,
        highest**0.5,
        min(1.0, len(words(text)) / LONG_TURN),
        float("?" in text),
        float(bool(_SOURCE.search(fold(text)))),
        _share(asked_before),
        _share(number),
    )


def _share(count: int) -> float:
    """A count in thirds, 1 at most."""
    return min(1.0, max(0, count) / MOST)
