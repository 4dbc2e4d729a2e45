"""The losses of trl's own trainers on logits that are given: what ours are compared with.

A trainer is made without a model or data set, with what its loss reads alone (trl 1.16).
"""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from cauce.corpus.tokens import IGNORED, Tokens
from cauce.training.objectives import Dpo, Grpo, Kto

Pairs = Sequence[Tensor]
"""Of each document the logits of its completion, tokens by vocabulary."""


class _Said:
    """A model that says what it is given, call after call."""

    training = True

    def __init__(self, calls: Sequence[Pairs]) -> None:
        self._calls = list(calls)

    def __call__(self, *, labels: Tensor, **_: Any) -> Any:
        wanted = labels[:, 1:]
        logits = torch.cat(list(self._calls.pop(0)))
        is_wanted = wanted != IGNORED
        told = logits.log_softmax(-1).gather(1, wanted[is_wanted][:, None]).squeeze(1)
        log_probs = logits.new_zeros(wanted.shape)
        log_probs[is_wanted] = told
        zeros = torch.zeros_like(log_probs)
        return SimpleNamespace(
            log_probs=log_probs, entropy=zeros, mean_logits=zeros, is_top1=zeros > 0
        )


def dpo(
    pairs: Sequence[tuple[Tokens, Tokens]],
    logits: Sequence[tuple[Tensor, Tensor]],
    reference: Tensor,
    objective: Dpo,
) -> Tensor:
    """trl's loss over the pairs; `reference` has the log-probabilities of both, a row a pair."""
    trl: Any = importlib.import_module("trl")

    chosen, rejected = ([pair[side] for pair in pairs] for side in (0, 1))
    said = [pair[side] for side in (0, 1) for pair in logits]
    trainer = _without_model(trl.DPOTrainer)
    trainer.ld_alpha, trainer.use_weighting = None, False
    trainer.precompute_ref_logps, trainer.f_divergence_type = True, "reverse_kl"
    trainer.loss_types = ["robust" if objective.label_smoothing else "sigmoid"]
    trainer.loss_weights = [1.0]
    trainer.beta, trainer.label_smoothing = objective.beta, objective.label_smoothing
    inputs = {
        **_padded([*chosen, *rejected]),
        "ref_chosen_logps": reference[:, 0],
        "ref_rejected_logps": reference[:, 1],
    }
    found: Tensor = trainer._compute_loss(_Said([said]), inputs, False)
    return found


def kto(
    items: Sequence[Tokens],
    logits: Pairs,
    elsewhere: Sequence[tuple[Tokens, Tensor]],
    reference: Tensor,
    objective: Kto,
    *,
    labels: Sequence[bool],
) -> Tensor:
    """trl's loss over the answers; `reference` has those of the answers and of `elsewhere`."""
    trl: Any = importlib.import_module("trl")

    trainer = _without_model(trl.KTOTrainer)
    trainer.calculate_KL, trainer.precompute_ref_logps, trainer.loss_type = True, True, "kto"
    trainer.beta = objective.beta
    trainer.desirable_weight = objective.wanted_weight
    trainer.undesirable_weight = objective.unwanted_weight
    apart = {f"KL_{name}": it for name, it in _padded([item for item, _ in elsewhere]).items()}
    inputs = {
        **_padded(items),
        **apart,
        "label": torch.tensor(labels),
        "ref_logps": reference[:, 0],
        "ref_KL_logps": reference[:, 1],
    }
    said = _Said([[it for _, it in elsewhere], logits])
    found: Tensor = trainer._compute_loss(said, inputs, False)
    return found


def grpo(
    items: Sequence[Tokens],
    logits: Pairs,
    advantages: Tensor,
    objective: Grpo,
    *,
    before: Sequence[Tensor] = (),
    reference: Sequence[Tensor] = (),
) -> Tensor:
    """trl's loss over the answers; `before` and `reference` are per token of each."""
    trl: Any = importlib.import_module("trl")

    trainer = _without_model(trl.GRPOTrainer)
    trainer.top_entropy_quantile, trainer.off_policy_mask_threshold = 1.0, None
    trainer.importance_sampling_level, trainer.loss_type = "token", objective.loss
    trainer.beta = objective.beta if reference else 0.0
    trainer.epsilon_low = trainer.epsilon_high = objective.clip
    trainer.use_vllm, trainer._entropy_bonus_enabled = False, False
    trainer.use_adaptive_entropy = False
    trainer.current_gradient_accumulation_steps = 1
    trainer.args = SimpleNamespace(use_bias_correction_kl=False, delta=None, steps_per_generation=1)
    width = max(len(item.prompt) for item in items)
    longest = max(len(item.completion) for item in items)
    inputs = {
        "prompt_ids": _rows([[0] * (width - len(it.prompt)) + it.prompt for it in items]),
        "prompt_mask": _rows(
            [[0] * (width - len(it.prompt)) + [1] * len(it.prompt) for it in items]
        ),
        "completion_ids": _rows(
            [it.completion + [0] * (longest - len(it.completion)) for it in items]
        ),
        "completion_mask": _rows(
            [[1] * len(it.completion) + [0] * (longest - len(it.completion)) for it in items]
        ),
        "advantages": advantages,
        "num_items_in_batch": torch.tensor(sum(len(it.completion) for it in items)),
    }
    for name, known in (("old_per_token_logps", before), ("ref_per_token_logps", reference)):
        if known:
            inputs[name] = torch.nn.utils.rnn.pad_sequence(list(known), batch_first=True)
    found: Tensor = trainer._compute_loss(_Said([logits]), inputs)
    return found


def _without_model(kind: Any) -> Any:
    """A trainer of that kind with what all of them read besides."""
    trainer = kind.__new__(kind)
    trainer.model = SimpleNamespace(training=True)
    trainer.accelerator = SimpleNamespace(
        device=torch.device("cpu"),
        num_processes=1,
        is_main_process=False,
        gather_for_metrics=lambda value: value,
        gather=lambda value: value,
        reduce=lambda value, reduction: value,
        autocast=nullcontext,
    )
    trainer.aux_loss_enabled = False
    trainer._metrics = defaultdict(lambda: defaultdict(list))
    trainer._total_train_tokens, trainer._tp_size = 0, 1
    return trainer


def _padded(items: Sequence[Tokens]) -> dict[str, Tensor]:
    """The documents as trl's collators give them, padded on the right."""
    width = max(item.length for item in items)
    ids = [[*it.prompt, *it.completion] for it in items]
    masks = [[0] * len(it.prompt) + [1] * len(it.completion) for it in items]
    return {
        "input_ids": _rows([row + [0] * (width - len(row)) for row in ids]),
        "attention_mask": _rows([[1] * len(row) + [0] * (width - len(row)) for row in ids]),
        "completion_mask": _rows([row + [0] * (width - len(row)) for row in masks]),
    }


def _rows(rows: Sequence[Sequence[int]]) -> Tensor:
    return torch.tensor(rows)
