"""Comparisons: same items only, paired, and a table that says what is shown and what is not."""

import pytest

from cauce.errors import DataRefused
from cauce.evaluation.compare import compare, format_table
from cauce.evaluation.evaluate import score_items
from cauce.evaluation.likelihood import ItemLikelihood
from cauce.evaluation.log import item_of
from cauce.records import Reply
from evaluation.fixtures import example

GROUPS = [f"g{i:02}" for i in range(16)]


def log(system, texts, *, nll=None, tokens=5):
    """A scored log, two items a group; `texts` are cycled."""
    asked = [
        example(f"q{i}", group=GROUPS[i // 2], completion="Tome 400 mg cada 8 horas.")
        for i in range(32)
    ]
    items = []
    for i, one in enumerate(asked):
        item = item_of(one, Reply(text=texts[i % len(texts)]), system=system, cpu_s=0)
        if nll is not None:
            figures = ItemLikelihood(
                nll=nll + i % 3, tokens=tokens, correct=3, top5=4, all_correct=False
            )
            item = item.model_copy(update={"likelihood": figures})
        items.append(item)
    return score_items(items, asked, lambda text: set())


def by_name(comparison):
    return {row.metric: row for row in comparison.metrics}


@pytest.fixture
def better():
    bad = log("base", ["Tome 900 mg hoy.", "Tome 400 mg.", "No sé."], nll=9)
    good = log("tuned", ["Tome 400 mg cada 8 horas.", "Tome 400 mg cada día."], nll=4)
    return compare(bad, good, draws=500)


def test_an_improvement_is_found_with_its_interval(better):
    row = by_name(better)["rougeL"]
    assert (better.items, better.groups) == (32, 16)
    assert row.a < row.b
    assert row.difference == pytest.approx(row.b - row.a)
    assert 0 < row.low < row.difference < row.high
    assert row.p < 0.01
    assert row.verdict == "better"
    assert row.detectable > 0
    assert row.signature


def test_a_lower_perplexity_is_better(better):
    row = by_name(better)["perplexity"]
    assert row.b < row.a
    assert row.high < 0
    assert (row.better, row.verdict) == ("lower", "better")


def test_fewer_unsupported_numbers_are_better(better):
    row = by_name(better)["unsupported_numbers"]
    assert row.difference == pytest.approx(-11 / 32)
    assert row.mcnemar_p == pytest.approx(2 / 2**11)
    assert row.verdict == "better"


def test_a_system_compared_with_itself_shows_no_difference():
    same = log("base", ["Tome 400 mg.", "No sé."], nll=4)
    comparison = compare(same, same, draws=200)
    assert comparison.flipped == ()
    assert {row.verdict for row in comparison.metrics} == {"no difference shown"}
    assert {row.p for row in comparison.metrics} == {1.0}
    unchanged = by_name(comparison)["exact"]
    assert unchanged.low == -unchanged.high < -0.1


def test_swapping_the_systems_mirrors_the_differences():
    a, b = log("a", ["Tome 400 mg.", "No sé."]), log("b", ["Tome 400 mg cada 8 horas.", "Sí."])
    there, back = by_name(compare(a, b)), by_name(compare(b, a))
    for metric, row in there.items():
        other = back[metric]
        assert row.difference == pytest.approx(-other.difference)
        assert row.p == other.p
        assert (row.low, row.high) == pytest.approx(
            (-other.high, -other.low), abs=0.02 * abs(row.a) + 0.02
        )


def test_flipped_items_come_with_both_answers(better):
    flips = {flip.id: flip for flip in better.flipped}
    assert "exact" in flips["q0"].changed
    assert flips["q0"].answer_a == "Tome 900 mg hoy."
    assert flips["q0"].answer_b == "Tome 400 mg cada 8 horas."
    changes = [abs(f.scores_b["rougeL"] - f.scores_a["rougeL"]) for f in better.flipped]
    assert changes == sorted(changes, reverse=True)


def test_items_of_one_log_only_are_named_and_left_out():
    a, b = log("a", ["Sí."]), log("b", ["No."])
    comparison = compare(a[1:], b[:-1])
    assert comparison.items == 30
    assert (comparison.only_in_a, comparison.only_in_b) == (("q31",), ("q0",))
    table = format_table(comparison)
    assert "1 items lack in b: q31" in table
    assert "1 items lack in a: q0" in table


def test_metrics_of_different_tokenizers_are_not_compared():
    comparison = compare(log("a", ["Sí."], nll=5), log("b", ["Sí."], nll=5, tokens=7))
    assert "perplexity" not in by_name(comparison)
    assert "different tokens" in format_table(comparison)


@pytest.mark.parametrize(
    ("field", "named"), [("prompt_sha256", "prompt"), ("reference_sha256", "reference")]
)
def test_another_prompt_or_reference_is_refused(field, named):
    a, b = log("a", ["Sí."]), log("b", ["Sí."])
    b[3] = b[3].model_copy(update={field: "0" * 64})
    with pytest.raises(DataRefused, match=f"'q3' has another {named}.*\n.*same prepared data"):
        compare(a, b)


def test_logs_without_a_shared_item_are_refused():
    a, b = log("a", ["Sí."]), log("b", ["Sí."])
    with pytest.raises(DataRefused, match=r"4 and 5 items, 0 in common"):
        compare(a[:4], b[4:9])


def test_the_table_fits_a_terminal_and_says_the_verdict(better):
    table = format_table(better)
    lines = table.splitlines()
    assert lines[0].startswith("base -> tuned: 32 items in 16 groups")
    assert max(map(len, lines)) <= 116
    row = next(line for line in lines if line.startswith("rougeL "))
    assert row.endswith("better")
    assert "not corrected" in lines[-1]
