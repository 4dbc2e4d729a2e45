from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cauce.errors import DataRefused
from cauce.knowledge.identifiers.trie import NOWHERE, ROOT, IdentifierTrie

sequences = st.lists(st.integers(0, 5), min_size=1, max_size=6).map(tuple)


def spelled(trie: IdentifierTrie) -> set[tuple[int, ...]]:
    """Every sequence that the tree holds, by walking all of it."""
    found, pending = set(), [(ROOT, ())]
    while pending:
        state, so_far = pending.pop()
        if state != ROOT and trie.is_end(state):
            found.add(so_far)
        pending += [(trie.step(state, int(t)), (*so_far, int(t))) for t in trie.children(state)]
    return found


@given(st.lists(sequences, min_size=1, max_size=40), sequences)
def test_it_holds_exactly_what_it_was_made_of(given_ones, other):
    trie = IdentifierTrie.of(given_ones)
    assert spelled(trie) == set(given_ones)
    assert all(one in trie for one in given_ones)
    assert (other in trie) == (other in given_ones)
    assert () not in trie


@given(st.lists(sequences, min_size=1, max_size=40))
def test_a_step_leads_to_a_child_or_nowhere(given_ones):
    trie = IdentifierTrie.of(given_ones)
    for state in range(len(trie)):
        children = trie.children(state).tolist()
        assert children == sorted(set(children))
        steps = {token: trie.step(state, token) for token in range(-1, 7)}
        assert {token for token, to in steps.items() if to != NOWHERE} == set(children)
        assert len({to for to in steps.values() if to != NOWHERE}) == len(children)


def test_bytes_are_tokens_too(tmp_path):
    dois = [b"10.1000/a", b"10.1000/ab", b"10.2000/x"]
    trie = IdentifierTrie.of(dois)
    assert trie.labels.dtype == "uint8"
    trie.save(tmp_path / "dois.npz")
    again = IdentifierTrie.load(tmp_path / "dois.npz")
    assert spelled(again) == {tuple(doi) for doi in dois}
    assert b"10.1000" not in again and b"10.2000/xy" not in again


@pytest.mark.parametrize(("given_ones", "found"), [([], "no identifier"), ([()], "an empty")])
def test_nothing_is_refused(given_ones, found):
    with pytest.raises(DataRefused, match=f"{found}.*\n"):
        IdentifierTrie.of(given_ones)
