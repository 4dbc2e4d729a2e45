"""Comparisons: same items only, paired, and a table that says what is shown and what is not."""

import gc
import re

import pytest

from cauce.errors import DataRefused
from cauce.evaluation.compare import Log, compare, compare_all, read_logs
from cauce.evaluation.comparison import Cost, primary_metrics
from cauce.evaluation.comparison_table import format_flips, format_table
from cauce.evaluation.evaluate import score_items
from cauce.evaluation.forest import forest_rows, format_forest, in_encoding
from cauce.evaluation.likelihood import ItemLikelihood
from cauce.evaluation.log import item_of, write_items
from cauce.evaluation.scorers import FactsScorer, TextScorer
from cauce.evaluation.significance import holm, sign_flip_p
from cauce.evaluation.statistics import paired_bootstrap
from cauce.records import Reply
from cauce.runs import write_json
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
    return score_items(items, asked, [TextScorer(), FactsScorer(lambda text: set())])


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
    table = format_table([comparison])
    assert "1 items lack in b: q31" in table
    assert "1 items lack in a: q0" in table


def test_metrics_of_different_tokenizers_are_not_compared():
    comparison = compare(log("a", ["Sí."], nll=5), log("b", ["Sí."], nll=5, tokens=7))
    assert "perplexity" not in by_name(comparison)
    assert "different tokens" in format_table([comparison])


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


def test_intervals_are_those_of_the_items_that_have_the_metric():
    a, b = (
        log("a", ["Tome 400 mg.", "No sé."], nll=9),
        log("b", ["Tome 400 mg cada 8 horas."], nll=4),
    )
    for i in (0, 1, 7):
        scores = {name: one for name, one in a[i].scores.items() if name != "rougeL"}
        a[i] = a[i].model_copy(update={"scores": scores})
    found = by_name(compare(a, b, draws=300, seed=3))
    for name, kept in (("rougeL", set(range(32)) - {0, 1, 7}), ("chrf", set(range(32)))):
        values = [[log_[i].values[name] for i in sorted(kept)] for log_ in (a, b)]
        groups = [a[i].group for i in sorted(kept)]
        alone = paired_bootstrap(*values, groups, draws=300, seed=3)
        row = found[name]
        assert (row.low, row.high, row.n) == (
            pytest.approx(alone.low),
            pytest.approx(alone.high),
            len(kept),
        )
        differences = [after - before for before, after in zip(*values, strict=True)]
        assert row.p == pytest.approx(sign_flip_p(differences, groups, seed=3))
    assert found["loss"].difference == pytest.approx(-1.0)


def test_primary_metrics_are_one_of_each_kind_and_whatever_else_is_scored():
    names = ["rouge1", "rougeL", "rougeL_stem", "bleu", "exact", "answer_words", "loss"]
    assert primary_metrics(names) == ["rougeL", "exact", "loss"]
    assert primary_metrics(["perplexity", "bits_per_byte", "bleu"]) == ["bits_per_byte", "bleu"]
    assert primary_metrics(["right_choice_per_byte", "right_choice", "my_score"]) == [
        "right_choice",
        "my_score",
    ]


def several():
    """One base and three systems: two better, one the same."""
    good = ["Tome 400 mg cada 8 horas."]
    return [
        Log("base", log("base", ["No sé.", "Tome 400 mg."]), 900.0),
        Log("small", log("small", [*good, "No sé."]), 450.0),
        Log("large", log("large", good), None),
        Log("twin", log("twin", ["No sé.", "Tome 400 mg."])),
    ]


def test_the_correction_is_over_all_systems_of_the_table():
    comparisons = compare_all(several(), draws=200)
    assert [(one.a, one.b) for one in comparisons] == [
        ("base", "small"),
        ("base", "large"),
        ("base", "twin"),
    ]
    tested = [row for one in comparisons for row in one.metrics if row.is_primary]
    assert [row.p_holm for row in tested] == holm([row.p for row in tested])
    alone = by_name(compare_all(several()[:2], draws=200)[0])["rougeL"]
    assert by_name(comparisons[0])["rougeL"].p_holm > alone.p_holm > alone.p


def test_an_interval_without_zero_claims_nothing_where_the_correction_does_not_hold(better):
    row = by_name(better)["rougeL"]
    assert (row.p_holm < 0.05, row.verdict) == (True, "better")
    assert row.model_copy(update={"p_holm": 0.06}).verdict == "unclear"


def test_costs_are_seconds_an_answer_and_memory():
    first, *_ = several()
    timed = [item.model_copy(update={"answer_cpu_s": 0.5}) for item in first.items]
    (found,) = compare_all([first, Log("timed", timed)], draws=200)
    assert found.costs == (
        Cost(name="cpu_s", a=None, b=0.5),
        Cost(name="peak_mb", a=900.0, b=None),
    )
    table = format_table([found])
    assert re.search(r"CPU s an answer +not measured +0.500", table)
    assert compare(log("a", ["Sí."]), log("b", ["No."]), draws=200).costs == ()


def test_logs_are_called_by_their_system_or_as_they_were_asked_for(tmp_path):
    for folder in ("one", "two"):
        write_items(tmp_path / folder / "tuned.jsonl", log("tuned", ["Sí."]))
    write_items(tmp_path / "one" / "base.jsonl", log("base", ["No."]))
    write_json(tmp_path / "one" / "scores.json", {"systems": {"tuned": {"peak_mb": 70}}})
    base, tuned, other = (tmp_path / name for name in ("one/base", "one/tuned", "two/tuned"))
    found = read_logs([(f"x:{path.stem}", path.with_suffix(".jsonl")) for path in (base, tuned)])
    assert [(log_.name, log_.peak_mb) for log_ in found] == [("base", None), ("tuned", 70)]
    found = read_logs([("one", tuned.with_suffix(".jsonl")), ("two", other.with_suffix(".jsonl"))])
    assert [log_.name for log_ in found] == ["one", "two"]
    assert gc.isenabled()


def test_the_table_fits_a_terminal_and_says_the_verdict(better):
    table = format_table([better])
    lines = table.splitlines()
    assert lines[0].startswith("base -> tuned: 32 items in 16 groups")
    assert max(map(len, lines)) <= 116
    row = next(line for line in lines if line.startswith("rougeL "))
    assert row.endswith("better")
    parts = [line for line in lines if line in ("quality", "safety", "more of the same")]
    assert parts == ["quality", "safety", "more of the same"]
    assert lines.index("safety") < lines.index(
        next(line for line in lines if line.startswith("unsupported_numbers"))
    )
    assert "more of the same is not corrected" in lines[-1]


def test_a_table_of_several_says_what_would_have_been_seen():
    comparisons = compare_all(several(), draws=200)
    table = format_table(comparisons)
    assert table.splitlines()[:3] == [
        f"base -> {one.b}: 32 items in 16 groups, {len(one.flipped)} flipped" for one in comparisons
    ]
    rows = [line.split()[1] for line in table.splitlines() if line.startswith("rougeL ")]
    assert rows == ["small", "large", "twin"]
    assert re.search(r"exact +twin .*no difference shown", table)
    close = log("close", ["Tome 400 mg.", "Tome 400 mg.", "No sé.", "No sé."])
    found = compare(several()[0].items, close, draws=200)
    assert "would be" in format_table([found])


def test_flipped_answers_stand_side_by_side(better):
    told = format_flips([better])
    lines = told.splitlines()
    assert lines[0] == f"base -> tuned, 3 of the {len(better.flipped)} flipped:"
    assert any(
        line.startswith("  No sé. ") and line.endswith("| Tome 400 mg cada 8 horas.")
        for line in lines
    )
    assert max(map(len, lines)) <= 116
    same = log("a", ["Sí."])
    assert format_flips([compare(same, same, draws=200)]) == ""


def test_the_chart_puts_better_to_the_right(better):
    rows = {row.metric: row for row in forest_rows([better])}
    assert "abstained" not in rows and "rouge1" not in rows
    fewer = rows["unsupported_numbers"]
    assert fewer.difference < 0 < fewer.low < fewer.place < fewer.high == 1.0
    chart = format_forest([better]).splitlines()
    zero = chart[0].index("│")
    line = next(line for line in chart if line.startswith("rougeL"))
    assert zero < line.index("├") < line.index("●") < line.index("┤")
    assert line[zero] == "│"


def test_a_chart_of_no_difference_crosses_zero_and_one_of_several_names_them():
    comparisons = compare_all(several(), draws=200)
    lines = format_forest(comparisons).splitlines()
    assert [line.split()[1] for line in lines if line.startswith("rougeL")] == [
        "small",
        "large",
        "twin",
    ]
    rows = [row for row in forest_rows(comparisons) if row.metric == "exact"]
    assert max(abs(bound) for row in rows for bound in (row.low, row.high)) == 1.0
    twin = next(line for line in lines if line.startswith("exact twin"))
    assert twin[lines[0].index("│")] == "●"
    assert twin.index("├") < twin.index("●") < twin.index("┤")


def test_a_chart_is_drawn_in_ascii_where_the_terminal_has_no_more(better):
    told = in_encoding(format_forest([better]) + " ñ", "ascii")
    assert told.isascii()
    assert "o" in next(line for line in told.splitlines() if line.startswith("rougeL"))[10:]
    assert in_encoding("├─●─┤ ñ", "utf-8") == "├─●─┤ ñ"
