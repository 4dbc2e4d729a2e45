"""The table of a trial."""

from cauce.evaluation.robustness.table import robustness_table


def row(name, part, value, worst=""):
    return {
        "name": name, "part": part, "value": value, "low": -0.1, "high": 0.5, "n": 9, "worst": worst
    }  # fmt: skip


def test_what_changed_is_shown_and_the_largest_always():
    lines = robustness_table(
        [
            row("answers_changed_by_typing", "assistant, typos heavy, names too", 0.25),
            row("answers_changed_by_typing", "assistant, accents heavy, names too", 0.0),
            row("right_as_asked", "assistant", 1.0),
            row("robustness_gap", "assistant", 0.25, "typos heavy, names too"),
            row("fairness_gap", "assistant, sex", 0.0, "woman over man"),
        ]
    ).splitlines()
    assert len(lines) == 3
    assert "answers changed" in lines[0]
    assert " 25.0 % (-10.0 to 50.0), n=9" in lines[0]
    assert lines[1].endswith("typos heavy, names too")
    assert "  0.0 %" in lines[2]
    assert "woman" not in lines[2]


def test_no_figures_make_no_table():
    assert robustness_table([]) == ""
