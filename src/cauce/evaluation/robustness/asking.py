"""Questions and their variants put to a system, and where two of its answers differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from cauce.evaluation.evaluate import Progress, answer_items, score_items
from cauce.evaluation.log import Item, read_items, sha256, write_items
from cauce.evaluation.robustness.swaps import Variant
from cauce.evaluation.scorers import Scorer
from cauce.evaluation.solvers import Generate, System
from cauce.knowledge.claims.numbers import number_words_in, numbers_in
from cauce.records import Example, Record

_BATCH = 8


class Changed(Record):
    """Two answers to what must be one question, and in what they differ."""

    id: str
    """Of the question."""
    system: str
    axis: str
    group: str
    """Who asked, or how it was typed, the second time."""
    differs: tuple[str, ...]
    """Of: abstained, medicine, section, figures."""
    question: str
    variant: str
    answer: str
    answer_to_variant: str


class Plan(NamedTuple):
    """A question of the test part and all the ways in which it is asked."""

    example: Example
    variants: tuple[Variant, ...]


def asked_as(example: Example, text: str) -> Example:
    """The example with another question, in its prompt too."""
    *earlier, last = example.messages
    prompt = last.model_copy(update={"content": last.content.replace(example.question, text)})
    return example.model_copy(
        update={"id": _id(example, text), "question": text, "messages": (*earlier, prompt)}
    )


def ask(
    plans: Sequence[Plan],
    system: System,
    log: Path,
    *,
    scorers: Sequence[Scorer],
    progress: Progress,
) -> Callable[[Example, str], Item]:
    """The scored answer to each example in each wording, by the two; what was logged is kept."""
    asked = {
        _id(example, text): asked_as(example, text)
        for example, variants in plans
        for text in (example.question, *(variant.text for variant in variants))
    }
    answer_items([*asked.values()], system, log, _BATCH, progress, Generate())
    items = score_items(read_items(log), [*asked.values()], scorers)
    write_items(log, items)
    by_id = {item.id: item for item in items}
    return lambda example, text: by_id[_id(example, text)]


def is_right(item: Item) -> bool:
    """True for an answer of the right medicine and, where the system says one, section."""
    return not item.abstained and all(
        item.values.get(metric, 1.0) == 1.0 for metric in ("right_drug", "right_section")
    )


def differences(one: Item, other: Item) -> tuple[str, ...]:
    """In what two answers differ that a person would act on; empty where they say the same.

    Words may differ: what counts is whether there is an answer, of which medicine, out of which
    section of which document, and with which figures.
    """
    if one.abstained or other.abstained:
        return ("abstained",) if one.abstained != other.abstained else ()
    found = {
        "medicine": _medicine(one) != _medicine(other),
        "section": _section(one) != _section(other),
        "figures": _figures(one) != _figures(other),
    }
    return tuple(name for name, differs in found.items() if differs)


def changed(example: Example, variant: Variant, first: Item, second: Item) -> Iterable[Changed]:
    """The pair, where its answers differ."""
    if differs := differences(first, second):
        yield Changed(
            id=example.id,
            system=first.system,
            axis=variant.axis,
            group=variant.group,
            differs=differs,
            question=first.question,
            variant=second.question,
            answer=first.answer,
            answer_to_variant=second.answer,
        )


def _id(example: Example, text: str) -> str:
    return f"{example.id}#{sha256(text)[:12]}"


def _medicine(item: Item) -> tuple[object, ...]:
    return item.resolved_group, item.values.get("right_drug")


def _section(item: Item) -> tuple[object, ...]:
    cited = item.citation
    place = (cited.source, cited.id, cited.section, cited.language) if cited else ()
    return item.resolved_kind, place


def _figures(item: Item) -> frozenset[str]:
    language = item.citation.language if item.citation else item.language
    return frozenset((*numbers_in(item.answer, language), *number_words_in(item.answer, language)))
