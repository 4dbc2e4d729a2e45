"""What a site's update tells of its examples, with ordinary training and with private training.

Documents are of random tokens: what is found out of them was told by the update and nothing else.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from benchmarks import report
from benchmarks.training.measure import say
from benchmarks.training.shapes import build, full_documents
from cauce.corpus.tokens import Tokens
from cauce.evaluation.privacy.attacks import Canary, token_recovery
from cauce.federated.coordinator import Coordinator
from cauce.federated.examples import SiteData
from cauce.federated.in_process import InProcess
from cauce.federated.privacy.accounting import noise_for
from cauce.federated.privacy.dpsgd import DpSgd
from cauce.federated.privacy.gate import Evidence, Finding, Verdict, examine, losses
from cauce.federated.rounds import Round
from cauce.federated.settings import FederatedSettings
from cauce.federated.site import Site
from cauce.models.adapters import attach
from cauce.models.loading import LoadedModel
from cauce.models.settings import ModelSettings
from cauce.training.acceleration import Workload
from cauce.training.distribution import Processes
from cauce.training.engine import Engine, Task
from cauce.training.loop import train
from cauce.training.optimizer import trainable_parameters
from cauce.training.settings import TrainingSettings

SHAPE, WIDTH = "gpt2-7m", 16
EXAMPLES, BATCH, STEPS, CANDIDATES = 32, 8, 12, 255
SEEDS = 3
EPSILON, DELTA, CLIP = 8.0, 1e-5, 1.0
PLAIN = {"precision": "fp32", "compile": False, "monitor_every": 0}


class Way(NamedTuple):
    """How a site trains."""

    adapter: str
    is_private: bool

    def __str__(self) -> str:
        trained = "LoRA" if self.adapter == "lora" else "all weights"
        return f"{trained}, {'epsilon 8' if self.is_private else 'no noise'}"


def privacy() -> None:
    """Token recovery, membership and exposure of one round of 12 updates over 32 documents."""
    documents = full_documents(
        SHAPE, SEEDS * (2 * EXAMPLES + CANDIDATES), width=WIDTH, target_width=WIDTH
    )
    _one_gradient(documents)
    _gated_jobs(documents)
    noise = noise_for(EPSILON, DELTA, steps=STEPS, rate=BATCH / EXAMPLES)
    report(f"noise of epsilon {EPSILON:g} at delta {DELTA:g}", noise, None)
    for way in (Way(adapter, private) for private in (False, True) for adapter in ("lora", "none")):
        say(str(way))
        verdicts = []
        for seed in range(SEEDS):
            own = documents[seed::SEEDS]
            verdicts.append(_round(way, own, noise, seed))
        _report(way, verdicts)


def _one_gradient(documents: Sequence[Tokens]) -> None:
    """What the literature attacks: one gradient by all weights, the batch it is the mean of."""
    for count in (1, 4, 16):
        loaded, items = build(SHAPE), documents[:count]
        settings = TrainingSettings.model_validate(PLAIN)
        with Engine(Task(loaded, settings, Workload()), Processes.start("ddp")) as engine:
            engine.accumulate_gradients([[[item] for item in items]])
            update = {
                name: it.grad for name, it in engine.parameters.items() if it.grad is not None
            }
            told = token_recovery(loaded, update, items)
            engine.optimizer.zero_grad()
        report(f"tokens told by one gradient of {count} documents", told.found.value, None)


def _gated_jobs(documents: Sequence[Tokens]) -> None:
    """What the gate finds in jobs of eight rounds of six updates, and what it costs."""
    spent = {}
    for gate, epsilon in (("off", None), ("report", None), ("report", EPSILON)):
        rounds = _job(documents, FederatedSettings(personal_steps=0, gate=gate, epsilon=epsilon))
        spent[gate, epsilon] = sum(cpu for closed in rounds for cpu in closed.cpu_s.values())
        own = [it for closed in rounds for found in closed.findings.values() for it in found]
        if own:
            _report_job(own, "no noise" if epsilon is None else f"epsilon {epsilon:g}")
    share = spent["report", None] / spent["off", None] - 1
    report("CPU time of the gate beside the rounds' training", share, 0.2)


def _job(documents: Sequence[Tokens], settings: FederatedSettings) -> list[Round]:
    """The rounds of three hospitals with 32 documents each, and half as many held out."""
    names, parts = ("east", "north", "south"), (EXAMPLES, EXAMPLES // 2, EXAMPLES // 2)

    def opened(name: str, folder: Path) -> Site:
        loaded = attach(build(SHAPE), ModelSettings(base=SHAPE, adapter="lora"), seed=0)
        own = list(documents[names.index(name) :: len(names)])
        train, validation, test = (
            own[sum(parts[:place]) :][:count] for place, count in enumerate(parts)
        )
        return Site(
            name,
            loaded,
            SiteData(train, validation, test, [str(number) for number in range(len(test))]),
            (TrainingSettings.model_validate({**PLAIN, "batch_size": BATCH}), settings),
            folder / name,
            seed=0,
            progress=say,
        )

    with tempfile.TemporaryDirectory() as folder:
        sites = InProcess({name: partial(opened, name, Path(folder)) for name in names})
        where = Path(folder) / "coordinator"
        return Coordinator(sites, settings, where, job="privacy", seed=0, progress=say).run().rounds


def _report_job(findings: Sequence[Finding], noise: str) -> None:
    """Of three sites, in the first and the last round."""
    tokens, members = (
        [it for it in findings if it.attack == attack]
        for attack in ("token recovery", "membership")
    )
    chances = [1 - (1 - it.limit) ** 0.5 for it in tokens]
    told = statistics.mean(it.value.value for it in tokens)
    report(f"tokens told in a job with its gate, {noise}", told, None)
    ratio = told / statistics.mean(chances)
    bar = None if noise == "no noise" else 2.0
    report(f"tokens told in a job with its gate against chance, {noise}", ratio, bar)
    area = statistics.mean(it.value.value for it in members)
    report(f"area of membership in a job with its gate, {noise}", area, None)
    refused = sum(it.is_beyond for it in findings)
    report(f"findings beyond a limit of {len(findings)}, {noise}", refused, None)


def _round(way: Way, documents: Sequence[Tokens], noise: float, seed: int) -> Verdict:
    members, others = documents[:EXAMPLES], documents[EXAMPLES : 2 * EXAMPLES]
    canary = Canary(members[0], tuple(documents[2 * EXAMPLES :]))
    evidence = Evidence(members, others, [canary])
    loaded = attach(build(SHAPE), ModelSettings(base=SHAPE, adapter=way.adapter), seed=seed)  # type: ignore[arg-type]
    before, start = losses(loaded, evidence), _weights(loaded)
    settings = {**PLAIN, "steps": STEPS, "batch_size": BATCH}
    private = DpSgd(EXAMPLES, BATCH, CLIP, noise, str(seed)) if way.is_private else None
    with tempfile.TemporaryDirectory() as folder:
        train(
            loaded,
            members,
            [],
            TrainingSettings.model_validate(settings),
            Path(folder),
            seed=seed,
            progress=lambda _line: None,
            private=private,
        )
    update = {name: now - start[name] for name, now in _weights(loaded).items()}
    return examine(loaded, update, evidence, before)


def _weights(loaded: LoadedModel) -> dict[str, Tensor]:
    return {name: it.detach().clone() for name, it in trainable_parameters(loaded.model).items()}


def _report(way: Way, verdicts: Sequence[Verdict]) -> None:
    """Means over the seeds; the gate's limit for tokens is that of two guesses."""
    for finding in verdicts[0].findings:
        say(finding.reason)
    tokens, members, canaries = (
        [verdict.findings[place] for verdict in verdicts] for place in range(3)
    )
    chance = 1 - (1 - tokens[0].limit) ** 0.5
    told = statistics.mean(it.value.value for it in tokens)
    report(f"tokens told by a round, {way}", told, None)
    bar = 2.0 if way.is_private else None
    report(f"tokens told against chance, {way}", told / chance, bar)
    report(f"area of membership, {way}", statistics.mean(it.value.value for it in members), None)
    report(f"bits of exposure, {way}", max(it.value.value for it in canaries), None)
    released = sum(verdict.released for verdict in verdicts)
    report(f"rounds released of {SEEDS}, {way}", released, None, "higher")
