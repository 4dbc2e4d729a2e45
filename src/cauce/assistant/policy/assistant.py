"""`PolicyAssistant.reply`: what a policy chooses to do with the reply that the assistant has.

It stands under the guards: an emergency or an attack is stopped before it is asked, and what it
chooses is judged as any reply is.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from cauce.assistant.assistant import Assistant
from cauce.assistant.personal.assistant import PersonalAssistant
from cauce.assistant.policy.actions import ACTIONS, allowed, carried_out
from cauce.assistant.policy.choosing import Policy, Situation
from cauce.assistant.policy.features import Reading, readings, reply_features
from cauce.knowledge.sections.store import SectionEntry
from cauce.models.loading import LoadedModel
from cauce.records import Decision, Language, Message, Reply
from cauce.runs import fingerprint

UNKNOWN_MINUTES = 1.0
"""Between turns whose time is not told."""


class PolicyAssistant:
    """An assistant whose policy chooses, turn by turn, what to do with its replies."""

    def __init__(
        self,
        inner: Assistant | PersonalAssistant,
        policy: Policy,
        *,
        country: str,
    ) -> None:
        self.inner = inner
        self._policy, self._country = policy, country

    @property
    def model(self) -> LoadedModel | None:
        """The model that writes; None where sections are quoted."""
        return self.inner.model

    def reply(
        self, question: str, history: Sequence[Message] = (), *, plain: bool = False
    ) -> Reply:
        """The assistant's reply, or what is asked, shown or told in its place, with the decision.

        Drawn by the conversation itself: the same one is always given the same reply.
        """
        reply = self.inner.reply(question, history, plain=plain)
        return self._decided(reply, question, history)

    def replies(self, questions: Sequence[str]) -> list[Reply]:
        """What `reply` gives for each question, generated in batches."""
        found = self.inner.replies(questions)
        return [
            self._decided(reply, question, ())
            for question, reply in zip(questions, found, strict=True)
        ]

    def section(
        self, source: str, document_id: str, section_id: str, language: Language
    ) -> SectionEntry | None:
        """The section that a citation names, whole; None when none is held."""
        return self.inner.section(source, document_id, section_id, language)

    def _decided(self, reply: Reply, question: str, history: Sequence[Message]) -> Reply:
        read = readings(question, history, self.inner.resolver)
        situation = situation_of(reply, read)
        if not any(situation.allowed):
            return reply
        chances = self._policy.probabilities(situation)
        drawn = random.Random(fingerprint(question, *(turn.content for turn in history)))
        [action] = drawn.choices(ACTIONS, chances)
        done = carried_out(action, reply, read[-1], country=self._country)
        decision = Decision(
            action=action, probability=chances[ACTIONS.index(action)], **situation._asdict()
        )
        return done.model_copy(update={"decision": decision})


def situation_of(reply: Reply, read: Sequence[Reading], minutes: Sequence[float] = ()) -> Situation:
    """What is known of a conversation; `minutes` before each turn, where they are known."""
    return Situation(
        tuple(one.features for one in read),
        tuple(minutes) or (UNKNOWN_MINUTES,) * len(read),
        reply_features(reply),
        allowed(reply, read[-1]),
    )
