"""A twin's model as a whole: a planted signal, the same after saving and after being stopped."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cauce.errors import DataRefused, Interrupted, NotFound, UserError
from cauce.evaluation.risk import Judged, risk_figures
from cauce.twin.series import Series
from cauce.twin.state import NetworkSettings, TwinModel, TwinSettings, fit_twin
from twin.state.invented import VARIABLES, outcomes_of, people

pytest.importorskip("sklearn")

SMALL = NetworkSettings(
    units=8, backbone=8, networks=1, epochs=12, batch_size=16, lr=0.02, removal=0.2
)
SETTINGS = TwinSettings(members=("liquid", "trees", "logistic"), folds=2, liquid=SMALL)


@pytest.fixture(scope="module")
def model() -> TwinModel:
    learned = people(160, seed=0)
    return fit_twin(learned, outcomes_of(learned), VARIABLES, outcome="rise", settings=SETTINGS)


def test_a_planted_signal_is_learned_by_the_liquid_member_and_by_all(model):
    asked = people(100, seed=1)
    happened = np.array(outcomes_of(asked))
    names = [one.id for one in asked]
    for risks in (model.risk(asked), model.risk_by_member(asked)["liquid"]):
        figures = risk_figures(Judged(risks, happened, names), draws=50)
        assert figures.auroc.value > 0.85
        assert abs(risks.mean() - happened.mean()) < 0.12


def test_it_is_the_same_after_saving_and_readable_by_its_owner_alone(model, tmp_path):
    model.save(tmp_path / "twin")
    loaded = TwinModel.load(tmp_path / "twin")
    asked = people(5, seed=2)
    assert (loaded.risk(asked) == model.risk(asked)).all()
    assert (loaded.states(asked[0]) == model.states(asked[0])).all()
    assert loaded.outcome == "rise" and loaded.variables == VARIABLES
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "twin").iterdir()} == {0o600}
    assert (tmp_path / "twin").stat().st_mode & 0o777 == 0o700


def test_damage_and_absence_are_told(model, tmp_path):
    with pytest.raises(NotFound, match="no twin's model"):
        TwinModel.load(tmp_path)
    model.save(tmp_path)
    weights = tmp_path / "twin.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(DataRefused, match="not the file"):
        TwinModel.load(tmp_path)
    (tmp_path / "twin.json").write_text("{}")
    with pytest.raises(DataRefused, match="damaged"):
        TwinModel.load(tmp_path)


def test_forecasts_and_states_have_their_shapes(model):
    one = people(1, seed=3)[0]
    foretold = model.forecast(one, [1.0, 6.0, 24.0])
    assert foretold.mean.shape == foretold.deviation.shape == (3, 3)
    assert (foretold.deviation > 0).all()
    assert abs(foretold.mean - [80, 100, 70]).max() < 40
    assert model.states(one).shape == (len(one.hours), 8)


def test_a_person_without_any_reading_has_a_risk_and_no_states(model):
    nobody = Series("new", np.zeros(0), np.zeros((0, 3)), np.array([np.nan]))
    assert 0 < model.risk([nobody])[0] < 1
    assert model.states(nobody).shape == (0, 8)
    assert np.isfinite(model.forecast(nobody, [2.0]).mean).all()
    assert model.risk([]).shape == (0,)


def test_people_are_judged_by_themselves(model):
    asked = people(6, seed=4)
    together = model.risk(asked)
    alone = [float(model.risk([one])[0]) for one in asked]
    assert together == pytest.approx(alone, abs=1e-6)


def test_a_stopped_training_ends_as_one_that_was_not(tmp_path):
    learned = people(24, seed=5)
    settings = TwinSettings(folds=2, liquid=SMALL.model_copy(update={"epochs": 3}))
    whole = fit_twin(learned, outcomes_of(learned), VARIABLES, settings=settings)

    def stop(line: str) -> None:
        if line.startswith("epoch 2"):
            raise Interrupted("stopped")

    for _ in range(2):
        with pytest.raises(Interrupted):
            fit_twin(
                learned,
                outcomes_of(learned),
                VARIABLES,
                settings=settings,
                work=tmp_path,
                progress=stop,
            )
    state = torch.get_rng_state()
    resumed = fit_twin(learned, outcomes_of(learned), VARIABLES, settings=settings, work=tmp_path)
    assert (torch.get_rng_state() == state).all()
    assert (resumed.risk(learned) == whole.risk(learned)).all()


def test_checkpoints_of_other_people_are_not_gone_on_from(tmp_path):
    learned = people(24, seed=8)
    settings = TwinSettings(folds=2, liquid=SMALL.model_copy(update={"epochs": 1}))
    outcomes = outcomes_of(learned)
    fit_twin(learned, [not one for one in outcomes], VARIABLES, settings=settings, work=tmp_path)
    said: list[str] = []
    found = fit_twin(
        learned, outcomes, VARIABLES, settings=settings, work=tmp_path, progress=said.append
    )
    assert any("another training (people changed)" in line for line in said)
    fresh = fit_twin(learned, outcomes, VARIABLES, settings=settings)
    assert (found.risk(learned) == fresh.risk(learned)).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s, o: (s, o[1:]), "24 series have 23 outcomes"),
        (lambda s, o: (s, [False] * len(o)), "happened to 0 of 24"),
        (lambda s, o: ([s[0]._replace(statics=np.zeros(2)), *s[1:]], o), "3 variables and 2 stat"),
    ],
)
def test_what_does_not_fit_is_refused(change, said):
    learned = people(24, seed=6)
    series, outcomes = change(learned, outcomes_of(learned))
    with pytest.raises(UserError, match=said):
        fit_twin(series, outcomes, VARIABLES, settings=SETTINGS)


def test_a_model_without_a_state_says_so():
    learned = people(24, seed=7)
    settings = TwinSettings(members=("last",), folds=2)
    model = fit_twin(learned, outcomes_of(learned), VARIABLES, settings=settings)
    with pytest.raises(UserError, match="none of which has a state"):
        model.states(learned[0])
    liquid = SMALL.model_copy(update={"forecast_weight": 0.0, "epochs": 1})
    silent = TwinSettings(members=("gru",), folds=2, liquid=liquid)
    model = fit_twin(learned, outcomes_of(learned), VARIABLES, settings=silent)
    with pytest.raises(UserError, match="foretells no values"):
        model.forecast(learned[0], [1.0])


def test_members_are_named_once():
    with pytest.raises(ValueError, match="name each once"):
        TwinSettings(members=("liquid", "liquid"))
