"""The list of references of a PDF: where it stands, and which lines make one reference.

A list is parted by its numbers where it has them; else by what its layout shows, in this order:
lines that hang out to the left, blanks between entries, and lines that read as the start of one.
"""

from __future__ import annotations

import re
from statistics import median
from typing import NamedTuple

from cauce.sources.articles.pdf.flow import is_new_block
from cauce.sources.articles.pdf.page import Line

_HEADING = re.compile(
    r"(?:\d{1,2}\.?|[IVX]{1,5}\.?|[A-Z]\.)?\s*"
    r"(?:(?:selected |cited |main |additional |supplementary )?references?(?: cited| list)?"
    r"|references (?:and|&) (?:notes|links)|notes and references|bibliograph(?:y|ic references)"
    r"|(?:literature|works|references?) cited|literature|cited literature|list of references"
    r"|(?:lista de )?referencias(?: citadas| bibliogr[áa]ficas| y notas)?"
    r"|bibliograf[íi]a(?: citada| consultada)?"
    r"|(?:obras|literatura|fuentes) citadas?|literatura)\s*[:.]?",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"(?:(?:fig(?:ure|ura)?|table|tabla|box|cuadro)\.?\s+[\dIVX]+[.:]"
    r"|(?:appendi(?:x|ces)|ap[ée]ndice|anexo|supplementa|supporting information|about the authors?"
    r"|author contributions|publisher.s note|acknowledge?ments?$|agradecimientos$))",
    re.IGNORECASE,
)
_LABELS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\[\s?(\d{1,4})\s?\]\s*",
        r"\((\d{1,3})\)\s*",
        r"(\d{1,3})[.)](?:\s+|$|(?=[^\W\d]))",
        r"(\d{1,3})\s*(?=[^\W\d_])",
    )
)
_KEY = re.compile(r"\[[^\W\d_][\w+*’'.,& -]{0,30}\]\s*")
_YEAR = re.compile(
    r"(?<!\d)(?:1[5-9]|20)\d\d(?!\d)|in press|forthcoming|en prensa|n\.\s?d\.|s\.\s?f\.|submitted",
    re.I,
)
_OPENS = re.compile(
    r"[^\W\d_a-zà-ÿ]|[\"“‘'«—–_-]|(?:de|del|van|von|der|den|da|di|du|la|le|el|al|d’|d'|ten|ter)\b"
)
_AUTHOR = re.compile(
    r"[—–_-]{2,}|(?:(?:de|del|van|von|der|den|da|di|du|la|le)\s+)*"
    r"[^\W\d_a-zà-ÿ][\w’'-]+(?:[ -][^\W\d_a-zà-ÿ][\w’'-]+){0,4}"
    r"(?:,\s+[^\W\d_a-zà-ÿ](?:\.|[\w-]+)|\s+[^\W\d_a-zà-ÿ]{1,3}(?:[,.:;]|\s+\()"
    r"|\s+and\s+[^\W\d_a-zà-ÿ]|\.?\s+\(?(?:19|20)\d\d)"
)
_CLOSES = re.compile(
    r"(?:[.)\]”\"]|\d|https?://\S+|10\.\d{4,}/\S+|CrossRef|Medline|PubMed|Google Scholar)$"
)
LONGEST_ENTRY = 1200
"""In characters; what is longer holds more than one reference."""
_WIDTH = 40
"""Characters on a narrow line."""
_GOOD = 0.7
"""Share of entries that read as a reference, for a way to part them to be believed."""


class Parts(NamedTuple):
    """The lines of an article before its list of references, of the list, and after it."""

    body: list[Line]
    references: list[Line]
    after: list[Line]


class Entry(NamedTuple):
    """The lines of one reference."""

    label: str
    """The number it is cited by; empty where the list has none."""
    lines: list[Line]


def split_bibliography(lines: list[Line]) -> Parts:
    """The article parted at the last heading of a list of references."""
    found = [number for number, line in enumerate(lines) if _is_heading(lines, number)]
    if not found:
        start = _unheaded(lines)
        return Parts(lines[:start], lines[start:], [])
    start = found[-1] + 1
    end = _end(lines, start)
    return Parts(lines[: start - 1], lines[start:end], lines[end:])


def _is_heading(lines: list[Line], number: int) -> bool:
    line = lines[number]
    text = line.text
    if re.fullmatch(r"(?:\S ){5,}\S", text):
        text = text.replace(" ", "")
    if not _HEADING.fullmatch(text) or number + 1 == len(lines):
        return False
    return line.text[:1].isupper() or line.text[:1].isdigit()


def _unheaded(lines: list[Line]) -> int:
    """Where a numbered list without a heading ends the article; the number of lines without one."""
    for number in range(len(lines) - 1, len(lines) // 3, -1):
        found = _LABELS[0].match(lines[number].text)
        if found and found[1] == "1" and len(_chain(lines[number:], _LABELS[0])) > 2:
            return number
    return len(lines)


def _end(lines: list[Line], start: int) -> int:
    """Where the list ends: at a heading like its own, an appendix or a caption."""
    heading, listed = lines[start - 1], lines[start:]
    styles = [(line.font, round(line.size)) for line in listed]
    style = (heading.font, round(heading.size))
    is_marked = styles.count(style) < 0.2 * len(styles) and (
        heading.is_bold or heading.size > 1.1 * median(line.size for line in listed)
    )
    for number, line in enumerate(listed, start):
        is_like = is_marked and styles[number - start] == style and line.is_bold == heading.is_bold
        if number > start and ((is_like and len(line.text) > 3) or _AFTER.match(line.text)):
            return number
    return len(lines)


def entries(lines: list[Line]) -> list[Entry]:
    """The references of a list in order, each with its label and its lines."""
    if not lines:
        return []
    for pattern in _LABELS:
        chain = _chain(lines, pattern)
        if _is_numbered(lines, chain):
            return [
                Entry(_number(group[0], pattern), _without(group, pattern))
                for group in _groups(lines, chain)
            ]
    if sum(bool(_KEY.match(line.text)) for line in lines) > 1 and _KEY.match(lines[0].text):
        chain = [number for number, line in enumerate(lines) if _KEY.match(line.text)]
        return [Entry("", _without(group, _KEY)) for group in _groups(lines, chain)]
    return [Entry("", group) for group in _groups(lines, _unlabelled(lines))]


def _number(line: Line, pattern: re.Pattern[str]) -> str:
    found = pattern.match(line.text)
    return found[1] if found else ""


def _without(group: list[Line], pattern: re.Pattern[str]) -> list[Line]:
    """The lines of an entry without its label."""
    found = pattern.match(group[0].text)
    text = group[0].text[found.end() :] if found else group[0].text
    return [group[0]._replace(text=text, raised=()), *group[1:]] if text else group[1:]


def _groups(lines: list[Line], starts: list[int]) -> list[list[Line]]:
    ends = [*starts[1:], len(lines)] if starts else []
    return [lines[start:end] for start, end in zip(starts, ends, strict=True)]


def _chain(lines: list[Line], pattern: re.Pattern[str]) -> list[int]:
    """The lines whose labels count upwards, one by one, from the first label of the list."""
    chain: list[int] = []
    expected = 0
    for number, line in enumerate(lines):
        found = pattern.match(line.text)
        if not found or (not line.text[found.end() :].strip() and number + 1 == len(lines)):
            continue
        label = int(found[1])
        if not chain or expected <= label <= expected + 1:
            chain.append(number)
            expected = label + 1
    return chain


def _is_numbered(lines: list[Line], chain: list[int]) -> bool:
    """True where the labels begin with the list and no entry is too long."""
    begins = bool(chain) and (chain[0] == 0 or (chain[0] <= 2 and len(chain) > 2))
    return begins and len(lines) <= LONGEST_ENTRY / _WIDTH * len(chain)


def _unlabelled(lines: list[Line]) -> list[int]:
    """Where the references of a list without labels begin."""
    blocks = _blocks(lines)
    ways = [_hanging(lines, blocks), _spaced(lines, blocks), _told(lines)]
    scores = [_score(lines, starts) for starts in ways]
    for starts, score in zip(ways, scores, strict=True):
        if score >= _GOOD:
            return starts
    return max(zip(scores, ways, strict=True), key=lambda scored: (scored[0], bool(scored[1])))[1]


def _blocks(lines: list[Line]) -> list[list[int]]:
    """The numbers of the lines of each column of each page."""
    blocks: list[list[int]] = [[0]]
    for number in range(1, len(lines)):
        if is_new_block(lines[number - 1], lines[number]):
            blocks.append([])
        blocks[-1].append(number)
    return blocks


def _hanging(lines: list[Line], blocks: list[list[int]]) -> list[int]:
    """Starts told by lines further left than those that go on, or the other way round."""
    shifts = [0.0] * len(lines)
    for block in blocks:
        left = min(lines[number].left for number in block)
        for number in block:
            shifts[number] = lines[number].left - left
    deep = [shift for number, shift in enumerate(shifts) if shift > 0.4 * lines[number].size]
    if not deep:
        return []
    indent = median(deep) / 2
    outer: list[int] = []
    inner: list[int] = []
    for block in blocks:
        if all(shifts[number] < indent for number in block):
            starts = block if _may_start(lines, block[0]) else []
            outer, inner = outer + starts, inner + starts
            continue
        outer += [number for number in block if shifts[number] < indent]
        inner += [number for number in block if shifts[number] >= indent]
    best = max((outer, inner), key=lambda starts: _score(lines, starts))
    return best if best[:1] == [0] else [0, *best]


def _spaced(lines: list[Line], blocks: list[list[int]]) -> list[int]:
    """Starts told by a wider blank above them."""
    steps = {
        number: lines[number - 1].baseline - lines[number].baseline
        for block in blocks
        for number in block[1:]
    }
    pitch = min(steps.values(), default=0.0)
    starts = {number for number, step in steps.items() if step > 1.2 * pitch}
    if not starts:
        return []
    starts |= {block[0] for block in blocks if _may_start(lines, block[0])}
    return sorted(starts)


def _told(lines: list[Line]) -> list[int]:
    """Starts told by words alone: an author after a line that closes an entry with a year."""
    starts = [0]
    for number in range(1, len(lines)):
        entry = " ".join(line.text for line in lines[starts[-1] : number])
        if _may_start(lines, number) and _AUTHOR.match(lines[number].text) and _YEAR.search(entry):
            starts.append(number)
    return starts


def _may_start(lines: list[Line], number: int) -> bool:
    """True where a line may open a reference and the line before it may close one."""
    if number == 0:
        return True
    return bool(_OPENS.match(lines[number].text) and _CLOSES.search(lines[number - 1].text))


def _score(lines: list[Line], starts: list[int]) -> float:
    """The share of the entries that read as one reference each."""
    good = 0
    for start, group in zip(starts, _groups(lines, starts), strict=True):
        text = " ".join(line.text for line in group)
        good += (
            20 < len(text) < LONGEST_ENTRY and _may_start(lines, start) and bool(_YEAR.search(text))
        )
    return good / max(len(starts), 1)
