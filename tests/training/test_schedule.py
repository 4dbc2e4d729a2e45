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


def test_constant_stays_at_the_peak():
    assert rates(10, schedule="constant", warmup=0.2)[2:] == [1.0] * 8


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"restarts": 2}, "restarts is 2 but schedule is 'cosine'"),
        ({"schedule": "cosine_restarts"}, "say how many"),
        ({"schedule": "cosine_restarts", "restarts": 5, "steps": 5}, "do not fit into 5 steps"),
        ({"lr": 0}, "greater than 0"),
        ({"warmup": 1.0}, "less than 1"),
        ({"precision": "fp8"}, "'bf16'"),
        ({"learning_rate": 1.0}, "Extra inputs"),
    ],
)
def test_impossible_settings_are_refused_with_the_reason(settings, reason):
    with pytest.raises(ValidationError, match=reason):
        TrainingSettings.model_validate(settings)
