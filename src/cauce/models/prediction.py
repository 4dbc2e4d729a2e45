"""What a model says at each place of a batch, packed or not; and which models can be packed.

Axes: b rows, t places, v vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cauce.corpus.batches import Batch, Row, collate
from cauce.corpus.tokens import IGNORED, Tokens
from cauce.errors import TrainingRefused
from cauce.models.loading import FOUNDATION, LoadedModel
from cauce.models.protocol import LanguageModel
from cauce.models.recurrence import announce_document_starts

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

TOLERANCE = 1e-4
"""Share of the largest logit by which a packed document may differ: fp32 keeps to 1e-5."""

COARSE_TOLERANCE = 2e-2
"""The same where weights have 16 bits or fewer."""


class Predicted(NamedTuple):
    """Logits and, when asked for, what came with them."""

    logits: Float[Tensor, "b t v"]
    states: tuple[tuple[Tensor, ...], ...] = ()
    """What each block put out: of a decoder; of an encoder and of its decoder."""
    auxiliary: Float[Tensor, ""] | None = None
    """What the model adds to its loss for each token, where it does."""


def predict(model: LanguageModel, batch: Batch) -> Float[Tensor, "b t v"]:
    """The logits at each of `batch.targets`; a packed document's are those it has alone."""
    logits: Tensor = _run(model, batch).logits
    return logits


def predict_with_auxiliary(model: LanguageModel, batch: Batch) -> Predicted:
    """The logits, and what the model returned as `auxiliary_loss`."""
    output = _run(model, batch)
    return Predicted(output.logits, auxiliary=output.get("auxiliary_loss"))


def predict_with_states(model: LanguageModel, batch: Batch) -> Predicted:
    """The logits, and the hidden states (b s d) or (b t d) after every block."""
    output = _run(model, batch, output_hidden_states=True)
    if batch.decoder_input_ids is None:
        return Predicted(output.logits, (output.hidden_states[1:],))
    states = output.encoder_hidden_states[1:], output.decoder_hidden_states[1:]
    return Predicted(output.logits, states)


def _run(model: LanguageModel, batch: Batch, **options: bool) -> Any:
    """The model's output; recurrent layers keep the starts only for a backward pass to come."""
    import torch

    announce_document_starts(model, batch)
    output = _call(model, batch, **options)
    if not torch.is_grad_enabled():
        announce_document_starts(model, None)
    return output


def _call(model: LanguageModel, batch: Batch, **options: bool) -> Any:
    """A lone document of a decoder needs no mask: it sees what is before it, padding is after."""
    inputs: dict[str, Any] = {"use_cache": False, **options}
    if model.config.model_type == FOUNDATION:
        is_decoder = batch.decoder_input_ids is None
        inputs["is_real"] = batch.is_real if is_decoder else batch.targets != IGNORED
    if batch.decoder_input_ids is None:
        if batch.is_packed:
            inputs["attention_mask"] = batch.attention_mask
            inputs["position_ids"] = batch.position_ids
        inputs |= batch.image_inputs or {}
        return model(input_ids=batch.input_ids, **inputs)
    inputs["decoder_input_ids"] = batch.decoder_input_ids
    if not batch.is_packed:
        return model(input_ids=batch.input_ids, attention_mask=batch.attention_mask, **inputs)
    inputs["encoder_outputs"] = model.get_encoder()(
        input_ids=batch.input_ids, attention_mask=batch.attention_mask, **options
    )
    inputs["attention_mask"] = batch.cross_attention_mask
    inputs["decoder_attention_mask"] = batch.decoder_attention_mask
    return model(**inputs)


def probability(loaded: LoadedModel, item: Tokens) -> float:
    """The probability that the model gives to the whole completion, its end included."""
    import torch

    batch = collate(
        [[item]],
        pad_id=loaded.pad_id,
        decoder_start_id=loaded.decoder_start_id,
        processor=loaded.processor,
    ).to(loaded.device)
    loaded.model.eval()
    with torch.inference_mode():
        shares = predict(loaded.model, batch).float().log_softmax(-1)
    is_wanted = batch.targets != IGNORED
    wanted = batch.targets[is_wanted]
    return float(shares[is_wanted].gather(1, wanted[:, None]).sum().exp())


def refuse_unpackable(loaded: LoadedModel, capacity: int) -> None:
    """Raises TrainingRefused unless the model computes packed documents as it does alone.

    It is tried on three short ones. What these cannot show, a window of attention that is narrower
    than a row of `capacity` tokens, is read from the model's config.
    """
    if loaded.processor is not None:
        raise TrainingRefused(
            f"{loaded.name!r} reads images, and training.pack_tokens is {capacity}: the places of "
            "an image are told by its row, which must hold one example.\n"
            "Unset training.pack_tokens."
        )
    _refuse_window(loaded, capacity)
    try:
        difference = _packed_difference(loaded)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _unpackable(loaded, f"it fails on them ({str(error).splitlines()[0]})") from error
    finally:
        announce_document_starts(loaded.model, None)
    is_coarse = any(weight.element_size() < 4 for weight in loaded.model.parameters())
    if not difference <= (COARSE_TOLERANCE if is_coarse else TOLERANCE):
        raise _unpackable(
            loaded, f"their logits differ by {difference:.1%} of the largest from those alone"
        )


def _refuse_window(loaded: LoadedModel, capacity: int) -> None:
    fields = loaded.model.config.to_dict()
    for name in ("sliding_window", "attention_chunk_size"):
        window = fields.get(name)
        if window is not None and window < capacity:
            raise TrainingRefused(
                f"{loaded.name!r} attends to {window} tokens back ({name} in its config), and "
                f"training.pack_tokens is {capacity}: the masks of packed rows would widen that.\n"
                f"Set training.pack_tokens to {window} or less, or unset it."
            )


def _packed_difference(loaded: LoadedModel) -> float:
    """Largest difference between logits packed and alone, as a share of the largest logit."""
    import torch

    documents = [Tokens([1, 2, 3], [4, 5]), Tokens([6, 7], [8, 9, 10]), Tokens([4, 3, 2], [7])]
    loaded.model.eval()
    with torch.inference_mode():
        packed = _trial(loaded, documents)
        alone = torch.cat([_trial(loaded, [document]) for document in documents])
    return float((packed - alone).abs().max() / alone.abs().max())


def _trial(loaded: LoadedModel, row: Row) -> Float[Tensor, "n v"]:
    batch = collate([row], pad_id=loaded.pad_id, decoder_start_id=loaded.decoder_start_id)
    return predict(loaded.model, batch.to(loaded.device))[0].float()


def _unpackable(loaded: LoadedModel, fault: str) -> TrainingRefused:
    attention = loaded.model.config._attn_implementation
    return TrainingRefused(
        f"{loaded.name!r} with {attention!r} attention cannot hold several documents in one row: "
        f"{fault}.\n"
        "Unset training.pack_tokens; or use a model with rotary, learned or T5's relative "
        "positions, and an attention that takes bool masks, such as sdpa."
    )
