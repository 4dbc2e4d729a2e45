from __future__ import annotations

import doctest

import pytest

from cauce.knowledge.claims import verdicts
from cauce.knowledge.claims.verdicts import check_claims

EVIDENCE = [
    "Adults: 400 mg every 8 hours. Children: 200 mg. Store below 25 °C.",
    "Do not freeze. The study enrolled 120 patients. Mortality was not different between the arms.",
]
PLAZOS = ["El recurso se presenta en 20 días hábiles. No cabe prórroga. La tasa es de 35 euros."]


@pytest.mark.parametrize(
    ("claim", "verdict", "check"),
    [
        ("Adults: 400 mg every 8 hours.", "supported", None),
        ("Adults: 0.4 g every 8 hours.", "supported", None),
        ("The study enrolled 120 patients.", "supported", None),
        ("Adults: 4000 mg every 8 hours.", "contradicted", "numbers"),
        ("Adults: 400 g every 8 hours.", "contradicted", "units"),
        ("Adults: 400 mg every 6 hours.", "contradicted", "frequency"),
        ("Children: 400 mg.", "contradicted", "numbers"),
        ("The study enrolled 1200 patients.", "contradicted", "numbers"),
        ("Freeze.", "contradicted", "negation"),
        ("Do not store below 25 °C.", "contradicted", "negation"),
        ("Mortality was different between the arms.", "contradicted", "negation"),
        ("It lowers the fever.", "not shown", "wording"),
        ("It costs 12 euros.", "not shown", "numbers"),
    ],
)
def test_the_verdict_on_a_claim(claim: str, verdict: str, check: str | None) -> None:
    [found] = check_claims(claim, EVIDENCE)
    assert found.verdict == verdict
    assert (check in found.checks) if check else found.checks == ()


def test_any_text_with_evidence_is_checked() -> None:
    answer = "La tasa es de 35 euros. El recurso se presenta en 30 días hábiles. Cabe prórroga."
    found = [claim.verdict for claim in check_claims(answer, PLAZOS, "es")]
    assert found == ["supported", "contradicted", "contradicted"]


def test_scores_rise_with_what_the_evidence_says() -> None:
    claims = "Children: 400 mg. Frogs sing. Store dry below 25 °C. Store below 25 °C."
    scores = [claim.score for claim in check_claims(claims, EVIDENCE)]
    assert scores[0] == scores[1] == 0
    assert 0 < scores[2] < scores[3] == 1


def test_a_medicine_that_the_evidence_does_not_name_is_not_shown() -> None:
    def medicines(text: str) -> set[str]:
        return {name for name in ("ibuprofen", "codeine") if name in text.lower()}

    said = "Ibuprofen: Store below 25 °C."
    [own] = check_claims(said, EVIDENCE, title="Ibuprofen", medicines_of=medicines)
    [other] = check_claims(
        said.replace("Ibuprofen", "Codeine"), EVIDENCE, title="Ibuprofen", medicines_of=medicines
    )
    assert own.verdict == "supported"
    assert (other.verdict, "medicines" in other.checks) == ("not shown", True)


def test_without_evidence_or_words_nothing_is_shown() -> None:
    [claim] = check_claims("Take 400 mg.", [])
    assert (claim.verdict, claim.score) == ("not shown", 0)
    assert check_claims("…", EVIDENCE) == []


def test_the_example_in_the_docstring() -> None:
    assert doctest.testmod(verdicts).failed == 0
