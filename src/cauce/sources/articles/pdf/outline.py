"""The sections of an article: which lines are headings, and the text below each."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from cauce.records import Section
from cauce.sources.articles.pdf.flow import (
    body_size,
    is_new_block,
    line_pitch,
    paragraphs,
    together,
)
from cauce.sources.articles.pdf.page import Line

_NUMBER = re.compile(
    r"(\d{1,2}(?:\.\d{1,2}){0,3})\.?\s+(?=\S)|([IVX]{1,5})\.\s+(?=\S)|([A-Z])\.\s+(?=\S)"
)
_CAPTION = re.compile(
    r"(?:fig(?:ure|ura)?|table|tabla|box|cuadro|algorithm|listing)\b\.?\s*\d", re.I
)
_FAMILIAR = re.compile(
    r"(?:abstract|summary|resumen|introduction|introducci[óo]n|background|antecedentes"
    r"|(?:materials? and )?methods?|(?:materiales? y )?m[ée]todos?|results?|resultados"
    r"|(?:results? and )?discussion|discusi[óo]n|conclusions?|conclusi[óo]n(?:es)?"
    r"|acknowledge?ments?|agradecimientos)",
    re.I,
)
LONGEST_HEADING = 120


class PrintedSection(NamedTuple):
    """A section with the places in its text of what is printed raised."""

    section: Section
    raised: tuple[tuple[int, int], ...]


class _Heading(NamedTuple):
    title: str
    level: int
    lines: list[Line]


def printed_sections(lines: list[Line], words: Counter[str]) -> list[PrintedSection]:
    """The sections of lines in reading order, ids `1`, `1.2`; `0` is what no heading is above."""
    sections: list[PrintedSection] = []
    above: list[tuple[int, str]] = []
    children: Counter[str] = Counter()
    for heading in _headed(lines):
        while above and above[-1][0] >= heading.level:
            above.pop()
        parent = above[-1][1] if above else None
        section_id = "0"
        if heading.level:
            children[parent or ""] += 1
            section_id = ".".join(filter(None, (parent, str(children[parent or ""]))))
            above.append((heading.level, section_id))
        text, raised = together(paragraphs(heading.lines, words))
        if text or heading.title:
            section = Section(
                id=section_id, kind="other", title=heading.title, text=text, parent=parent
            )
            sections.append(PrintedSection(section, raised))
    return sections


def _headed(lines: list[Line]) -> list[_Heading]:
    """Each heading with the lines below it; the first has no title where text comes before one."""
    size, pitch = body_size(lines), line_pitch(lines)
    font = _usual_font(lines)
    found = [_Heading("", 0, [])]
    levels: dict[tuple[str, float], int] = {}
    last: Line | None = None
    title: Line | None = None
    for line in lines:
        style = line.font, round(line.size, 1)
        if title is not None and last is title and _continues(title, line, pitch):
            found[-1] = found[-1]._replace(title=f"{found[-1].title} {line.text}")
            title = line
        elif is_heading(line, last, size=size, font=font, pitch=pitch):
            number = _NUMBER.match(line.text)
            level = _level(number, style, levels)
            found.append(_Heading(line.text, level, []))
            title = line
        else:
            found[-1].lines.append(line)
            title = None
        last = line
    return [heading for heading in found if heading.title or heading.lines]


def _usual_font(lines: list[Line]) -> str:
    fonts: Counter[str] = Counter()
    for line in lines:
        fonts[line.font] += len(line.text)
    return fonts.most_common(1)[0][0] if fonts else ""


def _level(
    number: re.Match[str] | None, style: tuple[str, float], levels: dict[tuple[str, float], int]
) -> int:
    """By the number's depth, else that of headings in the same type, else by the size."""
    if number and number[1]:
        levels.setdefault(style, number[1].count(".") + 1)
        return number[1].count(".") + 1
    if style not in levels:
        larger = {level for (_, size), level in levels.items() if size > style[1] + 0.4}
        levels[style] = min(max(larger, default=0) + 1, 4)
    return levels[style]


def _continues(title: Line, line: Line, pitch: float) -> bool:
    """True where a line is the rest of the heading above it."""
    is_same = (
        line.font == title.font
        and abs(line.size - title.size) < 0.2
        and line.is_bold == title.is_bold
    )
    near = 0 < title.baseline - line.baseline < 1.5 * max(pitch, title.size)
    return is_same and near and line.page == title.page and not _NUMBER.match(line.text)


def is_heading(line: Line, last: Line | None, *, size: float, font: str, pitch: float) -> bool:
    """True where a line stands out by its type, or is numbered or a usual name in another type."""
    text = line.text.strip()
    number = _NUMBER.match(text)
    if not 2 < len(text) <= LONGEST_HEADING or line.size < 0.95 * size or _CAPTION.match(text):
        return False
    words = text[number.end() :] if number else text
    if (
        not words[:1].isupper()
        or sum(map(str.isalpha, words)) < 0.6 * len(words)
        or text.endswith((",", ";", "-"))
    ):
        return False
    if (
        last is not None
        and not is_new_block(last, line)
        and last.baseline - line.baseline < 1.1 * pitch
    ):
        return False
    if line.size > 1.08 * size or line.is_bold:
        return not text.endswith(".") or number is not None
    is_other = line.font != font and not text.endswith(".")
    is_familiar = bool(_FAMILIAR.fullmatch(words))
    return (is_other and number is not None) or (
        is_familiar and (is_other or text.isupper() or number is not None)
    )
