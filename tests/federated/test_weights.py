from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.errors import UserError
from cauce.federated.weights import by_size, capped, loss_aware, uniform

EXAMPLES = {"small": 24, "north": 300, "east": 900, "south": 300}
SIZES = st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 10**6), min_size=1)


def is_shares(found):
    return list(found) == sorted(found) and math.isclose(sum(found.values()), 1, rel_tol=1e-12)


def test_by_size_and_uniform():
    assert by_size({"b": 30, "a": 10}) == {"a": 0.25, "b": 0.75}
    assert uniform(["b", "a", "d", "c"]) == dict.fromkeys("abcd", 0.25)


@given(examples=SIZES, largest=st.floats(0.05, 1))
def test_no_site_is_above_the_cap_and_larger_sites_count_no_less(examples, largest):
    found = capped(examples, largest=largest)
    assert is_shares(found)
    possible = max(largest, 1 / len(examples))
    assert max(found.values()) <= possible * (1 + 1e-9)
    ordered = sorted(examples, key=lambda site: examples[site])
    shares = [found[site] for site in ordered]
    assert all(low <= high * (1 + 1e-9) for low, high in itertools.pairwise(shares))


def test_what_is_cut_off_goes_to_the_others_by_their_size():
    found = capped(EXAMPLES, largest=0.4)
    assert found["east"] == 0.4
    assert found["north"] == pytest.approx(0.6 * 300 / 624)
    assert found["small"] == pytest.approx(0.6 * 24 / 624)
    assert capped(EXAMPLES, largest=1.0) == by_size(EXAMPLES)
    assert capped(EXAMPLES, largest=0.2) == uniform(list(EXAMPLES))


@given(examples=SIZES, gap=st.floats(0, 3))
def test_equal_gaps_change_nothing_however_hard_the_texts_are(examples, gap):
    shares = by_size(examples)
    alone = {site: 0.1 * place for place, site in enumerate(shares)}
    shared = {site: loss + gap for site, loss in alone.items()}
    found = loss_aware(shares, shared, alone)
    assert is_shares(found)
    assert found == pytest.approx(shares, rel=1e-9)


def test_a_site_that_is_served_worst_counts_more():
    shares = uniform(["large", "small"])
    found = loss_aware(shares, {"large": 0.4, "small": 0.9}, {"large": 0.4, "small": 0.4}, tilt=2)
    assert found["small"] / found["large"] == pytest.approx(math.e)
    assert is_shares(loss_aware(shares, {"large": 0, "small": 5000}, {"large": 0, "small": 0}))


@pytest.mark.parametrize("examples", [{"a": 0, "b": 0}, {"a": 3, "b": -1}, {"a": math.nan}])
def test_what_weighs_nothing_is_refused(examples):
    with pytest.raises(UserError, match=r"(?s)'a'.*at least one training example"):
        by_size(examples)
