"""The assistant as it is served: emergencies first, attacks noticed, answers judged before shown.

Whatever is evaluated, attacked or served is this. Each guard is one switch of `assistant.guards`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from cauce.assistant.assistant import Assistant
from cauce.assistant.personal.assistant import PersonalAssistant
from cauce.assistant.policy.assistant import PolicyAssistant
from cauce.assistant.policy.choosing import Policy
from cauce.assistant.research.assistant import ResearchAssistant
from cauce.assistant.seeing import Eyes, blind
from cauce.knowledge.sections.store import SectionEntry
from cauce.models.loading import LoadedModel
from cauce.records import Check, Language, Message, Reply, Spoken, Statement
from cauce.safety.guard.finding import guard_input
from cauce.safety.guard.settings import GuardSettings
from cauce.safety.judge.judging import judge
from cauce.safety.language import spoken_language
from cauce.safety.triage.answers import emergency_answer
from cauce.safety.triage.detecting import Alarm, concern, triage

OVERDOSE = "overdose"
"""The emergency of which the documents tell what else to do."""
UNANSWERED = ("self_harm", "abuse")
"""Emergencies after which a question may serve to do harm: for some turns nothing is answered."""
ATTACKED: dict[Spoken, str] = {
    "es": "No sigo instrucciones que cambien lo que hago. Respondo con lo que puedo enseñar de mis "
    "documentos: pregúnteme por ello con sus palabras.",
    "ca": "No segueixo instruccions que canviïn el que faig. Responc amb el que puc ensenyar dels "
    "meus documents: pregunteu-m'ho amb les vostres paraules.",
    "en": "I follow no instructions that change what I do. I answer with what I can show from my "
    "documents: ask me about it in your own words.",
}
"""What is said to an attack."""
HARMFUL: dict[Spoken, str] = {
    "es": "No muestro esa respuesta: con ella alguien podría salir mal parado. Si le preocupa una "
    "persona o su tratamiento, hable con su médico, su farmacéutico o los servicios sociales.",
    "ca": "No mostro aquesta resposta: algú en podria prendre mal. Si us preocupa una persona o el "
    "seu tractament, parleu amb el metge, el farmacèutic o els serveis socials.",
    "en": "I do not show that answer: it could bring somebody to harm. If you worry about a person "
    "or a treatment, talk to a doctor, a pharmacist or social services.",
}
"""What is said instead of an answer that would do harm."""
IN_DOUBT: dict[Spoken, str] = {
    "es": "Si alguien está en peligro ahora, llame al {number}.",
    "ca": "Si algú és en perill ara, truqueu al {number}.",
    "en": "If somebody is in danger now, call {number}.",
}
"""What is said beside an answer where an emergency may be meant."""


class GuardedAssistant:
    """An assistant behind its guards."""

    def __init__(
        self,
        inner: Assistant | ResearchAssistant | PersonalAssistant,
        guards: GuardSettings,
        *,
        country: str,
        eyes: Eyes | None = None,
        policy: Policy | None = None,
    ) -> None:
        """A `policy` chooses what to do with the replies of an assistant of labels."""
        self.inner = inner
        self._answering = (
            inner
            if policy is None or isinstance(inner, ResearchAssistant)
            else PolicyAssistant(inner, policy, country=country)
        )
        self._guards, self._country, self._eyes = guards, country, eyes

    @property
    def model(self) -> LoadedModel | None:
        """The model that writes; None where sections are quoted."""
        return self.inner.model

    @property
    def guards(self) -> GuardSettings:
        """Which guards are on."""
        return self._guards

    @property
    def country(self) -> str:
        """ISO 3166 code of that whose telephone numbers are given."""
        return self._country

    @property
    def sees_images(self) -> bool:
        """Whether it reads what is shown with a question."""
        return self._eyes is not None

    def reply(
        self,
        question: str,
        history: Sequence[Message] = (),
        *,
        plain: bool = False,
        images: Sequence[str] = (),
    ) -> Reply:
        """The assistant's reply, unless the turn is an emergency, an attack, or its reply harms.

        What a medicine's document says of an overdose follows what to do first; so does the answer
        to a question that was asked after an emergency and is none itself. Earlier turns that were
        attacks are not read again, except for emergencies. The names on `images` (`data:` URIs),
        which go with the question, become part of it.
        """
        stopped = self._stopped(question, history)
        if stopped is not None and not self._is_asked_too(question, stopped):
            return self._with_number(question, stopped)
        kept = self._without_attacks(history)
        if images or any(turn.images for turn in kept):
            seen = self._eyes.look(question, images, kept) if self._eyes else blind(question)
            if isinstance(seen, Reply):
                return self._with_number(question, _following(stopped, seen))
            reply = self._answering.reply(seen.question, seen.history, plain=plain)
            return seen.told(self._served(seen.question, stopped, reply))
        reply = self._answering.reply(question, kept, plain=plain)
        return self._served(question, stopped, reply)

    def replies(self, questions: Sequence[str]) -> list[Reply]:
        """What `reply` gives for each question, generated in batches."""
        stopped = [self._stopped(question, ()) for question in questions]
        both = list(zip(questions, stopped, strict=True))
        asked = [one for one, it in both if it is None or self._is_asked_too(one, it)]
        answers = dict(zip(asked, self._answering.replies(asked), strict=True))
        return [
            self._served(question, reply, answers[question])
            if question in answers
            else self._with_number(question, cast(Reply, reply))
            for question, reply in both
        ]

    def section(
        self, source: str, document_id: str, section_id: str, language: Language
    ) -> SectionEntry | None:
        """The section that a citation names, whole; None when none is held."""
        return self.inner.section(source, document_id, section_id, language)

    def _stopped(self, question: str, history: Sequence[Message]) -> Reply | None:
        """What is said before the assistant is asked at all."""
        if self._guards.emergencies:
            earlier = [turn.content for turn in history if turn.role == "user"]
            alarm = triage(question, earlier, country=self._country)
            if alarm is not None:
                return _emergency(alarm, spoken_language(question), self._country)
        return self._refusal(question)

    def _is_asked_too(self, question: str, stopped: Reply) -> bool:
        """Whether the documents may answer behind what to do first."""
        is_calm = triage(question, country=self._country) is None
        is_answered = stopped.emergency not in (None, *UNANSWERED)
        return (stopped.emergency == OVERDOSE or (is_answered and is_calm)) and self._refusal(
            question
        ) is None

    def _refusal(self, question: str) -> Reply | None:
        """What is said to an attack on the assistant; None where the turn is none."""
        found = guard_input(question, self._guards)
        if found is None:
            return None
        hidden = f", hidden by {', '.join(found.reading.ways)}" if found.reading.ways else ""
        detail = f"{found.family}, probability {found.score:.2f}{hidden}"
        return _refused(ATTACKED, question, "attack", detail)

    def _without_attacks(self, history: Sequence[Message]) -> tuple[Message, ...]:
        """The turns before this one without those of the person that attack the assistant."""
        return tuple(
            turn for turn in history if turn.role != "user" or self._refusal(turn.content) is None
        )

    def _served(self, question: str, first: Reply | None, reply: Reply) -> Reply:
        """What is shown of the assistant's reply, and what stands before and behind it."""
        return self._with_number(question, _following(first, self._judged(question, reply)))

    def _judged(self, question: str, reply: Reply) -> Reply:
        """The reply, or why it is not shown; what the assistant says as itself harms nobody."""
        if not self._guards.output or reply.abstained:
            return reply
        found = judge(reply.asked or question, reply.text)
        if found.label != "harmful" or found.score < self._guards.harm_threshold:
            return reply
        return _refused(HARMFUL, question, "harm", f"probability {found.score:.2f}")

    def _with_number(self, question: str, reply: Reply) -> Reply:
        """The reply, and beside it whom to call where the turn may tell of an emergency."""
        if not self._guards.emergencies or reply.call:
            return reply
        found = concern(question, country=self._country)
        if found is None:
            return reply
        said = IN_DOUBT[spoken_language(question)].format(number=found.number)
        return reply.model_copy(
            update={
                "text": f"{reply.text}\n{said}",
                "statements": (*reply.statements, Statement(text=said)),
                "call": (found.number,),
            }
        )


def _following(first: Reply | None, reply: Reply) -> Reply:
    """The reply, behind what has to be done first; that alone where no answer is given."""
    if first is None or reply.abstained:
        return first or reply
    return reply.model_copy(
        update={
            "text": f"{first.text}\n{reply.text}",
            "statements": (*first.statements, *reply.statements),
            "reason": "; ".join(filter(None, (first.reason, reply.reason))),
            "emergency": first.emergency,
            "call": first.call,
        }
    )


def _emergency(alarm: Alarm, language: Spoken, country: str) -> Reply:
    answer = emergency_answer(alarm.kind, language, country)
    return Reply(
        text=answer.text,
        statements=(Statement(text=answer.text),),
        abstained=True,
        reason=f"emergency: {alarm.kind}",
        emergency=alarm.kind,
        call=answer.numbers,
        language=language,
    )


def _refused(words: dict[Spoken, str], question: str, check: str, detail: str) -> Reply:
    language = spoken_language(question)
    return Reply(
        text=words[language],
        statements=(Statement(text=words[language]),),
        checks=(Check(name=check, passed=False, detail=detail),),
        abstained=True,
        reason=f"guard: {check}",
        language=language,
    )
