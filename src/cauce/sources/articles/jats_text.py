"""The running text of JATS: blocks, formulas, marks and tables in the order they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cauce.records import Table
from cauce.sources.articles.jats_references import Cited
from cauce.sources.articles.marks import RunningText
from cauce.sources.articles.xml import line, string
from cauce.sources.cleaning import one_line
from cauce.sources.tables import tables_of

if TYPE_CHECKING:
    from lxml.etree import _Element

_MATHML = "{http://www.w3.org/1998/Math/MathML}"
_BLOCK_NAMES = """
p title list list-item def-list def-item disp-quote verse-group verse-line speech statement sec
caption boxed-text attrib preformat code disp-formula-group question answer
"""
_FLOAT_NAMES = """
fig fig-group table-wrap table-wrap-group table-wrap-foot fn fn-group supplementary-material media
chem-struct-wrap array
"""
_LEFT_OUT_NAMES = """
graphic inline-graphic object-id alt-text long-desc permissions ref-list table sub-article response
index-term private-char kwd-group
"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_FLOATS = frozenset(_FLOAT_NAMES.split())
"""What stands apart from the sentence in which it is anchored, and is read after its block."""

_LEFT_OUT = frozenset(_LEFT_OUT_NAMES.split())


class Flow:
    """The text, tables and cites of a section, block after block."""

    def __init__(self, cited: Cited) -> None:
        self.text = RunningText()
        self.tables: list[Table] = []
        self._cited = cited
        self._floats: list[_Element] = []

    def block(self, element: _Element) -> None:
        """Adds a child of a section, and then what floats beside it."""
        if element.tag in _FLOATS:
            self._float(element)
        else:
            self.text.break_line()
            self._add(element)
        self.text.break_line()
        while self._floats:
            self._float(self._floats.pop(0))

    def _float(self, element: _Element) -> None:
        if element.tag == "table-wrap":
            self.tables += _tables(element)
        self.text.break_line()
        self.inline(element)
        self.text.break_line()

    def _add(self, element: _Element) -> None:
        name = element.tag
        if name in _LEFT_OUT:
            return
        if name in _FLOATS:
            self._floats.append(element)
        elif name in _BLOCKS:
            self.text.break_line()
            self.inline(element)
            self.text.break_line()
        elif name == "xref":
            self._cite(element)
        elif name == "sup":
            self._raise(element)
        elif name == "alternatives":
            self._one_of(element)
        elif name == "tex-math":
            self.text.add(_formula(element))
        elif name.startswith(_MATHML):
            self.text.add(_mathml(element))
        else:
            self.inline(element)
            if name in ("label", "break", "term"):
                self.text.add(" ")

    def inline(self, element: _Element) -> None:
        """Adds what an element holds to the line that is being read."""
        if element.text:
            self.text.add(element.text)
        for child in element:
            self._add(child)
            if child.tail:
                self.text.add(child.tail)

    def _cite(self, element: _Element) -> None:
        references = self._cited.by(element)
        begun = self.text.begin() if references else 0
        self.inline(element)
        if references:
            self.text.cite(begun, references)

    def _raise(self, element: _Element) -> None:
        """Raised digits never run into the number before them: 10<sup>9</sup> is 10^9."""
        raised = line(element)
        before = self.text.last
        if before[-1:].isdigit() and (raised[:1].isdigit() or raised[1:2].isdigit()):
            is_power = before.endswith("10") and not before[-3:-2].isdigit()
            self.text.add("^" if is_power else " ")
        begun, cites = self.text.begin(), len(self.text.cites)
        self.inline(element)
        if len(self.text.cites) == cites:
            self.text.raise_from(begun)

    def _one_of(self, element: _Element) -> None:
        """Of several ways to write the same, the one that reads best as text."""
        ways = [child for child in element if child.tag not in _LEFT_OUT]
        best = [child for child in ways if child.tag.startswith(_MATHML)] or ways
        for child in best[:1]:
            self._add(child)


def plain_line(element: _Element | None) -> str:
    """The text of a title in one line, formulas read as text and notes left out."""
    if element is None:
        return ""
    if not len(element):
        return one_line(element.text or "")
    flow = Flow(Cited((), {}))
    flow.inline(element)
    return one_line(str(flow.text))


def _formula(element: _Element) -> str:
    """The TeX of a formula without the preamble that publishers put around it."""
    text = line(element)
    _, _, inner = text.partition("\\begin{document}")
    return (inner or text).partition("\\end{document}")[0].strip(" $")


def _mathml(element: _Element) -> str:
    """The symbols of a formula in a row; what annotates it is left out."""
    for note in list(element.iter(f"{_MATHML}annotation", f"{_MATHML}annotation-xml")):
        note.clear(keep_tail=True)  # type: ignore[call-arg]  # lxml-stubs 0.5 lacks it
    return "".join(string(element).split())


def _tables(wrap: _Element) -> list[Table]:
    """The tables of a `table-wrap`, the first with its label and caption."""
    for element in wrap.iter("break"):
        element.tag = "br"
    parts = ("label", "caption/title", "caption/p")
    caption = " ".join(line(each) for part in parts for each in wrap.iterfind(part))
    tables = list(tables_of(wrap))
    return [table.model_copy(update={"caption": caption}) for table in tables[:1]] + tables[1:]
