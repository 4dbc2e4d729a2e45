"""Which units two texts share: n-grams, longest common subsequences, one-to-one matches."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence

Counts = Counter[tuple[str, ...] | str]
Synonyms = Callable[[str], Collection[str]]
"""The other words for a word."""


def ngrams(units: Sequence[str], n: int) -> Counts:
    """Counts of n-grams: slices of a text, or tuples of a list's tokens."""
    starts = range(len(units) - n + 1)
    if isinstance(units, str):
        return Counter(units[i : i + n] for i in starts)
    return Counter(tuple(units[i : i + n]) for i in starts)


def lcs_length(reference: Sequence[str], answer: Sequence[str]) -> int:
    """Length of the longest common subsequence, one machine-wide addition per token.

    Hyyrö (2004), "Bit-parallel LCS-length computation revisited": a zero bit of `row` at i means
    that the LCS grows at reference token i.
    """
    positions: defaultdict[str, int] = defaultdict(int)
    for i, token in enumerate(reference):
        positions[token] |= 1 << i
    full = (1 << len(reference)) - 1
    row = full
    for token in answer:
        match = row & positions.get(token, 0)
        row = ((row + match) | (row - match)) & full
    return len(reference) - row.bit_count()


def lcs_positions(reference: Sequence[str], answer: Sequence[str]) -> list[int]:
    """Reference positions of one longest common subsequence, the one `rouge-score` chooses."""
    table = [[0] * (len(answer) + 1)]
    for token in reference:
        above, row = table[-1], [0]
        for j, other in enumerate(answer):
            row.append(above[j] + 1 if token == other else max(above[j + 1], row[j]))
        table.append(row)
    i, j, found = len(reference), len(answer), []
    while i and j:
        if reference[i - 1] == answer[j - 1]:
            i, j = i - 1, j - 1
            found.append(i)
        elif table[i][j - 1] > table[i - 1][j]:
            j -= 1
        else:
            i -= 1
    return found


def align(
    answer: list[tuple[int, str]],
    reference: list[tuple[int, str]],
    stem: Callable[[str], str],
    synonyms: Synonyms | None = None,
) -> list[tuple[int, int]]:
    """Matched positions in the order of the answer: equal words, equal stems, then synonyms.

    Of several free tokens that match, the last of the reference is taken.
    """
    pairs = _match(answer, reference)
    given, expected = _free(answer, reference, pairs)
    pairs += _match([(i, stem(word)) for i, word in given], [(j, stem(w)) for j, w in expected])
    if synonyms is not None:
        pairs += _match_synonyms(*_free(answer, reference, pairs), synonyms)
    return sorted(pairs)


def _free(
    answer: list[tuple[int, str]], reference: list[tuple[int, str]], pairs: list[tuple[int, int]]
) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    used_answer, used_reference = {i for i, _ in pairs}, {j for _, j in pairs}
    return (
        [token for token in answer if token[0] not in used_answer],
        [token for token in reference if token[0] not in used_reference],
    )


def _match(
    answer: list[tuple[int, str]], reference: list[tuple[int, str]]
) -> list[tuple[int, int]]:
    free = _places(reference)
    return [(i, free[token].pop()) for i, token in reversed(answer) if free[token]]


def _match_synonyms(
    answer: list[tuple[int, str]], reference: list[tuple[int, str]], synonyms: Synonyms
) -> list[tuple[int, int]]:
    free, pairs = _places(reference), []
    for i, token in reversed(answer):
        known = [word for word in synonyms(token) if free[word]]
        if known:
            last = max(known, key=lambda word: free[word][-1])
            pairs.append((i, free[last].pop()))
    return pairs


def _places(tokens: list[tuple[int, str]]) -> defaultdict[str, list[int]]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, token in tokens:
        places[token].append(place)
    return places
