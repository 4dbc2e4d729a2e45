"""What is refused before the first update: trainings that could not have worked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cauce.corpus.batches import collate
from cauce.corpus.tokens import IGNORED, Tokens
from cauce.errors import TrainingRefused
from cauce.models.generation import end_token_ids, position_limit
from cauce.models.head import set_aside
from cauce.models.loading import LoadedModel
from cauce.models.prediction import predict
from cauce.models.prefix import series_ids
from cauce.training.objective import Likelihood, batch_of, supervised_tokens
from cauce.training.objectives import Pretrain, Sft
from cauce.training.settings import TrainingSettings

if TYPE_CHECKING:
    from torch import Tensor


def refuse_untrainable(
    loaded: LoadedModel,
    train: Sequence[Tokens],
    validation: Sequence[Tokens],
    settings: TrainingSettings,
) -> None:
    """Raises TrainingRefused, with the reason, when this training would teach nothing or badly."""
    if not train:
        raise TrainingRefused(
            "there is no training example.\nLook at what `cauce prepare` refused and why."
        )
    if settings.patience and not validation:
        raise TrainingRefused(
            f"patience is {settings.patience} but there is no validation example to judge by.\n"
            "Set training.patience=0, or give the split a validation share."
        )
    _refuse_larger_tokenizer(loaded)
    for name, items in (("training", train), ("validation", validation)):
        _refuse_unknown_tokens(loaded, items, name)
        _refuse_unsupervised(loaded, items, name)
        if not isinstance(settings.objective, Pretrain):
            # A row of a text to pretrain on ends where the row is full.
            _refuse_open_ends(loaded, items, name)
        _refuse_too_long(loaded, items, name)
    _refuse_masked_end(loaded, train[0])
    _refuse_deaf_weights(loaded, train[: settings.batch_size])


def probe(loaded: LoadedModel, item: Tokens) -> Tensor:
    """What the model says about one example, to be compared before and after training."""
    import torch

    loaded.model.eval()
    with torch.inference_mode():
        return predict(loaded.model, batch_of(loaded, [[item]])).float().cpu()


def refuse_unchanged(before: Tensor, after: Tensor) -> None:
    """Raises TrainingRefused when the trained model answers exactly as the one it came from."""
    import torch

    if torch.equal(before, after):
        raise TrainingRefused(
            "after training, the model's logits are those of the base, bit for bit: the adapter or "
            "the updates have no effect, and a comparison would compare the base with itself.\n"
            "Raise training.lr, or check model.lora_targets. With grpo it may also be that all "
            "answers to a prompt were worth the same (reward_spread in log.jsonl)."
        )


def _refuse_larger_tokenizer(loaded: LoadedModel) -> None:
    token, highest = max(loaded.tokenizer.get_vocab().items(), key=lambda entry: entry[1])
    if highest >= loaded.vocabulary:
        raise TrainingRefused(
            f"the tokenizer of {loaded.name!r} goes up to token {highest}, {token!r}; the model "
            f"has embeddings for {loaded.vocabulary} tokens.\n"
            "Use the tokenizer that belongs to the model, or enlarge the model once with "
            "model.resize_token_embeddings(len(tokenizer)) and save both."
        )


def _refuse_unknown_tokens(loaded: LoadedModel, items: Sequence[Tokens], name: str) -> None:
    known = loaded.vocabulary + series_ids(loaded)
    for place, item in enumerate(items):
        ids = [token for it in item.documents for token in (*it.prompt, *it.completion)]
        if ids and not 0 <= min(ids) <= max(ids) < known:
            unknown = min(ids) if min(ids) < 0 else max(ids)
            raise TrainingRefused(
                f"{name} example {place} holds token {unknown}; {loaded.name!r} has embeddings for "
                f"tokens 0 to {known - 1}: it was tokenized for another model.\n"
                "Tokenize with this model's tokenizer, as `cauce prepare` does."
            )


def _refuse_unsupervised(loaded: LoadedModel, items: Sequence[Tokens], name: str) -> None:
    empty = [place for place, item in enumerate(items) if supervised_tokens(loaded, item) < 1]
    if empty:
        raise TrainingRefused(
            f"{len(empty)} of {len(items)} {name} examples have zero supervised tokens, the first "
            f"is number {empty[0]}: nothing would be learned from them.\n"
            "Give each a completion; `cauce prepare --preview` marks the tokens that are learned."
        )


def _refuse_open_ends(loaded: LoadedModel, items: Sequence[Tokens], name: str) -> None:
    ends = end_token_ids(loaded)
    open_ended = [
        place
        for place, item in enumerate(items)
        if not item.completion or item.completion[-1] not in ends
    ]
    if open_ended:
        last = items[open_ended[0]].completion[-1:]
        raise TrainingRefused(
            f"{len(open_ended)} of {len(items)} {name} examples do not end with an end token, the "
            f"first is number {open_ended[0]}, whose last is {loaded.tokenizer.decode(last)!r}: "
            "the model would never learn to stop.\n"
            f"End each with one of the tokens {ends}, as cauce.corpus.tokens.tokenize does."
        )


def _refuse_too_long(loaded: LoadedModel, items: Sequence[Tokens], name: str) -> None:
    limit = position_limit(loaded)
    lengths = [max(document.length for document in item.documents) for item in items]
    too_long = [place for place, length in enumerate(lengths) if limit and length > limit]
    if too_long:
        raise TrainingRefused(
            f"{len(too_long)} of {len(items)} {name} examples are too long for {loaded.name!r}: "
            f"number {too_long[0]} has {lengths[too_long[0]]} tokens; it reads {limit}."
            "\nLower model.max_tokens so that they are left out, or use a model that reads more."
        )


def _refuse_masked_end(loaded: LoadedModel, item: Tokens) -> None:
    batch = collate(
        [[item], [item]], pad_id=loaded.pad_id, decoder_start_id=loaded.decoder_start_id
    )
    learned = [target for target in batch.targets[0].tolist() if target != IGNORED]
    expected = item.completion[-supervised_tokens(loaded, item) :]
    if learned != expected:
        raise TrainingRefused(
            f"the targets of a batch hold {len(learned)} tokens ending with {learned[-1:]}, the "
            f"example has {len(expected)} to learn ending with {expected[-1:]}: part of it, "
            "perhaps its end token, would not be supervised.\n"
            "Collate with cauce.corpus.batches.collate."
        )


def _refuse_deaf_weights(loaded: LoadedModel, items: Sequence[Tokens]) -> None:
    """An adapter that is not wired into the model, or a frozen model, gets no gradient."""
    import torch

    trainable = [weight for weight in loaded.model.parameters() if weight.requires_grad]
    if not trainable:
        raise TrainingRefused(
            f"{loaded.name!r} has no trainable parameter: every weight is frozen.\n"
            "Attach an adapter with cauce.models.adapters.attach, or set model.adapter=none."
        )
    loaded.model.eval()
    loss = Likelihood(loaded, Sft(), "fp32").eval()
    with set_aside(loss.head):
        torch.autograd.backward(loss(batch_of(loaded, [[item] for item in items])))
    hears = any(weight.grad is not None and bool(weight.grad.any()) for weight in trainable)
    loaded.model.zero_grad(set_to_none=True)
    if not hears:
        raise TrainingRefused(
            f"none of the {len(trainable)} trainable tensors of {loaded.name!r} gets a gradient "
            "from the first batch: the adapter changes nothing.\n"
            "Check model.lora_targets against the layers that the model really uses."
        )
