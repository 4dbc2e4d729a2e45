"""BERTScore (Zhang et al. 2019, arXiv 1904.09675): words matched by what a model makes of them.

Every token of the answer is matched with the token of the reference whose hidden state is most like
its own (precision), and the other way round (recall). Tokens that the tokenizer adds can be matched
and weigh nothing, every other weighs the same (no idf), and values are raw cosines, not rescaled:
a score means something only beside another of the same signature. Texts that say the opposite can
be close; it is no measure of truth.

Axes: b items, g tokens of the answer, e tokens of the reference, d width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from cauce.errors import DataRefused, UserError
from cauce.evaluation.rouge import Overlap
from cauce.models.finding import resolve
from cauce.models.loading import default_device, load_tokenizer
from cauce.models.quiet import quiet_libraries

if TYPE_CHECKING:
    from jaxtyping import Bool, Float
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

LONGEST = 4096
"""Tokens of a text that are read where neither model nor tokenizer has a limit."""


class BertScorer:
    """Compares answers with references by the hidden states of one layer of one model."""

    def __init__(
        self, model: Any, tokenizer: PreTrainedTokenizerBase, *, name: str, layer: int | None = None
    ) -> None:
        """`layer` counts from 1; by default three quarters of the way up, as 9 of 12.

        Raises UserError where the model has no such layer.
        """
        self._name = name
        self._layers = int(model.config.num_hidden_layers)
        self._layer = max(1, round(0.75 * self._layers)) if layer is None else layer
        if not 1 <= self._layer <= self._layers:
            raise UserError(
                f"evaluation.bertscore_layer is {layer}; {name!r} has {self._layers} layers.\n"
                f"Set it to a layer from 1 to {self._layers}, or leave it out."
            )
        self._model = (model.get_encoder() if model.config.is_encoder_decoder else model).eval()
        self._tokenizer = tokenizer
        places = model.config.to_dict().get("max_position_embeddings") or LONGEST
        self._longest = min(int(tokenizer.model_max_length), int(places))

    @property
    def signatures(self) -> dict[str, str]:
        """How each of its metrics is computed."""
        how = (
            f"model:{self._name}|layer:{self._layer} of {self._layers}|idf:no|rescaled:no"
            f"|texts cut at {self._longest} tokens"
        )
        measures = {"": "f1", "_precision": "precision", "_recall": "recall"}
        return {f"bertscore{end}": f"{measure}|{how}" for end, measure in measures.items()}

    def scores(
        self, references: Sequence[str], answers: Sequence[str], *, batch_size: int
    ) -> list[dict[str, float]]:
        """Of each answer its `bertscore` (F1), `bertscore_precision` and `bertscore_recall`.

        Pairs of like length share a batch, which has no influence on a score. What the model made
        of them is kept of one batch at a time.
        """
        pairs = list(zip(references, answers, strict=True))
        by_length = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]) + len(pairs[i][1]))
        found: dict[int, Overlap] = {}
        for start in range(0, len(pairs), batch_size):
            chosen = by_length[start : start + batch_size]
            found.update(zip(chosen, self._overlaps([pairs[i] for i in chosen]), strict=True))
        return [
            {
                "bertscore": own.f1,
                "bertscore_precision": own.precision,
                "bertscore_recall": own.recall,
            }
            for own in (found[i] for i in range(len(pairs)))
        ]

    def _overlaps(self, pairs: Sequence[tuple[str, str]]) -> list[Overlap]:
        import torch

        with torch.inference_mode():
            expected = self._read([reference for reference, _ in pairs])
            given = self._read([answer for _, answer in pairs])
            cosines = given.directions @ expected.directions.transpose(1, 2)
            is_text = given.is_text[:, :, None] & expected.is_text[:, None, :]
            cosines = cosines.masked_fill(~is_text, -1.0)
            precision = _mean(cosines.amax(2), given.weighs)
            recall = _mean(cosines.amax(1), expected.weighs)
        is_empty = ~(given.weighs.any(1) & expected.weighs.any(1))
        return [
            Overlap(0.0, 0.0, 0.0)
            if empty
            else Overlap(p, r, 2 * p * r / (p + r) if p + r else 0.0)
            for p, r, empty in zip(
                precision.tolist(), recall.tolist(), is_empty.tolist(), strict=True
            )
        ]

    def _read(self, texts: Sequence[str]) -> _Read:
        from torch.nn.functional import normalize

        tokens = self._tokenizer(
            [text.strip() for text in texts],
            padding=True,
            truncation=True,
            max_length=self._longest,
            return_special_tokens_mask=True,
            return_tensors="pt",
        ).to(self._model.device)
        is_text = cast("Bool[Tensor, 'b t']", tokens["attention_mask"].bool())
        output = self._model(
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
            output_hidden_states=True,
        )
        directions = normalize(output.hidden_states[self._layer].float(), dim=-1)
        return _Read(directions, is_text, is_text & ~tokens["special_tokens_mask"].bool())


class _Read(NamedTuple):
    """Texts as the model sees them."""

    directions: Float[Tensor, "b t d"]
    """Hidden states of length 1."""
    is_text: Bool[Tensor, "b t"]
    """False for padding."""
    weighs: Bool[Tensor, "b t"]
    """False for padding and for tokens that the tokenizer added."""


def load_bert_scorer(name: str, layer: int | None = None) -> BertScorer:
    """The scorer of an embedded, a local or a pulled model, most fittingly an encoder.

    Raises NotFound where there is none, UserError without safetensors or without that layer, and
    DataRefused where weights are missing.
    """
    import torch
    from transformers import AutoModel

    folder = resolve(name)
    if not any(folder.glob("*.safetensors")):
        raise UserError(
            f"the model {name!r} in {folder} has no weights as *.safetensors; pickled weights can "
            "run code and are not loaded.\n"
            "Convert it once with model.save_pretrained(FOLDER); set evaluation.bertscore to it."
        )
    with quiet_libraries():
        model, report = cast(Any, AutoModel).from_pretrained(
            folder,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    missing = sorted(key for key in report["missing_keys"] if not key.startswith("pooler."))
    if missing:
        raise DataRefused(
            f"the weights in {folder} lack {len(missing)} tensors of the model, the first is "
            f"{missing[0]!r}; they would be random.\n"
            "Set evaluation.bertscore to another model, or fetch this one again."
        )
    return BertScorer(model.to(default_device()), load_tokenizer(folder), name=name, layer=layer)


def _mean(cosines: Float[Tensor, "b t"], weighs: Bool[Tensor, "b t"]) -> Float[Tensor, " b"]:
    return (cosines * weighs).sum(1) / weighs.sum(1).clamp(min=1)
