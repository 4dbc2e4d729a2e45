"""Experts against every expert computed for every token, against transformers, and by property."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import relu, silu
from torch.utils.checkpoint import checkpoint
from transformers import MixtralConfig
from transformers.models.mixtral.modeling_mixtral import MixtralExperts

from cauce.models.foundation import experts_kernel
from cauce.models.foundation.experts import Experts
from cauce.models.foundation.experts_kernel import Rows, needed_padding, routed, sort_rows

WIDTH, HIDDEN, COUNT, PER_TOKEN = 24, 20, 5, 2


def make(*, count: int = COUNT, per_token: int = PER_TOKEN, **options: object) -> Experts:
    torch.manual_seed(0)
    experts = Experts(WIDTH, HIDDEN, count, per_token=per_token, **options)
    experts.reset_parameters(deviation=0.3)
    with torch.no_grad():
        experts.balance_bias.normal_(std=0.2)
        experts.router.weight.normal_(std=0.5)
    return experts


def inputs(rows: int = 3, time: int = 17, *, seed: int = 1) -> Tensor:
    drawn = torch.randn(rows, time, WIDTH, generator=torch.Generator().manual_seed(seed))
    return drawn.requires_grad_()


def takes(experts: Experts, scores: list[float]) -> list[int]:
    """The experts of one token, one after another."""
    balanced = [s + b for s, b in zip(scores, experts.balance_bias.tolist(), strict=True)]
    order = sorted(range(len(scores)), key=lambda number: -balanced[number])
    taken: list[int] = []
    for number in order[: experts.per_token]:
        share = sum(scores[each] for each in taken) / sum(scores)
        if experts.confidence is None or not taken or share < experts.confidence:
            taken.append(number)
    return taken


def densely(experts: Experts, hidden: Tensor) -> Tensor:
    """All experts for all tokens, most of them weighted by 0."""
    scores = experts.router(hidden).sigmoid().flatten(0, 1)
    mask = torch.zeros_like(scores)
    for token, row in enumerate(scores.tolist()):
        mask[token, takes(experts, row)] = 1
    weights = (scores * mask / (scores * mask).sum(1, keepdim=True)).view(*hidden.shape[:2], -1)
    value = torch.einsum("btd,efd->btef", hidden, experts.value)
    if experts.gate is None:
        active = relu(value).square()
    else:
        active = silu(torch.einsum("btd,efd->btef", hidden, experts.gate)) * value
    return torch.einsum("btef,edf,bte->btd", active, experts.output, weights)


def gradients(experts: Experts, hidden: Tensor, output: Tensor) -> dict[str, Tensor]:
    """Of a weighted sum of the outputs, for inputs and all weights but the balance."""
    asked = torch.randn(output.shape, generator=torch.Generator().manual_seed(2))
    named = {"hidden": hidden, **dict(experts.named_parameters())}
    del named["balance_bias"]
    found = torch.autograd.grad((output.float() * asked).sum(), list(named.values()))
    return dict(zip(named, found, strict=True))


@pytest.mark.parametrize("feed_forward", ["swiglu", "relu2"])
@pytest.mark.parametrize("confidence", [None, 0.35])
def test_all_is_as_if_every_expert_were_computed(feed_forward, confidence):
    experts = make(per_token=3, feed_forward=feed_forward, confidence=confidence)
    hidden = inputs()
    mine, dense = experts(hidden), densely(experts, hidden)
    torch.testing.assert_close(mine, dense, rtol=1e-5, atol=1e-5)
    expected = gradients(experts, hidden, dense)
    for name, gradient in gradients(experts, hidden, mine).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-4, msg=name)


def test_gradients_are_those_of_finite_differences():
    torch.manual_seed(0)
    rows = sort_rows(torch.tensor([[0, 2], [2, 3], [0, 3]]), None, experts=4, padded_to=2)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64, requires_grad=True)

    for matrices in (1, 2):
        inward = [drawn(4, 3, 5) for _ in range(matrices)]
        assert torch.autograd.gradcheck(
            lambda hidden, weights, output, *inward: routed(hidden, weights, rows, inward, output),
            (drawn(3, 5), drawn(6), drawn(4, 5, 3), *inward),
        )


def test_the_same_as_transformers_computes_with_the_same_weights():
    config = MixtralConfig(
        hidden_size=WIDTH,
        intermediate_size=HIDDEN,
        num_local_experts=COUNT,
        num_experts_per_tok=PER_TOKEN,
    )
    config._experts_implementation = "eager"
    theirs, ours = MixtralExperts(config), make()
    assert ours.gate is not None
    with torch.no_grad():
        theirs.gate_up_proj.copy_(torch.cat([ours.gate, ours.value], 1))
        theirs.down_proj.copy_(ours.output)
    hidden = inputs().flatten(0, 1).detach().requires_grad_()
    chosen = torch.rand(len(hidden), COUNT).topk(PER_TOKEN).indices
    weights = torch.rand(len(hidden), PER_TOKEN).requires_grad_()
    rows = sort_rows(chosen, None, experts=COUNT, padded_to=16)
    mine = routed(hidden, weights.flatten(), rows, [ours.gate, ours.value], ours.output)
    its = theirs(hidden, chosen, weights)
    torch.testing.assert_close(mine, its)
    asked = torch.randn_like(mine)
    found = torch.autograd.grad(mine, [hidden, weights, ours.gate, ours.value, ours.output], asked)
    matrices = [theirs.gate_up_proj, theirs.down_proj]
    expected = torch.autograd.grad(its, [hidden, weights, *matrices], asked)
    both = (*found[:2], torch.cat(found[2:4], 1), found[4])
    torch.testing.assert_close(both, expected, rtol=1e-4, atol=1e-5)


def test_confident_tokens_take_fewer_experts_whatever_others_take():
    experts = make(per_token=4, confidence=0.8)
    scores = torch.rand(40, COUNT).pow(4)
    scores[0] = torch.tensor([1.0, 0, 0, 0, 0])
    with torch.no_grad():
        chosen, taken, weights = experts._choose(scores)
    rows = sort_rows(chosen, taken, experts=COUNT, padded_to=1)
    expected = [takes(experts, row) for row in scores.tolist()]
    numbers = [len(taken) for taken in expected]
    assert {1, 4} <= {*numbers}
    assert rows.bags.diff().tolist() == numbers[:-1]
    of_row = torch.tensor(rows.counts).cumsum(0)
    owners = torch.searchsorted(of_row, rows.positions, right=True).tolist()
    assert owners == [number for taken in expected for number in taken]
    sums = [part.sum().item() for part in weights.split(numbers)]
    assert sums == pytest.approx([1.0] * 40)


def test_rows_are_slices_of_the_experts():
    chosen = torch.tensor([[3, 1], [1, 0], [3, 0], [1, 3]])
    rows = sort_rows(chosen, None, experts=5, padded_to=4)
    assert rows.loads.tolist() == [2, 3, 0, 3, 0]
    assert rows.counts == [4, 4, 0, 4, 0]
    assert rows.tokens.tolist() == [1, 2, 0, 0, 0, 1, 3, 0, 0, 2, 3, 0]
    assert rows.positions.tolist() == [8, 4, 5, 0, 9, 1, 6, 10]


@pytest.mark.parametrize("is_training", [True, False])
@pytest.mark.parametrize("precision", [None, torch.bfloat16])
@pytest.mark.parametrize("confidence", [None, 0.5])
@pytest.mark.parametrize("hidden_width", [20, 7, 64])
def test_no_bit_depends_on_later_tokens(is_training, precision, confidence, hidden_width):
    torch.manual_seed(hidden_width)
    experts = Experts(WIDTH, hidden_width, 6, per_token=2, confidence=confidence)
    torch.nn.init.normal_(experts.router.weight)
    experts.train(is_training)
    for trial in range(12):
        time = 2 + 13 * trial
        hidden = torch.randn(2, time, WIDTH)
        cut = int(torch.randint(1, time, ()))
        changed = hidden.clone()
        changed[:, cut:] = torch.randn(WIDTH) if trial % 2 else torch.randn(2, time - cut, WIDTH)
        with torch.autocast("cpu", precision, enabled=precision is not None):
            one, other = experts(hidden), experts(changed)
        assert torch.equal(one[:, :cut], other[:, :cut])
        assert not torch.equal(one[:, cut:], other[:, cut:])


def test_silu_is_the_same_bits_wherever_a_value_stands():
    values = torch.randn(16 * 4, 2 * 1024 + 4)
    whole = experts_kernel._silu(values)
    torch.testing.assert_close(whole, silu(values))
    for rows in (16, 32, 48):
        assert torch.equal(experts_kernel._silu(values[-rows:]), whole[-rows:])
    for width in range(1, 70):
        assert needed_padding(width) % 16 == 0
        assert needed_padding(width) * width % 64 == 0


@pytest.mark.parametrize("feed_forward", ["swiglu", "relu2"])
@pytest.mark.parametrize("confidence", [None, 0.5])
@pytest.mark.parametrize("rows", [1, 3])
def test_one_token_at_a_time_is_as_all_at_once(feed_forward, confidence, rows):
    experts = make(feed_forward=feed_forward, confidence=confidence).eval()
    hidden = inputs(rows)
    steps = [experts(hidden[:, [place]]) for place in range(hidden.shape[1])]
    torch.testing.assert_close(torch.cat(steps, 1), experts(hidden), rtol=1e-5, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16):
        one = experts(hidden[:, :1])
    assert one.dtype == torch.bfloat16
    torch.testing.assert_close(one.float(), steps[0], rtol=0.05, atol=0.1)


def test_experts_without_tokens_have_a_gradient_of_zero():
    experts = make(count=8)
    with torch.no_grad():
        experts.balance_bias.copy_(torch.tensor([-9.0, 9, -9, -9, -9, 9, -9, -9]))
    experts(inputs()).sum().backward()
    for weight in (experts.gate, experts.value, experts.output):
        busy = weight.grad.flatten(1).any(1).tolist()
        assert busy == [False, True, False, False, False, True, False, False]
    assert experts.usage.tolist() == [0, 0.5, 0, 0, 0, 0.5, 0, 0]
    assert experts.figures()["least_used"] == 0


def test_the_balance_gets_the_load_error_and_changes_no_other_gradient():
    experts, hidden = make(), inputs()
    loads = torch.zeros(COUNT)
    for row in experts.router(hidden).sigmoid().flatten(0, 1).tolist():
        loads[takes(experts, row)] += 1
    expected = loads - loads.mean()
    (1e-3 * experts(hidden).sum()).backward()
    assert torch.equal(experts.balance_bias.grad, expected)
    (7 * experts(hidden).sum()).backward()
    assert torch.equal(experts.balance_bias.grad, 2 * expected), "accumulates"
    with_balance = gradients(experts, hidden, experts(hidden))
    experts.balance_bias.requires_grad_(False)
    for name, gradient in gradients(experts, hidden, experts(hidden)).items():
        assert torch.equal(gradient, with_balance[name]), name


@pytest.mark.parametrize("confidence", [None, 0.5])
def test_padding_goes_to_no_expert_and_counts_nowhere(confidence):
    experts = make(confidence=confidence, z_weight=0.1)
    hidden, is_real = inputs(3, 17), torch.arange(17) < torch.tensor([[17], [4], [11]])

    def found(*given: Tensor) -> tuple[Tensor, ...]:
        experts.zero_grad()
        output = experts(*given)
        (output.square().sum() + experts.auxiliary).backward()
        return output, experts.usage, *(weight.grad for weight in experts.parameters())

    padded, *others = found(hidden, is_real)
    figures = experts.figures()
    alone, *expected = found(hidden[is_real][None])
    assert not padded[~is_real].any()
    torch.testing.assert_close(padded[is_real], alone[0])
    torch.testing.assert_close(others, expected)
    assert figures == pytest.approx(experts.figures())
    assert experts(hidden)[~is_real].all(), "padding that nobody tells of is a token"


def test_recomputing_the_forward_pass_counts_the_load_once():
    experts, again = make(z_weight=0.1), make(z_weight=0.1)
    hidden = inputs()
    (experts(hidden).square().sum() + experts.auxiliary).backward()
    output = checkpoint(again, hidden, use_reentrant=False)
    (output.square().sum() + again.auxiliary).backward()
    for (name, one), other in zip(experts.named_parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, msg=name)


def test_steps_against_the_load_error_keep_every_expert_busy():
    experts = make(count=8)
    torch.nn.init.zeros_(experts.balance_bias)
    hidden = inputs(4, 64) + 2 * torch.randn(WIDTH, generator=torch.Generator().manual_seed(3))
    experts(hidden)
    assert experts.figures()["least_used"] < 0.01
    for _ in range(100):
        experts.balance_bias.grad = None
        experts(hidden.detach()).sum().backward()
        with torch.no_grad():
            experts.balance_bias -= 0.02 * experts.balance_bias.grad.sign()
    assert experts.figures()["least_used"] >= 0.3 / 8


def test_autocast_computes_the_products_in_its_dtype_and_the_router_in_fp32():
    experts, hidden = make(z_weight=1.0), inputs()
    whole = experts(hidden)
    expected, auxiliary = gradients(experts, hidden, whole), experts.auxiliary
    with torch.autocast("cpu", torch.bfloat16):
        output = experts(hidden)
    assert output.dtype == torch.bfloat16
    assert torch.equal(experts.auxiliary, auxiliary)
    torch.testing.assert_close(output.float(), whole, rtol=0.05, atol=0.1)
    for name, gradient in gradients(experts, hidden, output).items():
        assert gradient.dtype == torch.float32
        assert (gradient - expected[name]).norm() < 0.02 * expected[name].norm(), name


@pytest.mark.parametrize("matrices", [1, 2])
def test_one_grouped_product_is_as_the_slices(matrices):
    torch.manual_seed(0)
    rows = sort_rows(torch.rand(40, 6).topk(2).indices, None, experts=6, padded_to=16)
    drawn = [torch.randn(40, 16), torch.rand(80), torch.randn(6, 16, 24)]
    drawn += [torch.randn(6, 24, 16) for _ in range(matrices)]
    drawn = [each if each.dim() == 1 else each.bfloat16() for each in drawn]
    asked = torch.randn(40, 16).bfloat16()

    def found(function) -> list[Tensor]:
        hidden, weights, *matrices = (each.clone().requires_grad_() for each in drawn)
        output = function(hidden, weights, rows, *matrices)
        return [output, *torch.autograd.grad(output, [hidden, weights, *matrices], asked)]

    both = found(experts_kernel._grouped), found(experts_kernel._Slices.apply)
    for mine, other in zip(*both, strict=True):
        assert mine.dtype == other.dtype
        assert (mine - other).float().norm() < 0.02 * other.float().norm()
    assert not experts_kernel._has_grouped_products(drawn[0], drawn[2])


def test_the_router_loss_is_the_mean_of_squared_logsumexp():
    experts, hidden = make(z_weight=0.5), inputs()
    experts(hidden)
    expected = 0.5 * experts.router(hidden).exp().sum(2).log().square().mean()
    torch.testing.assert_close(experts.auxiliary, expected)
    mine, its = (
        torch.autograd.grad(loss, experts.router.weight)[0]
        for loss in (experts.auxiliary, expected)
    )
    torch.testing.assert_close(mine, its)
    experts.eval()(hidden)
    assert experts.auxiliary is None
    unasked = make()
    unasked(hidden)
    assert unasked.auxiliary is None


def test_figures_are_of_the_last_forward_pass():
    experts = make(per_token=5)
    assert experts.figures() == {}
    torch.nn.init.zeros_(experts.router.weight)
    experts(inputs())
    even = {"least_used": 0.2, "most_used": 0.2}
    entropies = {"usage_entropy": math.log(5), "router_entropy": math.log(5)}
    assert experts.figures() == pytest.approx(even | entropies)
    assert not experts.usage.requires_grad


def test_a_copy_after_a_training_step_has_no_graph():
    experts = make(z_weight=0.1)
    output = experts(inputs())
    copied = copy.deepcopy(experts)
    assert copied.auxiliary is None and copied.figures() == {}
    assert torch.equal(copied(inputs()), output)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"per_token": 6}, "per_token is 6; needed is 1 to 5"),
        ({"per_token": 0}, "per_token is 0"),
        ({"confidence": 1.5}, "confidence is 1.5; needed is a share"),
        ({"confidence": 0.0}, "confidence is 0.0"),
    ],
)
def test_sizes_that_do_not_go_together_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_rows_split_into_busy_and_idle():
    rows = Rows(*(torch.zeros(4, dtype=torch.long) for _ in range(4)), counts=[0, 3, 1])
    assert rows.busy() == [1, 2] and rows.idle() == [0]
    assert [len(part) for part in rows.split(torch.arange(4))[0]] == [0, 3, 1]
    assert rows.ends == [0, 3, 4]
