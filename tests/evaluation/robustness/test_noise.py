"""Noise in a question: repeatable, stronger and stronger, never in a number or a kept name."""

import re

import pytest

from cauce.evaluation.robustness.noise import NOISES, STRENGTHS, perturb
from cauce.knowledge.words import fold

QUESTION = (
    "¿Qué dosis de Ibuprofeno puedo tomar mañana con agua, 2,5 mg o 1.000 mg, y cuándo vuelvo a"
    " hacer vida normal?"
)


@pytest.mark.parametrize("noise", NOISES)
def test_it_is_the_same_for_the_same_seed_and_another_for_another(noise):
    assert perturb(QUESTION, noise, "medium") == perturb(QUESTION, noise, "medium")
    texts = {perturb(QUESTION, noise, "medium", seed=seed) for seed in range(8)}
    assert len(texts) > 1
    assert QUESTION not in texts


@pytest.mark.parametrize("noise", NOISES)
def test_a_stronger_noise_strikes_more_places(noise):
    def struck(strength):
        words = QUESTION.split(" ")
        noisy = perturb(QUESTION, noise, strength).split(" ")
        return len({*words} - {*noisy})

    counts = [struck(strength) for strength in STRENGTHS]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("strength", STRENGTHS)
def test_numbers_and_kept_names_stay(noise, strength):
    for seed in range(5):
        noisy = perturb(QUESTION, noise, strength, seed=seed, kept=frozenset(["ibuprofeno"]))
        assert re.search(r"(?<![^\W_])Ibuprofeno(?![^\W_])", noisy)
        assert "2,5" in noisy
        assert "1.000" in noisy


def test_names_are_struck_where_they_are_not_kept():
    texts = {perturb("Ibuprofeno", "typos", "light", seed=seed) for seed in range(20)}
    assert "Ibuprofeno" not in texts
    assert len(texts) > 5


def test_what_each_noise_does():
    assert perturb("¿Cuándo mañana, según pingüino?", "accents", "heavy") == (
        "¿Cuando manana, segun pinguino?"
    )
    assert perturb("¿Qué tal? Bien.", "punctuation", "heavy") == "qué tal Bien"
    assert perturb("también porque hago", "sms", "heavy") == "tb xq ago"
    assert perturb("and you are here", "sms", "heavy") == "n u r ere"
    assert perturb("la noche y la leche", "catalan", "heavy") == "la nit i la llet"
    assert fold(perturb("vino blanco", "old hands", "heavy")) in {
        fold(f"{one} {two}") for one in ("vino", "bino") for two in ("blanco", "vlanco")
    }


def test_catalan_does_not_strike_other_languages():
    assert perturb("What can I take with milk?", "catalan", "heavy") == "What can I take with milk?"
