"""A decoder's ONNX file computes what the decoder does; what cannot be one is refused."""

from __future__ import annotations

import importlib.util
import itertools
import json
from dataclasses import replace
from pathlib import Path

import onnxruntime
import pytest
import torch
from typer.testing import CliRunner

from cauce import cli
from cauce.errors import MissingExtra, UserError
from cauce.models import export
from cauce.models.export import OnnxFigures, export_onnx
from cauce.models.loading import LoadedModel
from cauce.models.tuned import save_tuned
from models.foundation.foundation_cases import PARTS, VOCABULARY, make_model
from models.tiny import tiny_decoder, tiny_t5

REFUSED = {
    "lru": "recurrent memory",
    "lstm": "recurrent memory",
    "cfc": "recurrent memory",
    "experts": "experts",
    "confident experts": "experts",
    "compressed": "compression",
    "all at once": "experts",
}


def loaded(part: str, **options: object) -> LoadedModel:
    return replace(tiny_decoder("llama"), model=make_model(part, **options), name=part)


def logits(path: Path, ids: torch.Tensor) -> torch.Tensor:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(["logits"], {"input_ids": ids.numpy()})[0])


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> tuple[LoadedModel, Path, OnnxFigures]:
    model = loaded("default", mixers=["convolution", "attention"], feed_forward="relu2")
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    return model, path, export_onnx(model, path)


@pytest.mark.parametrize("size", [(1, 1), (4, 3), (2, 6), (3, 7), (1, 50)], ids=str)
def test_a_file_computes_the_logits_of_rows_of_any_size(exported, size):
    model, path, _ = exported
    ids = torch.randint(VOCABULARY, size, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        logits(path, ids), model.model(input_ids=ids).logits, atol=1e-4, rtol=0
    )


def test_rows_may_be_filled_up_on_the_right(exported):
    _, path, _ = exported
    ids = torch.arange(3, 23)[None]
    filled = torch.cat((ids, torch.full((1, 9), 2)), 1)
    torch.testing.assert_close(logits(path, filled)[:, :20], logits(path, ids), atol=1e-5, rtol=0)


def test_figures_are_those_of_the_file_and_it_tells_nothing_of_this_machine(exported):
    _, path, figures = exported
    content = path.read_bytes()
    assert figures.bytes == len(content)
    assert 0 < figures.largest_difference < 1e-4
    assert str(Path(export.__file__).parent).encode() not in content
    assert [each.name for each in path.parent.iterdir()] == ["model.onnx"]


def test_a_decoder_of_transformers_is_exported_by_the_command(tmp_path):
    save_tuned(tiny_decoder("biogpt"), tmp_path / "biogpt")
    out = tmp_path / "biogpt.onnx"
    result = CliRunner().invoke(
        cli.app, ["models", "export", str(tmp_path / "biogpt"), "--out", str(out), "--json"]
    )
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["path"] == str(out)
    assert figures["bytes"] == out.stat().st_size
    assert result.stderr.splitlines()[-1].startswith("Next: run it with onnxruntime")


@pytest.mark.parametrize("part", REFUSED)
def test_parts_without_fixed_operations_are_refused(part, tmp_path):
    with pytest.raises(UserError, match=f"{part} has {REFUSED[part]}, .*\nTrain one with .*"):
        export_onnx(loaded(part), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


TOGETHER = {
    "swiglu": ("differential", "deformable", "liquid embedding"),
    "relu2": ("plain", "full attention"),
}
"""Parts that are exported in one model with that feed-forward: an export takes ten seconds."""


@pytest.mark.parametrize("feed_forward", TOGETHER)
def test_every_part_that_is_not_refused_is_exported(feed_forward, tmp_path):
    assert {"default", *REFUSED, *itertools.chain(*TOGETHER.values())} == set(PARTS)
    options = {key: it for part in TOGETHER[feed_forward] for key, it in PARTS[part].items()}
    model, path = loaded("default", feed_forward=feed_forward, **options), tmp_path / "model.onnx"
    export_onnx(model, path)
    ids = torch.randint(VOCABULARY, (3, 7), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        logits(path, ids), model.model(input_ids=ids).logits, atol=1e-4, rtol=0
    )


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda: tiny_t5(), "tiny-t5 is an encoder-decoder; .*\nExport a decoder"),
        (lambda: replace(tiny_decoder("gpt2"), quantize="4bit"), "weights of 4 bits, .*\nLoad it"),
    ],
    ids=["encoder-decoder", "4 bits"],
)
def test_models_of_another_kind_are_refused(model, said, tmp_path):
    with pytest.raises(UserError, match=said):
        export_onnx(model(), tmp_path / "model.onnx")


def test_a_folder_is_not_written_over(tmp_path):
    with pytest.raises(UserError, match=r"is a folder\.\nName the file, such as .*model.onnx"):
        export_onnx(loaded("default"), tmp_path)


def test_weights_beyond_the_limit_of_a_file_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "MOST_BYTES", 1000)
    with pytest.raises(UserError, match=r"bytes of weights; a file of ONNX holds 1,000\.\nExport"):
        export_onnx(loaded("default"), tmp_path / "model.onnx")


def test_a_file_that_computes_something_else_does_not_appear(exported, tmp_path, monkeypatch):
    model, path, _ = exported
    other = loaded("plain", mixers=["convolution", "attention"])
    monkeypatch.setattr(export, "_serialized", lambda *_: path.read_bytes())
    with pytest.raises(UserError, match=r"logits of file and model differ by .*\nExport a model"):
        export_onnx(other, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
    assert export_onnx(model, tmp_path / "model.onnx").bytes == path.stat().st_size


def test_what_torch_cannot_trace_is_refused_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "KEPT_OUT", {})
    with pytest.raises(UserError, match=r"has no form in ONNX: .*\nExport a model of another"):
        export_onnx(loaded("lru", mixers=["memory"]), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_extra_is_named_where_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"cauce\[onnx\]"):
        export_onnx(loaded("default"), tmp_path / "model.onnx")
