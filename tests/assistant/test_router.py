"""The learnt router: it is what its sources make, small, quick, and blind to medicines' names."""

from __future__ import annotations

import doctest
import subprocess
import sys
import time

import numpy as np
import pytest
from benchmarks.medicines.sections import held_out_questions
from scripts import make_router

from cauce.assistant import router
from cauce.assistant.router import KINDS, ROWS, blanked, features, probabilities
from cauce.assistant.routing import in_conversation, kinds_of
from cauce.knowledge.words import fold
from cauce.sources.medicines import FURTHER_KINDS
from cauce.sources.medicines import KINDS as SECTION_KINDS


def test_every_kind_is_one_that_sections_have() -> None:
    assert {*KINDS} - {"none"} <= {*SECTION_KINDS, *FURTHER_KINDS}


def test_the_table_was_made_from_the_sources_as_they_are() -> None:
    header = make_router.WEIGHTS.read_bytes().partition(b"\n")[0]
    said = header.split()[0].decode()
    assert said == make_router.digest(list(make_router.examples())), "Run scripts/make_router.py."


def test_the_table_is_small_and_whole() -> None:
    data = make_router.WEIGHTS.read_bytes()
    assert len(data) <= 500_000
    assert len(data.partition(b"\n")[2]) == ROWS * len(KINDS)


def test_learning_twice_gives_the_same_bytes_and_knows_what_it_was_taught() -> None:
    known = [example for example in make_router.examples() if example.author == "templates"]
    learnt = make_router.learn(known)
    assert make_router.table(learnt, known) == make_router.table(make_router.learn(known), known)
    rows = [features(blanked(example.question)) for example in known]
    scores = [sum(weight * learnt[row] for row, weight in found.items()) for found in rows]
    best = [KINDS[int(np.argmax(score))] for score in scores]
    assert best == [example.kinds[0] for example in known]


def test_a_stronger_penalty_leaves_smaller_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = [example for example in make_router.examples() if example.author == "templates"]
    small = float((make_router.learn(known) ** 2).sum())
    monkeypatch.setattr(make_router, "STRENGTH", make_router.STRENGTH * 10)
    assert float((make_router.learn(known) ** 2).sum()) < small


def test_no_question_that_is_scored_as_held_out_is_learnt() -> None:
    held = {row.question for row in held_out_questions()}
    learnt = {fold(example.question) for example in make_router.examples()}
    shared = len({fold(q.replace("{m}", router.MEDICINE)) for q in held} & learnt)
    assert (len(held) > 280, shared) == (True, 0)


def test_probabilities_sum_to_one_even_of_nothing() -> None:
    for text in ("", "?", "xx", "puedo conducir"):
        found = probabilities(text)
        assert list(found) == list(KINDS)
        assert sum(found.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("question", "named", "kinds"),
    [
        ("Does Oral Contraceptives have side effects?", ["oral contraceptives"], ["side_effects"]),
        ("¿Para qué sirve Thyroid?", ["thyroid"], ["use"]),
        ("How should I store Benzyl Alcohol?", ["benzyl alcohol"], ["storage"]),
        ("What is Alcohol Free Hand Sanitizer for?", ["alcohol free hand sanitizer"], ["use"]),
    ],
)
def test_words_that_name_the_medicine_tell_no_kind(
    question: str, named: list[str], kinds: list[str]
) -> None:
    assert kinds_of(question, named) == kinds


def test_a_name_is_blanked_only_as_whole_words() -> None:
    assert blanked("Iron ironing iron", ["iron"]) == "xx ironing xx"
    assert blanked("¿Ácido fólico?", ["acido folico", ""]) == "¿xx?"


@pytest.mark.parametrize(
    "text", ["", "hola", "gracias", "ibuprofeno", "¿Cuál es mejor?", "thanks!"]
)
def test_what_no_section_tells_has_no_kind(text: str) -> None:
    assert kinds_of(text) == []


def test_a_turn_passes_on_the_names_to_blank() -> None:
    turn = in_conversation("¿Y Thyroid?", ["How do I store Thyroid?"], named=["thyroid"])
    assert turn.kinds == ("storage",)


def test_a_question_takes_under_two_milliseconds() -> None:
    questions = [example.question for example in make_router.examples()][:400]
    kinds_of(questions[0])
    taken = []
    for question in questions:
        start = time.perf_counter()
        kinds_of(question)
        taken.append(time.perf_counter() - start)
    assert sorted(taken)[len(taken) // 2] < 0.002


def test_routing_needs_neither_numpy_nor_torch() -> None:
    code = (
        "import sys; from cauce.assistant.routing import kinds_of; kinds_of('dosis');"
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(router).failed == 0
