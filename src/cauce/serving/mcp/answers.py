"""Tools on what a person says: whom to call, and the assistant's own answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cauce.assistant.guarded import IN_DOUBT
from cauce.records import Message
from cauce.safety.language import spoken_language
from cauce.safety.triage.answers import emergency_answer, numbers
from cauce.safety.triage.detecting import concern, triage
from cauce.serving.mcp.outputs import Answer, Triaged, Work
from cauce.serving.queue import Answerer

LONGEST_TURN_CHARS = 20_000
MOST_TURNS = 20

Turn = Annotated[str, Field(max_length=LONGEST_TURN_CHARS)]
Question = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_TURN_CHARS,
        description="In the person's own words; it is answered in their language.",
    ),
]
Earlier = Annotated[
    tuple[Turn, ...],
    Field(
        max_length=MOST_TURNS,
        description="What the same person said before, oldest first: for “and in pregnancy?”.",
    ),
]


class Answers:
    """What the assistant of a run says to a person."""

    def __init__(self, assistant: Answerer, country: str) -> None:
        """`country` is that whose telephone numbers are given where no other is named."""
        self._assistant, self._country = assistant, country

    def ask(
        self,
        question: Question,
        earlier: Earlier = (),
        plain: Annotated[bool, Field(description="In plain language.")] = False,
    ) -> Answer:
        """The assistant's answer with the exact passages that it rests on, or why there is none.

        Emergencies come first, look-alike names are asked about, and what no section shows is not
        said: pass `choices`, `call` and `abstained` on to the person as they are.
        En español: pregunta al asistente, que responde con sus fuentes o dice por qué no puede.
        """
        history = [Message(role="user", content=turn) for turn in earlier]
        reply = self._assistant.reply(question, history, plain=plain)
        return Answer(
            text=reply.text,
            abstained=reply.abstained,
            reason=reply.reason,
            choices=reply.choices,
            emergency=reply.emergency,
            call=reply.call,
            statements=reply.statements,
            citations=reply.citations,
            works=tuple(map(Work.of, reply.works)),
            checks=reply.checks,
            generated=reply.generated,
            language=reply.language,
        )

    def triage(
        self,
        text: Annotated[Turn, Field(description="What the person says, word for word.")],
        earlier: Earlier = (),
        country: Annotated[
            str, Field(description="ISO 3166 code of where they are; else the run's own.")
        ] = "",
    ) -> Triaged:
        """Whether somebody tells of an emergency, the number to call and what to say first.

        Call this before anything else when a person may be in danger: overdose, self-harm, stroke,
        chest pain, allergy, abuse, a carer who cannot go on. It reads Spanish, English and Catalan.
        En español: detecta una urgencia y dice a qué número llamar.
        """
        where = (country or self._country).upper()
        # Not only in an emergency is an unknown country told: that would be too late.
        numbers(where)
        language = spoken_language(text)
        alarm = triage(text, earlier, country=where)
        if alarm is not None:
            answer = emergency_answer(alarm.kind, language, where)
            return Triaged(
                outcome="emergency",
                kind=alarm.kind,
                call=answer.numbers,
                say=answer.text,
                probability=alarm.score,
            )
        found = concern(text, country=where)
        if found is None:
            return Triaged(outcome="none", kind="", call=(), say="", probability=0.0)
        return Triaged(
            outcome="concern",
            kind=found.kind,
            call=(found.number,),
            say=IN_DOUBT[language].format(number=found.number),
            probability=found.score,
        )
