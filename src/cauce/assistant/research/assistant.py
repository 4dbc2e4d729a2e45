"""`ResearchAssistant.reply`: find sentences that cite, let the model name some, print their works.

No DOI comes from a model: it names numbers out of the evidence that it is shown, and the catalogue
prints the works. What is not close enough to the question is not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cauce.assistant.holding import Threshold
from cauce.assistant.research.abstention import Abstention
from cauce.assistant.research.finding import Finder
from cauce.assistant.research.naming import named
from cauce.assistant.research.replies import nothing, shown
from cauce.assistant.settings import AssistantSettings, Way
from cauce.assistant.wording import language_of
from cauce.knowledge.library.library import Evidence, Found
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.store import SectionEntry
from cauce.knowledge.words import content_words
from cauce.models.loading import LoadedModel
from cauce.records import Language, Message, Record, Reply

FEWEST_CONTENT_WORDS = 2
"""A question with fewer is about what the question before it is about."""


class Thresholds(Record):
    """When each way abstains; the prepare stage writes them to `abstention.json`."""

    question: Abstention
    expanded: Abstention
    topics: Abstention

    def of(self, way: Way) -> Abstention:
        """That of one way."""
        by_way: dict[Way, Abstention] = {
            "question": self.question,
            "expanded": self.expanded,
            "topics": self.topics,
        }
        return by_way[way]

    @classmethod
    def read(cls, folder: Path) -> Thresholds:
        """Those of a prepared run."""
        return cls.model_validate_json((folder / "abstention.json").read_text("utf-8"))


class _Question(NamedTuple):
    text: str
    language: Language
    found: list[Found]
    confidence: float
    """Probability that the first of them answers."""

    def told(self, reply: Reply) -> Reply:
        """The reply with what was looked at for it."""
        looked_at = tuple(one.evidence.dois for one in self.found)
        return reply.model_copy(
            update={"asked": self.text, "looked_at": looked_at, "confidence": self.confidence}
        )


class Search(NamedTuple):
    """What was found for a question, best first."""

    found: list[Found]
    confidence: float
    """Probability that the first of them answers."""
    is_enough: bool
    """Whether that is shown as an answer."""


class ResearchAssistant:
    """Answers with sentences of articles and the works that they cite, or says that it cannot."""

    def __init__(
        self,
        model: LoadedModel | None,
        finder: Finder,
        sections: Index,
        thresholds: Thresholds,
        settings: AssistantSettings,
        *,
        held: Threshold | None = None,
    ) -> None:
        self.model = model
        self.finder = finder
        self._sections, self._thresholds, self._settings = sections, thresholds, settings
        self._held = held

    def reply(
        self, question: str, history: Sequence[Message] = (), *, plain: bool = False
    ) -> Reply:
        """The sentences that answer, with their works, or the reason why none is shown.

        A question that says little ("and in children?") is asked together with the one before it.
        There is no plainer wording of what others wrote: `plain` changes nothing.
        """
        return self.replies([with_the_turn_before(question, history)])[0]

    def replies(
        self,
        questions: Sequence[str],
        *,
        way: Way | None = None,
        without: Sequence[str | None] = (),
        model_names: bool | None = None,
    ) -> list[Reply]:
        """What `reply` gives for each question; by another way, or `without` an article each.

        What is held back below a calibrated threshold is so only by the way of the settings.
        `model_names` says whether the model picks among what was found, where the settings do not.
        """
        chosen = way or self._settings.way
        by_model = self._settings.model_names if model_names is None else model_names
        left_out = without or [None] * len(questions)
        asked = [
            self._asked(question, chosen, article)
            for question, article in zip(questions, left_out, strict=True)
        ]
        good = [self._thresholds.of(chosen).answers(one.text, one.found) for one in asked]
        answered = [one for one, is_good in zip(asked, good, strict=True) if is_good]
        picked = iter(self._picked(answered, self.model if by_model else None))
        replies = [
            one.told(shown(next(picked), one.language) if is_good else self._nothing(one, chosen))
            for one, is_good in zip(asked, good, strict=True)
        ]
        return self._held.shown(replies) if self._held and way is None else replies

    def find(self, question: str) -> Search:
        """The sentences nearest to a question, and whether the first is shown for its answer."""
        asked = self._asked(question, self._settings.way, None)
        is_good = self._thresholds.of(self._settings.way).answers(question, asked.found)
        is_sure = self._held is None or asked.confidence > self._held.threshold
        return Search(asked.found, asked.confidence, is_enough=is_good and is_sure)

    def section(
        self, source: str, document_id: str, section_id: str, language: Language
    ) -> SectionEntry | None:
        """The section that a citation names, whole; None when the articles hold none."""
        return self._sections.section(source, document_id, section_id, language)

    def _asked(self, question: str, way: Way, without: str | None) -> _Question:
        language = language_of(question)
        found = self.finder.find(question, language, way, without=without)
        confidence = self._thresholds.of(way).probability(question, found)
        return _Question(question, language, found, confidence)

    def _picked(
        self, asked: Sequence[_Question], model: LoadedModel | None
    ) -> Iterator[list[Evidence]]:
        """The evidence that the model names for each question; without a model the first found."""
        shown_to = [(one.text, [found.evidence for found in one.found]) for one in asked]
        if model is None:
            yield from (evidence[:1] for _, evidence in shown_to)
            return
        names = named(model, shown_to, batch_size=self._settings.batch_size)
        for places, (_, evidence) in zip(names, shown_to, strict=True):
            yield [evidence[place] for place in places] or evidence[:1]

    def _nothing(self, asked: _Question, way: Way) -> Reply:
        return nothing(
            asked.language,
            f"the nearest sentence answers with probability {asked.confidence:.2f}, and "
            f"{self._thresholds.of(way).threshold:.2f} is asked for",
        )


def with_the_turn_before(question: str, history: Sequence[Message]) -> str:
    """The question, behind the one before it where it says too little to be looked for."""
    earlier = [turn.content for turn in history if turn.role == "user"]
    is_short = len(content_words(question)) < FEWEST_CONTENT_WORDS
    return f"{earlier[-1]} {question}" if is_short and earlier else question
