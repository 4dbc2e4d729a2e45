"""A decoder as one ONNX file, for runtimes that know neither Python nor torch.

The file holds one fixed sequence of operations from the ids of all tokens to their logits. Whatever
rests on shapes that follow from the text, or on kernels of one's own, has no such form.

Axes: b rows, t tokens, v vocabulary.
"""

from __future__ import annotations

import importlib.util
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import Module

from cauce.errors import MissingExtra, UserError
from cauce.models.foundation import LiquidFoundationConfig
from cauce.models.foundation.compression import Compression
from cauce.models.foundation.experts import Experts
from cauce.models.foundation.memory import RecurrentMemory
from cauce.models.loading import LoadedModel
from cauce.models.recurrence import Recurrent
from cauce.runs import atomic_write

if TYPE_CHECKING:
    from jaxtyping import Float, Int

OPSET = 20
"""Of the operators of ONNX; onnxruntime knows it since 1.17."""

MOST_BYTES = 2_000_000_000
"""What the weights may take: a file of ONNX ends at 2 GiB."""

TOLERANCE = 1e-4
"""By which logits of file and model may differ, as a share of the largest one."""

MANY_TOKENS = 1_000_000_000
"""No row is longer."""

KEPT_OUT: dict[type[Module], tuple[str, str]] = {
    Experts: ("experts", "expert_layers: []"),
    Compression: ("compression", "compressed_layers: null"),
    RecurrentMemory: ("recurrent memory", "mixers without memory"),
    Recurrent: ("liquid layers", "no model.liquid"),
}
"""Parts that cannot be exported, and how a config leaves them out."""


class OnnxFigures(NamedTuple):
    """What was written, and how near it is to the model."""

    bytes: int
    opset: int
    largest_difference: float
    """Of a logit of the file and the model's, over rows of other sizes than it was made from."""


class _Logits(Module):
    """A decoder without a cache, its logits alone."""

    def __init__(self, model: Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Int[Tensor, "b t"]) -> Float[Tensor, "b t v"]:
        logits: Tensor = self.model(input_ids=input_ids, use_cache=False).logits
        return logits


def export_onnx(loaded: LoadedModel, path: Path) -> OnnxFigures:
    """The decoder as a file at `path`: `input_ids` (b t), int64, to `logits` (b t v).

    Any number of rows and tokens goes in; rows may be filled up on the right with any token. Before
    the file appears it is run by onnxruntime on rows of several sizes and compared with the model.
    Raises MissingExtra without the extra `onnx`, and UserError for a model that cannot be exported,
    or whose file would compute something else.
    """
    if not all(map(importlib.util.find_spec, ("onnx", "onnxscript", "onnxruntime"))):
        raise MissingExtra("cauce models export", "onnx")
    if path.is_dir():
        raise UserError(f"{path} is a folder.\nName the file, such as {path / 'model.onnx'}")
    _refuse(loaded)
    model = _Logits(loaded.bare).eval()
    least = _tokens_of_longer_path(loaded)
    try:
        content = _serialized(model, _ids(2, least + 6, loaded))
        difference = _difference(content, model, loaded, least)
    except RuntimeError as error:
        raise UserError(
            f"{loaded.name} ({loaded.bare.config.model_type}) has no form in ONNX: "
            f"{str(error).strip().splitlines()[0]}\n"
            "Export a model of another architecture, or serve this one with: cauce serve"
        ) from error
    with atomic_write(path) as stream:
        stream.write(content)
    return OnnxFigures(len(content), OPSET, difference)


def _refuse(loaded: LoadedModel) -> None:
    """UserError for what is known not to go into a file."""
    if loaded.is_encoder_decoder:
        raise UserError(
            f"{loaded.name} is an encoder-decoder; what is exported is one network.\n"
            "Export a decoder, or serve this one with: cauce serve"
        )
    if loaded.quantize != "none":
        raise UserError(
            f"{loaded.name} is loaded with weights of 4 bits, for which ONNX has no operator.\n"
            "Load it with model.quantize=none."
        )
    for part in loaded.bare.modules():
        for kind, (name, remedy) in KEPT_OUT.items():
            if isinstance(part, kind):
                raise UserError(
                    f"{loaded.name} has {name}, which ONNX has no fixed sequence of operations "
                    f"for.\nTrain one with {remedy} to export it; cauce serve takes this one."
                )
    weights = sum(weight.nbytes for weight in loaded.bare.parameters())
    if weights > MOST_BYTES:
        raise UserError(
            f"{loaded.name} has {weights:,} bytes of weights; a file of ONNX holds {MOST_BYTES:,}."
            "\nExport a smaller model, or serve this one with: cauce serve"
        )


def _tokens_of_longer_path(loaded: LoadedModel) -> int:
    """Tokens from which on a model computes all rows by one path: that one is exported.

    Attention to a window takes rows that are longer block by block, which is right for short ones.
    """
    config = loaded.bare.config
    if isinstance(config, LiquidFoundationConfig) and config.window is not None:
        return config.window + 1
    return 2


def _ids(rows: int, tokens: int, loaded: LoadedModel) -> Int[Tensor, "b t"]:
    """Many different tokens, always the same ones."""
    numbers = torch.arange(rows * tokens, device=loaded.device).view(rows, tokens)
    return (numbers * 31 + 7) % loaded.vocabulary


def _serialized(model: Module, example: Int[Tensor, "b t"]) -> bytes:
    """The file's content; RuntimeError where it would hold for some sizes alone."""
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    sizes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    with _quiet_exporter(), torch.no_grad():
        traced = torch.export.export(model, (example,), dynamic_shapes=(sizes,), strict=False)
        for bounds in traced.range_constraints.values():
            if MANY_TOKENS not in bounds:
                raise RuntimeError(f"only rows of up to {bounds.upper} tokens take the same path")
        program: Any = torch.onnx.export(
            traced,
            input_names=["input_ids"],
            output_names=["logits"],
            opset_version=OPSET,
            dynamic_shapes=({0: "rows", 1: "tokens"},),
            verbose=False,
        )
    # Each operation brings the stack it was traced with: most of a small file, with our paths.
    ClearMetadataAndDocStringPass()(program.model)
    content: bytes = program.model_proto.SerializeToString()
    return content


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Within it the exporter says nothing of torchvision or of constants, and prints no graphs.

    What a layer notes about its last batch is no part of the file. torch 2.13 uses its own
    LeafSpec, which it deprecates; the filter can go with that (2026-11).
    """
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.filterwarnings("ignore", ".*LeafSpec", FutureWarning)
            warnings.filterwarnings("ignore", ".*assigned during export", UserWarning)
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _difference(content: bytes, model: Module, loaded: LoadedModel, least: int) -> float:
    """The largest one of any logit; RuntimeError where it is beyond TOLERANCE."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    largest = 0.0
    for rows, tokens in ((1, 1), (3, 5), (1, 2 * least + 13)):
        ids = _ids(rows, tokens, loaded)
        with torch.inference_mode():
            expected = model(ids).float().cpu()
        found = torch.from_numpy(session.run(None, {"input_ids": ids.cpu().numpy()})[0])
        difference = float((found - expected).abs().max())
        if not difference <= TOLERANCE * max(1.0, float(expected.abs().max())):
            raise RuntimeError(
                f"for {rows} rows of {tokens} tokens the logits of file and model differ by "
                f"{difference:.2g}"
            )
        largest = max(largest, difference)
    return largest
