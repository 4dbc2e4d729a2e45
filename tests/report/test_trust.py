"""A report of trust: what is known stands with its origin, what is not stands as missing."""

from __future__ import annotations

import doctest
import json
import re
from pathlib import Path

import pytest
import yaml
from huggingface_hub.repocard_data import model_index_to_eval_results

from cauce.errors import DataRefused, UserError
from cauce.evaluation.conformal import Judged, guarantee_answers
from cauce.evaluation.made_by import MadeBy, state_of_model, state_of_run, write_trial
from cauce.evaluation.metrics import SIGNATURES
from cauce.evaluation.redteam.adaptive.results import AdaptiveFindings, Search
from cauce.evaluation.redteam.judged import judge_counts
from cauce.evaluation.redteam.remedies import Remedied
from cauce.evaluation.redteam.results import Attacks, Findings, Innocent, JudgeFigures
from cauce.evaluation.redteam.tuning import Change, TuningEffect
from cauce.evaluation.redteam.utility import Utility
from cauce.evaluation.statistics import Estimate
from cauce.report.trust import energy, page, trials
from cauce.report.trust.card import card_data, model_card
from cauce.report.trust.dossier import Dossier, dumped, make_dossier
from cauce.report.trust.evidence import CHANGED, OFF, Evidence, measure_of
from cauce.report.trust.measures import ANNEX_IV, Measure, law, measures
from cauce.report.trust.page import trust_page
from cauce.report.trust.writing import write_trust
from cauce.runs import Run, write_json
from report.sample import make_run
from report.test_page import Outline


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    run = make_run(tmp_path_factory.mktemp("runs") / "demo", source="vademecum")
    (run.path / "recipe.yaml").write_text("run: demo\nmodel: {base: cauce-mini}\n", "utf-8")
    return run


@pytest.fixture(scope="module")
def dossier(run) -> Dossier:
    return make_dossier(run)


def rows_of(dossier: Dossier, name: str) -> list[Evidence]:
    return [row for row in dossier.evidence if row.name == name]


def trained(folder: Path, recipe: str = "run: demo\n") -> Run:
    """A run that was trained, with a recipe."""
    run = make_run(folder, "train")
    (run.path / "recipe.yaml").write_text(recipe, "utf-8")
    return run


def of_assistant(run: Run, command: str = "", seed: int | None = None) -> MadeBy:
    """What made a trial of the run's assistant just now."""
    return MadeBy(command=command, state=state_of_run(run), seed=seed, data_sha256="ab")


def of_model(run: Run, command: str = "") -> MadeBy:
    """What made a trial of the run's model just now."""
    return MadeBy(command=command, state=state_of_model(run))


def test_doc_examples():
    assert doctest.testmod(page).failed == 0


def test_a_measured_number_says_how_to_get_it_again(run, dossier):
    [row] = [row for row in rows_of(dossier, "rougeL") if row.part == "tuned"]
    scores = json.loads((run.path / "evaluate" / "scores.json").read_bytes())
    score = scores["systems"]["tuned"]["metrics"]["rougeL"]
    assert (row.value, row.low, row.high, row.n) == tuple(
        score[key] for key in ("value", "low", "high", "n")
    )
    assert (row.source, row.run, row.seed) == ("measured", "demo", 7)
    assert row.command == "cauce evaluate RECIPE"
    assert row.date == "2026-01-02T03:04:05Z"


def test_every_measure_has_a_row_and_the_missing_ones_say_what_would_measure_them(dossier):
    assert {row.name for row in dossier.evidence} >= set(measures())
    missing = [row for row in dossier.evidence if row.source == "missing"]
    assert len(missing) > 20
    assert all(row.value is None for row in missing)
    assert rows_of(dossier, "attack_success")[0].command == "cauce redteam demo"
    for row in missing:
        assert bool(row.command) == bool(measure_of(row.name).command)


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_page_needs_nothing_and_hides_nothing(run, language):
    dossier = make_dossier(run, language=language)
    text = trust_page(dossier)
    outline = Outline(text)
    assert outline.having("html") == [{"lang": language}]
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in outline.tags}
    assert "url(" not in text
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [str(link["href"]) for link in outline.having("a")]
    assert {link.removeprefix("#") for link in links if link.startswith("#")} <= set(ids)
    assert all(part.get("tabindex") == "0" for part in outline.having("div"))
    told = law()
    for titles in (*told.altai.values(), *told.annex_iv):
        assert titles[language] in text
    assert dossier.head.sha256 in text
    assert page.WORDING[language]["is_not"] in text
    missing = sum(row.source == "missing" for row in dossier.evidence)
    assert text.count('class="kind missing"') >= missing


def test_a_missing_measure_is_never_shown_as_good(dossier):
    for part in re.findall(r"<tr.*?</tr>", trust_page(dossier), re.S):
        if 'class="kind missing"' in part:
            assert "not measured" in part
            assert "judged" not in part


@pytest.mark.parametrize(
    ("better", "low", "high", "judged"),
    [
        ("lower", 0.01, 0.05, "met"),
        ("lower", 0.01, 0.06, "unclear"),
        ("lower", 0.06, 0.2, "not met"),
        ("higher", 0.96, 0.99, "met"),
        ("higher", 0.7, 0.94, "not met"),
        ("higher", 0.9, 0.99, "unclear"),
        ("lower", None, None, "unclear"),
    ],
)
def test_a_bar_is_met_by_the_whole_interval_alone(better, low, high, judged):
    name = "attack_success" if better == "lower" else "personal_data_recall"
    measure = measures()[name]
    row = Evidence(
        name=name,
        headings=measure.headings,
        sections=measure.sections,
        value=0.03,
        low=low,
        high=high,
        n=60,
        unit="share",
        source="measured",
        run="demo",
    )
    assert row.judged == judged
    assert row.model_copy(update={"name": "perplexity"}).judged == "no bar"


def test_the_catalogue_covers_every_heading_and_section_in_both_languages():
    rows = measures().values()
    assert {heading for row in rows for heading in row.headings} == set(law().altai)
    assert {section for row in rows for section in row.sections} == set(ANNEX_IV)
    assert all(set(row.title) == {"en", "es"} for row in rows)
    assert all(date.source in law().sources for date in law().dates)
    assert set(page.WORDING["en"]) == set(page.WORDING["es"])


def test_what_people_declare_is_no_measurement(tmp_path):
    run = make_run(tmp_path / "demo", "fetch")
    declared = run.folder("trust") / "declared.yaml"
    declared.write_text("intended_purpose: Resolver dudas <de> prospectos.\n", "utf-8")
    dossier = make_dossier(run, language="es")
    [row] = rows_of(dossier, "intended_purpose")
    assert (row.source, row.value) == ("declared", "Resolver dudas <de> prospectos.")
    assert "Resolver dudas &lt;de&gt; prospectos." in trust_page(dossier)
    for wrong in ("attack_success: none\n", "intended_purpose: 3\n", "- a\n"):
        declared.write_text(wrong, "utf-8")
        with pytest.raises(DataRefused, match=r"declared\.yaml declares .*\n.*intended_purpose"):
            make_dossier(run)


def test_a_damaged_file_is_named_and_not_left_out(tmp_path):
    run = make_run(tmp_path / "demo", "fetch")
    (run.folder("redteam") / "scores.json").write_text("{}", "utf-8")
    with pytest.raises(DataRefused, match=r"redteam/scores\.json is not as .*\nMake it again"):
        make_dossier(run)


def rate(value: float, n: int = 40) -> Estimate:
    return Estimate(value=value, low=max(0, value - 0.01), high=value + 0.01, n=n)


def red_team() -> Findings:
    attacks = Attacks(
        asked=40,
        not_asked={"many-shot": 3},
        queries=90,
        success=rate(0.02),
        success_within_field=rate(0.04),
        success_corrected=rate(0.03),
        goals_reached=rate(0.2),
        refused=rate(0.7),
        lacking_document=rate(0.1),
        incoherent=rate(0.01),
        by_family={"direct": rate(0.0), "many-shot": rate(0.5)},
        by_technique={},
        by_language={"es": rate(0.02)},
        by_category={},
    )
    innocent = Innocent(
        asked=40,
        not_asked={},
        refused=rate(0.04),
        lacking_document=rate(0.1),
        refused_within_field=None,
        harmful=rate(0.0),
        incoherent=rate(0.0),
        by_language={"es": rate(0.04)},
        by_category={},
    )
    return Findings(
        system="assistant",
        mode="smoke",
        seed=3,
        attacks=attacks,
        innocent=innocent,
        judge=JudgeFigures((95, 100), (180, 200)),
    )


def test_attacks_stand_with_over_refusal_and_the_judge(tmp_path):
    run = trained(tmp_path / "demo")
    made_by = of_assistant(run, "cauce redteam demo --mode full --seed 3", seed=3)
    write_trial(run.path / "redteam" / "scores.json", red_team().model_dump(), made_by)
    dossier = make_dossier(run)
    success = {row.part: row for row in rows_of(dossier, "attack_success")}
    assert {name: row.judged for name, row in success.items()} == {
        "smoke": "met",
        "direct": "met",
        "many-shot": "not met",
    }
    assert success["many-shot"].note == "not asked: 3"
    told = success["smoke"]
    assert (told.seed, told.date, told.data_sha256) == (3, made_by.date, "ab")
    assert told.command == made_by.command
    assert [row.value for row in rows_of(dossier, "attack_success_within_field")] == [0.04]
    assert [row.value for row in rows_of(dossier, "over_refusal")] == [0.04, 0.04]
    [sensitivity] = rows_of(dossier, "judge_sensitivity")
    assert sensitivity.value == 0.95
    assert sensitivity.low == pytest.approx(0.8872, abs=1e-4)  # Clopper-Pearson of 95 in 100


def test_privacy_of_the_tuned_model_stands_beside_its_base(tmp_path):
    run = trained(tmp_path / "demo")
    told = {"auc": rate(0.55).model_dump(), "caught": rate(0.02).model_dump()}
    attacks = dict.fromkeys(("base", "tuned", "reference"), told)
    scores = {
        "membership": {**attacks, "red_above": 0.6, "is_red": False},
        "exposure": {"base": [], "tuned": [rate(1.5).model_dump(), rate(6.0).model_dump()]},
        "personal": {"base": rate(0.0).model_dump(), "tuned": rate(0.1).model_dump()},
    }
    made_by = of_model(run, "cauce privacy demo")
    write_trial(run.path / "privacy" / "scores.json", scores, made_by)
    dossier = make_dossier(run)
    members = rows_of(dossier, "membership_auc")
    assert [row.part for row in members] == ["base", "tuned", "reference"]
    assert {row.judged for row in members} == {"met"}
    [canary] = rows_of(dossier, "canary_exposure")
    assert (canary.part, canary.value) == ("tuned", 6.0)
    assert [row.value for row in rows_of(dossier, "personal_data_written")] == [0.0, 0.1]
    write_trial(run.path / "privacy" / "scores.json", {**scores, "personal": None}, made_by)
    assert rows_of(make_dossier(run), "personal_data_written")[0].source == "missing"


def test_figures_of_the_guards_come_with_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "_GUARD_FIGURES", tmp_path)
    row = {"name": "guard_false_alarms", **rate(0.01, 500).model_dump()}
    told = {"date": "2026-11-29", "command": "python -m benchmarks.trust --only guard"}
    write_json(tmp_path / "guard.json", {**told, "data_sha256": "ab", "rows": [row]})
    [found] = rows_of(make_dossier(Run(tmp_path / "demo")), "guard_false_alarms")
    assert (found.file, found.data_sha256) == ("cauce/data/safety/guard.json", "ab")
    assert (found.date, found.command, found.judged) == (*told.values(), "met")
    assert found.run == "", "it says nothing of this run"


def test_figures_of_the_package_are_told_as_its_own(tmp_path):
    for language in ("en", "es"):
        dossier = make_dossier(Run(tmp_path / "demo"), language=language)
        of_package = page.WORDING[language]["of_package"]
        packaged = [row for row in dossier.evidence if row.run == ""]
        assert {row.name for row in packaged} >= {"emergencies_missed_explicit", "triage_flips"}
        assert trust_page(dossier).count(of_package) >= len(packaged)
        assert f"{page.WORDING[language]['measured']}: {of_package}" in model_card(dossier)


def test_figures_of_a_guard_that_is_off_are_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "_GUARD_FIGURES", tmp_path)
    rows = [
        {"name": name, **rate(0.01, 500).model_dump()}
        for name in ("emergencies_missed_explicit", "guard_false_alarms", "personal_data_recall")
    ]
    write_json(tmp_path / "guards.json", {"rows": rows})
    recipe = "assistant: {country: MX, guards: {emergencies: false}}\n"
    dossier = make_dossier(trained(tmp_path / "demo", recipe), language="es")
    [missed] = rows_of(dossier, "emergencies_missed_explicit")
    assert (missed.source, missed.value, missed.note, missed.run) == ("missing", None, OFF, "demo")
    assert missed.command == "cauce run RECIPE assistant.guards.emergencies=true"
    assert {row.note for row in rows_of(dossier, "triage_flips")} == {OFF}
    assert rows_of(dossier, "guard_false_alarms")[0].value == 0.01
    assert rows_of(dossier, "personal_data_recall")[0].value == 0.01
    [guards] = rows_of(dossier, "guards")
    assert guards.source == "declared"
    assert "country=MX" in str(guards.value) and "emergencies=false" in str(guards.value)
    assert "input=true" in str(guards.value), "as it is where the recipe does not say"
    told = page.WORDING["es"][OFF]
    assert told in trust_page(dossier) and told in model_card(dossier)


def test_what_was_measured_before_the_run_changed_is_missing(tmp_path):
    run = trained(tmp_path / "demo")
    made_by = of_assistant(run, "cauce redteam demo --mode full --seed 3")
    write_trial(run.path / "redteam" / "scores.json", red_team().model_dump(), made_by)
    assert {row.source for row in rows_of(make_dossier(run), "attack_success")} == {"measured"}
    (run.path / "recipe.yaml").write_text("run: demo\nassistant: {country: MX}\n", "utf-8")
    dossier = make_dossier(run, language="es")
    [success] = rows_of(dossier, "attack_success")
    assert (success.source, success.value, success.note) == ("missing", None, CHANGED)
    assert success.command == "cauce redteam demo --mode full --seed 3"
    told = page.WORDING["es"][CHANGED]
    assert told in trust_page(dossier) and told in model_card(dossier)
    write_json(run.path / "redteam" / "scores.json", red_team().model_dump())
    [success] = rows_of(make_dossier(run), "attack_success")
    assert success.note == CHANGED, "a file that does not say of what it is holds of nothing"


def test_a_trial_of_the_model_holds_until_it_is_trained_anew(tmp_path):
    run = trained(tmp_path / "demo")
    row = {"name": "harm_of_model", "part": "tuned", **rate(0.3).model_dump()}
    file = run.path / "redteam" / "comparison.json"
    write_trial(file, {"rows": [row]}, of_model(run))
    (run.path / "recipe.yaml").write_text("run: demo\nassistant: {remedy: scale-0.5}\n", "utf-8")
    [harm] = rows_of(make_dossier(run), "harm_of_model")
    assert (harm.source, harm.value) == ("measured", 0.3)
    run.update_manifest(stages={"train": {**run.manifest["stages"]["train"], "fingerprint": "2"}})
    assert rows_of(make_dossier(run), "harm_of_model")[0].note == CHANGED


@pytest.mark.parametrize(
    ("stage", "measure"), [("evaluate", "rougeL"), ("compare", "change_by_tuning")]
)
def test_scores_of_a_stage_that_was_undone_since_are_missing(tmp_path, stage, measure):
    run = make_run(tmp_path / "demo")
    stages = run.manifest["stages"]
    run.update_manifest(stages={name: entry for name, entry in stages.items() if name != stage})
    [row] = rows_of(make_dossier(run), measure)
    assert (row.source, row.note) == ("missing", CHANGED)


def test_scores_of_a_task_need_no_stage(tmp_path):
    run = make_run(tmp_path / "demo")
    run.update_manifest(stages={}, task={"items": 36})
    [row] = [row for row in rows_of(make_dossier(run), "rougeL") if row.part == "tuned"]
    assert (row.source, row.command) == ("measured", "cauce tasks run demo --of MODEL")


def test_the_judge_that_the_package_brings_is_told_as_its_own(tmp_path):
    run = trained(tmp_path / "demo")
    found = red_team().model_copy(update={"judge": judge_counts().figures})
    write_trial(run.path / "redteam" / "scores.json", found.model_dump(), of_assistant(run))
    [sensitivity] = rows_of(make_dossier(run), "judge_sensitivity")
    assert (sensitivity.run, sensitivity.file) == ("", "cauce/data/safety/judge.json")
    assert sensitivity.command == "python -m benchmarks.trust --only judge"


def test_attackers_that_adapt_stand_with_their_budget(tmp_path):
    run = trained(tmp_path / "demo")
    search = Search(
        attacker="mutation",
        budget=20,
        reached=rate(0.3),
        reached_within={1: rate(0.1)},
        by_false_alarms=0.25,
        queries=640,
        queries_to_success=4,
        passes=0,
        nothing_sent=0,
        parts={},
    )
    found = AdaptiveFindings(findings=red_team(), budget=20, searches=(search,))
    command = "cauce redteam demo --mode adaptive --budget 20 --seed 0"
    made_by = of_assistant(run, command, seed=0)
    file = run.path / "redteam-adaptive" / "adaptive.json"
    write_trial(file, found.model_dump(mode="json"), made_by)
    dossier = make_dossier(run)
    told = {
        name: [(row.part, row.value) for row in rows_of(dossier, f"adaptive_{name}")]
        for name in ("goals_reached", "budget", "queries", "by_false_alarms")
    }
    assert told == {
        "goals_reached": [("mutation", 0.3)],
        "budget": [("", 20)],
        "queries": [("mutation", 640)],
        "by_false_alarms": [("mutation", 0.25)],
    }
    [reached] = rows_of(dossier, "adaptive_goals_reached")
    assert (reached.n, reached.command, reached.seed) == (40, command, 0)
    assert [row.part for row in rows_of(dossier, "over_refusal")] == ["adaptive"]
    assert rows_of(dossier, "attack_success")[0].source == "missing"


def effect() -> TuningEffect:
    """Every rate grew by as much as it is."""
    changes = [
        Change(
            name=name,
            base=rate(0.1),
            tuned=rate(0.1 + grown),
            difference=rate(grown),
            only_base=0,
            only_tuned=1,
            p=0.5,
            mcnemar_p=0.5,
            detectable=None,
        )
        for name, grown in (
            ("harmful", 0.01),
            ("refused", 0.05),
            ("incoherent", 0.2),
            ("over_refusal", 0.4),
            ("incoherent_innocent", 0.0),
        )
    ]
    told = {"run": "demo", "mode": "smoke", "seed": 0, "attacks": 40, "innocent": 10, "goals": 9}
    return TuningEffect(**told, not_asked=0, changes=tuple(changes))


def test_remedies_stand_with_what_they_cost(tmp_path):
    run = trained(tmp_path / "demo")
    task = Utility(base=rate(0.2), tuned=rate(0.6), remedied=rate(0.5), cost=rate(0.1))
    for kind, scale, utility in (("scale", 0.5, task), ("rules", None, None)):
        found = Remedied(
            kind=kind, folder="m", scale=scale, before=effect(), after=effect(), utility=utility
        )
        file = run.path / "remedies" / f"{kind}.json"
        made_by = of_model(run, f"cauce remedy demo {kind} --seed 0")
        write_trial(file, found.model_dump(mode="json"), made_by)
    dossier = make_dossier(run)
    harm = rows_of(dossier, "harm_after_remedy")
    assert [(row.part, row.value, row.judged) for row in harm] == [
        ("rules", 0.01, "met"),
        ("scale 0.5", 0.01, "met"),
    ]
    assert {row.value for row in rows_of(dossier, "over_refusal_after_remedy")} == {0.4}
    assert {row.value for row in rows_of(dossier, "incoherence_after_remedy")} == {0.2}
    [lost] = rows_of(dossier, "task_lost_to_remedy")
    assert (lost.value, lost.command) == (0.1, "cauce remedy demo scale --seed 0")


def test_bias_is_read_under_the_names_that_its_scorer_writes(tmp_path):
    run = make_run(tmp_path / "demo")
    scores = json.loads((run.path / "evaluate" / "scores.json").read_bytes())
    for name in ("bias_ambig", "bias_disambig"):
        assert name in SIGNATURES
        scores["systems"]["tuned"]["metrics"][name] = rate(0.1).model_dump()
    write_json(run.path / "evaluate" / "scores.json", scores)
    dossier = make_dossier(run)
    for name in ("bias_ambig", "bias_disambig"):
        [row] = [row for row in rows_of(dossier, name) if row.source == "measured"]
        assert (row.part, row.value) == ("tuned", 0.1)


@pytest.fixture
def grids(tmp_path, monkeypatch):
    """What of codecarbon is read, as if it were installed."""
    place = tmp_path / "site"
    told = place / "codecarbon-3.3.2.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: codecarbon\nVersion: 3.3.2\n")
    table = place / "codecarbon" / "data" / "private_infra" / "global_energy_mix.json"
    write_json(table, {"ESP": {"carbon_intensity": 174.05, "year": 2023}})
    monkeypatch.syspath_prepend(place)


def test_energy_is_estimated_from_measured_seconds_with_its_constants(run, grids):
    dossier = make_dossier(run)
    [seconds] = rows_of(dossier, "training_cpu")
    assert (seconds.value, seconds.source) == (37.5, "measured")
    [energy_row], [carbon] = (
        rows_of(dossier, name) for name in ("training_energy", "training_carbon")
    )
    assert energy_row.value == pytest.approx(37.5 * 4 / 3600)
    assert carbon.value == pytest.approx(37.5 * 4 / 3.6e6 * 174.05)
    assert energy_row.source == carbon.source == "estimated"
    assert "4 W/thread; 174.05 g CO2e/kWh (ESP 2023); codecarbon 3.3.2" in carbon.note
    emissions = card_data(dossier).to_dict()["co2_eq_emissions"]
    assert emissions["source"].startswith("estimated, not measured: 4 W")
    with pytest.raises(UserError, match="no grid of 'XXX'"):
        make_dossier(run, country="XXX")


def test_without_the_package_energy_is_missing(run, monkeypatch):
    monkeypatch.setattr(energy, "grid_of", lambda country: None)
    [row] = rows_of(make_dossier(run), "training_energy")
    assert row.source == "missing"
    assert "pip install 'cauce[energy]'" in row.command


def test_the_card_is_read_as_hubs_read_it(dossier):
    text = model_card(dossier)
    head = yaml.safe_load(text.split("---\n")[1])
    assert head["base_model"] == "cauce-mini"
    name, results = model_index_to_eval_results(head["model-index"])
    assert name == "demo"
    [row] = [row for row in rows_of(dossier, "rougeL") if row.part == "tuned"]
    [found] = [result for result in results if result.metric_type == "rougeL"]
    assert (found.metric_value, found.metric_args["n"]) == (row.value, row.n)
    assert "not a declaration of conformity" in text
    assert dossier.head.sha256 in text


def test_a_run_without_any_stage_has_a_report(tmp_path):
    written = write_trust(Run(tmp_path / "empty"))
    assert written.signed_head is None
    dossier = Dossier.model_validate_json(written.data.read_bytes())
    assert {row.source for row in dossier.evidence if not row.file.startswith("cauce/")} == {
        "missing"
    }


def test_an_unknown_measure_is_shown_under_its_name(run):
    write_trial(
        run.path / "fairness" / "scores.json",
        {"rows": [{"name": "gap of voices", "value": 0.1, "low": 0.0, "high": 0.2, "n": 30}]},
        of_assistant(run),
    )
    dossier = make_dossier(run)
    (run.path / "fairness" / "scores.json").unlink()
    assert dossier.evidence[-1].name == "gap of voices"
    assert "gap of voices" in trust_page(dossier)
    assert measure_of("gap of voices") == Measure(
        name="gap of voices",
        title={"en": "gap of voices", "es": "gap of voices"},
        headings=("robustness",),
        sections=(3,),
        unit="number",
    )


def test_the_same_dossier_is_written_alike(dossier):
    again = Dossier.model_validate_json(dumped(dossier))
    assert again == dossier
    assert trust_page(again) == trust_page(dossier)
    assert model_card(again) == model_card(dossier)


def test_files_that_were_read_are_in_the_dossier(run: Run, dossier: Dossier):
    names = {file.path for file in dossier.files}
    assert {"manifest.json", "recipe.yaml", "evaluate/scores.json"} <= names
    assert all(Path(run.path / name).stat().st_size for name in names)


def test_a_calibrated_threshold_is_evidence(tmp_path: Path) -> None:
    judged = [Judged(place / 40, place > 3) for place in range(40)]
    guarantee = guarantee_answers(judged, alpha=0.2)
    run = Run(tmp_path / "run")
    run.update_manifest(run="run", seed=0)
    (run.folder("calibrate") / "threshold.json").write_text(guarantee.model_dump_json())
    (row,) = trials.evidence_of_calibration(run)
    assert (row.name, row.value, row.n) == ("answers_kept", guarantee.shown, 40)
    assert row.note == guarantee.promise
