from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError

from cauce.training.schedule import learning_rate
from cauce.training.settings import TrainingSettings


def rates(total: int, **settings: object) -> list[float]:
    checked = TrainingSettings.model_validate({"lr": 1.0, **settings})
    return [learning_rate(step, total, checked) for step in range(total)]


def test_warm_up_rises_in_equal_steps_to_the_peak():
    assert rates(20, warmup=0.25)[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_cosine_closed_form():
    found = rates(100, warmup=0.0, min_lr=0.1)
    expected = [0.1 + 0.9 * (1 + math.cos(math.pi * step / 100)) / 2 for step in range(100)]
    assert found == pytest.approx(expected)


def test_cosine_equals_torch_s():
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50, eta_min=0.2)
    expected = []
    for _ in range(50):
        expected.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert rates(50, warmup=0.0, min_lr=0.2) == pytest.approx(expected)


def test_warm_restarts_equal_torch_s():
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=20)
    expected = []
    for _ in range(60):
        expected.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    found = rates(60, schedule="cosine_restarts", restarts=2, warmup=0.0, min_lr=0.0)
    assert found == pytest.approx(expected)


def test_wsd_is_a_trapezium_that_ends_one_step_above_its_floor():
    found = rates(100, schedule="wsd", warmup=0.1, decay=0.4, min_lr=0.2)
    rise = [(step + 1) / 10 for step in range(10)]
    fall = [1.0 - 0.8 * step / 40 for step in range(40)]
    assert found == pytest.approx([*rise, *[1.0] * 50, *fall])


def test_wsd_falls_over_a_fifth_unless_told_otherwise():
    assert rates(50, schedule="wsd") == rates(50, schedule="wsd", decay=0.2)
    assert rates(10, schedule="wsd", warmup=0.0, decay=1.0, min_lr=0.0)[::3] == [1.0, 0.7, 0.4, 0.1]


def test_constant_stays_at_the_peak():
    assert rates(10, schedule="constant", warmup=0.2)[2:] == [1.0] * 8


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"restarts": 2}, "restarts is 2 but schedule is 'cosine'"),
        ({"schedule": "cosine_restarts"}, "say how many"),
        ({"schedule": "cosine_restarts", "restarts": 5, "steps": 5}, "do not fit into 5 steps"),
        ({"decay": 0.2}, "decay is 0.2 but schedule is 'cosine'"),
        ({"schedule": "wsd", "decay": 0.7, "warmup": 0.4}, "more than all updates"),
        ({"schedule": "wsd", "warmup": 0.9}, "warmup 0.9 and decay 0.2"),
        ({"schedule": "wsd", "decay": 0}, "greater than 0"),
        ({"optimizer": "sgd"}, "'adamw' or 'muon'"),
        ({"lr": 0}, "greater than 0"),
        ({"warmup": 1.0}, "less than 1"),
        ({"precision": "fp8"}, "'bf16'"),
        ({"learning_rate": 1.0}, "Extra inputs"),
    ],
)
def test_impossible_settings_are_refused_with_the_reason(settings, reason):
    with pytest.raises(ValidationError, match=reason):
        TrainingSettings.model_validate(settings)
