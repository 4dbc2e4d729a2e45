"""Three similar sites and a small different one: what each way of weighing leaves to each of them.

A loop in this process over the functions that sites and coordinator call. "Alone" has as many
updates as the federated site in all its rounds and its own tuning together, and like it keeps the
best of its validation split.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from benchmarks import report
from benchmarks.federated.texts import SiteTexts, made_sites, unordered_texts
from benchmarks.training.measure import say
from benchmarks.training.shapes import tokenizer
from cauce.federated.aggregation import average
from cauce.federated.compression import pack_update, unpack
from cauce.federated.model import TrainedPart, added, combined_changes
from cauce.federated.settings import Packing
from cauce.federated.weights import Shares, by_size, capped, loss_aware, uniform
from cauce.models.adapters import attach
from cauce.models.loading import LoadedModel, assemble
from cauce.models.settings import ModelSettings

ROUNDS, STEPS, TUNING, JUDGED_EVERY = 8, 6, 24, 4
BATCH, RATE, RANK = 16, 5e-3, 8

Tensors = dict[str, Tensor]
Kind = Literal["size", "uniform", "capped", "loss"]


class Loss(NamedTuple):
    """Nats per byte of one model on the texts of one site."""

    validation: float
    test: float


Losses = dict[str, dict[str, Loss]]
"""By site and model."""


class Way(NamedTuple):
    """How the sites' results become one."""

    weights: Kind = "loss"
    aggregation: Literal["exact", "shared_factor", "average"] = "exact"
    packing: Packing = "fp32"


DEFAULT = Way("loss", "exact", "int8")
WAYS = {
    "by size": Way("size"),
    "uniform": Way("uniform"),
    "capped": Way("capped"),
    "loss-aware": Way("loss"),
    "loss-aware, int8": DEFAULT,
    "loss-aware, coarse": Way("loss", "exact", "coarse"),
    "loss-aware, factors averaged apart, int8": Way("loss", "average", "int8"),
    "loss-aware, larger factor frozen, int8": Way("loss", "shared_factor", "int8"),
}


def hospitals(work: Path, *, seeds: int = 5) -> None:
    """What each site keeps against what it reaches alone, and the bytes that left the sites."""
    base = base_weights(work)
    alone = [Study(base, DEFAULT, seed=seed).alone() for seed in range(seeds)]
    for name, way in WAYS.items():
        say(f"  {name}")
        studies = [Study(base, way, seed=seed) for seed in range(seeds)]
        found = [
            study.end(study.rounds(reached), reached)
            for study, reached in zip(studies, alone, strict=True)
        ]
        _report(name, found, is_default=way == DEFAULT)
        sent = sum(study.bytes_up for study in studies) / sum(study.messages for study in studies)
        report(f"{name}: bytes that leave a site in a round", sent, None)


def _report(name: str, found: Sequence[Losses], *, is_default: bool) -> None:
    """The two bars, which are those of the default way, and what is behind them."""

    def mean(model: str, *, of_small: bool) -> float:
        return statistics.mean(
            models[model].test
            for losses in found
            for site, models in losses.items()
            if (site == "small") == of_small
        )

    ratio = mean("kept", of_small=True) / mean("alone", of_small=True)
    report(f"{name}: small site, kept / alone", ratio, 1.03 if is_default else None)
    large = mean("kept", of_small=False)
    report(f"{name}: large sites, kept, nats per byte", large, 0.42 if is_default else None)
    for model in ("base", "alone", "global", "personal"):
        for of_small, site in ((True, "small site"), (False, "large sites")):
            report(f"{name}: {site}, {model}", mean(model, of_small=of_small), None)


class Study:
    """The four hospitals of one seed and the one model that each of them trains in turn."""

    def __init__(self, base: Tensors, way: Way, *, seed: int) -> None:
        self.sites, self.way, self.seed = made_sites(seed), way, seed
        settings = ModelSettings(adapter="lora", lora_rank=RANK, lora_alpha=2 * RANK)
        self.loaded = attach(network(base), settings, seed=0)
        shares_factor = way.aggregation == "shared_factor"
        self.part = TrainedPart(self.loaded, seed=0, shares_factor=shares_factor)
        self.examples = {site: len(texts.train) for site, texts in self.sites.items()}
        self.residuals: dict[str, Tensors] = {site: {} for site in self.sites}
        self.bytes_up = self.messages = 0

    def loss(self, texts: Tensor) -> float:
        """Nats per byte of the model as it is."""
        with torch.no_grad():
            return float(self._forward(texts))

    def losses(self, site: str) -> Loss:
        """The same of a site's held-out texts."""
        return Loss(self.loss(self.sites[site].validation), self.loss(self.sites[site].test))

    def learn(self, texts: SiteTexts, steps: int, *, seed: int, keeps_best: bool) -> None:
        """Adam from where the model is; with `keeps_best`, to the best of the validation split."""
        trained = [it for it in self._model.parameters() if it.requires_grad]
        optimizer = torch.optim.Adam(trained, RATE)
        chance = torch.Generator().manual_seed(seed)
        best, kept = self.loss(texts.validation), [it.detach().clone() for it in trained]
        for step in range(1, steps + 1):
            rows = torch.randperm(len(texts.train), generator=chance)[:BATCH]
            optimizer.zero_grad()
            torch.autograd.backward(self._forward(texts.train[rows]))
            optimizer.step()
            if keeps_best and step % JUDGED_EVERY == 0:
                loss = self.loss(texts.validation)
                if loss < best:
                    best, kept = loss, [it.detach().clone() for it in trained]
        if keeps_best:
            with torch.no_grad():
                for weight, value in zip(trained, kept, strict=True):
                    weight.copy_(value)

    def alone(self) -> dict[str, Loss]:
        """What each site makes of the base by itself, in as many updates as with the others."""
        found = {}
        for site, texts in self.sites.items():
            self.part.put({})
            self.learn(texts, ROUNDS * STEPS + TUNING, seed=self.seed, keeps_best=True)
            found[site] = self.losses(site)
        return found

    def rounds(self, alone: Mapping[str, Loss]) -> Tensors:
        """The shared model after all rounds."""
        shared: Tensors = {}
        reached = {site: loss.validation for site, loss in alone.items()}
        for number in range(ROUNDS):
            replies, before = {}, {}
            for site, texts in self.sites.items():
                self.part.put(shared)
                before[site] = self.loss(texts.validation)
                self.learn(texts, STEPS, seed=1000 * self.seed + number, keeps_best=False)
                replies[site] = self._sent(site)
            shared = self._together(shared, replies, self._shares(before, reached))
        return shared

    def end(self, shared: Tensors, alone: Mapping[str, Loss]) -> Losses:
        """What each site has in the end, and which of them it keeps by its validation split."""
        found: Losses = {}
        for site, texts in self.sites.items():
            losses = {"alone": alone[site]}
            for name, start in (("base", {}), ("global", shared)):
                self.part.put(start)
                losses[name] = self.losses(site)
            self.learn(texts, TUNING, seed=self.seed, keeps_best=True)
            losses["personal"] = self.losses(site)
            found[site] = {**losses, "kept": min(losses.values(), key=lambda it: it.validation)}
        return found

    @property
    def _model(self) -> Any:
        return self.loaded.model

    def _forward(self, texts: Tensor) -> Tensor:
        loss: Tensor = self._model(input_ids=texts, labels=texts).loss
        return loss

    def _sent(self, site: str) -> Tensors:
        """What the coordinator reads of the site's change; its bytes are counted."""
        before = {} if self.way.aggregation == "exact" else self.residuals[site]
        packed = pack_update(self.part.moved(), self.way.packing, before)
        self.residuals[site] = packed.residual
        self.bytes_up += len(packed.content)
        self.messages += 1
        return unpack(packed.content)

    def _shares(self, before: dict[str, float], reached: dict[str, float]) -> Shares:
        if self.way.weights == "size":
            return by_size(self.examples)
        if self.way.weights == "uniform":
            return uniform(list(self.examples))
        cut = capped(self.examples, largest=0.3)
        return cut if self.way.weights == "capped" else loss_aware(cut, before, reached)

    def _together(self, shared: Tensors, told: dict[str, Tensors], shares: Shares) -> Tensors:
        if self.way.aggregation != "exact":
            return added(shared, average(told, shares))
        scales = dict.fromkeys(told, self.part.scaling)
        return combined_changes(shared, told, scales, shares, seed=0)


def network(weights: Tensors | None = None) -> LoadedModel:
    """A GPT-2 of two layers of width 64 that reads bytes, untrained or with these weights."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    shape: dict[str, Any] = {"vocab_size": 256, "n_positions": 64, "n_embd": 64, "n_layer": 2}
    off: dict[str, Any] = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    ids: dict[str, Any] = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), 0)
    model = GPT2LMHeadModel(GPT2Config(n_head=4, **shape, **off, **ids))
    if weights is not None:
        model.load_state_dict(weights)
    return assemble(model, tokenizer(), name="bytes")


def base_weights(work: Path, *, steps: int = 1200) -> Tensors:
    """Of the model that has read the words in no order; trained once and kept in `work`."""
    kept = work / "base.pt"
    if kept.is_file():
        found: Tensors = torch.load(kept)
        return found
    model: Any = network().model
    optimizer = torch.optim.AdamW(model.parameters())
    batches = torch.split(unordered_texts(32 * steps, seed=1), 32)
    for step, texts in enumerate(batches):
        optimizer.param_groups[0]["lr"] = 3e-3 * min(1, step / 50) * (1 - step / steps)
        optimizer.zero_grad()
        torch.autograd.backward(model(input_ids=texts, labels=texts).loss)
        optimizer.step()
    work.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), kept)
    return base_weights(work, steps=steps)
