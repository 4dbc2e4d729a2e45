"""Losses and gradients of dpo, kto and grpo beside trl's on the same logits; the time of an update.

    python -m benchmarks.serving.preferences

The logits are drawn, in double precision; the difference is the largest of the loss and of any
number of its gradient by the logits, over settings and seeds. The time is that of updates of a
decoder with 0.4 M weights by dpo, full, on one thread, with the reference's log-probabilities
computed before, beside `trl.DPOTrainer`.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor

from benchmarks import report
from benchmarks.serving import trl_losses
from cauce.corpus.batches import LONGEST, Batch
from cauce.corpus.judged import Pair, Rated, Tried
from cauce.corpus.tokens import IGNORED, Tokens
from cauce.models.finding import resolve
from cauce.models.loading import LoadedModel, load_folder
from cauce.models.new import new_model
from cauce.models.prediction import Predicted
from cauce.models.settings import NewModelSettings
from cauce.training.loop import train
from cauce.training.objectives import Dpo, Grpo, Kto
from cauce.training.policy import Trying
from cauce.training.preference import Preferring, Rating
from cauce.training.settings import TrainingSettings

BAR = 1e-6
VOCABULARY = 23
SEEDS = range(3)
STEPS, BATCH, WARM_UP = 30, 8, 5
"""Updates, pairs of each, and trl's first updates, which are not counted."""
CHECKS: dict[str, Any] = {"rewards": ({"kind": "length"},), "held_out": ({"kind": "claims"},)}


class Sides(NamedTuple):
    """A loss and its gradient by the logits, ours and trl's."""

    ours: tuple[Tensor, Tensor]
    theirs: tuple[Tensor, Tensor]

    @property
    def difference(self) -> float:
        """The largest of any number."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return max(float((mine - its).abs().max()) for mine, its in pairs)


def measure() -> None:
    """Prints the largest difference of each objective, and the time of a dpo update."""
    loaded = load_folder(resolve("cauce-mini"), name="cauce-mini")
    for name, sides in (("dpo", dpo_sides), ("kto", kto_sides), ("grpo", grpo_sides)):
        largest = max(it.difference for seed in SEEDS for it in sides(loaded, seed))
        report(f"{name}: loss and gradient against trl", largest, BAR)
    mine, its = time_of_ours(), time_of_trl()
    print(f"CPU s for each dpo update: cauce {mine:.3f}, trl {its:.3f}", file=sys.stderr)
    report("dpo: CPU time of an update over trl's", mine / its, None)


def dpo_sides(loaded: LoadedModel, seed: int) -> Iterator[Sides]:
    """Without and with pairs that were noted the wrong way round."""
    draw = random.Random(seed)
    pairs = [_pair(draw) for _ in range(5)]
    logits = [_logits(draw, item) for pair in pairs for item in pair]
    reference = torch.tensor([[-draw.uniform(5, 20) for _ in range(2)] for _ in pairs])
    for objective in (Dpo(), Dpo(beta=0.7, label_smoothing=0.2)):
        items = [
            first._replace(judged=Pair(second.completion, (float(one), float(other))))
            for (first, second), (one, other) in zip(pairs, reference, strict=True)
        ]
        ours = _ours(Preferring(loaded, objective, "fp32"), items, logits, len(items))
        sides = list(zip(logits[::2], logits[1::2], strict=True))
        yield Sides(ours, _theirs(trl_losses.dpo(pairs, sides, reference, objective), logits))


def kto_sides(loaded: LoadedModel, seed: int) -> Iterator[Sides]:
    """With a divergence of 0, and with one above."""
    draw = random.Random(seed)
    plain = [_item(draw) for _ in range(6)]
    far = [it._replace(completion=plain[n - 1].completion) for n, it in enumerate(plain)]
    logits, apart = ([_logits(draw, it) for it in items] for items in (plain, far))
    labels = [n % 3 > 0 for n in range(6)]
    objective = Kto(beta=0.3, wanted_weight=1.2, unwanted_weight=0.8)
    for lowest in (-30.0, 6.0):
        known = torch.tensor([[-draw.uniform(5, 20), -draw.uniform(5, 20) - lowest] for _ in plain])
        items = [
            it._replace(judged=Rated(label, other.completion, (float(one), float(two))))
            for it, other, label, (one, two) in zip(plain, far, labels, known, strict=True)
        ]
        rating = Rating(loaded, objective, "fp32")
        rating.head, rating.predict = None, _saying(apart)
        with torch.no_grad():
            told = float(rating(rating.far([[item] for item in items])))
        rating.divergence = max(0.0, told / len(items))
        ours = _ours(rating, items, logits, len(items))
        elsewhere = list(zip(far, apart, strict=True))
        theirs = trl_losses.kto(plain, logits, elsewhere, known, objective, labels=labels)
        yield Sides(ours, _theirs(theirs, logits))


def grpo_sides(loaded: LoadedModel, seed: int) -> Iterator[Sides]:
    """Both losses, with and without earlier log-probabilities and a reference."""
    draw = random.Random(seed)
    plain = [_item(draw) for _ in range(6)]
    logits = [_logits(draw, item) for item in plain]
    told = [draw.gauss(0, 1) for _ in plain]
    said = [_log_probabilities(item, it) for item, it in zip(plain, logits, strict=True)]
    near, far = ([_shaken(draw, it) for it in said] for _ in range(2))
    for loss, is_kept, beta in itertools.product(("dapo", "grpo"), (False, True), (0.0, 0.2)):
        objective = Grpo.model_validate({**CHECKS, "loss": loss, "beta": beta})
        before, reference = near if is_kept else [], far if beta else []
        items = [
            item._replace(
                judged=Tried(
                    told[n],
                    tuple(before[n].tolist()) if before else (),
                    tuple(reference[n].tolist()) if reference else (),
                )
            )
            for n, item in enumerate(plain)
        ]
        trying = Trying(loaded, objective, "fp32")
        ours = _ours(trying, items, logits, sum(map(trying.count, items)))
        theirs = trl_losses.grpo(
            plain, logits, torch.tensor(told), objective, before=before, reference=reference
        )
        yield Sides(ours, _theirs(theirs, logits))


def _ours(
    module: Preferring | Rating | Trying,
    items: Sequence[Tokens],
    logits: Sequence[Tensor],
    counted: int,
) -> tuple[Tensor, Tensor]:
    module.head, module.predict = None, _saying(logits)
    return _theirs(module(module.batch([[item] for item in items], LONGEST), 1 / counted), logits)


def _theirs(loss: Tensor, logits: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    found = torch.autograd.grad(loss, list(logits))
    return loss.detach(), torch.cat([gradient.flatten() for gradient in found])


def _saying(logits: Sequence[Tensor]) -> Callable[..., Predicted]:
    """What predicts these logits at the supervised places, document after document."""

    def predict(_model: Any, batch: Batch) -> Predicted:
        flat = torch.cat(list(logits))
        full = flat.new_zeros(*batch.targets.shape, VOCABULARY)
        full[batch.targets != IGNORED] = flat
        return Predicted(full)

    return predict


def _pair(draw: random.Random) -> tuple[Tokens, Tokens]:
    item = _item(draw)
    return item, item._replace(completion=_item(draw).completion)


def _item(draw: random.Random) -> Tokens:
    prompt, completion = (
        [draw.randrange(1, VOCABULARY) for _ in range(draw.randint(2, 7))] for _ in range(2)
    )
    return Tokens(prompt, completion)


def _logits(draw: random.Random, item: Tokens) -> Tensor:
    generator = torch.Generator().manual_seed(draw.randrange(2**31))
    drawn = torch.randn(len(item.completion), VOCABULARY, generator=generator, dtype=torch.double)
    return drawn.requires_grad_()


def _shaken(draw: random.Random, said: Tensor) -> Tensor:
    """So far from what is said now that some ratios are clipped."""
    return said + torch.tensor([draw.gauss(0, 0.3) for _ in said])


def _log_probabilities(item: Tokens, logits: Tensor) -> Tensor:
    wanted = torch.tensor(item.completion)[:, None]
    return logits.detach().log_softmax(-1).gather(1, wanted).squeeze(1).float()


def time_of_ours() -> float:
    """CPU seconds of one update of ours, after the first ones."""
    loaded, items = _small(), _timed()
    settings = TrainingSettings(
        objective=Dpo(), batch_size=BATCH, steps=STEPS, precision="fp32", compile=False,
        monitor_every=0, evaluate_every=STEPS, checkpoint_every=STEPS,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        summary = train(loaded, items, [], settings, Path(folder), seed=0, progress=_silent)
    read = sum(item.length for item in items) * STEPS * BATCH / len(items)
    return float(read / summary["tokens_per_cpu_second"] / STEPS)


def time_of_trl() -> float:
    """The same of `trl.DPOTrainer`."""
    import datasets

    trl: Any = importlib.import_module("trl")

    loaded = _small()
    rows = [dict(zip(("prompt", "chosen", "rejected"), texts, strict=True)) for texts in _texts()]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = trl.DPOTrainer(
            model=cast(Any, loaded.model),
            args=trl.DPOConfig(
                output_dir=folder, per_device_train_batch_size=BATCH, max_steps=STEPS, bf16=False,
                gradient_checkpointing=False, use_cpu=True, report_to=[], save_strategy="no",
                precompute_ref_log_probs=True, logging_strategy="no", disable_tqdm=True,
            ),
            train_dataset=datasets.Dataset.from_list(rows),
            processing_class=loaded.tokenizer,
        )  # fmt: skip
        ends: list[float] = []
        trainer.add_callback(_ends_in(ends))
        with contextlib.redirect_stdout(sys.stderr):
            trainer.train()
        return (ends[-1] - ends[WARM_UP - 1]) / (len(ends) - WARM_UP)


def _ends_in(ends: list[float]) -> Any:
    """A callback of transformers that notes the CPU time at the end of each update."""
    from transformers import TrainerCallback

    class Noting(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(time.process_time())

    return Noting()


def _small() -> LoadedModel:
    new = NewModelSettings.model_validate(
        {
            "architecture": "llama",
            "tokenizer": "cauce-mini",
            "config": {
                "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
                "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 256,
            },
        }
    )  # fmt: skip
    return new_model(new, seed=0)


def _texts() -> list[tuple[str, str, str]]:
    """Prompts of 30 to 60 words, and two answers of 5 to 20 to each."""
    draw = random.Random(0)
    known = ["dosis", "toma", "dolor", "fiebre", "agua", "noche", "adulto", "leche", "sangre"]

    def some(least: int, most: int) -> str:
        return " ".join(draw.choice(known) for _ in range(draw.randint(least, most)))

    return [(some(30, 60), f" {some(5, 20)}", f" {some(5, 20)}") for _ in range(64)]


def _timed() -> list[Tokens]:
    """The same as tokens, answers closed by the end token, as trl makes them."""
    tokenizer = _small().tokenizer

    def ids(text: str) -> list[int]:
        return list(tokenizer.encode(text, add_special_tokens=False))

    end = int(cast(int, tokenizer.eos_token_id))
    return [
        Tokens(ids(prompt), [*ids(chosen), end], judged=Pair([*ids(rejected), end]))
        for prompt, chosen, rejected in _texts()
    ]


def _silent(_line: str) -> None:
    """Progress is not wanted here."""


if __name__ == "__main__":
    measure()
