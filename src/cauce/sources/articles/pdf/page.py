"""The lines of a PDF page with their places and fonts, read through PDFium.

PDFium gives the characters in the order in which the page draws them and tells words apart; which
words stand on one line is told here by their baselines. All lengths are in points, y upwards.
"""

from __future__ import annotations

import ctypes
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pypdfium2 import (  # type: ignore[import-untyped]
        PdfDocument,
        PdfPage,
        PdfTextPage,
    )

_WORD = re.compile(r"[^\s\x02\ufffe\x00]+[\x02\ufffe]?|[\x02\ufffe]")
_BROKEN = {"\x02": "-", "\ufffe": "-", "\u00ad": "-", "\u2010": "-", "\u2011": "-"}
_MIXED = re.compile(r"[^\W\d]\S*\d|\d\S*[^\W\d]|[.,;:)\]”\"’]\d")
_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
_MATHEMATICAL = re.compile("[\U0001d400-\U0001d7ff]+")
_BOLD = re.compile(r"bold|black|heavy|demi|medi(?!um)|CMBX|-Semi", re.IGNORECASE)
_PLAIN = str.maketrans(_BROKEN | _LIGATURES)
_ACCENTS = dict(
    zip(
        "´¨ˆ˜¸ˇ˙˚˘¯˝˛",
        "\u0301\u0308\u0302\u0303\u0327\u030c\u0307\u030a\u0306\u0304\u030b\u0328",
        strict=True,
    )
)
_ACCENT = re.compile(rf"([{''.join(_ACCENTS)}])([^\W\d_])")
_LABEL = re.compile(r"[\[(]?\w{1,8}[\])]|\d{1,3}\.|[•●▪◦∙–—-]")

WIDEST_SPACE = 1.5
"""Of the size: a wider gap parts what stands on one baseline, as a gutter between columns does."""
WIDEST_LABEL_SPACE = 4.0
_RAISED = 0.15
"""Of the size: how far a baseline must lie above another's to be a superscript's."""


class Line(NamedTuple):
    """Words on one baseline of one column."""

    page: int
    """From 0."""
    text: str
    left: float
    right: float
    baseline: float
    size: float
    """Of the font, in points."""
    font: str
    is_bold: bool
    """True where both its first and its last word are."""
    raised: tuple[tuple[int, int], ...] = ()
    """Start and end, in characters of `text`, of what is printed above the baseline."""


class Link(NamedTuple):
    """A link annotation."""

    page: int
    address: str
    left: float
    bottom: float
    right: float
    top: float


class _Piece(NamedTuple):
    """A word, or a part of one on a baseline of its own."""

    text: str
    first: int
    """Number of its first character on the page."""
    last: int
    space: str
    """What PDFium found before it: nothing, a space, or a break (a space where there is a gap)."""
    left: float
    right: float
    baseline: float
    height: float


class _Reader:
    """Asks PDFium about the characters of one page."""

    def __init__(self, text_page: PdfTextPage) -> None:
        import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

        self._pdfium = pdfium
        self._kept = text_page
        self._page = text_page.raw
        self._box = pdfium.FS_RECTF()
        self._matrix = pdfium.FS_MATRIX()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._flags = ctypes.c_int()
        self._name = ctypes.create_string_buffer(128)

    def text(self) -> str:
        """One character for each that PDFium counts."""
        count = self._pdfium.FPDFText_CountChars(self._page)
        buffer = (ctypes.c_ushort * (count + 1))()
        if self._pdfium.FPDFText_GetText(self._page, 0, count, buffer) == count + 1:
            return "".join(map(chr, buffer[:count]))
        unicode = self._pdfium.FPDFText_GetUnicode
        return "".join([chr(unicode(self._page, number)) for number in range(count)])

    def baseline(self, number: int) -> float:
        self._pdfium.FPDFText_GetCharOrigin(self._page, number, self._x, self._y)
        return self._y.value

    def box(self, number: int) -> tuple[float, float, float]:
        """Left, right and height of the character's box."""
        box = self._box
        self._pdfium.FPDFText_GetLooseCharBox(self._page, number, box)
        return box.left, box.right, box.top - box.bottom

    def is_upright(self, number: int) -> bool:
        angle = self._pdfium.FPDFText_GetCharAngle(self._page, number)
        return bool(angle < 0.05 or angle > 6.23)

    def size(self, number: int) -> float:
        self._pdfium.FPDFText_GetMatrix(self._page, number, self._matrix)
        size = self._pdfium.FPDFText_GetFontSize(self._page, number)
        return float(size * (self._matrix.c**2 + self._matrix.d**2) ** 0.5)

    def font(self, number: int) -> str:
        pdfium, name = self._pdfium, self._name
        length = pdfium.FPDFText_GetFontInfo(self._page, number, name, len(name), self._flags)
        return name.value.decode("utf-8", "replace") if 0 < length <= len(name) else ""


def page_lines(page: PdfPage, number: int) -> list[Line]:
    """The upright lines of a page in the order drawn, parted where a gutter lies between."""
    reader = _Reader(page.get_textpage())
    lines: list[Line] = []
    held: list[_Piece] = []
    for piece in _with_accents(list(_pieces(reader)), reader):
        if held and not _is_same_line(held, piece):
            lines.append(_line(held, reader, number))
            held = []
        held.append(piece)
    if held:
        lines.append(_line(held, reader, number))
    return [line for line in lines if line.text.strip()]


def _pieces(reader: _Reader) -> Iterator[_Piece]:
    """The upright words of a page in the order drawn; an accent drawn apart is one too."""
    text = reader.text()
    end, level, is_parted = 0, None, False
    for found in _WORD.finditer(text):
        start, stop = found.span()
        space = "\n" if is_parted else text[end:start]
        end, is_parted = stop, found[0] in _ACCENTS
        baselines = reader.baseline(start), reader.baseline(stop - 1)
        if baselines[0] != level and not reader.is_upright(start):
            continue
        level = baselines[0]
        cuts = [start, stop]
        if baselines[0] != baselines[1] or _MIXED.search(found[0]):
            cuts = _cuts(reader, start, stop)
        for first, past in itertools.pairwise(cuts):
            left, right, height = reader.box(first)
            if past - first > 1:
                right = reader.box(past - 1)[1]
            baseline = baselines[0] if first == start else reader.baseline(first)
            yield _Piece(
                text[first:past], first, past - 1, space, left, right, baseline, height or 1.0
            )
            space = ""


def _with_accents(pieces: list[_Piece], reader: _Reader) -> list[_Piece]:
    """The words, with each accent that was drawn apart on the letter that it stands above."""
    words = [piece for piece in pieces if piece.text not in _ACCENTS]
    for accent in pieces:
        if accent.text in _ACCENTS:
            middle = (accent.left + accent.right) / 2
            for number, word in enumerate(words):
                near = abs(word.baseline - accent.baseline) < 0.5 * word.height
                if near and word.left <= middle <= word.right:
                    words[number] = _with_accent(word, accent.text, middle, reader)
    return words


def _with_accent(word: _Piece, accent: str, x: float, reader: _Reader) -> _Piece:
    def distance(number: int) -> float:
        left, right, _ = reader.box(number)
        return abs((left + right) / 2 - x)

    place = min(range(word.first, word.last + 1), key=distance) - word.first
    letter = unicodedata.normalize("NFC", word.text[place] + _ACCENTS[accent])
    if len(letter) > 1:
        return word
    return word._replace(text=word.text[:place] + letter + word.text[place + 1 :])


def _cuts(reader: _Reader, start: int, stop: int) -> list[int]:
    """Where a word begins, changes its baseline, and ends."""
    cuts, baseline = [start], reader.baseline(start)
    for number in range(start + 1, stop):
        another = reader.baseline(number)
        if abs(another - baseline) > 0.5:
            cuts.append(number)
        baseline = another
    return [*cuts, stop]


def _is_same_line(held: list[_Piece], piece: _Piece) -> bool:
    last = held[-1]
    size = max(last.height, piece.height)
    rise = abs(piece.baseline - last.baseline)
    small = min(last.height, piece.height) < 0.9 * size
    if rise > (0.6 if small else 0.25) * size or piece.left < last.right - 0.5 * size:
        return False
    begins_with_label = len(held) == 1 and _LABEL.fullmatch(last.text)
    widest = WIDEST_LABEL_SPACE if begins_with_label else WIDEST_SPACE
    return piece.left - last.right <= widest * size


def _line(pieces: list[_Piece], reader: _Reader, page: int) -> Line:
    heights: Counter[float] = Counter()
    for piece in pieces:
        heights[round(piece.height, 1)] += len(piece.text)
    usual = heights.most_common(1)[0][0]
    main = next(piece for piece in pieces if round(piece.height, 1) == usual)
    text, raised = "", list[tuple[int, int]]()
    right = pieces[0].left
    for piece in pieces:
        if (
            text
            and piece.space
            and ("\n" not in piece.space or piece.left - right > 0.1 * piece.height)
        ):
            text += " "
        start = len(text)
        text += _plain(piece.text)
        if (
            piece.height < 0.9 * main.height
            and piece.baseline > main.baseline + _RAISED * main.height
        ):
            raised.append((start, len(text)))
        right = piece.right
    fonts = reader.font(pieces[0].first), reader.font(pieces[-1].last)
    return Line(
        page=page,
        text=text,
        left=pieces[0].left,
        right=right,
        baseline=main.baseline,
        size=reader.size(main.first),
        font=fonts[0].partition("+")[2] or fonts[0],
        is_bold=all(_BOLD.search(font) for font in fonts),
        raised=tuple(raised),
    )


def _plain(text: str) -> str:
    """Hyphens and ligatures spelled out, and the halves of a character beyond 16 bits joined."""
    plain = text.translate(_PLAIN)
    if plain.isascii():
        return plain
    plain = plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    plain = _MATHEMATICAL.sub(lambda found: unicodedata.normalize("NFKC", found[0]), plain)
    return _ACCENT.sub(_accented, plain)


def _accented(found: re.Match[str]) -> str:
    """A letter with the accent that TeX's old fonts print before it as a character of its own."""
    letter = {"ı": "i", "ȷ": "j"}.get(found[2], found[2])
    return unicodedata.normalize("NFC", letter + _ACCENTS[found[1]])


def page_links(document: PdfDocument, page: PdfPage, number: int) -> Iterator[Link]:
    """The link annotations of a page that lead to an address."""
    import pypdfium2.raw as pdfium

    place, link = ctypes.c_int(0), pdfium.FPDF_LINK()
    box = pdfium.FS_RECTF()
    while pdfium.FPDFLink_Enumerate(page.raw, place, link):
        action = pdfium.FPDFLink_GetAction(link)
        length = pdfium.FPDFAction_GetURIPath(document.raw, action, None, 0) if action else 0
        if length and pdfium.FPDFLink_GetAnnotRect(link, box):
            address = ctypes.create_string_buffer(length)
            pdfium.FPDFAction_GetURIPath(document.raw, action, address, length)
            text = address.value.decode("utf-8", "replace")
            yield Link(number, text, box.left, box.bottom, box.right, box.top)
