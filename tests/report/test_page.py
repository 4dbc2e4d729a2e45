import doctest
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from cauce.evaluation.comparison import Comparison
from cauce.report import charts, facts, layers, metrics, page, verdict
from cauce.report.forest import difference_chart
from cauce.report.page import render, write_report
from cauce.runs import Run, write_json
from report.sample import (
    STAGES_IN_ORDER,
    add_layer_figures,
    add_transplant,
    make_run,
    make_text_run,
)

VOID = {"meta", "line", "circle", "rect", "polyline", "br", "img", "link"}


class Outline(HTMLParser):
    """Tags with their attributes; fails on a tag that is closed out of order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def having(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("runs") / "demo", source="vademecum")


@pytest.fixture(scope="module")
def text(run: Run) -> str:
    return render(run)


@pytest.mark.parametrize("module", [charts, facts, layers, metrics, page, verdict])
def test_doc_examples(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


def test_page_is_written_where_the_run_keeps_it(run: Run) -> None:
    assert write_report(run) == run.path / "report" / "report.html"
    assert (run.path / "report" / "report.html").read_text("utf-8").startswith("<!doctype html>")


def test_page_reaches_nothing_and_runs_nothing(text: str) -> None:
    assert not re.search(r"https?:|<script|<link|<img|@import|url\(|\son\w+=", text)
    assert "@media (prefers-color-scheme: dark)" in text
    assert "@media print" in text


def test_page_is_well_formed_and_accessible(text: str) -> None:
    outline = Outline(text)
    assert [len(outline.having(tag)) for tag in ("main", "header", "footer", "h1")] == [1] * 4
    assert outline.having("html")[0]["lang"] == "en"
    assert all(th.get("scope") in ("col", "row") for th in outline.having("th"))
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for link in outline.having("a"):
        assert str(link["href"]).removeprefix("#") in ids
    for drawing in outline.having("svg"):
        named = str(drawing.get("aria-labelledby", "")).split()
        assert drawing.get("aria-hidden") == "true" or (named and set(named) <= set(ids))


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("sheet", ["report/page.css", "serving/static/cauce.css"])
def test_text_contrast_is_at_least_four_and_a_half(sheet: str) -> None:
    css = (Path(page.__file__).parents[1] / sheet).read_text("utf-8")
    schemes = re.findall(r":root \{(.*?)\}", css, re.S)
    for scheme in schemes[:2]:
        colour = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", scheme))
        pairs = [
            (ink, ground) for ink in ("ink", "soft", "river") for ground in ("paper", "raised")
        ]
        pairs += [("ink", "wash"), ("note-ink", "note"), ("river", "wash")]
        pairs += [("on-river", "river")] if "on-river" in colour else [("worse", "paper")]
        for ink, ground in pairs:
            bright, dark = sorted((luminance(colour[ink]), luminance(colour[ground])))[::-1]
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)


def test_numbers_of_the_run_are_on_the_page(run: Run, text: str) -> None:
    scores = json.loads((run.path / "evaluate" / "scores.json").read_bytes())["systems"]
    perplexity = scores["tuned"]["metrics"]["perplexity"]
    assert f'<span class="figure">{perplexity["value"]:.2f}</span>' in text
    assert f"{perplexity['low']:.2f} to {perplexity['high']:.2f}" in text
    for shown in (
        "21,840",
        "best step 320",
        "87,360",
        "187.5",
        "1,600",
        "12.5",
        "Seed 7",
        "2.13.0",
    ):
        assert shown in text
    assert all(run.manifest["stages"][stage]["fingerprint"] in text for stage in STAGES_IN_ORDER)


def test_what_came_from_outside_is_escaped(text: str) -> None:
    assert "set_id &lt;b&gt;differs&lt;/b&gt;" in text
    assert "medicina 0 &lt;0&gt;?" in text
    assert "<b>" not in text


def test_missing_measurements_say_so(text: str) -> None:
    row = text[text.index("Perplexity<span") :]
    row = row[: row.index("</tr>")]
    assert row.count('<td class="number absent">not measured</td>') == 1


@pytest.mark.parametrize("upto", STAGES_IN_ORDER[:-1])
def test_run_that_stopped_early_has_a_report(tmp_path: Path, upto: str) -> None:
    early = render(make_run(tmp_path / upto, upto, items=12))
    Outline(early)
    missing = STAGES_IN_ORDER[STAGES_IN_ORDER.index(upto) + 1 :]
    assert early.count("did not run") == len(missing)
    assert "What tuning changed is not measured." in early
    assert ("The model was not trained." in early) == ("train" in missing)
    assert ("The answers were not evaluated." in early) == ("evaluate" in missing)


def test_run_without_any_stage_has_a_report(tmp_path: Path) -> None:
    empty = Run(tmp_path)
    empty.update_manifest(run="empty")
    assert "No documents were fetched." in render(empty)


def test_notice_stands_where_the_embedded_source_was_used(tmp_path: Path, text: str) -> None:
    assert "this is not medical advice" in text
    assert "this is not medical advice" not in render(make_run(tmp_path, "fetch", source="openfda"))


def test_notice_of_the_recipe_is_shown(tmp_path: Path) -> None:
    noted = make_run(tmp_path, "fetch")
    noted.update_manifest(notice="For <teaching> only.")
    assert "<p>For &lt;teaching&gt; only.</p>" in render(noted)


def comparison_of(run: Run) -> Comparison:
    found = facts.comparison_of(run)
    assert found is not None
    return found


def test_verdict_says_what_the_intervals_say(run: Run) -> None:
    sentences = verdict.tuning_sentences(comparison_of(run))
    assert sentences[0].startswith("Tuning may have moved perplexity from ")  # Six groups.
    assert "36 questions about 6 subjects" in sentences[-1]


def test_verdict_claims_nothing_when_the_interval_holds_zero(run: Run) -> None:
    found = comparison_of(run)
    flat = [change.model_copy(update={"low": -1.0, "high": 1.0}) for change in found.metrics]
    told = verdict.tuning_sentences(found.model_copy(update={"metrics": tuple(flat)}))
    assert told[0].startswith("Tuning showed no difference in perplexity")
    assert not any("improved" in sentence or "worsened" in sentence for sentence in told)


def test_verdict_says_what_got_worse(run: Run) -> None:
    found = comparison_of(run)
    harmed = [
        change.model_copy(update={"difference": 3.0, "low": 2.0, "high": 4.0, "p_holm": 0.01})
        for change in found.metrics
        if change.metric == "perplexity"
    ]
    told = verdict.tuning_sentences(found.model_copy(update={"metrics": tuple(harmed)}))
    assert told[0].startswith("Tuning worsened perplexity")


def test_verdict_says_how_often_the_model_was_overruled(run: Run) -> None:
    answers = list(facts.items_of(run)["assistant"].values())
    answers[0] = answers[0].model_copy(update={"reason": "withheld: numbers"})
    scores = facts.scores_of(facts.read_json(run.path / "evaluate" / "scores.json"))
    told = " ".join(verdict.assistant_sentences(scores, answers))
    assert "In 1 of 33 answers the model's text failed a check" in told
    assert verdict.assistant_sentences({}, []) == ["What the assistant adds is not measured."]


def test_worst_answers_put_harm_first_and_leave_abstentions_out(run: Run) -> None:
    items = facts.items_of(run)
    worst = facts.worst_items(items)
    assert len(worst) == 10
    assert not any(found.item.abstained for found in worst)
    harm = [len(facts.harms(found.item)) for found in worst]
    assert harm == sorted(harm, reverse=True) and harm[0] > 0
    assert [system for system, _ in worst[0].answers] == ["base", "tuned", "assistant"]


def test_report_can_be_written_twice_alike(run: Run) -> None:
    assert render(run) == render(run)


def test_unknown_metric_is_shown_under_its_name(tmp_path: Path) -> None:
    odd = Run(tmp_path)
    odd.update_manifest(run="odd")
    score = {"value": 0.5, "low": None, "high": None, "n": 3}
    path = odd.folder("evaluate") / "scores.json"
    write_json(path, {"systems": {"base": {"metrics": {"kindness": score}}}})
    shown = render(odd)
    assert "kindness" in shown and "no interval · n 3" in shown


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (0.2, "better than a control of as many weights"),
        (-0.2, "worse than a control of as many weights"),
        (0.0, "no difference that the interval would show"),
    ],
)
def test_liquid_layers_stand_beside_their_control(tmp_path: Path, gain: float, words: str) -> None:
    run = make_run(tmp_path / "run")
    assert "Liquid layers" not in render(run)
    add_transplant(run, gain=gain)
    page = render(run)
    Outline(page)
    assert "Liquid layers beside their control" in page
    assert words in page
    assert "2,500,000" in page
    assert "95 % interval" in page.split("Liquid against control")[1]


def test_a_transplant_that_was_not_validated_claims_nothing(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    add_transplant(run)
    (run.path / "prepare" / "validation.jsonl").write_text("", "utf-8")
    assert "the difference from the control was not measured" in render(run)


def test_layers_are_drawn_where_the_log_has_them(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    assert "Inside the layers" not in render(run)
    add_layer_figures(run)
    shown = render(run)
    outline = Outline(shown)
    classes = [str(line.get("class")) for line in outline.having("polyline")]
    assert classes.count("layer") == 8
    assert classes.count("layer fastest") == 2
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert {"activation_rms-title", "gradient_norm-text"} <= set(ids)
    assert len(ids) == len(set(ids))
    assert "model.layers.4 grew most, 3.19 times: from 6.4 at step 50 to 20.4 at step 400" in shown
    assert "model.layers.0 shrank least, 0.12 times" in shown
    assert "entropy of the experts&#39; use, nats" in shown
    assert "3.1 %" in shown
    assert "tokens that a chunk holds" in shown
    assert not re.search(r"https?:|<script|url\(", shown)


def test_a_run_on_text_tells_of_rows_and_documents(tmp_path: Path) -> None:
    run = make_text_run(tmp_path / "text")
    shown = render(run)
    Outline(shown)
    assert "Training improved bits per byte from " in shown
    assert "24 rows of 6 documents that were not trained on" in shown
    for absent in (
        "gets the question alone",
        ">assistant</th>",
        "assistant adds",
        "wrong medicine",
    ):
        assert absent not in shown
    for present in ("gone on with from their first half", "82,176", "3.21 bytes", "que reía"):
        assert present in shown
    worst = facts.worst_items(facts.items_of(run))
    assert len(worst) == 8
    assert all(len(found.answers) == 2 for found in worst)


def test_a_run_on_pairs_has_no_assistant(tmp_path: Path) -> None:
    run = make_text_run(tmp_path / "pairs")
    (run.path / "recipe.yaml").write_text("corpus: {kind: pairs}")
    shown = render(run)
    assert "Base and tuned are given the question alone." in shown
    assert "What the assistant adds" not in shown


def test_differences_are_drawn_with_better_to_the_right(run: Run) -> None:
    found = comparison_of(run)
    chart = difference_chart(found)
    assert chart is not None
    names = {row.title: row for row in chart.rows}
    perplexity = names["Perplexity"]
    assert perplexity.text.startswith("−")
    assert chart.zero < perplexity.low < perplexity.x < perplexity.high == chart.right
    assert "Words" not in names
    page = render(run)
    assert "Differences with their 95 % intervals" in page
    assert page.count('<line class="interval base" x1="') >= len(chart.rows)
    assert difference_chart(None) is None


def test_the_look_of_a_difference_is_its_verdict(run: Run) -> None:
    found = comparison_of(run)
    changed = [
        row.model_copy(update={"difference": sign * 1.0, "low": low, "high": high, "p_holm": 0.01})
        for row, sign, low, high in zip(
            [row for row in found.metrics if row.is_primary and row.better == "higher"],
            (1, -1, 1),
            (0.5, -1.5, -0.5),
            (1.5, -0.5, 1.5),
            strict=False,
        )
    ]
    chart = difference_chart(found.model_copy(update={"metrics": tuple(changed)}))
    assert chart is not None
    assert [row.look for row in chart.rows] == ["tuned", "worse", "base"]
