"""References as articles print them, and works that are easily taken for others.

What a style, a hurried author and a scanner make of the fields of a work: initials, abbreviated
journals and pages, `et al.`, errors of typing. Everything follows from the generator's seed.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable

from cauce.records import Reference

STYLES = ("apa", "vancouver", "ieee", "chicago", "aip")
"""The last prints no titles, as physicists cite."""
PIECES = ("Comment on ", "Reply to ", "Erratum: ", "Review of ", "Editorial: ")
GENERIC = ("Editorial", "Introduction", "Copyright page", "Letter to the editor", "Preface")


def printed(work: Reference, style: str, random: random.Random) -> str:
    """The reference in a style: half of the journals abbreviated, a third with errors."""
    container = work.container if random.random() < 0.5 else abbreviated(work.container)
    title, year = work.title, work.year
    if random.random() < 0.1:
        title = title.partition(":")[0]
    if random.random() < 0.05 and year:
        year = str(int(year) + random.choice((-1, 1)))
    changes = {"container": container, "title": title, "year": year}
    text = _PRINTERS[style](work.model_copy(update=changes))
    errors = random.choice((1, 2, 3, 8)) if random.random() < 0.35 else 0
    return misprinted(text, random, errors)


def misprinted(text: str, random: random.Random, errors: int) -> str:
    """The text with so many letters lost, doubled, exchanged or mistaken."""
    letters = list(text)
    for _ in range(errors):
        place = random.randrange(max(1, len(letters) - 1))
        change = random.choice(("lose", "double", "exchange", "mistake"))
        if change == "lose":
            del letters[place]
        elif change == "double":
            letters.insert(place, letters[place])
        elif change == "exchange":
            letters[place : place + 2] = reversed(letters[place : place + 2])
        elif letters[place].isalpha():
            letters[place] = random.choice(string.ascii_lowercase)
    return "".join(letters)


def abbreviated(container: str) -> str:
    """The name of a journal as lists of abbreviations cut it."""
    small = {"of", "the", "and", "for", "in", "on", "de", "la"}
    words = [word for word in container.split() if word.lower() not in small]
    if len(words) < 2:
        return container
    return " ".join(f"{_cut(word)}." if len(word) > 5 else word for word in words)


def fewer_fields(work: Reference, random: random.Random) -> Reference:
    """The fields of a work as a parser gives them: some lost, the journal abbreviated."""
    changes: dict[str, object] = {"id": "", "doi": None, "issue": "", "raw": ""}
    for name, loss in (("authors", 0.03), ("year", 0.05), ("container", 0.08), ("volume", 0.1)):
        if random.random() < loss:
            changes[name] = () if name == "authors" else ""
    if random.random() < 0.1:
        changes["pages"] = ""
    if random.random() < 0.5:
        changes.setdefault("container", abbreviated(work.container))
    if random.random() < 0.35:
        changes["title"] = misprinted(work.title, random, random.choice((1, 2, 3, 6)))
    elif random.random() < 0.1:
        changes["title"] = work.title.partition(":")[0]
    if random.random() < 0.1 and work.volume and work.pages:
        changes["title"] = ""
    return work.model_copy(update=changes)


def near_duplicate(work: Reference, kind: str, random: random.Random) -> Reference:
    """Another work that looks like this one: a piece about it, its next part, a neighbour."""
    page, year = str(random.randrange(1, 2000)), int(work.year or 2000)
    changes: dict[str, object] = {"pages": page}
    if kind == "piece":
        changes["title"] = random.choice(PIECES) + f"“{work.title}”"
        changes["authors"] = random.choice((work.authors, ("Otero, Marta",)))
        changes["year"] = str(year + random.choice((0, 1)))
    elif kind == "part":
        changes["title"] = f"{work.title}: Part {random.choice(('II', 'III', '2'))}"
    elif kind == "repeated":
        changes |= {"year": str(year + 3), "volume": str(random.randrange(1, 200))}
    elif kind == "generic":
        changes |= {"title": random.choice(GENERIC), "authors": ("Otero, Marta",)}
    elif kind == "neighbour":
        words = work.title.split()
        random.shuffle(words)
        changes["title"] = " ".join(words[: max(2, len(words) // 2)])
    elif kind == "book":
        changes |= {"title": work.container, "container": "", "volume": "", "pages": ""}
        if work.volume:
            changes["authors"] = ("Otero, Marta",)
    return work.model_copy(update=changes)


NEAR = ("piece", "part", "repeated", "generic", "neighbour", "book")


def poorer(work: Reference, random: random.Random) -> Reference:
    """The work as some publishers register it: without pages, journal or authors, or with none."""
    lost: dict[str, object] = {}
    is_bare = random.random() < 0.05
    if is_bare or random.random() < 0.05:
        lost |= {"volume": "", "pages": ""}
    if is_bare or random.random() < 0.05:
        lost["container"] = ""
    if random.random() < 0.03:
        lost["authors"] = ()
    return work.model_copy(update=lost)


def preprint(work: Reference) -> Reference:
    """An earlier version of the work under another DOI."""
    year = str(int(work.year) - 1) if work.year.isdigit() else ""
    changes = {"container": "bioRxiv", "volume": "", "issue": "", "pages": "", "year": year}
    return work.model_copy(update=changes)


def _apa(work: Reference) -> str:
    names = [f"{family}, {initials}".strip(" ,") for family, initials in _names(work, ". ")]
    people = ", & ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
    part = f"({work.issue})" if work.issue else ""
    place = ", ".join(filter(None, [work.container, work.volume + part, work.pages]))
    return f"{people} ({work.year}). {work.title}. {place}.".strip()


def _vancouver(work: Reference) -> str:
    names = [f"{family} {initials}".strip() for family, initials in _names(work, "")]
    people = ", ".join(names[:6]) + (", et al" if len(names) > 6 else "")
    first, _, last = work.pages.partition("-")
    shorter = _without_common_start(first, last)
    part = f"({work.issue})" if work.issue else ""
    pages = f"{first}-{shorter}" if shorter else first
    return f"{people}. {work.title}. {work.container}. {work.year};{work.volume}{part}:{pages}."


def _ieee(work: Reference) -> str:
    names = [f"{initials} {family}".strip() for family, initials in _names(work, ". ")]
    people = " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
    parts = [("vol. ", work.volume), ("no. ", work.issue), ("pp. ", work.pages), ("", work.year)]
    place = ", ".join([work.container, *(label + value for label, value in parts if value)])
    return f"{people}, “{work.title},” {place}."


def _chicago(work: Reference) -> str:
    people = ", ".join([*work.authors[:1], *(_spoken(name) for name in work.authors[1:])])
    part = f" ({work.issue})" if work.issue else ""
    pages = f": {work.pages}" if work.pages else ""
    return f"{people}. {work.year}. “{work.title}.” {work.container} {work.volume}{part}{pages}."


def _aip(work: Reference) -> str:
    names = [f"{initials} {family}".strip() for family, initials in _names(work, ". ")]
    people = f"{names[0]} et al." if len(names) > 3 else " and ".join(names)
    first = work.pages.partition("-")[0]
    return f"{people}, {work.container} {work.volume}, {first} ({work.year})."


_PRINTERS: dict[str, Callable[[Reference], str]] = {
    "apa": _apa,
    "vancouver": _vancouver,
    "ieee": _ieee,
    "chicago": _chicago,
    "aip": _aip,
}


def _names(work: Reference, after: str) -> list[tuple[str, str]]:
    """Family names with initials, each followed by `after`."""
    pairs = (name.partition(",") for name in work.authors)
    return [(family, _initials(given, after)) for family, _, given in pairs]


def _initials(given: str, after: str) -> str:
    """`Q F` and `QF` are initials already; `Quentin Felix` is cut to them."""
    words = given.replace(".", " ").replace("-", " ").split()
    letters = [letter for word in words for letter in (word if word.isupper() else word[0])]
    return "".join(letter + after for letter in letters).strip()


def _spoken(name: str) -> str:
    family, _, given = name.partition(",")
    return f"{given.strip()} {family}".strip()


def _cut(word: str) -> str:
    """A word up to the consonant before its second or third vowel."""
    for place in range(3, len(word)):
        if word[place].lower() in "aeiou" and word[place - 1].lower() not in "aeiou":
            return word[:place]
    return word[:4]


def _without_common_start(first: str, last: str) -> str:
    if len(first) != len(last):
        return last
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=True)) if a != b), len(last))
    return last[same:]
