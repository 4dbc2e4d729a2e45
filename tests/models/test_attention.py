from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.models.t5.modeling_t5 import eager_attention_forward

from cauce.models import attention
from cauce.models.attention import attention_forward
from models.tiny import DECODERS, tiny_model

NEAR = {torch.float32: 1e-5, torch.float64: 1e-10}


def module(is_causal=False, groups=1):
    return SimpleNamespace(is_causal=is_causal, num_key_value_groups=groups, training=True)


def drawn(*shape, seed=0, dtype=torch.float32):
    """Requires a gradient."""
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return values.to(dtype).requires_grad_()


def inputs(queries, keys, dtype, *, groups=1, rows=2, heads=4, width=8):
    return (
        drawn(rows, heads, queries, width, seed=1, dtype=dtype),
        drawn(rows, heads // groups, keys, width, seed=2, dtype=dtype),
        drawn(rows, heads // groups, keys, width, seed=3, dtype=dtype),
    )


def sees(*shape, seed=4):
    """A bool mask that hides a third, and leaves every query its first key."""
    mask = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) > 1 / 3
    mask[..., 0] = True
    return mask


def added(mask, dtype):
    return torch.zeros(mask.shape, dtype=dtype).masked_fill_(~mask, torch.finfo(dtype).min)


def eager(part, query, key, value, mask, position_bias=None, **options):
    """transformers' own composition, with what it leaves to its callers: heads and causality."""
    repeats = part.num_key_value_groups
    if mask is not None and mask.dtype == torch.bool:
        mask = added(mask, query.dtype)
    if mask is None and part.is_causal and query.shape[2] == key.shape[2]:
        mask = added(torch.ones(query.shape[2], key.shape[2], dtype=torch.bool).tril(), query.dtype)
    return eager_attention_forward(
        part,
        query,
        key.repeat_interleave(repeats, 1),
        value.repeat_interleave(repeats, 1),
        mask,
        position_bias=position_bias,
        **options,
    )


def output_and_gradients(function, part, tensors, mask, position_bias=None, **options):
    learned = [*tensors] if position_bias is None else [*tensors, position_bias]
    output, _ = function(part, *tensors, mask, position_bias=position_bias, **options)
    weights = drawn(*output.shape, seed=9, dtype=output.dtype).detach()
    return [output, *torch.autograd.grad((output * weights).sum(), learned)]


CASES = {
    "causal": {"is_causal": True},
    "causal, 300 tokens": {"is_causal": True, "queries": 300},
    "causal, as long as a block": {"is_causal": True, "queries": 128},
    "causal, a block and a token": {"is_causal": True, "queries": 129},
    "causal, one token": {"is_causal": True, "queries": 1},
    "causal, grouped heads": {"is_causal": True, "queries": 140, "groups": 2},
    "full": {},
    "full, 300 tokens": {"queries": 300},
    "full, 257 tokens, grouped heads": {"queries": 257, "groups": 4},
    "bool mask": {"mask": (2, 1, 17, 17)},
    "bool mask, 260 tokens": {"queries": 260, "mask": (2, 1, 260, 260)},
    "bool mask of keys": {"mask": (2, 1, 1, 17)},
    "bool mask of keys, 260 tokens": {"queries": 260, "mask": (2, 1, 1, 260)},
    "bool mask of each head": {"mask": (2, 4, 17, 17)},
    "bool mask, causal": {"queries": 140, "is_causal": True, "mask": (2, 1, 140, 140)},
    "float mask": {"mask": (2, 1, 17, 17), "is_float": True},
    "float mask of keys, 260 tokens": {"queries": 260, "mask": (2, 1, 1, 260), "is_float": True},
    "position bias": {"bias": (1, 4, 17, 17)},
    "position bias, causal, 140 tokens": {
        "queries": 140, "is_causal": True, "bias": (1, 4, 140, 140)
    },
    "position bias, bool mask": {"bias": (1, 4, 17, 17), "mask": (2, 1, 17, 17)},
    "position bias, float mask": {
        "bias": (1, 4, 17, 17), "mask": (2, 1, 17, 17), "is_float": True
    },
    "position bias of each row": {"bias": (2, 4, 17, 17)},
    "position bias of all heads": {"bias": (1, 1, 17, 17)},
    "cross attention": {"keys": 23},
    "cross attention, causal by name": {"keys": 23, "is_causal": True},
    "cross attention, 260 queries, mask": {"queries": 260, "keys": 9, "mask": (2, 1, 1, 9)},
    "one query after many keys": {"queries": 1, "keys": 23, "is_causal": True},
}  # fmt: skip


@pytest.mark.parametrize("dtype", NEAR, ids=["fp32", "fp64"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_output_and_gradients_are_those_of_transformers(case, dtype):
    queries = case.get("queries", 17)
    keys, groups = case.get("keys", queries), case.get("groups", 1)
    is_causal = case.get("is_causal", False)
    mask = sees(*case["mask"]) if "mask" in case else None
    if mask is not None and is_causal:
        mask = mask.tril()
    if case.get("is_float"):
        mask = added(mask, dtype)
    bias = drawn(*case["bias"], dtype=dtype) if "bias" in case else None
    tensors = inputs(queries, keys, dtype, groups=groups)
    part = module(is_causal, groups)
    found = output_and_gradients(attention_forward, part, tensors, mask, bias, scaling=0.4)
    # sdpa takes a causal module's queries for the last of the keys, or the first; eager is plain.
    oracles = [eager] if queries != keys and is_causal else [eager, sdpa_attention_forward]
    for oracle in oracles:
        expected = output_and_gradients(oracle, part, tensors, mask, bias, scaling=0.4)
        for mine, its in zip(found, expected, strict=True):
            torch.testing.assert_close(mine, its, rtol=NEAR[dtype], atol=NEAR[dtype])


def test_the_scale_is_that_of_the_width_unless_given():
    tensors = inputs(5, 5, torch.float64)
    unsaid, _ = attention_forward(module(), *tensors, None)
    said, _ = attention_forward(module(), *tensors, None, scaling=8**-0.5)
    torch.testing.assert_close(unsaid, said)


def test_values_may_be_wider_than_keys():
    query, key, _ = inputs(140, 140, torch.float64)
    tensors = (query, key, drawn(2, 4, 140, 5, seed=3, dtype=torch.float64))
    part = module(is_causal=True)
    found = output_and_gradients(attention_forward, part, tensors, None)
    expected = output_and_gradients(eager, part, tensors, None)
    assert found[0].shape == (2, 140, 4, 5)
    for mine, its in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize("is_causal", [False, True])
def test_bf16_is_as_near_to_the_truth_as_the_composition_in_bf16(is_causal, has_bias):
    """Scores are rounded to bf16, as the composition's are; sdpa keeps them in fp32."""
    tensors = inputs(200, 200, torch.bfloat16, heads=2, width=32)
    bias = drawn(1, 2, 200, 200, dtype=torch.bfloat16) if has_bias else None
    exact = [tensor.detach().double().requires_grad_() for tensor in tensors]
    exact_bias = None if bias is None else bias.detach().double().requires_grad_()
    part = module(is_causal)
    truth = output_and_gradients(eager, part, exact, None, exact_bias)

    def errors(function):
        found = output_and_gradients(function, part, tensors, None, bias)
        pairs = zip(found, truth, strict=True)
        return [((mine.double() - true).norm() / true.norm()).item() for mine, true in pairs]

    ours, theirs, best = map(errors, (attention_forward, eager, sdpa_attention_forward))
    assert all(mine < 1.05 * its < 0.01 for mine, its in zip(ours, theirs, strict=True))
    if not has_bias:
        assert all(mine < 2.5 * its for mine, its in zip(ours, best, strict=True))


def test_keys_and_values_in_fp32_are_taken_under_autocast():
    query, key, value = inputs(9, 9, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, _ = attention_forward(module(), query.bfloat16(), key, value, None)
    assert output.dtype == torch.bfloat16
    expected, _ = eager(module(), query, key, value, None)
    torch.testing.assert_close(output.float(), expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_query_that_may_see_nothing_gives_numbers(dtype):
    mask = sees(2, 1, 17, 17)
    mask[0, 0, 3] = False
    found = output_and_gradients(attention_forward, module(), inputs(17, 17, dtype), mask)
    assert all(tensor.isfinite().all() for tensor in found)


def kept_in(tensors, mask, is_causal, dropout, seed):
    """What the operator drew, 0 or 1 / (1 - dropout), (b h q k); for rows of one block."""
    torch.manual_seed(seed)
    scale = tensors[0].shape[-1] ** -0.5
    _, _, kept = attention._attention(*tensors, None, mask, scale, dropout, is_causal)
    b, h, q, _ = tensors[0].shape
    return kept.view(b, h, q, tensors[1].shape[2])


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("is_causal", [False, True])
def test_dropout_is_that_of_the_weights_it_drew(is_causal, groups):
    tensors = inputs(17, 17, torch.float64, groups=groups)
    kept = kept_in(tensors, None, is_causal, 0.25, seed=5)
    assert set(kept.unique().tolist()) == {0.0, 1 / 0.75}

    def composed(part, query, key, value, mask, position_bias=None):
        key, value = (tensor.repeat_interleave(groups, 1) for tensor in (key, value))
        scores = query @ key.transpose(2, 3) * 8**-0.5
        if is_causal:
            scores = scores.masked_fill(torch.ones(17, 17, dtype=torch.bool).triu(1), -torch.inf)
        return ((scores.softmax(-1) * kept) @ value).transpose(1, 2), None

    torch.manual_seed(5)
    part = module(is_causal, groups)
    found = output_and_gradients(attention_forward, part, tensors, None, dropout=0.25)
    expected = output_and_gradients(composed, part, tensors, None)
    for mine, its in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-10, atol=1e-10)


def test_dropout_keeps_the_expectation():
    tensors = inputs(40, 40, torch.float32, rows=1, heads=1)
    part = module(is_causal=True)
    expected, _ = attention_forward(part, *tensors, None)
    torch.manual_seed(0)
    with torch.no_grad():
        outputs = [attention_forward(part, *tensors, None, dropout=0.3)[0] for _ in range(2000)]
    found = torch.stack(outputs)
    standard_error = found.std(0) / len(outputs) ** 0.5
    assert ((found.mean(0) - expected).abs() < 5 * standard_error + 1e-6).all()


def test_dropout_differs_from_call_to_call():
    tensors = inputs(17, 17, torch.float32)
    first, second = (attention_forward(module(), *tensors, None, dropout=0.5)[0] for _ in range(2))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("is_causal", [False, True])
def test_gradcheck(is_causal, groups, monkeypatch):
    """Through the operator itself, in blocks of three queries."""
    monkeypatch.setattr(attention, "CAUSAL_BLOCK", 3)
    monkeypatch.setattr(attention, "FULL_BLOCK", 3)
    tensors = inputs(5, 5, torch.float64, groups=groups, heads=2, width=3)
    bias = drawn(1, 2, 5, 5, dtype=torch.float64)
    mask = sees(2, 1, 5, 5).tril()

    def run(*learned):
        return attention._attention(*learned, mask, 0.5, 0.0, is_causal)[0]

    assert torch.autograd.gradcheck(run, (*tensors, bias))


OPERATOR_CASES = {
    "plain": (None, None, 0.0, False),
    "causal": (None, None, 0.0, True),
    "mask": (None, (2, 1, 9, 9), 0.0, False),
    "bias": ((1, 4, 9, 9), None, 0.0, False),
    "dropout": (None, None, 0.5, True),
}


@pytest.mark.parametrize("case", OPERATOR_CASES.values(), ids=OPERATOR_CASES)
def test_the_operators_are_as_torch_wants_them(case):
    bias, mask, dropout, is_causal = case
    query, key, value = inputs(9, 9, torch.float32, groups=2)
    bias = None if bias is None else drawn(*bias)
    mask = None if mask is None else sees(*mask)
    # What is drawn differs from call to call; that is what this one of the checks refuses.
    checks = ["test_schema", "test_autograd_registration", "test_faketensor"]
    if not dropout:
        checks.append("test_aot_dispatch_dynamic")
    arguments = (query, key, value, bias, mask, 0.3, dropout, is_causal)
    torch.library.opcheck(attention._attention, arguments, test_utils=checks)
    output, weights, kept = (it.detach() for it in attention._attention(*arguments))
    detached = (query.detach(), key.detach(), value.detach())
    backward = (
        *(output, *detached, mask, weights, kept),
        *(0.3, is_causal, int(bias is not None)),
    )
    torch.library.opcheck(
        attention._attention_backward, backward, test_utils=["test_schema", "test_faketensor"]
    )


@pytest.mark.parametrize("is_causal", [False, True])
def test_compiled_it_is_the_same(is_causal):
    """Traced whole; `aot_eager` runs the traced graph, and its fake tensors, without a compiler."""
    torch._dynamo.reset()
    part = module(is_causal)

    def run(query, key, value, mask, bias):
        return attention_forward(part, query, key, value, mask, position_bias=bias)[0]

    compiled = torch.compile(run, fullgraph=True, backend="aot_eager")
    for length in (17, 140, 300):
        tensors = inputs(length, length, torch.float32)
        mask = sees(2, 1, length, length).tril()
        bias = drawn(1, 4, length, length)
        learned = [*tensors, bias]
        expected, found = run(*tensors, mask, bias), compiled(*tensors, mask, bias)
        torch.testing.assert_close(found, expected)
        wanted = torch.autograd.grad(expected.square().sum(), learned)
        got = torch.autograd.grad(found.square().sum(), learned)
        for mine, its in zip(got, wanted, strict=True):
            torch.testing.assert_close(mine, its)


def documents_of(*rows, is_causal):
    """The mask of packed rows, (b 1 n n): rows of lengths of documents, the last may be padding."""
    blocks = [torch.block_diag(*(torch.ones(n, n) for n in row)).bool() for row in rows]
    mask = torch.stack(blocks)[:, None]
    return mask.tril() if is_causal else mask


@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("is_causal", [False, True])
def test_packed_documents_are_computed_each_by_itself(is_causal, groups, has_bias, monkeypatch):
    """As by the mask that keeps them apart, though it is not used."""
    monkeypatch.setattr(attention, "MIN_SAVED", 0)
    mask = documents_of((150, 10, 140), (1, 299), (300,), is_causal=is_causal)
    tensors = inputs(300, 300, torch.float64, groups=groups, rows=3)
    bias = drawn(1, 4, 300, 300, dtype=torch.float64) if has_bias else None
    assert attention._plan(*tensors[:2], mask, is_causal)[1] is None
    part = module(is_causal, groups)
    found = output_and_gradients(attention_forward, part, tensors, mask, bias)
    expected = output_and_gradients(eager, part, tensors, mask, bias)
    for mine, its in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("is_causal", [False, True])
def test_masks_that_hide_anything_else_are_used(is_causal, monkeypatch):
    monkeypatch.setattr(attention, "MIN_SAVED", 0)
    tensors = inputs(12, 12, torch.float64)
    exact = documents_of((5, 7), (12,), is_causal=is_causal)
    for row, query, key in ((0, 4, 0), (1, 11, 5), (0, 7, 2)):
        mask = exact.clone()
        mask[row, 0, query, key] ^= True
        assert attention._plan(*tensors[:2], mask, is_causal)[1] is mask
        found, _ = attention_forward(module(is_causal), *tensors, mask)
        expected, _ = eager(module(is_causal), *tensors, mask)
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


def test_dropout_in_packed_documents_is_that_of_the_weights_it_drew(monkeypatch):
    """By the definition of a gradient, with what was drawn drawn again."""
    monkeypatch.setattr(attention, "MIN_SAVED", 0)
    mask = documents_of((2, 4), (5, 1), is_causal=True)
    tensors = inputs(6, 6, torch.float64, heads=2, width=3)

    def run(*learned):
        torch.manual_seed(4)
        return attention._attention(*learned, None, mask, 0.5, 0.4, True)[0]

    assert torch.autograd.gradcheck(run, tensors)
    alone, _ = attention_forward(module(True), *tensors, mask)
    with torch.no_grad():
        drawn_often = [
            attention_forward(module(True), *tensors, mask, dropout=0.4)[0] for _ in range(3000)
        ]
    found = torch.stack(drawn_often)
    error = found.std(0) / len(drawn_often) ** 0.5
    assert ((found.mean(0) - alone).abs() < 5 * error + 1e-9).all()


def test_few_scores_are_not_worth_a_document_each():
    tensors = inputs(300, 300, torch.float32)
    mask = documents_of((150, 150), (300,), is_causal=True)
    assert attention._plan(*tensors[:2], mask, True)[1] is mask


@pytest.fixture(params=[*DECODERS, "t5"])
def tiny(request):
    attention.register()
    return tiny_model(request.param)


def said_and_gradient(model, batch):
    model.zero_grad()
    said = model(**batch).logits
    said.square().mean().backward()
    gradients = [weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]
    return said.detach(), torch.cat(gradients)


@pytest.mark.parametrize("has_padding", [False, True])
def test_models_say_and_learn_what_they_do_with_sdpa(tiny, has_padding):
    ids = torch.randint(4, 384, (2, 150), generator=torch.Generator().manual_seed(0))
    batch = {"input_ids": ids}
    if has_padding:
        mask = torch.ones_like(ids)
        mask[0, 100:] = 0
        batch["attention_mask"] = mask
    if tiny.is_encoder_decoder:
        batch["decoder_input_ids"] = ids[:, :140]
    assert tiny.model.config._attn_implementation == "sdpa"
    expected = said_and_gradient(tiny.model, batch)
    tiny.model.set_attn_implementation(attention.NAME)
    calls = []
    with pytest.MonkeyPatch.context() as patch:
        operator = attention._attention
        patch.setattr(attention, "_attention", lambda *it: calls.append(1) or operator(*it))
        found = said_and_gradient(tiny.model, batch)
    assert len(calls) == (6 if tiny.is_encoder_decoder else 2)
    said, its = found[0], expected[0]
    if has_padding and not tiny.is_encoder_decoder:
        said, its = said[mask.bool()], its[mask.bool()]
    torch.testing.assert_close(said, its, rtol=1e-5, atol=1e-5)
    assert float((found[1] - expected[1]).norm() / expected[1].norm()) < 1e-5


def test_answers_are_written_as_with_sdpa(tiny):
    ids = torch.randint(4, 384, (2, 12), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[0, :3] = 0
    answers = []
    for name in ("sdpa", attention.NAME):
        tiny.model.set_attn_implementation(name)
        with torch.inference_mode():
            answers.append(tiny.model.generate(input_ids=ids, attention_mask=mask, max_length=24))
    assert torch.equal(*answers)


def test_a_narrow_window_of_attention_is_kept():
    attention.register()
    loaded = tiny_model("mistral")
    loaded.model.config.sliding_window = 16
    for layer in loaded.model.model.layers:
        layer.self_attn.sliding_window = 16
    ids = torch.randint(4, 384, (1, 150), generator=torch.Generator().manual_seed(0))
    said = []
    for name in ("sdpa", attention.NAME):
        loaded.model.set_attn_implementation(name)
        with torch.inference_mode():
            said.append(loaded.model(input_ids=ids).logits)
    torch.testing.assert_close(*said, rtol=1e-5, atol=1e-5)
