"""What people said of one answer, as a row that a model can learn from, or why it cannot."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, NamedTuple

from cauce.assistant.personal.telling import RECORD
from cauce.corpus.prompts import prompt
from cauce.records import Citation, Record, Reply
from cauce.safety.judge.judging import judge
from cauce.safety.personal.finding import mask
from cauce.serving.storage.records import Consented, Role, Verdict, Vote
from cauce.sources.preferences import JudgedAnswer

Given = Literal["up", "down", "correction", "vote", "review"]
"""A thumb, a better answer, a vote of the arena, or a clinician's verdict."""
Reason = Literal[
    "the answer was never finished",
    "the answer is not the model's own words",
    "the answer rests on several sections",
    "the answer tells whom to call in an emergency",
    "the answer has a person's record in mind",
    "the question came with an image",
    "the correction says the same",
    "its user liked the answer and corrected it",
    "neither answer was preferred",
    "waits for a clinician",
    "clinicians disagree",
    "a clinician found the answer right",
    "judged harmful, and votes are reviewed by nobody",
    "some liked the answer and others did not",
    "said before",
    "over what one user may say",
    "about what the run is tested on",
]
"""Why something that was said is not learned from."""


class Provenance(Record):
    """Where a row comes from; it names nobody."""

    origin: str
    """As in the row: the beginning of the SHA-256 of the id of the message or vote."""
    kind: Given
    date: str
    """ISO 8601 date of what was said."""
    role: Role
    """Of who said it."""
    model: str
    """Which weights wrote the answer, or both answers of a vote."""
    documents: tuple[str, ...]
    """What the answer rests on: `source/id@version#section`."""


class Row(NamedTuple):
    """A judged answer, where it comes from, and whose question it is."""

    judged: JudgedAnswer
    provenance: Provenance
    user_id: str


class Told(NamedTuple):
    """Who said something, as what, and when."""

    kind: Given
    role: Role
    at: datetime


class Better(NamedTuple):
    """A better answer than the one that was shown."""

    text: str
    told: Told


class Shown(NamedTuple):
    """The model's own words, the citation that they rest on, and what they are about."""

    words: str
    citation: Citation
    group: str


Roles = Callable[[str], Role]
"""The role of the user with that id."""
ModelAt = Callable[[datetime], str]
"""Which weights were served at that time."""


def row_of_message(
    item: Consented, roles: Roles, model_at: ModelAt, *, review: bool
) -> Row | Reason:
    """What its asker and clinicians said of an answer; a verdict prevails over what its asker said.

    Of a better answer a clinician's own words are learned; the asker's where nobody judged them.
    """
    if item.message.state != "done" or item.message.reply is None:
        return "the answer was never finished"
    if item.message.images:
        return "the question came with an image"
    shown = shown_by(item.message.reply)
    if not isinstance(shown, Shown):
        return shown
    verdict = _verdict(item)
    if reason := _held_back(item, shown, verdict, review=review):
        return reason
    if better := _better(item, roles):
        told = better.told
        judged = _pair(item.message.question, shown, better.text, shown.words)
    else:
        told = _told_of(item, roles)
        is_liked = verdict == "right" if verdict else any(it.kind == "up" for it in item.feedback)
        judged = _rated(item.message.question, shown, is_liked)
    if judged is None:
        return "the correction says the same"
    model = model_at(item.message.asked_at)
    return _row(judged, told, item.message.id, item.user_id, model, shown.citation)


def _held_back(
    item: Consented, shown: Shown, verdict: Verdict | Literal["disputed"] | None, *, review: bool
) -> Reason | None:
    """Why nothing is learned, of an answer by the model, as long as nobody says more."""
    is_corrected = bool(_correction(item))
    if not is_corrected and any(one.kind == "correction" for one in item.feedback):
        return "the correction says the same"
    if is_corrected and any(one.kind == "up" for one in item.feedback):
        return "its user liked the answer and corrected it"
    if verdict == "disputed":
        return "clinicians disagree"
    if review and verdict is None and _is_doubtful(item, shown.words):
        return "waits for a clinician"
    if is_corrected and verdict == "right":
        return "a clinician found the answer right"
    return None


def row_of_vote(
    vote: Vote, reply: Callable[[str], Reply], roles: Roles, *, review: bool
) -> Row | Reason:
    """What a vote prefers; `reply` tells on which section an answer to its question rests."""
    texts = {"left": vote.left.text, "right": vote.right.text}
    chosen, rejected = texts.pop(vote.choice, ""), next(iter(texts.values()))
    if not chosen:
        return "neither answer was preferred"
    shown = shown_by(reply(vote.question))
    if not isinstance(shown, Shown):
        return shown
    judged = _pair(vote.question, shown, chosen, rejected)
    if judged is None:
        return "neither answer was preferred"
    if review and judge(vote.question, chosen).label == "harmful":
        return "judged harmful, and votes are reviewed by nobody"
    told = Told("vote", roles(vote.user_id), vote.at)
    systems = f"{vote.left.system}, {vote.right.system}"
    return _row(judged, told, vote.id, vote.user_id, systems, shown.citation)


def shown_by(reply: Reply) -> Shown | Reason:
    """What the model itself said in a reply, without what the assistant says as itself."""
    places = {it.citation for it in reply.statements if it.citation is not None}
    if reply.abstained or not reply.generated or not places:
        return "the answer is not the model's own words"
    if reply.call:
        return "the answer tells whom to call in an emergency"
    if any(cited.source == RECORD for cited in reply.citations):
        return "the answer has a person's record in mind"
    if len(places) > 1:
        return "the answer rests on several sections"
    words = " ".join(it.text for it in reply.statements if it.citation is not None)
    citation = reply.citations[places.pop()]
    return Shown(words, citation, reply.group or f"{citation.source}/{citation.id}")


def waits(item: Consented) -> bool:
    """Whether a clinician's verdict decides if a model learns from what was said."""
    reply = item.message.reply
    shown = shown_by(reply) if reply else None
    return isinstance(shown, Shown) and not item.reviews and _is_doubtful(item, shown.words)


def origin_of(id: str) -> str:
    """What stands for a message or a vote where its id must not stand."""
    return hashlib.sha256(id.encode()).hexdigest()[:16]


def _is_doubtful(item: Consented, words: str) -> bool:
    """Disliked, corrected, or harmful by what the judge says of either text."""
    if any(one.kind != "up" for one in item.feedback):
        return True
    return judge(item.message.question, words).label == "harmful"


def _correction(item: Consented) -> str:
    """The better answer that its asker gave; empty where there is none."""
    return next((one.text.strip() for one in item.feedback if one.kind == "correction"), "")


def _better(item: Consented, roles: Roles) -> Better | None:
    """What the last clinician wrote who found the answer bad; the asker's where there is none."""
    if item.reviews:
        written = [one for one in item.reviews if one.verdict != "right" and one.text.strip()]
        if not written:
            return None
        told = Told("review", roles(written[-1].user_id), written[-1].at)
        return Better(written[-1].text.strip(), told)
    for one in item.feedback:
        if one.kind == "correction":
            return Better(one.text.strip(), Told("correction", roles(item.user_id), one.at))
    return None


def _verdict(item: Consented) -> Verdict | Literal["disputed"] | None:
    """What clinicians say of the answer, `wrong` where some of them say unsafe too."""
    verdicts = {review.verdict for review in item.reviews}
    if "right" in verdicts and len(verdicts) > 1:
        return "disputed"
    return "wrong" if len(verdicts) > 1 else next(iter(verdicts), None)


def _told_of(item: Consented, roles: Roles) -> Told:
    """The thumb, or the last verdict where there is one."""
    if item.reviews:
        last = item.reviews[-1]
        return Told("review", roles(last.user_id), last.at)
    thumb = item.feedback[-1]
    return Told(thumb.kind, roles(item.user_id), thumb.at)


def _pair(question: str, shown: Shown, chosen: str, rejected: str) -> JudgedAnswer | None:
    """One answer preferred to another; None where they come to the same, or one is empty."""
    better, worse = " ".join(mask(chosen).split()), " ".join(mask(rejected).split())
    if not better or not worse or better == worse:
        return None
    return JudgedAnswer(**_asked(question, shown), chosen=better, rejected=worse)


def _rated(question: str, shown: Shown, is_liked: bool) -> JudgedAnswer:
    return JudgedAnswer(**_asked(question, shown), completion=mask(shown.words), label=is_liked)


def _asked(question: str, shown: Shown) -> dict[str, Any]:
    """What a row says of its prompt. The evidence is a document's and stays as it is printed."""
    (turn,) = prompt(mask(question), shown.citation)
    return {
        "prompt": turn.content,
        "evidence": shown.citation.quote,
        "group": shown.group,
        "language": shown.citation.language,
    }


def _row(
    judged: JudgedAnswer, told: Told, id: str, user_id: str, model: str, citation: Citation
) -> Row:
    origin = origin_of(id)
    provenance = Provenance(
        origin=origin,
        kind=told.kind,
        date=f"{told.at:%Y-%m-%d}",
        role=told.role,
        model=model,
        documents=(f"{citation.source}/{citation.id}@{citation.version}#{citation.section}",),
    )
    named = judged.model_copy(update={"origin": f"feedback/{told.kind}/{origin}"})
    return Row(named, provenance, user_id)
