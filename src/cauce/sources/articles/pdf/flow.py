"""Lines joined to paragraphs: hyphens at line ends, addresses broken over lines, raised numbers."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from statistics import median
from typing import NamedTuple

from cauce.sources.articles.pdf.page import Line

_LAST_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*$")
_FIRST_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_ADDRESS = re.compile(
    r"(?:https?:(?://)?|www\.|doi\.org/|doi:|(?<!\d)10\.\d{4,9}(?:/|$))\S*$", re.IGNORECASE
)
_YEAR = re.compile(r"\(?(?:19|20)\d\d[a-z]?\)?[.,;]*")
_ENDS = re.compile(r"[.!?:;][\"”’')\]\d,–-]*$")
_BULLET = re.compile(r"[•●▪◦∙■]\s|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]\s")
_NO_WORD_BEFORE = re.compile(r"[(\[\w]$")


class Passage(NamedTuple):
    """Text of several lines, with the places of what is printed raised."""

    text: str
    raised: tuple[tuple[int, int], ...] = ()


def words_of(lines: Iterable[Line]) -> Counter[str]:
    """How often each word stands whole on a line, in lower case; tells which hyphens are kept."""
    words: Counter[str] = Counter()
    is_broken = False
    for line in lines:
        found = _WORD.findall(line.text.lower())
        goes_on = line.text.endswith("-")
        words.update(found[is_broken : len(found) - goes_on])
        is_broken = goes_on
    return words


def joined(lines: Iterable[Line], words: Counter[str]) -> Passage:
    """The lines in one, with words and addresses that break at a line's end made whole."""
    text, raised = "", list[tuple[int, int]]()
    for line in lines:
        if text:
            text = _joint(text, line.text, words)
        raised += [(start + len(text), end + len(text)) for start, end in line.raised]
        text += line.text
    return Passage(text, tuple(raised))


def _joint(text: str, following: str, words: Counter[str]) -> str:
    """The text so far, made ready for the line that follows to be set behind it."""
    token, after = text.rsplit(None, 1)[-1], following.split(None, 1)[0]
    address = _ADDRESS.search(token)
    if address:
        is_alone = after == following.strip()
        return text if _address_goes_on(address[0], after, is_alone) else f"{text} "
    if not text.endswith(("-", "–", "/", "—")) or len(token) == 1:
        return f"{text} "
    first, last = _FIRST_WORD.match(following), _LAST_WORD.search(text[:-1])
    if not text.endswith("-") or not first or not last or not following[0].islower():
        return text
    left, right = last[0].lower(), first[0].lower()
    whole, compound = words[left + right], words[f"{left}-{right}"]
    is_compound = compound > whole or (not whole and bool(words[left] and words[right]))
    return text if is_compound else text[:-1]


def _address_goes_on(address: str, after: str, is_alone: bool) -> bool:
    """True where an address that ends a line is continued by the first token of the next."""
    if address.endswith("."):
        has_digit = any(map(str.isdigit, after))
        goes_on = re.match(r"[a-z0-9]", after) and not _YEAR.fullmatch(after)
        return bool(goes_on) and (has_digit or is_alone)
    if address.endswith((",", ";", ")", "]")):
        return False
    if after.startswith(("/", ".", "_", "-", "%", "=", "?", "&")):
        return True
    return address.endswith(("/", "-", "_", "=", "?", "&", "%", "(", "<")) or (
        bool(re.search(r"(?:doi:|10\.\d{4,9})$", address, re.IGNORECASE))
    )


def together(passages: Iterable[Passage]) -> Passage:
    """Passages as one, each beginning a line."""
    text, raised = "", list[tuple[int, int]]()
    for passage in passages:
        text += "\n" if text else ""
        raised += [(start + len(text), end + len(text)) for start, end in passage.raised]
        text += passage.text
    return Passage(text, tuple(raised))


def paragraphs(lines: list[Line], words: Counter[str]) -> Iterator[Passage]:
    """The paragraphs of lines in reading order; one goes on over a column's or a page's end."""
    size = body_size(lines)
    pitch = line_pitch(lines)
    held: list[Line] = []
    aside: list[Line] = []
    for line in lines:
        if abs(line.size - size) > 0.06 * size:
            aside.append(line)
            continue
        if held and _begins_paragraph(held, line, pitch):
            yield joined(held, words)
            yield from _asides(aside, words, pitch)
            held, aside = [], []
        held.append(line)
    if held:
        yield joined(held, words)
    yield from _asides(aside, words, pitch)


def _asides(lines: list[Line], words: Counter[str], pitch: float) -> Iterator[Passage]:
    """Notes, captions and tables in a type of their own, each a passage."""
    held: list[Line] = []
    for line in lines:
        if held and (
            is_new_block(held[-1], line) or held[-1].baseline - line.baseline > 1.4 * pitch
        ):
            yield joined(held, words)
            held = []
        held.append(line)
    if held:
        yield joined(held, words)


def _begins_paragraph(held: list[Line], line: Line, pitch: float) -> bool:
    last = held[-1]
    left = min(each.left for each in held[-3:])
    right = max(each.right for each in held[-4:])
    ends = bool(_ENDS.search(last.text))
    is_short = last.right < right - 2 * last.size
    if is_new_block(last, line):
        return ends and (
            is_short or (not line.text[0].islower() and last.right < right - 0.5 * last.size)
        )
    if last.baseline - line.baseline > 1.4 * pitch:
        return True
    is_indented = line.left > last.left + 0.8 * line.size and (
        len(held) < 2 or last.left <= left + 1
    )
    return ends and (is_indented or is_short or bool(_BULLET.match(line.text)))


def is_new_block(last: Line, line: Line) -> bool:
    """True where a line stands not below the last, but in another column or on another page."""
    return line.page != last.page or line.baseline > last.baseline + 1 or line.left > last.right


def body_size(lines: Iterable[Line]) -> float:
    """The size that the most characters are printed in, in points."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def line_pitch(lines: list[Line]) -> float:
    """The usual distance between baselines, in points."""
    steps = [
        last.baseline - line.baseline
        for last, line in itertools.pairwise(lines)
        if not is_new_block(last, line) and last.baseline - line.baseline < 3 * line.size
    ]
    return median(steps) if steps else 12.0
