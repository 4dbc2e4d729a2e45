"""What tuning added, made smaller or turned, against the same done to whole matrices."""

from __future__ import annotations

import pytest
import torch

from cauce.errors import UserError
from cauce.models.adapters import attach
from cauce.models.remedies import interpolate, project, scale_adapter
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base, load_tuned, save_tuned
from models.tiny import logits, tiny_model

LORA = ModelSettings(adapter="lora", lora_rank=4, lora_alpha=8)


def with_lora(kind: str):
    """A tiny model with a LoRA that adds something."""
    tuned = attach(tiny_model(kind), LORA, seed=3)
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in tuned.model.named_parameters():
            if "lora_B" in name:
                weight.copy_(0.3 * torch.randn(weight.shape, generator=draw))
    return tuned


def updates(tuned):
    """What the LoRA adds to each layer, as whole matrices (out x in)."""
    return {
        name.removeprefix("base_model.model."): (
            part.lora_B["default"].weight @ part.lora_A["default"].weight
        ).detach()
        for name, part in tuned.model.named_modules()
        if "lora_A" in dict(part.named_children())
    }


def weights(loaded, kind: str):
    """Weights of all layers (out x in); GPT-2 keeps them transposed."""
    return {
        name.removesuffix(".weight"): weight.detach().T if kind == "gpt2" else weight.detach()
        for name, weight in loaded.model.named_parameters()
        if weight.ndim == 2
    }


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5"])
def test_a_projection_in_rank_is_the_projection_of_the_whole_update(kind):
    tuned = with_lora(kind)
    aligned, unaligned = tiny_model(kind), tiny_model(kind, seed=7)
    before, after, other = updates(tuned), weights(aligned, kind), weights(unaligned, kind)
    expected, cosines = {}, {}
    for name, update in before.items():
        change = (after[name] - other[name]).double()
        square = change @ change.T
        turned = square / torch.linalg.matrix_norm(square, 2) @ update.double()
        cosines[name] = float(torch.cosine_similarity(turned.ravel(), update.double().ravel(), 0))
        expected[name] = turned
    middle = len(cosines) // 2
    threshold = sum(sorted(cosines.values())[middle - 1 : middle + 1]) / 2
    found = project(tuned, aligned=aligned, unaligned=unaligned, threshold=threshold)
    assert found == pytest.approx(cosines, abs=1e-5)
    for name, update in updates(tuned).items():
        wanted = expected[name] if cosines[name] < threshold else before[name].double()
        assert torch.allclose(update.double(), wanted, atol=5e-4 * float(wanted.norm())), name


def test_layers_that_alignment_left_alone_keep_their_update():
    tuned = with_lora("llama")
    before = updates(tuned)
    aligned = tiny_model("llama")
    changed = "model.layers.0.self_attn.q_proj"
    with torch.no_grad():
        aligned.model.get_submodule(changed).weight[0].add_(1)
    assert [*project(tuned, aligned=aligned, unaligned=tiny_model("llama"), threshold=1)] == [
        changed
    ]
    after = updates(tuned)
    assert [name for name in after if not torch.equal(after[name], before[name])] == [changed]
    assert not after[changed][1:].any(), "the change spans the first output alone"
    assert torch.allclose(after[changed][0], before[changed][0])


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5"])
def test_a_scaled_adapter_adds_that_much_and_none_of_it_is_the_base(kind):
    tuned, base = with_lora(kind), logits(tiny_model(kind))
    before, whole = updates(tuned), logits(tuned)
    scale_adapter(tuned, 1)
    assert torch.equal(logits(tuned), whole)
    scale_adapter(tuned, 0.5)
    after = updates(tuned)
    assert all(torch.allclose(after[name], 0.5 * before[name], atol=1e-7) for name in before)
    scale_adapter(tuned, 0)
    assert torch.equal(logits(tuned), base)


def test_a_scaled_adapter_is_saved_and_loaded_with_its_scale(tmp_path):
    save_tuned(tiny_model("llama"), tmp_path / "base")
    settings = LORA.model_copy(update={"base": str(tmp_path / "base")})
    tuned = attach(load_base(settings), settings, seed=3)
    with torch.no_grad():
        for name, weight in tuned.model.named_parameters():
            if "lora_B" in name:
                weight.fill_(0.1)
    scale_adapter(tuned, 0.25)
    save_tuned(tuned, tmp_path / "scaled")
    assert torch.equal(logits(load_tuned(tmp_path / "scaled")), logits(tuned))


def test_a_model_that_was_trained_whole_lies_between_its_base_and_itself():
    base = tiny_model("llama")
    for alpha in (0.0, 0.3, 1.0):
        tuned = tiny_model("llama", seed=7)
        wanted = {
            name: old.detach() + alpha * (new.detach() - old.detach())
            for (name, old), (_, new) in zip(
                base.model.named_parameters(), tuned.model.named_parameters(), strict=True
            )
        }
        interpolate(tuned, base, alpha)
        for name, weight in tuned.model.named_parameters():
            assert torch.allclose(weight, wanted[name], atol=1e-6)


def test_other_networks_and_models_without_adapter_are_refused():
    with pytest.raises(UserError, match=r"not the same network.*\n.*Name the model"):
        interpolate(tiny_model("llama"), tiny_model("gpt2"), 0.5)
    with pytest.raises(UserError, match="not the same network"):
        project(with_lora("llama"), aligned=tiny_model("gpt2"), unaligned=tiny_model("gpt2"))
    with pytest.raises(UserError, match=r"has no adapter.*\n.*model.adapter=lora"):
        scale_adapter(tiny_model("llama"), 0.5)
