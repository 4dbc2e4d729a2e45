"""Spaces between words that AEMPS's inline elements lost.

Its bundles print "si es <strong>alérgico</strong> a lamivudina" without either space, and split
words for formatting just the same ("es" + "tudios", "a" + "dalimumab"). A space is put where an
inline element begins or ends and both sides are words that the same bundle, or the embedded
vademecum, writes by themselves, while what they are glued to is none. Subscripts, superscripts and
what stands inside one text node are left as they are: "H2O" stays so.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cauce.records import Document
from cauce.sources.tables import local_name

if TYPE_CHECKING:
    from lxml.etree import _Element

SHORT_WORD_LETTERS = 3
"""A word of no more letters may be half of another one; it counts where it is often written."""
OFTEN = 5
LONGEST_WORD = 40
"""Letters to each side of a lost space that are looked at."""

_INLINE = frozenset(("span", "strong", "b", "em", "i", "u", "a"))
_LETTERS = re.compile(r"[^\W\d_]+")
_FREE_WORD = re.compile(r"(?<![\w/-])[^\W\d_]+(?![\w/-])")
_SMALL_WORD = re.compile(
    r"(?<!\w)(?:a|al|cada|con|de|del|el|en|entre|hasta|la|las|los|menos|más|por|y)$", re.IGNORECASE
)
_UNIT = re.compile(r"\d\s+(?:g|l|h)$")
_SEVERAL_LETTERS = re.compile(r"[^\W\d_]{2}")
_NUMBER_AND_MORE = re.compile(r"\d+(?:[.,]\d+)?\s+[^\W\d_]")
_NUMBER_ENDS = re.compile(r"(?:^|\s)\d+(?:[.,]\d+)?$")
_OPENS_SENTENCE = re.compile(r"[A-ZÁÉÍÓÚÑ][a-záéíóúñ]")


class _Node(NamedTuple):
    """A text node: the element that holds it, and where in the element it stands."""

    holder: _Element
    is_tail: bool

    @property
    def text(self) -> str:
        return (self.holder.tail if self.is_tail else self.holder.text) or ""

    def write(self, text: str) -> None:
        if self.is_tail:
            self.holder.tail = text
        else:
            self.holder.text = text


class _Run(NamedTuple):
    """Text nodes that only inline elements part, as one text and where each node starts in it."""

    nodes: list[_Node]
    starts: list[int]
    text: str


def part_words(narratives: Sequence[_Element]) -> int:
    """Puts the lost spaces into the narratives of one bundle; how many were put.

    >>> from cauce.sources.tables import parse_markup, text_of
    >>> div = parse_markup("<p>Nunca<b>tome</b>a<i>gua</i>.<br/>Nunca más tome; agua.</p>")
    >>> part_words([div]), text_of(div).splitlines()[0]
    (2, 'Nunca tome agua.')
    """
    runs = [run for div in narratives for run in _runs(div)]
    written = Counter(word for run in runs for word in _free_words(run))
    written.update(_usual_words())
    return sum(_part(run, written) for run in runs)


@functools.cache
def _usual_words() -> Counter[str]:
    """How often the Spanish records of the embedded vademecum write each word."""
    from cauce.sources.vademecum import VademecumSource

    return Counter(
        word.lower()
        for document in VademecumSource().documents()
        if isinstance(document, Document) and document.language == "es"
        for section in document.sections
        for word in _FREE_WORD.findall(section.text)
    )


def _runs(div: _Element) -> Iterator[_Run]:
    nodes: list[_Node] = []
    for node in _nodes(div):
        if node is not None:
            nodes.append(node)
        elif nodes:
            yield _run(nodes)
            nodes = []
    if nodes:
        yield _run(nodes)


def _nodes(element: _Element) -> Iterator[_Node | None]:
    """The text nodes in reading order, None where another than an inline element parts them."""
    is_inline = local_name(element) in _INLINE
    if not is_inline:
        yield None
    if local_name(element) and element.text:
        yield _Node(element, is_tail=False)
    for child in element:
        yield from _nodes(child)
        if child.tail:
            yield _Node(child, is_tail=True)
    if not is_inline:
        yield None


def _run(nodes: list[_Node]) -> _Run:
    texts = [node.text for node in nodes]
    starts = list(itertools.accumulate(map(len, texts[:-1]), initial=0))
    return _Run(nodes, starts, "".join(texts))


def _free_words(run: _Run) -> Iterator[str]:
    """The words that stand whole in one node."""
    for match in _FREE_WORD.finditer(run.text):
        if not _cuts_within(run, match.start(), match.end()):
            yield match.group().lower()


def _cuts_within(run: _Run, start: int, end: int) -> list[int]:
    """Where a node begins inside `start:end`."""
    first = bisect.bisect_right(run.starts, start)
    return run.starts[first : bisect.bisect_left(run.starts, end)]


def _part(run: _Run, written: Counter[str]) -> int:
    spaces = {cut for cut in run.starts[1:] if _is_lost_beside_a_mark(run, cut, written)}
    for match in _LETTERS.finditer(run.text):
        cuts = _cuts_within(run, match.start(), match.end())
        if cuts and not written[match.group().lower()]:
            spaces |= _between_words(run, [match.start(), *cuts, match.end()], written)
    for place, start in enumerate(run.starts):
        if start in spaces:
            run.nodes[place].write(" " + run.nodes[place].text)
    return len(spaces)


def _between_words(run: _Run, edges: list[int], written: Counter[str]) -> set[int]:
    """The fewest of the inner edges that part a glued text into words; none when none do."""
    inner = edges[1:-1]
    for count in range(1, len(inner) + 1):
        for chosen in itertools.combinations(inner, count):
            pieces = itertools.pairwise([edges[0], *chosen, edges[-1]])
            if all(_is_word(run, start, end, written) for start, end in pieces):
                return set(chosen)
    return set()


def _is_word(run: _Run, start: int, end: int, written: Counter[str]) -> bool:
    """True for a word of the bundle; one letter without words in its node is a note's mark."""
    if _UNIT.search(run.text[max(0, end - LONGEST_WORD) : end]):
        return True
    times = written[run.text[start:end].lower()]
    if end - start == 1:
        place = bisect.bisect_right(run.starts, start) - 1
        if not _SEVERAL_LETTERS.search(run.nodes[place].text):
            return False
    return times >= (OFTEN if end - start <= SHORT_WORD_LETTERS else 1)


def _is_lost_beside_a_mark(run: _Run, cut: int, written: Counter[str]) -> bool:
    """True where a word meets a number, a bracket or the end of a sentence across the cut.

    A number right after another word than a small one may be the mark of a note.
    """
    before, after = run.text[max(0, cut - LONGEST_WORD) : cut], run.text[cut : cut + LONGEST_WORD]
    word_before = re.search(r"[^\W\d_]{3,}$", before)
    word_after = re.match(r"[^\W\d_]{3,}", after)
    if _SMALL_WORD.search(before) and after[0].isdigit():
        return True
    if word_before and written[word_before.group().lower()]:
        return bool(
            _NUMBER_AND_MORE.match(after)
            or ((opened := re.match(r"\(([^\W\d_]{3,})", after)) and written[opened[1].lower()])
        )
    if re.search(r"[^\W\d_]\.$", before):
        return bool(_OPENS_SENTENCE.match(after))
    if not (word_after and written[word_after.group().lower()]):
        return False
    return bool(re.search(r"[^\W\d_][,;:)]$", before) or _NUMBER_ENDS.search(before))
