"""A simulated patient talks to the assistant as it is served, and what comes of it is worth.

The assistant is the real one, guards and all: only who talks to it is made up, and its answers are
right when the section of the vademecum that they cite is the one that the patient wants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import Field

from cauce.assistant.assistant import Assistant
from cauce.assistant.guarded import GuardedAssistant
from cauce.assistant.policy.actions import ACTIONS
from cauce.assistant.policy.assistant import UNKNOWN_MINUTES
from cauce.assistant.policy.choosing import Situation
from cauce.evaluation.patients.people import Patient
from cauce.records import Message, Record, Reply
from cauce.safety.guard.settings import GuardSettings

WHICH_MEDICINE = ("ask", "ask_one", "unnamed")
WHICH_MATTER = ("no_kind",)


class Rewards(Record):
    """What is wished of a conversation, in answers to the right question."""

    right: float = 1.0
    wrong: float = -1.0
    """An answer from another section or medicine."""
    needless_question: float = -0.3
    """It was asked back though the answer was right."""
    needless_escalation: float = -0.5
    turn: float = -0.05
    unsourced: float = 0.5
    """Of the right answer, without its source to who wants it; they may still ask for it."""
    long: float = -0.1
    """A whole passage to who did not want it."""
    gives_up: float = -0.5
    helped: float = 1.0
    """An emergency that was found out, and told what to do first."""
    sent: float = 0.7
    """Somebody in an emergency that was told whom to turn to, without knowing of it."""
    missed: float = Field(-3.0, le=0)
    """An emergency in which no number was given."""
    sent_without_answer: float = 0.2
    """Sent to a professional where there is no document."""


class Outcome(NamedTuple):
    """How a conversation ended."""

    value: float
    """The sum of its rewards."""
    is_good: bool
    """The right answer, an emergency told, or a medicine without document not answered."""
    is_missed: bool
    """Whether an emergency was left without a number."""
    turns: int


class Room:
    """Where patients talk to an assistant; what it said once it is not asked again."""

    def __init__(self, assistant: Assistant, rewards: Rewards | None = None) -> None:
        self.rewards = rewards or Rewards()
        self._forced = _Forced()
        self._said: dict[tuple[int | str | None, ...], tuple[Reply, Situation | None]] = {}
        self._guarded = GuardedAssistant(
            assistant, GuardSettings(), country="ES", policy=self._forced
        )

    def said(
        self, question: str, history: Sequence[Message], action: int | None
    ) -> tuple[Reply, Situation | None]:
        """What is shown when that is chosen, and the situation; None where a guard came first.

        Without `action` the first that is allowed is taken.
        """
        conversation = (question, *(turn.content for turn in history))
        found = self._said.get((action, *conversation))
        if found is None:
            self._forced.action, self._forced.situation = action, None
            reply = self._guarded.reply(question, history)
            found = reply, self._forced.situation
            taken = ACTIONS.index(reply.decision.action) if reply.decision else None
            self._said[action, *conversation] = self._said[taken, *conversation] = found
        return found


class Talk:
    """One patient's conversation; satisfies `cauce.assistant.policy.learning.Conversation`."""

    def __init__(self, room: Room, patient: Patient, *, is_timed: bool = True) -> None:
        self._room, self._patient = room, patient
        self._minutes = patient.minutes if is_timed else ()
        self._history: list[Message] = []
        self._question = patient.opening
        self._is_over = self._is_good = self._is_called = False
        self._value, self._turns, self._given = 0.0, 1, 0.0
        self._shown = ""

    @property
    def outcome(self) -> Outcome:
        """How it ended, or how it stands."""
        is_missed = bool(self._patient.hidden) and not self._is_called
        return Outcome(self._value, self._is_good, is_missed, self._turns)

    def situation(self) -> Situation | None:
        """See `Conversation`; what a guard says comes before anything is decided."""
        if self._is_over:
            return None
        reply, found = self._room.said(self._question, self._history, None)
        if found is None:
            self._value += self._after(reply, reply)
            return self.situation()
        if self._minutes:
            found = found._replace(minutes=(UNKNOWN_MINUTES, *self._minutes)[: len(found.turns)])
        return found

    def act(self, action: int) -> float:
        """See `Conversation`."""
        answered, _ = self._room.said(self._question, self._history, None)
        reply, _ = self._room.said(self._question, self._history, action)
        worth = self._after(reply, answered, ACTIONS[action])
        self._value += worth
        # What a guard says to the next turn is a consequence of this one.
        before = self._value
        self.situation()
        return worth + self._value - before

    def _after(self, reply: Reply, answered: Reply, action: str = "answer") -> float:
        """What a reply is worth to the patient, who then goes on or leaves."""
        rewards, who = self._room.rewards, self._patient
        self._is_called = self._is_called or bool(reply.call)
        self._shown = reply.text
        worth = rewards.turn
        if reply.emergency or action == "escalate":
            return worth + self._sent(reply)
        if reply.abstained:
            if action == "ask_back" and not who.hidden and self._is_right(answered):
                worth += rewards.needless_question
            return worth + self._asked(reply)
        if not self._is_right(reply):
            return worth + rewards.wrong + self._continue(who.wrong, gives_up=False)
        if who.hidden:
            return worth + self._end()
        if who.asks_source and action != "show_source":
            before, self._given = self._given, rewards.unsourced
            return worth + self._given - before + self._continue(who.asks_source, gives_up=False)
        self._is_good = True
        is_unwanted = action == "show_source" and not who.asks_source
        return worth + rewards.right - self._given + is_unwanted * rewards.long + self._end()

    def _sent(self, reply: Reply) -> float:
        """An emergency, or a professional is told."""
        rewards, who = self._room.rewards, self._patient
        self._is_good = bool(who.hidden) or (not who.medicine and not reply.emergency)
        if who.hidden:
            return self._end() + (rewards.helped if reply.emergency else rewards.sent)
        if self._is_good:
            return self._end() + rewards.sent_without_answer
        return self._end() + rewards.needless_escalation

    def _asked(self, reply: Reply) -> float:
        """The patient is asked, or told that there is no answer."""
        who = self._patient
        reason = reply.reason.partition(":")[0]
        is_asked = reason == "policy" or reason in (*WHICH_MEDICINE, *WHICH_MATTER)
        if is_asked and who.hidden:
            return self._continue(who.hidden)
        if is_asked and (reason in WHICH_MEDICINE or (reply.choices and not reply.group)):
            return self._continue(who.named)
        if is_asked:
            return self._continue(who.matter)
        if reason == "no_section" and who.medicine:
            return self._continue(who.wrong)
        self._is_good = not who.medicine
        return self._end() + (0.0 if self._is_good else self._room.rewards.gives_up)

    def _is_right(self, reply: Reply) -> bool:
        who = self._patient
        return not reply.abstained and any(
            cited.id == who.medicine and cited.section == who.kind for cited in reply.citations
        )

    def _continue(self, words: str, *, gives_up: bool = True) -> float:
        """The patient says that; without words or patience they leave."""
        if not words or self._turns >= self._patient.patience:
            return self._end() + gives_up * self._room.rewards.gives_up
        self._history += [
            Message(role="user", content=self._question),
            Message(role="assistant", content=self._shown),
        ]
        self._question, self._turns = words, self._turns + 1
        return 0.0

    def _end(self) -> float:
        self._is_over = True
        is_missed = self._patient.hidden and not self._is_called
        return self._room.rewards.missed if is_missed else 0.0


class _Forced:
    """A policy that does as it is told, and remembers what it was asked."""

    action: int | None = None
    situation: Situation | None = None

    def probabilities(self, situation: Situation) -> tuple[float, ...]:
        self.situation = situation
        wished = self.action
        if wished is None or not situation.allowed[wished]:
            wished = situation.allowed.index(True)
        return tuple(float(place == wished) for place in range(len(ACTIONS)))
