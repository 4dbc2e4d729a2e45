"""`Assistant.reply`: resolve the medicine, find the section, write, check, cite; or say why not."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

from cauce.assistant.answers import Plan, Question, merge
from cauce.assistant.holding import Threshold
from cauce.assistant.settings import AssistantSettings
from cauce.assistant.understanding import Understanding
from cauce.assistant.writing import Writer
from cauce.errors import NotFound
from cauce.knowledge.names.resolver import NameResolver
from cauce.knowledge.sections.index import Index
from cauce.knowledge.sections.store import SectionEntry, SectionStore
from cauce.models.loading import LoadedModel
from cauce.models.tuned import load_model_of
from cauce.models.upstream import ChatModel
from cauce.records import Language, Measurements, Message, Reply, Spoken
from cauce.runs import Run
from cauce.twin.summary.recorded import Summary


class Assistant:
    """A model that may only say what a section of the record says; without one, sections speak."""

    def __init__(
        self,
        model: ChatModel | None,
        store: SectionStore,
        settings: AssistantSettings,
        *,
        max_tokens: int = 512,
        threshold: Threshold | None = None,
    ) -> None:
        self.model = model if isinstance(model, LoadedModel) else None
        """The model that writes, where its weights are here."""
        self.store = store
        self._threshold = threshold
        self.resolver = NameResolver.of_index(store)
        self._understanding = Understanding(store, self.resolver, settings)
        self._writer = Writer(model, settings, self.resolver.medicines_of, max_tokens=max_tokens)

    @classmethod
    def load(cls, run: Run, *, model: ChatModel | None = None) -> Assistant:
        """The assistant of a run: its tuned model over its index; untrained, its index alone.

        `model` writes in place of the run's, or is it where it is loaded already. Raises NotFound
        for a run without an index: one of plain text or of pairs.
        """
        from cauce.recipe import load_recipe

        index = run.path / "prepare" / "index.sqlite"
        if not index.is_file():
            raise NotFound(
                f"{run.path} has no index of sections, out of which an assistant answers.\n"
                "Prepare it with: cauce prepare RECIPE, whose corpus.kind is questions."
            )
        recipe = load_recipe(run.path / "recipe.yaml")
        return cls(
            model or load_model_of(run, recipe.assistant.remedy),
            Index(index),
            recipe.assistant,
            max_tokens=recipe.model.max_tokens,
            threshold=Threshold.read(run),
        )

    def with_record(
        self, summaries: Mapping[Spoken, Summary], series: Measurements, share: float
    ) -> Assistant:
        """The same assistant, whose model reads a person's record in that share of its prompt."""
        other = copy.copy(self)
        other._writer = self._writer.with_record(summaries, series, share)
        return other

    def reply(
        self, question: str, history: Sequence[Message] = (), *, plain: bool = False
    ) -> Reply:
        """The answer with its citations, or the reason why none is given; `plain` in easy words.

        What the question leaves out, its medicine or its subject, is taken from the user's earlier
        turns in `history`: "¿Y el paracetamol?", "and in pregnancy?".
        """
        write = self._writer.answer_plainly if plain else self.answer
        return self._carried_out([self._understanding.plan(question, history)], write)[0]

    def replies(self, questions: Sequence[str]) -> list[Reply]:
        """What `reply` gives for each question, generated in batches."""
        plans = [self._understanding.plan(question, ()) for question in questions]
        return self._carried_out(plans, self.answer)

    def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """One reply to each question whose evidence is known, generated in batches."""
        return self._writer.answer(questions)

    def _carried_out(
        self,
        plans: Sequence[Plan | Reply],
        write: Callable[[Sequence[Question]], list[Reply]],
    ) -> list[Reply]:
        replies = _carry_out(plans, write)
        return self._threshold.shown(replies) if self._threshold else replies

    def section(
        self, source: str, document_id: str, section_id: str, language: Language
    ) -> SectionEntry | None:
        """The section that a citation names, whole; None when the store holds none."""
        return self.store.section(source, document_id, section_id, language)


def _carry_out(
    plans: Sequence[Plan | Reply], write: Callable[[Sequence[Question]], list[Reply]]
) -> list[Reply]:
    """A reply to each plan, all their questions written together."""
    questions = [
        question for plan in plans if isinstance(plan, Plan) for question in plan.questions
    ]
    answers = iter(write(questions))
    return [
        merge([next(answers) for _ in plan.questions], plan.remarks).model_copy(
            update={"confidence": plan.confidence}
        )
        if isinstance(plan, Plan)
        else plan
        for plan in plans
    ]
