from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from cauce.models import loss
from cauce.models.loss import cross_entropy, fused_cross_entropy


def drawn(*shape, seed=0, dtype=torch.float64):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return values.to(dtype).requires_grad_()


def problem(tokens=13, width=6, vocabulary=11, dtype=torch.float64):
    """Hidden states, weight and bias that want gradients, and targets."""
    targets = torch.randint(vocabulary, (tokens,), generator=torch.Generator().manual_seed(9))
    return (
        drawn(tokens, width, dtype=dtype),
        drawn(vocabulary, width, seed=1, dtype=dtype),
        drawn(vocabulary, seed=2, dtype=dtype),
        targets,
    )


def plain(hidden, weight, bias, targets):
    return functional.cross_entropy(
        functional.linear(hidden, weight, bias), targets, reduction="sum"
    )


def gradients(value, *learned):
    return torch.autograd.grad(0.3 * value, learned)


SIZES = {"one chunk": None, "two tokens": (22, 11), "a token": (1, 1), "five, of two": (55, 22)}


@pytest.fixture(params=SIZES.values(), ids=SIZES)
def chunks(request, monkeypatch):
    """Tokens of a chunk and of what is exponentiated at a time, times 11 words."""
    if request.param:
        monkeypatch.setattr(loss, "CHUNK_ELEMENTS", request.param[0])
        monkeypatch.setattr(loss, "ROW_ELEMENTS", request.param[1])


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("tokens", [1, 10, 13])
def test_loss_and_gradients_are_those_of_torch(tokens, has_bias, chunks):
    hidden, weight, bias, targets = problem(tokens)
    bias = bias if has_bias else None
    learned = [it for it in (hidden, weight, bias) if it is not None]
    found = fused_cross_entropy(hidden, weight, bias, targets)
    expected = plain(hidden, weight, bias, targets)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    for mine, its in zip(gradients(found, *learned), gradients(expected, *learned), strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-10, atol=1e-12)


def test_gradcheck(chunks):
    hidden, weight, bias, targets = problem()
    assert torch.autograd.gradcheck(
        lambda *learned: fused_cross_entropy(*learned, targets), (hidden, weight, bias)
    )


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_without_gradients_it_is_the_same(context, chunks):
    tensors = problem()
    with context():
        found = fused_cross_entropy(*tensors)
    torch.testing.assert_close(found, plain(*tensors).detach(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("weight_dtype", [torch.float32, torch.bfloat16])
def test_bf16_is_near(weight_dtype):
    hidden, weight, bias, targets = problem(300, 32, 500, torch.float32)
    weight = (weight * 0.2).detach().to(weight_dtype).requires_grad_()
    rough = hidden.detach().bfloat16().requires_grad_()
    found = fused_cross_entropy(rough, weight, bias, targets)
    expected = plain(hidden, weight.float(), bias, targets)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected.item(), rel=2e-3)
    mine, its = gradients(found, rough, weight, bias), gradients(expected, hidden, weight, bias)
    assert [it.dtype for it in mine] == [torch.bfloat16, weight_dtype, torch.float32]
    for left, right in zip(mine, its, strict=True):
        assert (left.float() - right.float()).norm() < 0.02 * right.float().norm()


def test_bf16_sums_many_tokens_in_fp32():
    hidden, weight, bias, targets = problem(5000, 4, 7, torch.bfloat16)
    found = fused_cross_entropy(hidden, weight, bias, targets)
    expected = plain(*(it.detach().double() for it in (hidden, weight, bias)), targets)
    assert found.item() == pytest.approx(expected.item(), rel=2e-3)


def test_a_frozen_weight_gets_no_gradient():
    """As under LoRA; the sum over tokens is not even formed."""
    hidden, weight, bias, targets = problem()
    frozen, its_bias = weight.detach(), bias.detach()
    found = fused_cross_entropy(hidden, frozen, its_bias, targets)
    [mine] = gradients(found, hidden)
    [its] = gradients(plain(hidden, weight, bias, targets), hidden)
    torch.testing.assert_close(mine, its)
    assert frozen.grad is None and its_bias.grad is None
    saved = fused_cross_entropy(hidden, frozen, its_bias, targets).grad_fn.saved_tensors
    assert [it is None for it in saved] == [False, True, True]


def test_a_frozen_bias_or_hidden_state_gets_no_gradient():
    hidden, weight, bias, targets = problem()
    found = fused_cross_entropy(hidden.detach(), weight, bias.detach(), targets)
    [mine] = gradients(found, weight)
    [its] = gradients(plain(hidden, weight, bias, targets), weight)
    torch.testing.assert_close(mine, its)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [1e3, 1e30])
def test_huge_logits_are_stable(size, dtype):
    hidden = torch.tensor([[size], [-size]], dtype=dtype, requires_grad=True)
    weight = torch.tensor([[1.0], [0.5], [-1.0]], dtype=dtype, requires_grad=True)
    found = fused_cross_entropy(hidden, weight, None, torch.tensor([0, 0]))
    assert found.item() == pytest.approx(2 * size, rel=1e-2)
    found.backward()
    assert weight.grad.isfinite().all()
    torch.testing.assert_close(hidden.grad, torch.tensor([[0.0], [-2.0]], dtype=dtype))


def test_a_likely_token_loses_nothing_to_rounding():
    hidden, weight = torch.tensor([[1.0]]), torch.tensor([[5.0], [0.0]])
    with torch.no_grad():
        found = fused_cross_entropy(hidden, weight, None, torch.tensor([0]))
    assert found.item() == pytest.approx(0.006715348, rel=1e-4)


def test_a_vocabulary_of_one_token_is_certain():
    hidden, weight, bias, _ = problem(5, 3, 1)
    found = fused_cross_entropy(hidden, weight, bias, torch.zeros(5, dtype=torch.long))
    assert found.item() == 0.0
    assert all((it == 0).all() for it in gradients(found, hidden, weight, bias))


def test_no_token_costs_nothing():
    hidden, weight, bias, targets = problem(0)
    found = fused_cross_entropy(hidden, weight, bias, targets)
    assert found.item() == 0.0
    assert all((it == 0).all() for it in gradients(found, hidden, weight, bias))


def test_it_has_no_second_derivative():
    hidden, weight, bias, targets = problem()
    found = fused_cross_entropy(hidden, weight, bias, targets)
    [first] = torch.autograd.grad(found.square(), hidden, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


class Largest(TorchDispatchMode):
    """The elements of the largest tensor that any operation gave."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for it in result if isinstance(result, tuple | list) else [result]:
            if isinstance(it, torch.Tensor):
                self.elements = max(self.elements, it.numel())
        return result


@pytest.mark.parametrize("has_gradient", [True, False])
def test_the_logits_of_all_tokens_are_never_held(has_gradient, monkeypatch):
    monkeypatch.setattr(loss, "CHUNK_ELEMENTS", 2000)
    monkeypatch.setattr(loss, "ROW_ELEMENTS", 1000)
    tokens, vocabulary = 400, 100
    hidden, weight, bias, targets = problem(tokens, 4, vocabulary, torch.float32)
    with torch.set_grad_enabled(has_gradient), Largest() as largest:
        value = fused_cross_entropy(hidden, weight, bias, targets)
        if has_gradient:
            value.backward()
    assert largest.elements == (2000 if has_gradient else 1000)
    with Largest() as largest:
        plain(hidden, weight, bias, targets)
    assert largest.elements == tokens * vocabulary


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_plain_cross_entropy_is_torch_s(dtype):
    logits, targets = drawn(9, 11, dtype=dtype), torch.arange(9)
    found = cross_entropy(logits, targets)
    expected = functional.cross_entropy(logits.double(), targets, reduction="sum")
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    assert torch.equal(cross_entropy(logits, targets, focal_gamma=0.0), found)


@pytest.mark.parametrize("smoothing", [0.1, 0.7])
def test_smoothing_spreads_a_share_over_the_vocabulary(smoothing):
    logits, targets = drawn(9, 11), torch.arange(9)
    log_p = logits.log_softmax(-1)
    wanted = (1 - smoothing) * functional.one_hot(targets, 11).double() + smoothing / 11
    found = cross_entropy(logits, targets, label_smoothing=smoothing)
    assert found.item() == pytest.approx(-(wanted * log_p).sum().item(), rel=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_weighs_by_what_is_not_yet_known(gamma, smoothing):
    logits, targets = drawn(9, 11), torch.arange(9)
    p = logits.softmax(-1)[torch.arange(9), targets]
    each = functional.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)
    found = cross_entropy(logits, targets, label_smoothing=smoothing, focal_gamma=gamma)
    expected = ((1 - p) ** gamma * each).sum()
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)
    mine, its = (torch.autograd.grad(it, logits)[0] for it in (found, expected))
    torch.testing.assert_close(mine, its, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_at_certainty_is_zero_and_has_a_finite_gradient(gamma):
    logits = torch.tensor([[200.0, 0.0, 0.0], [0.0, 1.0, 2.0]], requires_grad=True)
    found = cross_entropy(logits, torch.tensor([0, 1]), focal_gamma=gamma)
    found.backward()
    assert found.isfinite() and logits.grad.isfinite().all()
    assert logits.grad[0].abs().max() < 1e-15


def test_a_small_share_does_not_take_fp16_gradients_to_zero_before_they_are_scaled():
    torch.manual_seed(0)
    hidden, weight = torch.randn(4, 8) * 0.1, torch.randn(16, 8) * 0.1
    targets, share, scale = torch.tensor([1, 2, 3, 4]), 1e-6, 2.0**16
    half = hidden.half().requires_grad_()
    (fused_cross_entropy(half, weight, None, targets, share=share) * scale).backward()
    exact = hidden.double().requires_grad_()
    (fused_cross_entropy(exact, weight.double(), None, targets, share=share) * scale).backward()
    assert torch.allclose(half.grad.double(), exact.grad, rtol=0.02, atol=1e-4)
