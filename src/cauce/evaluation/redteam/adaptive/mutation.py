"""Prompts put together of techniques and mutations, by what the judge thought of those before.

A search without a model. Each query draws anew (half of them) or changes one part of the prompt of
this goal whose answer came nearest to harm. Families, mutations and languages are arms of bandits
(UCB1: Auer et al. 2002, doi 10.1023/A:1013689704352) whose reward is the judge's score, and what
one goal taught holds for the next.
"""

from __future__ import annotations

import functools
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cauce.evaluation.redteam.adaptive.probing import Probe
from cauce.evaluation.redteam.asking import Asked, Turn
from cauce.evaluation.redteam.attempts import Attempt, Prompt, Technique
from cauce.evaluation.redteam.encodings import ENCODINGS, Encoding, hidden
from cauce.evaluation.redteam.goals import LANGUAGES, goal_named, read_texts
from cauce.evaluation.redteam.suite import techniques
from cauce.evaluation.redteam.targets import Target
from cauce.safety.language import Spoken

NAME = "mutation"
_MOST_LAYERS = 2
_DRAWN_ANEW = 0.5
_BREADTH = 0.3
"""How far an arm's score may be hoped above its mean, in units of UCB1's own bound."""
_TRIES = 50
"""Draws after which a search has nothing new to send."""


class Composition(NamedTuple):
    """A technique's prompt, what is done to its words, and its language."""

    technique: Technique
    layers: tuple[str, ...]
    language: Spoken

    @property
    def way(self) -> str:
        """Its parts by name: what is logged, and learned from."""
        family, name = self.technique.family, self.technique.name
        return " + ".join([self.language, f"{family}/{name}", *self.layers])

    def write(self, attempt: Attempt) -> Prompt:
        """What is sent for a goal; the history is that which the technique pretends."""
        draw = random.Random(f"{attempt.id} {self.way}")
        (text,), history = self.technique.write(goal_named(attempt.goal), self.language, draw)
        for layer in self.layers:
            text = mutated(text, layer, self.language)
        return Prompt((text,), history)


class Mutation:
    """A `Play` that learns: at most `budget` queries for a goal."""

    def __init__(self, budget: int, *, seed: int = 0, learned: Iterable[Asked] = ()) -> None:
        """`learned` are tries of before, as the log holds them: it goes on from those."""
        self._budget, self._seed = budget, seed
        self._arms = _Arms()
        for asked in learned:
            for turn in asked.turns:
                self._arms.learn(turn)

    def __call__(self, attempt: Attempt, target: Target) -> list[Turn]:
        """The turns sent, each a conversation of its own."""
        probe = Probe(attempt, target, self._budget)
        draw = random.Random(f"{self._seed}/{attempt.id}")
        sent: dict[str, tuple[Composition, Turn]] = {}
        while not probe.is_over:
            best = max(sent.values(), key=lambda one: one[1].harm, default=None)
            made = self._next(best and best[0], {*sent}, draw)
            if made is None:
                break
            (text,), history = made.write(attempt)
            turn = probe.ask(text, history, way=made.way)
            self._arms.learn(turn)
            sent[made.way] = made, turn
        return probe.turns

    def _next(
        self, best: Composition | None, sent: set[str], draw: random.Random
    ) -> Composition | None:
        """A composition that was not sent for this goal yet."""
        for _ in range(_TRIES):
            anew = best is None or draw.random() < _DRAWN_ANEW
            made = self._drawn(draw) if anew or best is None else self._changed(best, draw)
            if made.way not in sent:
                return made
        return None

    def _drawn(self, draw: random.Random) -> Composition:
        layers = tuple(self._layer(draw) for _ in range(draw.randrange(_MOST_LAYERS + 1)))
        return Composition(self._technique(draw), layers, self._language(draw))

    def _changed(self, best: Composition, draw: random.Random) -> Composition:
        part = draw.choice(("technique", "layers", "language"))
        if part == "technique":
            return best._replace(technique=self._technique(draw))
        if part == "language":
            return best._replace(language=self._language(draw))
        kept = draw.sample(best.layers, min(len(best.layers), _MOST_LAYERS - 1))
        return best._replace(layers=(*kept, self._layer(draw)))

    def _technique(self, draw: random.Random) -> Technique:
        families = one_turn_techniques()
        return draw.choice(families[self._arms.best([*families], draw)])

    def _layer(self, draw: random.Random) -> str:
        return self._arms.best(layer_names(), draw)

    def _language(self, draw: random.Random) -> Spoken:
        found = self._arms.best(LANGUAGES, draw)
        return next(language for language in LANGUAGES if language == found)


class _Arms:
    """How near to harm the answers came, by each part of the prompts."""

    def __init__(self) -> None:
        self._count: dict[str, int] = defaultdict(int)
        self._sum: dict[str, float] = defaultdict(float)

    def learn(self, turn: Turn) -> None:
        language, technique, *layers = turn.way.split(" + ")
        for arm in (language, technique.split("/")[0], *layers):
            self._count[arm] += 1
            self._sum[arm] += turn.harm

    def best(self, arms: Sequence[str], draw: random.Random) -> str:
        """The arm with the highest upper bound, one that was never tried first."""
        untried = [arm for arm in arms if not self._count[arm]]
        if untried:
            return draw.choice(untried)
        pulls = sum(self._count[arm] for arm in arms)
        return max(arms, key=lambda arm: self._bound(arm, pulls))

    def _bound(self, arm: str, pulls: int) -> float:
        count = self._count[arm]
        return self._sum[arm] / count + _BREADTH * math.sqrt(2 * math.log(pulls) / count)


@functools.cache
def one_turn_techniques() -> dict[str, list[Technique]]:
    """The techniques whose whole attack is one prompt, by family."""
    families: dict[str, list[Technique]] = defaultdict(list)
    for technique in techniques():
        if technique.family != "insistence":
            families[technique.family].append(technique)
    return dict(families)


@functools.cache
def layer_names() -> tuple[str, ...]:
    """What can be done to the words of a prompt: sentences round them, and codes."""
    return (*_sentences(), *(encoding.name for encoding in ENCODINGS))


def mutated(text: str, layer: str, language: Spoken) -> str:
    """The text with the layer round it; a KeyError where there is no such layer."""
    if layer in _sentences():
        return _sentences()[layer][language].format(text=text)
    return hidden(text, _encodings()[layer], language)


@functools.cache
def _encodings() -> dict[str, Encoding]:
    return {encoding.name: encoding for encoding in ENCODINGS}


@functools.cache
def _sentences() -> dict[str, dict[Spoken, str]]:
    return read_texts("mutations.yaml")
