"""What the texts of the medicines named in a question say of one another.

For each medicine the passages of its own texts that name the other one, or a class that the other
belongs to, letter for letter. Finding none is not finding that there is no interaction: texts name
few of the medicines that they could.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cauce.knowledge.labels.classes import folded, speaks_of_another
from cauce.knowledge.labels.namings import How, Needle, Subject, subject_of
from cauce.knowledge.names.resolver import Mention, NameResolver
from cauce.knowledge.sections.store import SectionEntry, SectionStore
from cauce.knowledge.sentences import sentences
from cauce.records import Citation, Language, Span

KINDS = ("interactions", "contraindications", "warnings")
"""The kinds of section that are read, those whose passages serve best first."""
TEXTS_PER_KIND = 4
"""Different texts of one kind that are read of a medicine with many labels, the most printed."""
MOST_PASSAGES = 3
"""Passages shown of one medicine on another."""
SHORT_ITEM_CHARS = 60
"""A sentence up to this long may be an item of a list, which is quoted with what announces it."""
LANGUAGES: tuple[Language, ...] = ("en", "es")

_RANK: dict[How, int] = {"name": 0, "part": 1, "class": 2}
_ANOTHER = re.compile(
    r"\b(?:others?|another|otr[oa]s?|with|con|together|junto|concomit\w*|combin\w*|asocia\w*"
    r"|co-?admin\w*|simult\w*)\b"
)
"""Without one of these words a text that names its own class or part speaks of itself."""


class Naming(NamedTuple):
    """A passage of one medicine's text that names another."""

    section: SectionEntry
    quote: str
    by: How
    said: str
    """The words that name it, as printed."""
    class_names: dict[Language, str] | None = None
    """Of the class that is named."""

    @property
    def citation(self) -> Citation:
        """The citation of the passage."""
        return self.section.cite(self.quote)


class Interaction(NamedTuple):
    """What the texts of one medicine say of another: the passages that name it, if any."""

    of: Mention
    other: Mention
    namings: tuple[Naming, ...]
    texts: int
    """Different texts that were read; none where the store lacks the medicine."""


class _Hit(NamedTuple):
    """A place where a text names the other medicine; the lower its rank, the better it serves."""

    rank: tuple[int, int, int, int]
    section: SectionEntry
    start: int
    end: int
    needle: Needle


def interactions(
    store: SectionStore,
    resolver: NameResolver,
    mentions: Sequence[Mention],
    language: Language,
    limit_chars: int = 700,
) -> list[Interaction]:
    """For each ordered pair of the medicines, the passages of the first one's texts on the second.

    Texts in `language` are read first, those in another where they name nothing. A group that
    opens with `?` is a medicine that the store lacks: it has no texts, and may be named in others.
    `limit_chars` bounds the passages of each pair together.
    """
    subjects = [subject_of(store, mention) for mention in mentions]
    return [
        _interaction(store, resolver, (of, other), language, limit_chars)
        for of in subjects
        for other in subjects
        if of.mention.group != other.mention.group
    ]


def _interaction(
    store: SectionStore,
    resolver: NameResolver,
    pair: tuple[Subject, Subject],
    language: Language,
    limit_chars: int,
) -> Interaction:
    of, other = pair
    namings: tuple[Naming, ...] = ()
    texts = 0
    for tried in sorted(LANGUAGES, key=lambda one: one != language) if of.is_stored else ():
        sections = _sections(store, of, tried)
        texts += len(sections)
        hits = [
            hit
            for place, section in enumerate(sections)
            for hit in _hits(section, place, pair)
            if _is_meant(hit, other, resolver)
        ]
        namings = _best(hits, pair, limit_chars)
        if namings:
            break
    return Interaction(of.mention, other.mention, namings, texts)


def _sections(store: SectionStore, of: Subject, language: Language) -> list[SectionEntry]:
    return [
        variant.section
        for kind in KINDS
        for variant in store.variants(of.mention.group, kind, language, limit=TEXTS_PER_KIND)
    ]


def _hits(section: SectionEntry, place: int, pair: tuple[Subject, Subject]) -> Iterator[_Hit]:
    text = folded(section.body)
    kind = KINDS.index(section.kind)
    for order, needle in enumerate(pair[1].needles):
        for found in needle.phrase.found_in(text):
            is_class = needle.of_class is not None
            if is_class and speaks_of_another(text, found.start(), found.end(), pair[1].classes):
                continue
            class_order = order if needle.of_class else 0
            rank = (_RANK[needle.by], class_order, kind, place)
            yield _Hit(rank, section, found.start(), found.end(), needle)


def _is_meant(hit: _Hit, other: Subject, resolver: NameResolver) -> bool:
    """False for an ordinary word that is also a brand of the other medicine."""
    if not hit.needle.is_brand:
        return True
    said = hit.section.body[hit.start : hit.end]
    return said[0].isupper() and other.mention.group in resolver.medicines_of(said)


def _best(
    hits: Sequence[_Hit], pair: tuple[Subject, Subject], limit_chars: int
) -> tuple[Naming, ...]:
    """The passages of the best hits that fit together, each text once."""
    spans: dict[int, list[Span]] = {}
    namings: dict[str, Naming] = {}
    left = limit_chars
    for hit in sorted(hits, key=lambda hit: (hit.rank, hit.start)):
        body = hit.section.body
        if id(hit.section) not in spans:
            spans[id(hit.section)] = sentences(body)
        quote = _passage(body, spans[id(hit.section)], hit, limit_chars)
        key = " ".join(folded(quote).split())
        is_new = not any(key in other for other in namings)
        if not is_new or len(quote) > left or not _speaks_of_another(key, hit, pair):
            continue
        names = hit.needle.of_class.names if hit.needle.of_class else None
        namings[key] = Naming(hit.section, quote, hit.needle.by, body[hit.start : hit.end], names)
        left -= len(quote)
        if len(namings) == MOST_PASSAGES:
            break
    return tuple(namings.values())


def _speaks_of_another(quote: str, hit: _Hit, pair: tuple[Subject, Subject]) -> bool:
    """False where the text may name its own class, or a part of its own medicine."""
    of, other = pair
    is_own = hit.needle.of_class in of.classes if hit.needle.of_class else of.contains(other)
    return not is_own or bool(_ANOTHER.search(quote))


def _passage(body: str, spans: Sequence[Span], hit: _Hit, limit_chars: int) -> str:
    """The sentence of the hit, with the words that announce it; a longer one around the hit."""
    place = bisect_right(spans, hit.start, key=lambda span: span.start) - 1
    span = spans[max(place, 0)]
    if span.end - span.start > limit_chars:
        return _around(body, span, hit, limit_chars)
    if span.end - span.start <= SHORT_ITEM_CHARS:
        for before in reversed(spans[max(0, place - 12) : place]):
            if before.of(body).endswith(":") and span.end - before.start <= limit_chars:
                return body[before.start : span.end]
    return span.of(body)


def _around(body: str, span: Span, hit: _Hit, limit_chars: int) -> str:
    """Whole words of a long sentence, a third of them before the hit."""
    start = max(span.start, hit.start - limit_chars // 3)
    start = start if start == span.start else body.find(" ", start, hit.start) + 1 or hit.start
    end = min(span.end, start + limit_chars)
    end = end if end == span.end else max(body.rfind(" ", hit.end, end), hit.end)
    return body[start:end]
