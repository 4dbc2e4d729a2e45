from __future__ import annotations

import zlib

import pytest
import torch
from safetensors.torch import save

from cauce.errors import DataRefused
from cauce.federated.compression import pack, pack_update, unpack


def tensors(seed=0):
    generator = torch.Generator().manual_seed(seed)
    shapes = {
        "h.0.lora_a": (8, 300),
        "h.0.lora_b": (200, 8),
        "norm": (64,),
        "gate": (),
        "none": (0, 4),
        "empty": (0,),
    }
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def test_fp32_comes_back_to_the_bit_and_order_changes_no_byte():
    sent = tensors()
    found = unpack(pack(sent, "fp32"))
    assert found.keys() == sent.keys()
    assert all(torch.equal(found[name], sent[name]) for name in sent)
    for packing in ("fp32", "int8", "coarse"):
        assert pack(sent, packing) == pack(dict(reversed(sent.items())), packing)


@pytest.mark.parametrize(("packing", "part"), [("int8", 253), ("coarse", 3.9)])
def test_rounding_is_within_its_part_of_the_largest_of_a_slice(packing, part):
    sent = tensors(1)
    sent["h.0.lora_a"][3] *= 1e-6
    sent["h.0.lora_b"][:, 5] = 0
    found = unpack(pack(sent, packing))
    assert found.keys() == sent.keys()
    for name, axis in (("h.0.lora_a", 1), ("h.0.lora_b", 0), ("norm", 0)):
        largest = sent[name].abs().amax(axis, keepdim=True)
        assert found[name].shape == sent[name].shape
        assert ((found[name] - sent[name]).abs() <= largest / part).all()
    assert found["gate"].item() == pytest.approx(sent["gate"].item(), rel=1 / part)
    assert not found["h.0.lora_b"][:, 5].any()


@pytest.mark.parametrize(("packing", "share"), [("int8", 1 / 4), ("coarse", 1 / 10)])
def test_a_lora_takes_its_share_of_the_bytes_of_fp32(packing, share):
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(16, 1024, generator=generator)
    b = torch.randn(1024, 16, generator=generator)
    sent = {"h.0.lora_a": a, "h.0.lora_b": b}
    assert len(pack(sent, packing)) <= share * 4 * (a.numel() + b.numel())


@pytest.mark.parametrize("packing", ["int8", "coarse"])
def test_what_rounding_takes_is_given_back_by_later_updates(packing):
    generator = torch.Generator().manual_seed(2)
    updates = [
        {"x": torch.randn(4, 50, generator=generator), "y": torch.randn(9, generator=generator)}
        for _ in range(6)
    ]
    residual, told = {}, []
    for update in updates:
        packed = pack_update(update, packing, residual)
        residual = packed.residual
        told.append(unpack(packed.content))
    for name in ("x", "y"):
        wanted = sum(update[name] for update in updates)
        found = sum(each[name] for each in told)
        torch.testing.assert_close(found + residual[name], wanted, rtol=1e-5, atol=1e-5)
        alone = sum(unpack(pack(update, packing))[name] for update in updates)
        assert (found - wanted).norm() < (alone - wanted).norm()


def test_fp32_leaves_nothing_over():
    packed = pack_update(tensors(), "fp32", {})
    assert not any(it.any() for it in packed.residual.values())


def test_what_is_no_number_does_not_come_back_as_one():
    for bad in (torch.nan, torch.inf):
        found = unpack(pack({"x": torch.tensor([[1.0, bad], [1.0, 2.0]])}, "int8"))["x"]
        assert not found[0].isfinite().all()
        assert not unpack(pack({"x": torch.tensor([bad])}, "fp32"))["x"].isfinite().any()


@pytest.mark.parametrize("packing", ["fp32", "int8", "coarse"])
def test_damaged_bytes_are_refused(packing):
    content = pack(tensors(), packing)
    for bad in (
        b"",
        content[:-9],
        content[9:],
        b"int4" + content[4:],
        b"\xff" + content,
        b"int8\n",
    ):
        with pytest.raises(
            DataRefused, match=r"bytes are no packed tensors: .*\n.*send them again"
        ):
            unpack(bad)


def test_int8_without_its_scales_is_refused():
    for numbers in ({"x": torch.ones(3)}, {"x": torch.ones(3), "/scales": torch.ones(2)}):
        whole = {name: it.to(torch.int8) if name == "x" else it for name, it in numbers.items()}
        with pytest.raises(DataRefused, match=r"scales|split"):
            unpack(b"int8\n" + zlib.compress(save(whole)))
