"""Links between sentences and references: found, and found rightly, in XML of every origin.

Gold is each file's own marks, walked here without the reader under test: a mark cites a reference,
a range the references between its ends, and the words beside the mark (up to four before, three
after, none beyond a full stop or a formula) have to stand in the sentence that is found for it,
which may not go on over a full stop between a word in lower case and one that is not.
Marks in the cells of tables stand in no sentence and are counted apart.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from benchmarks import report
from cauce.records import Document, Refusal
from cauce.sources.articles.document import Given
from cauce.sources.articles.reading import read_articles

FOLDER = "scholar"
PUBLISHERS = {
    "PLOS": "jats/plos/*.xml",
    "Europe PMC": "jats/epmc/*.xml",
    "Hindawi": "pdf-jats/hindawi/*/fulltext.xml",
    "JOSE": "pdf-jats/jose/*/*.jats",
}
TOOLS = {"CERMINE": "tool-output/*/*.cermxml", "GROBID": "tool-output/*/*.tei.xml"}
_NUMBER = re.compile(r"[\[(]?\d+[\])]?")

_BLOCKS = {"p", "title", "label", "sec", "fig", "table-wrap", "fn", "list-item", "td", "th"}
_BLOCKS |= {"caption", "boxed-text", "div", "head", "figDesc", "note", "figure", "ref-list"}
_BLOCKS |= {"table", "disp-quote", "def", "term", "supplementary-material", "abstract", "body"}
_FORMULAS = {"math", "inline-formula", "disp-formula", "formula", "tex-math", "alternatives"}
_UNREAD = {"front", "ref-list", "listBibl", "sub-article", "response", "graphic", "object-id"}
_WORD = re.compile(r"[^\W\d_]+")
_STOP = re.compile(r"[.?!][\"”’')\]]*\s+(?=[^a-z])")
_CERTAIN_STOP = re.compile(
    r"((?:[^\W\d_]+[\s,-]+){1,3}[a-z]{6,}(?:\s*\[[\d\s,–-]+\])?\.(?:\[?[\d\s,–-]+\]?)?"
    r"\s+[A-Z][a-z]{2,})\b"
)
_AT_STOP = re.compile(r"[.?!][\"”’)]*$")
_ABBREVIATION = re.compile(r"(?:\b(?:al|[Rr]efs?|cf|e\.g|i\.e|see)\.|\b[A-Z]\.)$")
_DASH = re.compile(r"[\s\]\[)(]*[-–—‐−][\s\]\[)(]*")
_BARRIER = "\x00"


class Gold(NamedTuple):
    """A reference that a mark stands for, and the words beside the mark."""

    reference: str
    before: str
    after: str
    beyond: tuple[str, ...]
    """Words on both sides of the ends of sentences of the paragraph that are beyond doubt."""


class Counts(NamedTuple):
    """How many links are right, found and there."""

    right: int
    found: int
    there: int


def measure(data: Path) -> None:
    """Prints every figure; `data` is the folder of the shared inputs."""
    folder = data / FOLDER
    total = Counts(0, 0, 0)
    for name, pattern in PUBLISHERS.items():
        counts = _counts(sorted(folder.glob(pattern)))
        total = Counts(*map(sum, zip(total, counts, strict=True)))
        _report(f"links, JATS of {name}", counts, (None, None))
    _report("links, JATS of 4 publishers", total, (0.995, 0.99))
    for name, pattern in TOOLS.items():
        _report(f"links, {name}", _counts(sorted(folder.glob(pattern))), (0.97, 0.97))
    articles = [path for pattern in PUBLISHERS.values() for path in sorted(folder.glob(pattern))]
    report(
        "links: marks in the cells of tables, in no sentence", sum(map(_in_cells, articles)), None
    )
    report("links: files that crash the reader", _crashes(folder), 0)
    report("links: sentences cut in the wrong place", _badly_cut(articles), 0.02)
    report("JATS files a second of one core", _speed(articles), 60, "higher")


def _report(name: str, counts: Counts, bars: tuple[float | None, float | None]) -> None:
    report(f"{name}: recall", counts.right / max(counts.there, 1), bars[0], "higher")
    report(f"{name}: precision", counts.right / max(counts.found, 1), bars[1], "higher")


def _read(path: Path) -> list[Document]:
    given = Given(path, "en", "", "")
    return [found for found in read_articles(given) if not isinstance(found, Refusal)]


def _counts(paths: Iterable[Path]) -> Counts:
    right = found = there = 0
    for path in paths:
        gold = list(gold_links(path))
        predicted = _predicted(_read(path))
        found += sum(map(len, predicted.values()))
        there += len(gold)
        right += sum(_take(predicted[link.reference], link) for link in gold)
    return Counts(right, found, there)


def _predicted(documents: Iterable[Document]) -> dict[str, list[str]]:
    """The words of each sentence that cites a reference, once for each of its marks."""
    links: dict[str, list[str]] = defaultdict(list)
    for document in documents:
        for sentence in document.citing:
            words = _words(sentence.text)
            for mark in sentence.marks:
                for reference in mark.references:
                    links[reference].append(words)
    return links


def _take(sentences: list[str], link: Gold) -> bool:
    """Whether a sentence holds the words beside the mark; that sentence is used up."""
    for place, words in enumerate(sentences):
        is_whole = link.before in words and link.after in words
        if is_whole and not any(phrase in words for phrase in link.beyond):
            del sentences[place]
            return True
    return False


def _words(text: str) -> str:
    return f" {' '.join(_WORD.findall(text))} "


def gold_links(path: Path) -> Iterator[Gold]:
    """The links of a file by its own marks, those in cells of tables left out."""
    parser = etree.XMLParser(resolve_entities=True, load_dtd=False, no_network=True)
    root = etree.parse(path, parser).getroot()
    listed = [node.get("id") for node in root.iter("ref")]
    listed += [
        node.get("{http://www.w3.org/XML/1998/namespace}id") for node in root.iter("{*}biblStruct")
    ]
    places = {id: place for place, id in enumerate(listed) if id}
    items = list(_items(root, places, in_cell=False))
    for number, item in enumerate(items):
        if isinstance(item, tuple):
            before = _before(items[:number])
            after = "".join(_until_break(items[number + 1 :]))
            for reference in _cited(items, number, listed, places):
                yield Gold(reference, *_anchors(before, after), _beyond(before + item[0] + after))


def _in_cells(path: Path) -> int:
    root = etree.parse(path).getroot()
    listed = {node.get("id") for node in root.iter("ref")}
    cells = (
        xref for name in ("td", "th") for cell in root.iter(name) for xref in cell.iter("xref")
    )
    return sum(xref.get("rid") in listed for xref in cells)


def _name(node: etree._Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def _items(
    node: etree._Element, places: dict[str, int], *, in_cell: bool
) -> Iterator[str | tuple[str, tuple[str, ...]]]:
    """Text, marks (their text and ids) and breaks (`_BARRIER`) in the order of the file."""
    name = _name(node)
    if not name or (name in _UNREAD and name != "front"):
        return
    if name == "front":
        for abstract in node.iter("abstract"):
            yield from _items(abstract, places, in_cell=in_cell)
        return
    if name in _FORMULAS:
        yield _BARRIER
        return
    ids = tuple(
        id.removeprefix("#")
        for id in (node.get("rid") or node.get("target") or "").split()
        if id.removeprefix("#") in places
    )
    if name in ("xref", "ref") and ids and not in_cell:
        yield "".join(map(str, node.itertext())), ids
        return
    edge = _BARRIER if name in _BLOCKS else ""
    yield edge + (node.text or "")
    for child in node:
        yield from _items(child, places, in_cell=in_cell or name in ("td", "th", "cell"))
        yield child.tail or ""
    yield edge


def _text(item: str | tuple[str, tuple[str, ...]]) -> str:
    return item if isinstance(item, str) else item[0]


def _before(items: list[str | tuple[str, tuple[str, ...]]]) -> str:
    pieces: list[str] = []
    for item in reversed(items):
        pieces.append(_text(item))
        if _BARRIER in pieces[-1]:
            break
    return "".join(reversed(pieces)).rpartition(_BARRIER)[2]


def _until_break(items: list[str | tuple[str, tuple[str, ...]]]) -> Iterator[str]:
    for item in items:
        text, broken, _ = _text(item).partition(_BARRIER)
        yield text
        if broken:
            return


def _cited(
    items: list[str | tuple[str, tuple[str, ...]]],
    number: int,
    listed: list[str | None],
    places: dict[str, int],
) -> list[str]:
    """The references of a mark, and those between it and the end of a range that it opens."""
    text, ids = items[number]
    cited = list(ids)
    following = [item for item in items[number + 1 : number + 8] if item != ""]
    if len(following) > 1 and isinstance(following[0], str) and isinstance(following[1], tuple):
        numbers = _NUMBER.fullmatch(text.strip()) and _NUMBER.fullmatch(following[1][0].strip())
        if numbers and _DASH.fullmatch(following[0]):
            between = listed[places[ids[-1]] + 1 : places[following[1][1][0]]]
            cited += [id for id in between if id]
    return cited


def _anchors(before: str, after: str) -> tuple[str, str]:
    """The words on both sides of a mark that belong to its sentence."""
    held = before.rstrip(" \n\t[(,;–-0123456789")
    is_behind_stop = bool(_AT_STOP.search(held)) and not _ABBREVIATION.search(held)
    opening = after.lstrip(" \n\t])0123456789,;–-")
    if is_behind_stop:
        is_joined = len(before.rstrip("[(")) == len(held)
        goes_with_next = not is_joined and opening[:1].islower()
        words = _words(_STOP.split(held)[-1]).split()[-4:]
        return ("", _first(after)) if goes_with_next else (_joined(words), "")
    words = _words(_STOP.split(f"{held} ")[-1]).split()[-4:]
    return _joined(words), _first(after)


def _beyond(paragraph: str) -> tuple[str, ...]:
    return tuple(_words(found[1]) for found in _CERTAIN_STOP.finditer(paragraph))


def _first(after: str) -> str:
    return _joined(_words(re.split(r"[.?!]", after, maxsplit=1)[0]).split()[:3])


def _joined(words: list[str]) -> str:
    return f" {' '.join(words)} " if words else ""


def _crashes(folder: Path) -> int:
    """How many of the XML files of the folder end in an exception."""
    crashed = 0
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".xml", ".jats", ".nxml", ".cermxml") or not path.is_file():
            continue
        try:
            _read(path)
        except Exception as error:  # noqa: BLE001
            print(path, repr(error))
            crashed += 1
    return crashed


def _badly_cut(paths: Iterable[Path]) -> float:
    """The share of citing sentences that begin in lower case or end in an abbreviation."""
    sentences = [
        sentence.text for path in paths for each in _read(path) for sentence in each.citing
    ]
    bad = [
        text
        for text in sentences
        if re.match(r"[a-z]{2,}[ ,]", text)
        or re.search(r"\b(?:al|[Ff]igs?|[Rr]efs?|[Ee]qs?|e\.g|i\.e|vs|cf|[A-Z])\.$", text)
    ]
    return len(bad) / max(len(sentences), 1)


def _speed(paths: list[Path]) -> float:
    """The best of three rounds."""
    rounds = []
    for _ in range(3):
        start = time.process_time()
        for path in paths:
            _read(path)
        rounds.append(time.process_time() - start)
    return len(paths) / min(rounds)
