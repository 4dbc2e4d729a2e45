"""Small trainings over `Processes`, in two of them: python distributed.py FOLDER.

They are launched as torchrun does it, but forked, so that what is imported is imported once.

Every training is 6 updates of 13 rows in batches of 3, two to an update: each third update has one
row, so that a second process has none. The main process writes FOLDER/NAME.pt.
"""

from __future__ import annotations

import signal
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import Tensor
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
from torch.nn import Module
from torch.nn.functional import cross_entropy

from cauce.corpus.batches import Batch, collate
from cauce.corpus.tokens import IGNORED, Tokens
from cauce.errors import UserError
from cauce.models.adapters import attach, transplant
from cauce.models.loading import LoadedModel
from cauce.models.prediction import predict
from cauce.models.settings import LiquidSettings, ModelSettings
from cauce.training.distribution import Parallel, Processes
from cauce.training.monitor import find_blocks
from cauce.training.optimizer import make_optimizer, trainable_parameters
from cauce.training.settings import TrainingSettings
from cauce.training.stopping import StopRequest
from models.tiny import tiny_model
from training.examples import chats

KINDS = ("gpt2", "t5", "lora", "liquid", "muon")
UPDATES, HALF = 6, 3
CLIP_NORM = 1.0
NOTHING: dict[str, Any] = {"weights": {}, "optimizer": {}}
"""What a process that is not the main one keeps."""


class SummedLoss(Module):
    """A stand-in for an objective, that may hold weights which it leaves out."""

    def __init__(self, model: Any, *, uses_all: bool = True) -> None:
        super().__init__()
        self.model = model
        if not uses_all:
            self.unused = torch.nn.Linear(3, 3)

    def forward(self, batch: Batch) -> Tensor:
        logits = predict(self.model, batch)
        return cross_entropy(
            logits.flatten(0, 1), batch.targets.flatten(), ignore_index=IGNORED, reduction="sum"
        )


@dataclass
class Result:
    """What one training did, whole."""

    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    halfway: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Tensor] = field(default_factory=dict)


def build(kind: str) -> LoadedModel:
    """GPT-2 computes its activations twice, as with `gradient_checkpointing`."""
    if kind == "muon":
        return tiny_model("gpt2")
    if kind == "lora":
        settings = ModelSettings(base="tiny-llama", adapter="lora", lora_rank=4)
        return attach(tiny_model("llama"), settings, seed=5)
    if kind == "liquid":
        return transplant(tiny_model("mistral"), LiquidSettings(wiring="ncp", units=24), seed=5)
    loaded = tiny_model(kind)
    if kind == "gpt2":
        model: Any = loaded.model.train()
        model.activation_checkpointing_enable({"use_reentrant": False})
    return loaded


def blocks(loaded: LoadedModel) -> list[Module]:
    return list(find_blocks(loaded.model).values())


def windows(items: list[Tokens]) -> list[list[list[Tokens]]]:
    batches = [items[start : start + 3] for start in range(0, len(items), 3)]
    return [batches[start : start + 2] for start in range(0, len(batches), 2)] * 2


def train(kind: str, processes: Processes, halfway: dict[str, Any] | None = None) -> Result:
    """All updates, or those that follow on what `halfway` holds."""
    result, loaded = Result(), build(kind)
    plan = windows(chats(loaded, 13))
    if not processes.is_main:
        next(iter(loaded.model.parameters())).detach().add_(1.0)
    uses_all = kind != "t5"
    objective = SummedLoss(loaded.model, uses_all=uses_all)
    module = processes.wrap(objective, blocks(loaded), uses_all=uses_all)
    parameters = trainable_parameters(loaded.model)
    rule = "muon" if kind == "muon" else "adamw"
    settings = TrainingSettings.model_validate({"lr": 1e-3, "optimizer": rule})
    optimizer = make_optimizer(loaded.model, settings)
    if halfway is not None:
        processes.put_weights(parameters, halfway["weights"])
        processes.put_optimizer_state(optimizer, parameters, halfway["optimizer"])
    for number in range(0 if halfway is None else HALF, UPDATES):
        result.losses.append(accumulate(module, processes, plan[number], loaded))
        result.norms.append(processes.clip(list(parameters.values()), CLIP_NORM))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if number + 1 == HALF:
            result.halfway = {
                "weights": processes.weights(parameters),
                "optimizer": processes.optimizer_state(optimizer, parameters),
            }
    result.optimizer = processes.optimizer_state(optimizer, parameters)
    gathered = processes.weights(dict(objective.model.named_parameters()))
    processes.unwrap(module)
    result.weights = {name: it.detach() for name, it in loaded.model.named_parameters()}
    assert not processes.is_main or all(
        map(torch.equal, gathered.values(), result.weights.values())
    )
    return result


def accumulate(
    module: Module, processes: Processes, batches: list[list[Tokens]], loaded: LoadedModel
) -> float:
    """The mean loss of one update, whose gradient the parameters then hold."""
    tokens = sum(len(item.completion) for rows in batches for item in rows)
    total = 0.0
    for number, rows in enumerate(batches, 1):
        mine = processes.share(rows)
        batch = collate(
            [[item] for item in mine or rows[:1]],
            pad_id=loaded.pad_id,
            decoder_start_id=loaded.decoder_start_id,
        )
        with processes.accumulating(module, is_last=number == len(batches)):
            loss = module(batch) * (1.0 / tokens if mine else 0.0)
            (loss * processes.count).backward()
        total += loss.item()
    return processes.sum(total)


def traits(module: Module) -> list[Any]:
    """The class, the attributes and the hooks of every part, and which parameters are tied."""
    places: dict[int, int] = {}
    return [
        (
            name,
            type(part),
            type(part.forward),
            sorted(vars(part)),
            [len(it) for key, it in sorted(vars(part).items()) if key.endswith("_hooks") and it],
            [
                (key, places.setdefault(id(it), len(places)), tuple(it.shape), it.requires_grad)
                for key, it in part.named_parameters(recurse=False)
            ],
        )
        for name, part in module.named_modules()
    ]


def check_unwrap(processes: Processes) -> None:
    """A wrapped, used and unwrapped module is as one that never was."""
    for kind in KINDS:
        loaded, other = build(kind), SummedLoss(build(kind).model)
        objective = SummedLoss(loaded.model)
        module = processes.wrap(objective, blocks(loaded))
        batch = collate([[Tokens([5, 6], [7, 8])]], pad_id=0, decoder_start_id=2)
        loss = module(batch)
        loss.backward()
        module.state_dict()
        processes.unwrap(module)
        expected = other(batch)
        assert traits(objective) == traits(other)
        assert torch.equal(loss, expected) and torch.equal(objective(batch), expected)
        objective.load_state_dict(other.state_dict())


def check_agreement(processes: Processes) -> None:
    """What one process knows, all know."""
    rank = processes.rank
    assert processes.sum(rank + 0.5) == 2.0
    assert processes.gather({"rank": rank}) == [{"rank": 0}, {"rank": 1}]
    assert processes.share("abcde") == (["a", "c", "e"] if processes.is_main else ["b", "d"])
    assert processes.agree("") == ""
    assert processes.agree("one" if rank == 0 else "other") == "one"
    with StopRequest() as stop:
        if rank == 1:
            signal.raise_signal(signal.SIGTERM)
        assert processes.agree(stop.name) == "SIGTERM"
    processes.wait()


def check_refusal(processes: Processes) -> None:
    """Shares of quantised weights would be noise."""
    linear = torch.nn.Linear(2, 2)
    linear.packed = torch.nn.Parameter(torch.zeros(2, dtype=torch.uint8), requires_grad=False)
    try:
        processes.wrap(linear, [])
    except UserError as error:
        assert "packed has quantised weights (torch.uint8)" in str(error)
    else:
        raise AssertionError("quantised weights were cut into shares")


def main(folder: Path) -> None:
    warnings.simplefilter("error")
    kinds: tuple[Parallel, ...] = ("ddp", "fsdp")
    for parallel in kinds:
        processes = Processes.start(parallel)
        assert (processes.count, torch.get_num_threads()) == (2, 1)
        check_agreement(processes)
        check_unwrap(processes)
        for kind in KINDS:
            # DDP goes on from what one process saved, FSDP2 from what DDP saved.
            start = torch.load(folder / f"{kind}-halfway.pt") if processes.is_main else NOTHING
            straight = train(kind, processes)
            resumed = train(kind, processes, start)
            if processes.is_main:
                torch.save([vars(straight), vars(resumed)], folder / f"{kind}-{parallel}.pt")
                torch.save(straight.halfway, folder / f"{kind}-halfway.pt")
            assert processes.is_main or straight.halfway == NOTHING
    check_refusal(processes)


if __name__ == "__main__":
    launch = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=2,
        run_id="two",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        start_method="fork",
    )
    elastic_launch(launch, main)(Path(sys.argv[1]))
