from __future__ import annotations

from typing import Any

from cauce.evaluation.evaluate import summarise
from cauce.evaluation.log import Item, Score, item_of
from cauce.evaluation.metrics import SIGNATURES, better_direction
from cauce.evaluation.scorers import ClaimsScorer
from cauce.evaluation.tasks.task import Task
from cauce.records import Citation, Example, Reply
from evaluation.fixtures import example

ASKED = example("1")
"""Its evidence says: Tome 400 mg cada 8 horas."""


def item(answer: str, **changes: Any) -> Item:
    return item_of(ASKED, Reply(text=answer, language="es", **changes), system="s", cpu_s=0)


def scores(answer: str, asked: Example = ASKED, **changes: Any) -> dict[str, Score]:
    return ClaimsScorer().score(item(answer, **changes), asked)


def test_claims_are_scored_against_the_evidence_of_the_example() -> None:
    found = scores("Tome 400 mg cada 8 horas. Tome 800 mg cada 8 horas. Tiene buen sabor.")
    assert found["supported_claims"].value == 1 / 3
    assert found["contradicted_claims"].value == 1 / 3
    assert found["fails_numbers"].value == 1 / 3
    assert found["fails_wording"].value == 1 / 3
    assert found["fails_route"].value == 0
    said = found["supported_claims"].explanation
    assert "Tome 800 mg cada 8 horas. (numbers: " in said
    assert "Tiene buen sabor. (wording: " in said


def test_what_an_answer_cites_is_its_evidence() -> None:
    cited = Citation(source="s", id="2", version="1", section="x", quote="Tiene buen sabor.")
    assert scores("Tiene buen sabor.", citations=(cited,))["supported_claims"].value == 1


def test_the_lines_that_print_works_claim_nothing() -> None:
    cited = Citation(source="s", id="2", version="1", section="x", quote="Rest helps.")
    text = "Rest helps.\n→ A. Smith et al. On rest. 2001. https://doi.org/10.1/x"
    assert scores(text, citations=(cited,))["supported_claims"].value == 1


def test_what_cannot_be_judged_has_no_value() -> None:
    bare = ASKED.model_copy(update={"evidence": ASKED.evidence.model_copy(update={"quote": ""})})
    assert scores("Tome 400 mg.", bare)["supported_claims"] == Score(
        explanation="no evidence to compare with"
    )
    assert scores("")["supported_claims"] == Score(explanation="nothing is claimed")
    assert scores("No lo sé.", abstained=True) == {}


def test_a_task_names_it_and_every_metric_is_described() -> None:
    task = Task.model_validate(
        {
            "task": "t",
            "dataset": {"kind": "inline", "items": [{"question": "q", "answer": "a"}]},
            "scorers": [{"kind": "claims"}],
        }
    )
    assert task.scorers == (ClaimsScorer(),)
    found = scores("Tome 800 mg cada 8 horas.")
    assert set(found) <= set(SIGNATURES)
    assert better_direction("supported_claims") == "higher"
    assert {better_direction(name) for name in set(found) - {"supported_claims"}} == {"lower"}
    logged = item("x").model_copy(update={"scores": found})
    assert summarise([logged], draws=100, seed=0)["contradicted_claims"]["value"] == 1
