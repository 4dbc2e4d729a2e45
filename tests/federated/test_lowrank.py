from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cauce.federated.lowrank import (
    LowRank,
    adapter,
    changed,
    fresh_rows,
    split,
    weighted_sum,
    zero,
)


def product(outputs, inputs, rank, *, seed):
    generator = torch.Generator().manual_seed(seed)
    return LowRank(
        torch.randn(outputs, rank, generator=generator),
        torch.randn(rank, inputs, generator=generator),
    )


def off_by(found, expected):
    return float((found.double() - expected).norm() / expected.norm())


@settings(max_examples=30)
@given(
    ends=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    ranks=st.lists(st.sampled_from([2, 4, 8, 16]), min_size=1, max_size=5),
    weights=st.lists(st.floats(0.01, 3), min_size=5, max_size=5),
)
def test_a_sum_of_products_is_exact_and_never_wider_than_the_layer(ends, ranks, weights):
    parts = [
        (weight, product(*ends, rank, seed=seed))
        for seed, (weight, rank) in enumerate(zip(weights, ranks, strict=False))
    ]
    found = weighted_sum(parts)
    # Both factors are rounded to fp32, each by up to 2^-24.
    assert off_by(found.dense(), sum(weight * part.dense() for weight, part in parts)) < 1.2e-7
    assert found.rank <= min(*ends, sum(ranks))


def test_directions_that_parts_share_are_written_once():
    part = product(30, 20, 4, seed=0)
    found = weighted_sum([(0.2, part), (0.3, part), (0.5, part)])
    assert found.rank == 4
    assert off_by(found.dense(), part.dense()) < 1e-7


def test_a_change_of_small_numbers_is_not_lost_beside_no_change():
    small = product(12, 9, 3, seed=1)
    small = small._replace(b=1e-20 * small.b)
    found = weighted_sum([(1.0, zero(12, 9)), (0.5, small)])
    assert off_by(found.dense(), 0.5 * small.dense()) < 1e-7


def test_nothing_sums_to_nothing():
    untrained = LowRank(torch.zeros(6, 2), torch.ones(2, 5))
    for parts in ([(1.0, zero(6, 5))], [(0.5, untrained), (0.5, untrained)]):
        found = weighted_sum(parts)
        assert (found.rank, found.b.shape, found.a.shape) == (0, (6, 0), (0, 5))


def test_the_leading_part_is_the_best_of_its_rank_and_the_rest_completes_it():
    whole = weighted_sum([(1.0, product(20, 14, 5, seed=2)), (2.0, product(20, 14, 6, seed=3))])
    dense = whole.dense()
    sizes = torch.linalg.svdvals(dense)
    for rank in (0, 1, 4, 11, 16):
        leading, rest = split(whole, rank)
        assert off_by(leading.dense() + rest.dense(), dense) < 1e-15
        missing = (dense - leading.dense()).norm()
        torch.testing.assert_close(missing, sizes[rank:].norm(), rtol=1e-6, atol=1e-6)
    assert off_by(whole.b.norm(dim=0), whole.a.norm(dim=1).double()) < 1e-6


def test_an_adapter_of_any_rank_and_scale_starts_where_the_shared_change_is():
    whole = weighted_sum([(1.0, product(20, 14, 6, seed=4))])
    for rank, scale in ((2, 0.5), (6, 2.0), (9, 4.0)):
        leading, rest = split(whole, rank)
        fresh = fresh_rows(rank, 14, seed=7)
        own = adapter(leading, fresh, scale=scale)
        assert own.rank == rank
        assert off_by(scale * own.dense() + rest.dense(), whole.dense()) < 1e-7
        assert torch.equal(own.a[6:], fresh[6:])
        assert not own.b[:, 6:].any()


def test_fresh_rows_are_those_of_the_seed_and_leave_the_generator_alone():
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    one, two, other = (fresh_rows(8, 400, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(one, two) and not torch.equal(one, other)
    assert 0.04 < one.abs().max() <= 0.05


def test_a_change_enters_a_weight_in_its_layout_and_type():
    change = product(3, 5, 2, seed=5)
    weight = torch.randn(3, 5)
    found = changed(weight, change, is_transposed=False)
    assert off_by(found, weight.double() + change.dense()) < 1e-7
    assert torch.equal(changed(weight.T, change, is_transposed=True), found.T)
    assert changed(weight.bfloat16(), change, is_transposed=False).dtype == torch.bfloat16
