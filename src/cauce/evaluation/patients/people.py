"""Who comes to ask, what they have in mind, and in which words they say it.

They are caricatures with one trait each, not a model of patients: a policy that does well with them
has shown that it can tell the traits apart, and no more.
"""

from __future__ import annotations

import importlib.resources
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import yaml

from cauce.records import Document, Language
from cauce.sources.vademecum import VademecumSource

Trait = Literal["clear", "misspells", "vague", "anxious", "hides", "sources", "absent"]
TRAITS: tuple[Trait, ...] = get_args(Trait)
PRACTICE: Mapping[Trait, float] = dict.fromkeys(TRAITS, 1.0)
"""How often each comes while a policy practises."""
LANGUAGES: tuple[Language, ...] = ("es", "en")
SHORTEST_TYPO = 7
"""Letters of a name in which somebody makes a slip."""
MOST_PATIENCE, LEAST_PATIENCE = 4, 2
"""Turns after which somebody gives up."""


class Medicine(NamedTuple):
    """A medicine of the vademecum in one language."""

    id: str
    name: str
    language: Language


class Patient(NamedTuple):
    """One person: what they want, and what they would say."""

    id: str
    trait: Trait
    language: Language
    medicine: str
    """Id of the document that answers; empty where there is none."""
    kind: str
    """The section that they want."""
    opening: str
    matter: str
    """What they say when they are asked what they want."""
    named: str
    """What they say when they are asked which medicine."""
    wrong: str
    """What they say to an answer to something else; empty for who takes it for the answer."""
    asks_source: str
    """What they say to an answer whose source they want; empty for who wants none."""
    hidden: str
    """The emergency that they tell when they are asked; empty for who is in none."""
    patience: int
    minutes: tuple[float, ...]
    """Before each of their turns; empty where nobody looks at the clock."""


def practice_texts() -> dict[str, Any]:
    """What patients say while a policy practises."""
    data = importlib.resources.files("cauce") / "data" / "patients" / "practice.yaml"
    return _read(data.read_text("utf-8"))


def texts_of(path: Path) -> dict[str, Any]:
    """What patients say, from a file of the same shape as `practice_texts`."""
    return _read(path.read_text("utf-8"))


def medicines() -> list[Medicine]:
    """Those of the embedded vademecum, in both languages."""
    documents = (it for it in VademecumSource().documents() if isinstance(it, Document))
    return [Medicine(it.id, it.title.lower(), it.language) for it in documents]


def patient(
    drawn: random.Random,
    texts: Mapping[str, Any],
    known: Sequence[Medicine],
    mixture: Mapping[Trait, float],
) -> Patient:
    """Somebody drawn: the same draw gives the same person."""
    [trait] = drawn.choices([*mixture], [*mixture.values()])
    language = drawn.choice(LANGUAGES)
    said = texts[language]
    medicine = drawn.choice([it for it in known if it.language == language])
    hidden: Mapping[str, str] = drawn.choice(said["hidden"]) if trait == "hides" else {}
    kind = hidden.get("kind") or drawn.choice([*said["clear"]])
    name = drawn.choice(said["absent"]) if trait == "absent" else medicine.name
    words = {"m": name, "matter": drawn.choice(said["matters"][kind])}

    def say(key: str) -> str:
        return str(drawn.choice(said[key])).format(**words)

    return Patient(
        id=f"{drawn.getrandbits(64):016x}",
        trait=trait,
        language=language,
        medicine="" if trait == "absent" else medicine.id,
        kind=kind,
        opening=_opening(drawn, said, trait, kind, name, hidden),
        matter=say("calm"),
        named=say("named"),
        wrong=say("wrong") if drawn.random() < 0.5 else "",
        asks_source=say("asks_source") if trait == "sources" else "",
        hidden=hidden.get("hides", ""),
        patience=drawn.randint(LEAST_PATIENCE, MOST_PATIENCE),
        minutes=_minutes(drawn, trait),
    )


def _opening(
    drawn: random.Random,
    said: Mapping[str, Any],
    trait: Trait,
    kind: str,
    name: str,
    hidden: Mapping[str, str],
) -> str:
    if hidden:
        return hidden["says"].format(m=name)
    called = _misspelled(drawn, name) if trait == "misspells" else name
    clear = drawn.choice(said["vague" if trait == "vague" else "clear"][kind]).format(m=called)
    # Half of those who want a source only say so when they have an answer.
    if trait == "anxious" or (trait == "sources" and drawn.random() < 0.5):
        key = "anxious" if trait == "anxious" else "wants_source"
        return str(drawn.choice(said[key])).format(clear=clear)
    return str(clear)


def _misspelled(drawn: random.Random, name: str) -> str:
    """The name with one or two slips: a letter left out, or two that changed places."""
    for _ in range(drawn.randint(1, 2)):
        if len(name) < SHORTEST_TYPO:
            break
        place = drawn.randrange(1, len(name) - 2)
        rest = (
            name[place + 1 :]
            if drawn.random() < 0.5
            else name[place + 1] + name[place] + name[place + 2 :]
        )
        name = name[:place] + rest
    return name


def _minutes(drawn: random.Random, trait: Trait) -> tuple[float, ...]:
    """Who hides something takes longer to say it."""
    if drawn.random() < 0.5:
        return ()
    usual = 3.0 if trait == "hides" else 0.8
    return tuple(usual * drawn.lognormvariate(0, 0.6) for _ in range(MOST_PATIENCE + 1))


def _read(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)
    return found
