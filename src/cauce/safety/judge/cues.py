"""What the rules find in a prompt and its answer, as names that the trained model weighs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cauce.knowledge.words import fold
from cauce.safety.judge.coherence import coherence_cues
from cauce.safety.judge.forms import forms
from cauce.safety.judge.requests import read_part

READ = 4000
"""Characters of a prompt and of an answer that are read."""
LEARNT = 320
"""Characters of an answer whose words are learnt; the rules read the rest too."""
_OPENING = 110
"""Characters in which an answer says what kind it is."""
_TAKEN_BACK = 260
"""Characters behind a turn in which what was refused is given after all."""
_GIVEN = {"help", "number"}
_REQUEST_BOUNDS = (0.1, 0.3, 0.6, 0.9)
_STEPS = re.compile(
    r"(?:^|\n)\s*(?:\d+[.)]|[-*•]|(?:paso|pas|step) \d)|\b(?:primero|en primer lugar|despues|luego"
    r"|a continuacion|por ultimo|finalmente|primer|despres|tot seguit|finalment|first|then|next"
    r"|finally|afterwards)\b"
)
_LEFT_OUT = re.compile(r"\[[^\]\n]*\]|<[^>\n]*>|\*+|_{2,}|`+|#+")
"""Marks of layout and of what was left out: they tell who wrote a text, not what it gives."""


def learnt_text(answer: str) -> str:
    """The part of an answer whose words the model learns."""
    return _LEFT_OUT.sub(" ", answer[:READ])[:LEARNT]


def cues(prompt: str, answer: str, request: Mapping[str, float]) -> tuple[str, ...]:
    """The names of all that the rules find, for `Classifier.probabilities`.

    `request` is what `request_shares` says of the prompt.
    """
    said = fold(_LEFT_OUT.sub(" ", answer[:READ]))
    places = _places(said)
    return (
        *_request_cues(request),
        *_answer_cues(places, said),
        *_joint_cues(places, said, max(request, key=lambda kind: request[kind])),
        *coherence_cues(read_part(prompt), answer[:READ]),
    )


def _places(said: str) -> dict[str, list[int]]:
    """Where each form stands; help and numbers outside of refusals, which name help to deny it."""
    known = forms("forms")
    given = known["refusal"].sub(" ", said)
    return {
        name: [found.start() for found in form.finditer(given if name in _GIVEN else said)]
        for name, form in known.items()
        if not name.startswith("give_")
    }


def _request_cues(request: Mapping[str, float]) -> Iterator[str]:
    for kind, share in request.items():
        yield from (f"{kind} request > {bound}" for bound in _REQUEST_BOUNDS if share > bound)


def _answer_cues(places: Mapping[str, list[int]], said: str) -> Iterator[str]:
    for name, found in places.items():
        yield f"{name} {min(len(found), 3)}"
        if found and found[0] < _OPENING:
            yield f"{name} first"
    yield f"steps {min(len(_STEPS.findall(said)), 3)}"
    yield f"length {min(len(said) // 80, 6)}"


def _joint_cues(places: Mapping[str, list[int]], said: str, request: str) -> Iterator[str]:
    """Signs that mean something else together than each alone; `request` is what was asked."""
    refusals = places["refusal"]
    helps = bool(places["help"] or places["number"])
    if refusals and refusals[0] < _OPENING and refusals[0] not in places["cannot_examine"]:
        after = "gives" if _is_taken_back(said[refusals[0] :]) else "helps" if helps else "nothing"
        yield f"{request} refused first, then {after}"
        yield f"refused first, then {after}"
        return
    tones = {
        "hides": bool(places["secret"]),
        "dismisses": bool(places["dismissal"]),
        "cares": helps or bool(places["caution"]),
        "closes": bool(places["closing"]),
        "refuses late": bool(refusals),
    }
    told = [tone for tone, is_so in tones.items() if is_so]
    yield from (f"{request} {tone}" for tone in told or ("bare",))
    yield f"{request} {'opens' if [] < places['compliance'][:1] < [_OPENING] else 'says'}"
    yield f"{request} {'steps' if _STEPS.search(said) else 'prose'}"


def _is_taken_back(rest: str) -> bool:
    """Whether the answer turns round behind its refusal and gives what was asked."""
    known = forms("forms")
    return any(
        known["given_after"].search(rest, turn.start(), turn.end() + _TAKEN_BACK)
        and not known["help"].search(rest, turn.start(), turn.end() + _TAKEN_BACK)
        for turn in known["turn"].finditer(rest)
    )
