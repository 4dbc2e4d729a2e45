"""Whether a record says that its person is pregnant; most records say nothing of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from cauce.knowledge.words import fold
from cauce.twin.timeline import Event, Timeline

LONGEST = timedelta(days=300)
"""What was said of a pregnancy longer ago says nothing of now."""
_PREGNANT = frozenset(("77386006", "72892002", "127364007", "47200007", "LA15173-0"))
"""SNOMED CT: pregnancy, normal, first and high-risk pregnancy; the LOINC answer `pregnant`."""
_NOT_PREGNANT = frozenset(("60001007", "LA26683-5"))
_STATUS = "82810-3"
"""LOINC: pregnancy status, whose value is told in words."""
_SAYS_SO = frozenset(("pregnant", "embarazada", "embarazo", "embarassada", "gestante", "yes", "si"))
_SAYS_NOT = frozenset(("not pregnant", "no embarazada", "no embarassada", "no"))


class Pregnancy(NamedTuple):
    """What the record says, and where."""

    is_so: bool
    event: Event


def pregnancy_in(timeline: Timeline, when: datetime) -> Pregnancy | None:
    """The latest that a record says of a pregnancy in the ten months before `when`."""
    found = [
        Pregnancy(is_so, event)
        for event in timeline.events
        if event.start is not None
        and when - LONGEST <= event.start <= when
        and (is_so := _told(event, when)) is not None
    ]
    return found[-1] if found else None


def _told(event: Event, when: datetime) -> bool | None:
    codes = {code.code for code in event.codes}
    if event.kind == "condition" and codes & _PREGNANT:
        return event.is_active and (event.end is None or event.end >= when)
    if not event.is_active or _STATUS not in codes:
        return None
    said = fold(event.text).strip(" .")
    if codes & _NOT_PREGNANT or said in _SAYS_NOT:
        return False
    return True if codes & _PREGNANT or said in _SAYS_SO else None
