"""`cauce twin train|evaluate|simulate`: from people and what became of them to a marked guess."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import stat
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from lxml import html
from typer.testing import CliRunner, Result

from cauce.commands import serve
from cauce.commands.twin import twin_app
from cauce.errors import (
    ConsentExpired,
    ConsentRefused,
    DataRefused,
    Interrupted,
    LeakageFound,
    NotFound,
    RecipeError,
    TrainingRefused,
    UserError,
)
from cauce.evaluation.risk_systems import HELD_OUT, TwinEvaluation, read_evaluations
from cauce.report.page import write_report
from cauce.runs import Run
from cauce.twin.consent import Consent
from cauce.twin.simulation import WARNING, Simulation
from cauce.twin.store import add_twin, open_twin
from cauce.twinning import open_trained, read_change

pytest.importorskip("pyarrow")
pytest.importorskip("sklearn")

TINY = ("folds=2", "liquid.units=4", "liquid.backbone=4", "liquid.networks=1", "liquid.epochs=2")
START = datetime(2026, 3, 1, 8)
JOAN = (
    ("2T02:00", "creatinine", 1.2, "mg/dL"),
    ("1T08:00", "heart_rate", 76, "/min"),
    ("1T20:00", "heart_rate", 78, "/min"),
)
"""With what is above like those learned from; of Ana there is too little."""


def table(people: range, *, level: float = 1.1, known: int = 1000) -> tuple[str, str]:
    """Invented people, the sick ones with more creatinine, and what became of the first of them."""
    generator = np.random.default_rng(people.start)
    rows, outcomes = io.StringIO(), io.StringIO()
    row, outcome = csv.writer(rows), csv.writer(outcomes)
    row.writerow(["person", "time", "name", "value", "unit"])
    outcome.writerow(["person", "death"])
    for number in people:
        is_sick = bool(generator.random() < 0.4)
        own = level + 1.1 * is_sick + 0.35 * generator.normal()
        for hour in range(0, 24, 6):
            when = (START + timedelta(hours=hour)).isoformat()
            value = max(0.4, own + 0.1 * generator.normal())
            row.writerow([f"person-{number}", when, "creatinine", f"{value:.2f}", "mg/dL"])
            if generator.random() < 0.7:
                rate = 75 + 6 * generator.normal()
                row.writerow([f"person-{number}", when, "heart_rate", f"{rate:.0f}", "/min"])
        if number < people.start + known:
            outcome.writerow([f"person-{number}", int(is_sick)])
    return rows.getvalue(), outcomes.getvalue()


def cauce(*arguments: str) -> Result:
    return CliRunner().invoke(twin_app, list(arguments))


def refused(*arguments: str) -> BaseException:
    error = cauce(*arguments).exception
    assert error is not None
    return error


TRAIN = (
    *("train", "people.csv", *TINY, "--outcomes", "deaths.csv", "--outcome", "death"),
    *("--out", "runs/ward", "--member", "liquid", "--member", "logistic", "--held-out", "0.4"),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run over 100 people, evaluated, a twin to be shown, and newcomers."""
    folder = tmp_path_factory.mktemp("home")
    for name, (people, outcomes) in {
        "": table(range(100)),
        "new-": table(range(200, 240), level=2.4, known=12),
    }.items():
        (folder / f"{name}people.csv").write_text(people)
        (folder / f"{name}deaths.csv").write_text(outcomes)
    consent = Consent(
        by="Ana",
        quality="self",
        purposes=("display", "research"),
        given=date(2026, 1, 1),
        until=date(2999, 1, 1),
    )
    for name, hours in {"ana": (8, 20), "joan": (8, 14, 20)}.items():
        rows = [f"{name},2026-03-01T{hour:02}:00,creatinine,1.1,mg/dL" for hour in hours]
        if name == "joan":
            rows += [f"joan,2026-03-0{d},{n},{v},{u}" for d, n, v, u in JOAN]
        (folder / f"{name}.csv").write_text("\n".join(["person,time,name,value,unit", *rows]))
        add_twin(name, [folder / f"{name}.csv"], consent, twins=folder / "twins")
    before = Path.cwd()
    os.chdir(folder)
    trained = cauce(*TRAIN)
    assert trained.exit_code == 0, trained.exception
    assert trained.stdout == "runs/ward/train/model\n"
    assert "Next: cauce twin evaluate runs/ward" in trained.stderr
    evaluated = cauce("evaluate", "ward")
    assert evaluated.exit_code == 0, evaluated.exception
    (folder / "evaluated.txt").write_text(evaluated.stdout)
    os.chdir(before)
    return folder


@pytest.fixture(autouse=True)
def _in_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)


def test_a_run_tells_what_it_is_made_of_and_is_its_owners_alone():
    run = Run.open("ward")
    summary = run.manifest["stages"]["train"]["summary"]
    assert (summary["people"], summary["held_out"]) == (60, 40)
    assert run.manifest["twins"] == []
    assert stat.S_IMODE(run.path.stat().st_mode) == 0o700
    people = [path for path in run.path.rglob("*.json*") if b"person-" in path.read_bytes()]
    assert people == []


def test_training_again_with_nothing_changed_does_nothing():
    again = cauce(*TRAIN)
    assert "nothing has changed" in again.stderr


def test_all_ways_stand_side_by_side():
    shown = Path("evaluated.txt").read_text()
    rows = [line.split()[0] for line in shown.splitlines() if " [0." in line[:60]]
    assert rows == ["last", "logistic", "trees", "gru", "liquid", "stacked"]
    assert "The run's own model is stacked." in shown
    found, *_ = read_evaluations(Path("runs/ward/evaluate"))
    assert found.data == HELD_OUT and found.drift is None
    own = found.systems["stacked"]
    assert own.figures.n == 40 and sum(one.n for one in own.reliability) == 40
    assert all(one.low <= one.seen <= one.high for one in own.reliability)
    assert found.systems["trees"].over_baseline is None
    assert own.figures.auroc.value > 0.8
    assert set(found.forecasts) == {"creatinine", "heart_rate"}


def test_the_report_shows_every_way_with_its_diagram():
    path = write_report(Run.open("ward"))
    page = path.read_text("utf-8")
    html.fromstring(page.encode())
    assert page.count("<svg viewBox") == 6
    assert "<strong>stacked</strong>" in page and "A model’s guess" in page
    assert "Whoever asks is told no risk of" in page
    assert "person-" not in page and "http" not in page.replace("http-equiv", "")


def test_newcomers_that_are_otherwise_ring():
    shown = cauce("evaluate", "ward", "new-people.csv", "--outcomes", "new-deaths.csv", "--json")
    found = TwinEvaluation.model_validate_json(shown.stdout)
    assert found.drift is not None and found.drift.outcome is not None
    assert [(a.variable, a.figure) for a in found.drift.alarms] == [("creatinine", "level")]
    assert found.drift.outcome.people == 12 and found.systems == {}
    assert "DRIFT  level of creatinine" in cauce("evaluate", "ward", "new-people.csv").stdout
    assert read_evaluations(Path("runs/ward/evaluate"))[0].data == HELD_OUT


def test_a_twin_is_told_of_readings_that_surprise():
    shown = cauce("evaluate", "ward", "ana")
    assert "ana: 0 of " in shown.stdout and "would be by chance" in shown.stdout


def test_who_was_learned_from_is_no_judge():
    assert isinstance(refused("evaluate", "ward", "people.csv"), LeakageFound)


@pytest.mark.parametrize("language", ["es", "en", "ca"])
def test_a_simulation_is_marked_as_a_guess(language):
    shown = cauce("simulate", "ward", "ana", "--set", "creatinina=2", "--lang", language)
    assert shown.stdout.startswith(WARNING[language])
    assert shown.stdout.rstrip().endswith(WARNING[language])


def test_a_simulation_says_what_a_change_would_have_told():
    shown = cauce("simulate", "ward", "joan", "--set", "creatinine=177 umol/L", "--json")
    found = Simulation.model_validate_json(shown.stdout)
    assert found.risk_as_is and found.risk_changed and found.doubts == ()
    assert found.replaced[0].supposed == pytest.approx(2.0, abs=0.01)
    assert found.risk_changed.together > found.risk_as_is.together
    assert set(found.risk_as_is.members) == {"liquid", "logistic"}
    assert set(json.loads(shown.stdout)["warning"]) == {"es", "en", "ca"}


def test_of_whom_too_little_is_known_no_risk_is_told():
    shown = cauce("simulate", "ward", "ana", "--set", "creatinina=2", "--lang", "en").stdout
    assert "tells no risk of this person" in shown and "readings: 2 (of 99" in shown
    assert "risk of death" not in shown
    page = cauce("show", "ana", "--run", "ward", "--lang", "es").stdout
    assert page.splitlines()[-1].startswith("death: El modelo no da el riesgo")
    assert "%" in cauce("show", "joan", "--run", "ward").stdout.splitlines()[-1]
    found, *_ = read_evaluations(Path("runs/ward/evaluate"))
    own = found.systems["stacked"].figures
    assert found.withheld.figures is not None
    assert found.withheld.figures.n == own.n - found.withheld.people
    assert f"no risk of {found.withheld.people} of 40" in Path("evaluated.txt").read_text()
    asked = cauce("evaluate", "ward", "ana", "joan", "--json").stdout
    assert TwinEvaluation.model_validate_json(asked).withheld.people == 1


def test_the_app_tells_the_risk_by_the_model_that_its_recipe_names(home):
    served = home / "runs" / "served"
    served.mkdir()
    recipe = "run: served\nsources: [{kind: vademecum}]\nassistant: {twin_model: %s}\n"
    (served / "recipe.yaml").write_text(recipe % "ward")
    guess = serve._guess(Run(served))
    assert guess is not None
    told = [guess(open_twin(name, "display")) for name in ("joan", "ana")]
    assert told[0].risk is not None and told[0].bins and told[1].risk is None
    (served / "recipe.yaml").write_text(recipe % "''")
    assert serve._guess(Run(served)) is None
    shutil.rmtree(served)


@pytest.mark.parametrize("kept", ["train/learned.json", "evaluate/x.json"])
def test_what_an_older_version_left_is_refused_with_what_to_do(home, tmp_path, kept):
    shutil.copytree(home / "runs" / "ward", tmp_path / "ward")
    (tmp_path / "ward" / kept).write_text('{"ranges": {}, "margins": []}')
    error = refused("show", "joan", "--run", str(tmp_path / "ward"))
    assert isinstance(error, DataRefused) and "cauce twin train DATA --out" in str(error)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--set", "creatinine=90"), "the middle 99 %"),
        (("--set", "albumin=3"), "never saw a reading 'albumin'"),
        (("--set", "heart_rate=80"), "heart_rate was never measured of ana"),
        (("--set", "creatinine"), "no reading and a number"),
        (("--set", "creatinine=2 mmHg"), "Give it in mg/dL"),
        (("--stop", "metformin"), "no input for 'metformin'"),
        ((), "0 changes"),
    ],
)
def test_what_cannot_be_told_is_refused(arguments, said):
    error = refused("simulate", "ward", "ana", *arguments)
    assert isinstance(error, UserError) and said in str(error)


@pytest.mark.parametrize(
    ("purpose", "until", "expected"),
    [("training", date(2999, 1, 1), ConsentRefused), ("display", date(2020, 1, 1), ConsentExpired)],
)
def test_a_twin_is_asked_of_by_consent_alone(home, purpose, until, expected):
    consent = Consent(
        by="Pere", quality="self", purposes=(purpose,), given=date(2019, 1, 1), until=until
    )
    add_twin("pere", [home / "ana.csv"], consent, twins=home / "twins")
    assert type(refused("simulate", "ward", "pere", "--set", "creatinine=2")) is expected


def test_a_twin_is_learned_from_by_consent_and_the_run_says_so(home):
    train = ("train", "people.csv", "ana", "--outcomes", "deaths.csv", "--outcome", "death")
    error = refused(*train, "--out", "other", "--member", "last")
    assert type(error) is ConsentRefused and not Path("runs/other").exists()
    consent = Consent(
        by="Eva",
        quality="self",
        purposes=("training",),
        given=date(2026, 1, 1),
        until=date(2999, 1, 1),
    )
    added = add_twin("eva", [home / "ana.csv"], consent, twins=home / "twins")
    done = cauce(
        *("train", "people.csv", "eva", "folds=2", "--outcomes", "deaths.csv"),
        *("--outcome", "death", "--out", "other", "--member", "last"),
    )
    assert done.exit_code == 0
    assert Run.open("other").manifest["twins"] == [added.twin.sources.id]
    assert open_trained("other").learned.margins == ()
    error = refused("simulate", "other", "ana", "--set", "creatinine=2")
    assert isinstance(error, UserError) and "none of which has a state" in str(error)


@pytest.mark.parametrize(
    ("changed", "expected", "said"),
    [
        (("liquid.epoch=3",), RecipeError, "the nearest is 'epochs'"),
        (("--outcome", "survival"), UserError, "no column 'survival'"),
        (("--outcomes", "none.csv"), NotFound, "none.csv"),
        (("--outcomes", "people.csv", "--outcome", "value"), DataRefused, "line 2"),
        (("--member", "forest"), RecipeError, "forest"),
    ],
)
def test_a_training_that_cannot_be_is_refused_before_it(changed, expected, said):
    error = refused(*TRAIN, *changed)
    assert isinstance(error, expected) and said in str(error)


def test_whoever_stops_a_training_is_told_that_it_goes_on(monkeypatch):
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cauce.twinning.train", stopped)
    error = refused(*TRAIN)
    assert isinstance(error, Interrupted) and "same command again" in str(error)


def test_too_few_people_are_refused(home):
    people, outcomes = table(range(20))
    (home / "few.csv").write_text(people)
    (home / "few-deaths.csv").write_text(outcomes)
    error = refused(
        *("train", "few.csv", "--outcomes", "few-deaths.csv", "--outcome", "death", "--out", "few")
    )
    assert isinstance(error, TrainingRefused) and "At least 10" in str(error)


def test_a_run_without_a_model_is_no_run_of_twins(tmp_path):
    (tmp_path / "manifest.json").write_text('{"stages": {}}')
    for path in (tmp_path, tmp_path / "none"):
        error = refused("evaluate", str(path))
        assert isinstance(error, NotFound) and "cauce twin train" in str(error)


def test_a_change_is_read_as_people_write_it():
    assert read_change("Creatinina=2.4") == ("creatinine", 2.4)
    assert read_change("something=1") == ("something", 1.0)
    name, value = read_change("glucosa=5.5 mmol/l")
    assert name == "glucose" and value == pytest.approx(99.1, abs=0.5)
