"""What the last turn of a conversation asks, with what it takes from the turns before it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from cauce.assistant.routing import conditions_of, in_conversation, is_follow_up, kinds_of
from cauce.assistant.wording import language_of
from cauce.knowledge.names.resolver import UNNAMED, NameResolver, Resolution
from cauce.knowledge.names.said import shortened
from cauce.knowledge.words import fold, words
from cauce.records import Language, Message

_BESIDE = re.compile(
    r"\b(?:con|amb|with|junt[oa]s?|together|a la vez|at the same time|mezcl\w*|combin\w*"
    r"|mix\w*|interac\w*|ademas|also|anadir|add)\b"
)
"""Words by which a turn puts its medicine beside the one that was spoken of."""
_TAKEN = re.compile(
    r"\b(?:tom[aeo]\w*|us[ao]|llev[ao]|est(?:a|oy) con|le (?:dan|han (?:dado|puesto))|pren\w+"
    r"|takes?|taking|uses?|using|(?:is|am|'m|i'm) on)\b"
)
"""Words of a turn that tells, and does not ask, what somebody takes."""
_MAY_BE_TOGETHER = ("interactions", "contraindications", "use", "warnings", "side_effects")
"""Kinds that the routing gives a question on one medicine beside another."""
SHORTEST_TELLING_WORDS = 3
"""A turn of fewer words does not tell its language: that of the turn before is kept."""


class Asked(NamedTuple):
    """The words of a question, with what it takes from the turns before it."""

    text: str
    language: Language
    kinds: tuple[str, ...]
    resolution: Resolution


def asked_in(text: str, history: Sequence[Message], resolver: NameResolver) -> Asked:
    """What the turn asks: a medicine or a subject that it leaves out is of a turn before.

    A medicine put beside the one that was spoken of ("mi padre toma Sintrom", "¿y aspirina?") is
    asked about together with it. A turn that neither asks nor names anything takes nothing.
    """
    earlier = [shortened(turn.content) for turn in reversed(history) if turn.role == "user"]
    own, *others = [resolver.resolve(turn) for turn in (text, *earlier)]
    named = [mention.said for found in (own, *others) for mention in found.mentions]
    language = _language(text, earlier)
    spoken_of = next((place for place, one in enumerate(others) if one.kind != "unnamed"), None)
    if spoken_of is None:
        turn = in_conversation(text, earlier, named)
        return Asked(turn.text, language, turn.kinds, own)
    if own.kind == "unnamed" and not _leans(text, named):
        return Asked(text, language, (), UNNAMED)
    before = others[spoken_of]
    if _is_beside(text, own, earlier[spoken_of], before, named):
        return Asked(text, language, ("interactions",), _both(before, own))
    turn = in_conversation(text, earlier, named)
    return Asked(turn.text, language, turn.kinds, before if own.kind == "unnamed" else own)


def _language(text: str, earlier: Sequence[str]) -> Language:
    is_short = len(words(text)) < SHORTEST_TELLING_WORDS
    return language_of(f"{text} {earlier[0]}" if is_short and earlier else text)


def _leans(text: str, named: Sequence[str]) -> bool:
    return is_follow_up(text) or bool(kinds_of(text, named)) or bool(conditions_of(text))


def _is_beside(
    text: str, own: Resolution, earlier: str, before: Resolution, named: Sequence[str]
) -> bool:
    """True when the turn asks about its medicine beside the one of the earlier turn."""
    if own.kind not in ("found", "unknown") or before.kind != "found":
        return False
    if {mention.group for mention in own.mentions} & {mention.group for mention in before.mentions}:
        return False
    if tuple(kinds_of(text, named))[:1] not in ((), *((kind,) for kind in _MAY_BE_TOGETHER)):
        return False
    tells = "?" not in earlier and bool(_TAKEN.search(fold(earlier)))
    return tells or bool(_BESIDE.search(fold(text)))


def _both(before: Resolution, own: Resolution) -> Resolution:
    return Resolution(
        "found",
        mentions=(*before.mentions, *own.mentions),
        looked_for=(*before.looked_for, *own.looked_for),
    )
