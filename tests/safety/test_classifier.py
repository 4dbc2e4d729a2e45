"""The small classifier: it learns, keeps what it learnt to the bit, and hears what rules found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scripts.train_classifier import Labelled, train

from cauce.safety.classifier import Classifier, _remembered, features

GREETINGS = ["hola, buenos días", "buenas tardes a todos", "hola, ¿qué tal?", "muy buenas noches"]
QUESTIONS = ["¿cuánto tomo de esto?", "¿puedo tomarlo con leche?", "¿y si olvido tomarlo?"]
KNOWN = [Labelled(text, "greeting") for text in GREETINGS] + [
    Labelled(text, "question") for text in QUESTIONS
]


@pytest.fixture(scope="module")
def learnt() -> Classifier:
    return train(KNOWN, rows=1 << 10)


def test_what_was_not_seen_is_told(learnt: Classifier) -> None:
    assert learnt.labels == ("greeting", "question")
    found = learnt.probabilities("Hola a todos, buenas")
    assert found["greeting"] > 0.6
    assert sum(found.values()) == pytest.approx(1)
    assert learnt.probabilities("¿puedo olvidar tomarlo?")["question"] > 0.6


def test_accents_capitals_and_numbers_change_nothing(learnt: Classifier) -> None:
    plain = learnt.probabilities("cuanto tomo de esto? 12")
    assert learnt.probabilities("CUÁNTO tomo de esto? 7") == plain


def test_the_file_gives_the_same_probabilities(learnt: Classifier, tmp_path: Path) -> None:
    learnt.save(tmp_path / "table.bin")
    read = Classifier.read(tmp_path / "table.bin")
    assert read.probabilities("hola") == learnt.probabilities("hola")
    again = train(KNOWN, rows=1 << 10)
    again.save(tmp_path / "again.bin")
    assert (tmp_path / "again.bin").read_bytes() == (tmp_path / "table.bin").read_bytes()


def test_a_cue_that_rules_found_decides() -> None:
    known = [Labelled("lo mismo", label, (label,)) for label in ("no", "yes") for _ in range(5)]
    told = train(known, rows=1 << 10)
    assert told.probabilities("lo mismo", ["yes"])["yes"] > 0.8
    assert told.probabilities("lo mismo", ["no"])["yes"] < 0.2
    assert told.probabilities("lo mismo")["yes"] == pytest.approx(0.5, abs=0.05)


def test_long_strings_are_not_remembered() -> None:
    kept = _remembered.cache_info().currsize
    features("a" * 10_000, rows=1 << 10)
    assert _remembered.cache_info().currsize == kept


@pytest.mark.parametrize("text", ["", " \n", "🙂", "a", "Claro \ud83d"])
def test_any_text_has_features(text: str) -> None:
    rows, weights = features(text, rows=1 << 10)
    assert len(rows) == len(set(rows.tolist())) == len(weights) > 0
    assert np.linalg.norm(weights) == pytest.approx(1)
