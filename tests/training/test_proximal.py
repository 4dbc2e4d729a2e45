from __future__ import annotations

import torch

from cauce.training.acceleration import Workload
from cauce.training.distribution import Processes
from cauce.training.engine import Engine, Task, pull_back
from cauce.training.settings import TrainingSettings
from models.tiny import tiny_decoder
from training.engines import PLAIN, alone
from training.examples import chats


def moved_by(proximal, *, updates=6):
    """How far the weights are from their start after some updates on the same examples."""
    loaded = tiny_decoder("gpt2")
    task = Task(loaded, TrainingSettings.model_validate(PLAIN), Workload(), proximal=proximal)
    start = {name: it.detach().clone() for name, it in loaded.model.named_parameters()}
    items = chats(loaded, 4)
    with Engine(task, Processes.start("ddp")) as engine:
        for step in range(updates):
            engine.update([alone(items)], 1e-2, (step, updates))
    moved = [(it.detach() - start[name]).norm() for name, it in loaded.model.named_parameters()]
    return float(torch.stack(moved).norm())


def test_the_gradient_is_that_of_the_written_term():
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    start = torch.tensor([0.5, 1.0])
    (weight.pow(3).sum() + 0.7 / 2 * (weight - start).square().sum()).backward()
    wanted, weight.grad = weight.grad, None
    weight.pow(3).sum().backward()
    pull_back({"weight": weight}, {"weight": start}, 0.7)
    torch.testing.assert_close(weight.grad, wanted)


def test_a_weight_without_a_gradient_stays_without_one():
    weight = torch.nn.Parameter(torch.ones(2))
    pull_back({"weight": weight}, {"weight": torch.zeros(2)}, 1.0)
    assert weight.grad is None


def test_a_stronger_pull_ends_nearer_to_the_start():
    free, weak, strong = (moved_by(proximal) for proximal in (0.0, 1.0, 100.0))
    assert strong < weak < free
