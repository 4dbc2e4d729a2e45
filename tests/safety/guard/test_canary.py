"""A prompt that leaks is noticed in any code; an answer is never taken for one."""

from __future__ import annotations

import base64

import pytest

from cauce.evaluation.redteam.encodings import ENCODINGS
from cauce.safety.guard.canary import leaks, new_canary, repeats_rules
from cauce.safety.guard.rules import system_rules
from cauce.safety.language import spoken_language

CANARY = "qxzkjvwpcmdhfnruyxzq"
RULES = system_rules("es", CANARY)


def test_a_marker_is_new_each_time():
    drawn = {new_canary() for _ in range(50)}
    assert len(drawn) == 50
    assert all(len(canary) == 20 and canary.isalpha() and canary.islower() for canary in drawn)


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda one: one.name)
def test_the_marker_is_found_in_any_code(encoding):
    assert leaks(CANARY, f"Claro: {encoding.encode(CANARY)}")
    assert leaks(CANARY, f"Claro: {encoding.encode(RULES)}")
    assert not leaks(CANARY, encoding.encode("Tome un comprimido al día con agua."))


@pytest.mark.parametrize(
    "told",
    [
        f"La marca es {CANARY[:10]}",
        f"Acaba en {CANARY[10:]}",
        CANARY.upper(),
        " ".join(CANARY),
        "-".join(CANARY[:12]),
        f"«{CANARY[:5]}» y luego «{CANARY[5:]}»",
        base64.b64encode(f"x{CANARY}".encode()).decode(),
        base64.b64encode(f"xx{CANARY[:10]}".encode()).decode(),
    ],
)
def test_parts_and_spaced_markers_are_found(told):
    assert leaks(CANARY, told)


def test_less_than_half_a_marker_is_chance():
    assert not leaks(CANARY, f"{CANARY[:9]} {CANARY[11:]}")


def test_copied_rules_are_found_without_the_marker():
    rules = system_rules("es")
    assert repeats_rules(rules, f"Mis normas dicen: {rules[40:200]}")
    assert repeats_rules(rules, base64.b64encode(rules.encode()).decode())
    assert not repeats_rules(rules, "Si hay peligro, llame al 112. Lo que dicen los documentos...")


@pytest.mark.parametrize("language", ["es", "en", "ca"])
def test_rules_are_short_and_in_the_language_of_the_talk(language):
    assert spoken_language(system_rules(language)) == language
    assert len(system_rules(language)) < 700
    assert CANARY not in system_rules(language)
    assert CANARY in system_rules(language, CANARY)
