"""What is kept of a benchmark's runs is taken up by no other run, and variants are of one size."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.foundation.ablation import VARIANTS, _weights, of_equal_weights
from benchmarks.foundation.race import Run, ours

from cauce.models.foundation import LiquidFoundationConfig

OPTIONS: dict[str, Any] = {"optimizer": "muon", "lr": 0.004, "muon_lr": 0.02, "steps": 9, "seed": 0}


def run(config: dict[str, Any] | None = None, **options: Any) -> Run:
    return ours(config=config, **OPTIONS, **options)


def test_a_run_with_another_config_loss_or_default_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [run().name, run({"window": 64}).name, run(focal_gamma=1.0).name]
    assert run({"window": 128}).name == names[0]
    defaults = list(LiquidFoundationConfig.__init__.__defaults__ or ())
    defaults[defaults.index(128)] = 256
    monkeypatch.setattr(LiquidFoundationConfig.__init__, "__defaults__", tuple(defaults))
    names.append(run().name)
    assert len(set(names)) == 4


@pytest.mark.parametrize("variant", ["SwiGLU", "experts, 8 of which 2"])
def test_variants_have_up_to_1_percent_fewer_weights_than_the_default(variant: str) -> None:
    share = _weights(of_equal_weights(VARIANTS[variant])) / _weights({})
    assert 0.99 < share <= 1
