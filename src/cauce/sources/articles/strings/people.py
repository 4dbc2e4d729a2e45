"""The names of a printed list of authors, each as `Family, Given`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_OTHERS = re.compile(
    r"[\s,;]*(?:\bet\.?\s*al\b|\by\s+(?:otros|cols?\b|colaboradores)|\band\s+others\b|…|\.\.\.).*",
    re.IGNORECASE | re.DOTALL,
)
_ROLE = re.compile(r"\([^()]*\b(?:eds?|editors?|coords?|dirs?|hrsg)\b[^()]*\)", re.IGNORECASE)
_BRACKETED = re.compile(r"\s*\(((?:[^\W\d_]\.?[-\s]?)+)\)")
_AND = re.compile(r"[\s,;]*(?:(?<!\S)(?:and|And|AND|und|et|y|e)(?!\S)|&)\s*")
_INITIALS = re.compile(r"(?:[^\W\d_][a-z]?\.ª?-?)+[^\W\d_]?|[^\W\d_](?:-?[^\W\d_]){0,2}")
_SUFFIX = re.compile(r"(?:Jr|Sr|II|III|IV|2nd|3rd)\.?", re.IGNORECASE)
_PARTICLES = {
    *("von", "van", "vander", "vanden", "der", "den", "ten", "ter", "zu", "bin", "ibn"),
    *("de", "del", "della", "la", "las", "los", "le", "di", "da", "do", "dos", "du"),
}
_ORGANISATION = re.compile(
    r"\b(?:collaborations?|consorti(?:um|a)|organi[sz]ations?|organización|group|grupo|team|"
    r"committee|comité|association|asociación|society|sociedad|ministr[yo]|ministerio|council|"
    r"institut[eo]s?|universi\w+|agency|agencia|cent(?:er|re|ro)|consejo|department|"
    r"departamento|foundation|fundación|network|of|for)\b",
    re.IGNORECASE,
)


def people_of(printed: str) -> tuple[str, ...]:
    """The authors of a printed list, in order; `et al.` names nobody, an organisation itself.

    >>> people_of("J. Smith, K. L. Wu and M. de la Cruz")
    ('Smith, J.', 'Wu, K. L.', 'de la Cruz, M.')
    >>> people_of("García-Pérez, M.ª J. y Smith J")
    ('García-Pérez, M.ª J.', 'Smith, J')
    """
    text = _ROLE.sub("", _OTHERS.sub("", " ".join(printed.split())))
    text = _BRACKETED.sub(r", \1", text).strip(" ,;:&")
    if ";" in text:
        return tuple(name for part in text.split(";") for name in people_of(part))
    groups = [_pieces(group) for group in _AND.split(text)]
    return tuple(_names([group for group in groups if group]))


def _pieces(group: str) -> list[str]:
    pieces = (piece.strip(" ,;:*") for piece in group.split(","))
    return [piece for piece in pieces if re.search(r"[^\W\d_]", piece)]


def _names(groups: Sequence[Sequence[str]]) -> Iterator[str]:
    """The names in groups that `and` divides: family and given name may be two pieces."""
    in_pairs = _in_pairs(groups)
    for number, group in enumerate(groups):
        left = list(group)
        while left:
            name = left.pop(0)
            opens = number == 0 and len(left) == len(group) - 1
            given = []
            if left and _is_given(name, left[0], in_pairs or (opens and _opens_reversed(groups))):
                given.append(left.pop(0))
            if left and _SUFFIX.fullmatch(left[0]):
                given.append(left.pop(0))
            yield _person(name, given)


def _in_pairs(groups: Sequence[Sequence[str]]) -> bool:
    """Whether each family name is followed by a whole given name: `Díaz, Pedro y Gómez, Ana`."""
    return all(
        len(group) % 2 == 0 and all(map(_is_pair, group[::2], group[1::2])) for group in groups
    )


def _opens_reversed(groups: Sequence[Sequence[str]]) -> bool:
    """Whether only the first name is turned around: `Smith, John, and Kai Wu`."""
    others = [piece for group in (groups[0][2:], *groups[1:]) for piece in group]
    is_pair = len(groups[0]) > 1 and _is_pair(*groups[0][:2])
    return is_pair and bool(others) and all(" " in piece for piece in others)


def _is_pair(family: str, given: str) -> bool:
    """Whether two pieces may be one person: not where both are of several words, nor caseless."""
    return family.upper() != family.lower() and not (" " in family and " " in given)


def _is_given(name: str, following: str, is_reversed: bool) -> bool:
    """Whether a piece is the given name of the one before it."""
    words = [word for word in name.split() if not _SUFFIX.fullmatch(word)]
    if len(words) > 1 and (_is_initials(words[0]) or _is_initials(words[-1])):
        return False
    if _ORGANISATION.search(name):
        return False
    return is_reversed or all(
        _is_initials(word) or word in _PARTICLES for word in following.split()
    )


def _person(name: str, given: list[str]) -> str:
    words = name.split()
    if _ORGANISATION.search(name) or (len(words) == 1 and not given):
        return name
    if given and not _SUFFIX.fullmatch(given[0]):
        return f"{name}, {' '.join(given)}"
    if len(words) > 2 and _SUFFIX.fullmatch(words[-1]):
        given = [words.pop()]
    family, first = _divided(words)
    return f"{family}, {' '.join([first, *given])}" if first else " ".join([family, *given])


def _divided(words: Sequence[str]) -> tuple[str, str]:
    """Family and given name of a name in one piece: initials on either side, or names in full."""
    leading = next((n for n, word in enumerate(words) if not _is_initials(word)), len(words) - 1)
    if leading and "." not in words[leading]:
        return " ".join(words[leading:]), " ".join(words[:leading])
    place = len(words)
    while place > 1 and _is_initials(words[place - 1]):
        place -= 1
    if place < len(words):
        return " ".join(words[:place]), " ".join(words[place:])
    place = len(words) - 1
    while place > 1 and words[place - 1] in _PARTICLES:
        place -= 1
    return " ".join(words[place:]), " ".join(words[:place])


def _is_initials(word: str) -> bool:
    """`J.`, `M.ª`, `J.-P.`, `KL`, `Yu.`"""
    return (
        word[0].isupper()
        and bool(_INITIALS.fullmatch(word))
        and ("." in word or word.upper() == word)
    )
