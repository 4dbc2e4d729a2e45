"""What changed between two texts, sentence by sentence.

A sentence is the same when its letters are, whatever its case, its spacing, and the numbers of the
sections that it opens with or refers to: a new edition of a label renumbers those freely.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Literal, NamedTuple

from rapidfuzz import fuzz, process
from rapidfuzz.distance import LCSseq

from cauce.knowledge.sentences import sentences

LIKENESS = 62
"""Share of letters in common (of 100) from which two sentences of one section are one, changed."""
LIKENESS_ELSEWHERE = 80
"""The same for sentences of two sections, where formulas that recur must not meet."""
CONTEXT_WORDS = 6
"""Words that `marked` leaves on either side of a change."""

_NUMBER = r"(?:1[0-7]|[1-9])(?:\.\s?\d{1,2})?"
_INVISIBLE = re.compile(r"[\u00ad\u200b\u2060®™*†‡§]")
_SEE = re.compile(
    r"[\[(]\s*(?:s ?ee|ver|véase)\b(?:[^()\[\]]|\([^()]*\)){,300}[\])]"
    r"(?:[\s,]*(?:and |y )?(?:tables?|figures?|tablas?|figuras?)\s+\d{1,2}\s*\]?)?",
    re.IGNORECASE,
)
_SEEN_NUMBER = re.compile(rf"(?<![\w.]){_NUMBER}(?=\s*[,;)\]]|\s(?:and|y)\s)")
_REFERENCE = re.compile(
    rf"(?<=[a-záéíóúñ.,;:\]])\s*[(\[]\s*{_NUMBER}(?:\s*[,;]\s*{_NUMBER})*\s*[)\]]", re.IGNORECASE
)
_NUMBERED = re.compile(
    r"(?<=\b)(tables?|figures?|sections?|tablas?|figuras?|secci[oó]n(?:es)?|apartados?)\s+"
    r"(\d{1,2}(?:\.\d{1,2})*(?:(?:,| and| y)\s\d{1,2}(?:\.\d{1,2})*)*)(?!\d)",
    re.IGNORECASE,
)
_FORMS = "mg|mcg|ml|tab|cap|com|cáp|sob|drop|got|unit|unid|puff|spray|vial|amp|dos|tim|vec|ho"
_HEADING_NUMBER = re.compile(
    rf"^(?:1[0-7]|[1-9])\.\d{{1,2}}\.?\s+(?!(?i:{_FORMS}))(?=[A-ZÁÉÍÓÚÑ][^\W\d_]{{2}})"
)
_BEFORE_MARK = re.compile(r"\s+([)\],.;:%])")
_AFTER_MARK = re.compile(r"([(\[])\s+")
_BULLET = re.compile(r"^[\s•●∘▪◦·o\-–—]+(?=\s)")

DifferenceKind = Literal["added", "removed", "changed", "moved"]
_MIRRORED: dict[DifferenceKind, DifferenceKind] = {
    "added": "removed",
    "removed": "added",
    "changed": "changed",
    "moved": "moved",
}


class Difference(NamedTuple):
    """A sentence that two texts do not share; `before` is empty when added, `after` when removed.

    One that moved stands in both; its wording may differ in what `comparable` leaves out.
    """

    kind: DifferenceKind
    before: str
    after: str
    section_before: str = ""
    section_after: str = ""


class Sentence(NamedTuple):
    """A sentence as it is printed, what of it is compared, and the section it stands in."""

    text: str
    key: str
    section: str = ""


class _Placed(NamedTuple):
    """A difference, and where it stands among the sentences of either text."""

    difference: Difference
    at_before: int
    at_after: int


def comparable(sentence: str) -> str:
    """What of a sentence is compared: no case, spare space, references or number of its heading.

    >>> comparable("5.2 Bleeding  Risk rises [see Warnings (5.1)] with NSAIDs ( 7.3 ).")
    'bleeding risk rises with nsaids.'
    >>> comparable("Take 2.5 mg (2 tablets).")
    'take 2.5 mg (2 tablets).'
    """
    return _key(without_references(sentence))


def _key(text: str) -> str:
    text = _BULLET.sub("", _INVISIBLE.sub("", text)).strip()
    text = _HEADING_NUMBER.sub("", text)
    text = _AFTER_MARK.sub(r"\1", _BEFORE_MARK.sub(r"\1", text))
    return " ".join(text.casefold().split())


def without_references(text: str) -> str:
    """The text with spaces where it refers to its own sections and tables; of the same length."""
    text = _SEE.sub(_blank_pointer, text)
    text = _REFERENCE.sub(lambda found: " " * len(found.group()), text)
    return _NUMBERED.sub(
        lambda found: f"{found[1]}{' ' * (len(found.group()) - len(found[1]))}", text
    )


def _blank_pointer(found: re.Match[str]) -> str:
    """Spaces for "(see Warnings, 5.1)"; what also holds an amount is no mere pointer."""
    rest = _SEEN_NUMBER.sub("", _NUMBERED.sub("", found.group()))
    holds_amount = any(character.isdigit() for character in rest)
    return found.group() if holds_amount else " " * len(found.group())


def sentences_of(text: str, section: str = "") -> list[Sentence]:
    """The sentences of a text that say anything, in order."""
    plain = without_references(text)
    return [
        Sentence(span.of(text), key, section)
        for span in sentences(plain)
        if re.search(r"\w", key := _key(span.of(plain)))
    ]


def differences(before: str, after: str) -> list[Difference]:
    """What makes `before` say what `after` says, in the order of `after`.

    >>> for difference in differences("Drink water. Take 400 mg.", "Drink water. Take 200 mg."):
    ...     print(difference.kind, difference.before, difference.after)
    changed Take 400 mg. Take 200 mg.
    """
    return align(sentences_of(before), sentences_of(after))


def align(before: Sequence[Sentence], after: Sequence[Sentence]) -> list[Difference]:
    """The differences of two lists of sentences, which may come from several sections.

    What stands in both in the same order is left out; then equal sentences are matched (moved),
    then alike ones (changed), those of one section first. Exchanging the two lists mirrors it.
    """
    if [sentence.key for sentence in before] > [sentence.key for sentence in after]:
        placed = [_mirror(item) for item in _place(after, before)]
    else:
        placed = _place(before, after)
    placed.sort(key=lambda item: (item.at_after, item.difference.kind != "removed", item.at_before))
    return [item.difference for item in placed]


def _mirror(item: _Placed) -> _Placed:
    kind, before, after, section_before, section_after = item.difference
    mirrored = Difference(_MIRRORED[kind], after, before, section_after, section_before)
    return _Placed(mirrored, item.at_after, item.at_before)


def _place(before: Sequence[Sentence], after: Sequence[Sentence]) -> list[_Placed]:
    removed, added = _unmatched(before, after)
    placed: list[_Placed] = []

    def settle(kind: DifferenceKind, pairs: Iterable[tuple[int, int]]) -> None:
        for old, new in pairs:
            del removed[old], added[new]
            placed.append(_Placed(_between(kind, before[old], after[new]), old, new))

    settle("moved", _equal(before, after, removed, added, lambda item: (item.section, item.key)))
    settle("moved", _equal(before, after, removed, added, lambda item: item.key))
    for section in dict.fromkeys(before[old].section for old in removed):
        mine = [old for old in removed if before[old].section == section]
        theirs = [new for new in added if after[new].section == section]
        settle("changed", _alike(before, after, mine, theirs, LIKENESS))
    settle("changed", _alike(before, after, list(removed), list(added), LIKENESS_ELSEWHERE))
    nothing = Sentence("", "")
    for old, at in removed.items():
        placed.append(_Placed(_between("removed", before[old], nothing), old, at))
    for new, at in added.items():
        placed.append(_Placed(_between("added", nothing, after[new]), at, new))
    return placed


def _between(kind: DifferenceKind, old: Sentence, new: Sentence) -> Difference:
    return Difference(kind, old.text, new.text, old.section, new.section)


def _unmatched(
    before: Sequence[Sentence], after: Sequence[Sentence]
) -> tuple[dict[int, int], dict[int, int]]:
    """Sentences outside the longest common order, each with its place in the other text."""
    removed: dict[int, int] = {}
    added: dict[int, int] = {}
    old, new = ([(item.section, item.key) for item in side] for side in (before, after))
    for code in LCSseq.opcodes(old, new):
        if code.tag == "delete":
            removed |= dict.fromkeys(range(code.src_start, code.src_end), code.dest_start)
        elif code.tag == "insert":
            added |= dict.fromkeys(range(code.dest_start, code.dest_end), code.src_start)
    return removed, added


def _equal(
    before: Sequence[Sentence],
    after: Sequence[Sentence],
    removed: Iterable[int],
    added: Iterable[int],
    key_of: Callable[[Sentence], Hashable],
) -> list[tuple[int, int]]:
    """Pairs of sentences with one key, each used once, in their order."""
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for new in added:
        waiting[key_of(after[new])].append(new)
    pairs: list[tuple[int, int]] = []
    for old in removed:
        if same := waiting.get(key_of(before[old])):
            pairs.append((old, same.pop(0)))
    return pairs


def _alike(
    before: Sequence[Sentence],
    after: Sequence[Sentence],
    removed: Sequence[int],
    added: Sequence[int],
    least: int,
) -> list[tuple[int, int]]:
    """Pairs of sentences that share most letters, the most alike first, each used once."""
    choices = {new: after[new].key for new in added}
    scored = [
        (-score, abs(old - new), old, new)
        for old in removed
        for _, score, new in process.extract(
            before[old].key, choices, scorer=fuzz.ratio, score_cutoff=least, limit=3
        )
    ]
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, old, new in sorted(scored):
        if old not in pairs and new not in taken:
            pairs[old] = new
            taken.add(new)
    return list(pairs.items())


def marked(difference: Difference) -> str:
    """The sentence with what went between [- -] and what came between {+ +}; long runs elided.

    >>> marked(Difference("changed", "Take 400 mg daily.", "Take 200 mg daily."))
    'Take [-400-]{+200+} mg daily.'
    """
    old, new = difference.before.split(), difference.after.split()
    kept = [code for code in LCSseq.opcodes(old, new) if code.tag == "equal"]
    pieces: list[str] = []
    at_old = at_new = 0
    for code in kept:
        pieces.append(_exchanged(old[at_old : code.src_start], new[at_new : code.dest_start]))
        at_old, at_new = code.src_end, code.dest_end
        is_edge = (code.src_start == code.dest_start == 0, (at_old, at_new) == (len(old), len(new)))
        pieces.append(_elided(new[code.dest_start : at_new], opens=is_edge[0], ends=is_edge[1]))
    pieces.append(_exchanged(old[at_old:], new[at_new:]))
    return " ".join(filter(None, pieces))


def _exchanged(gone: Sequence[str], come: Sequence[str]) -> str:
    return (f"[-{' '.join(gone)}-]" if gone else "") + (f"{{+{' '.join(come)}+}}" if come else "")


def _elided(words: Sequence[str], *, opens: bool, ends: bool) -> str:
    """The words beside a change; of a long run those that touch one."""
    first = 0 if opens else CONTEXT_WORDS
    last = 0 if ends else CONTEXT_WORDS
    if len(words) <= first + last + CONTEXT_WORDS:
        return " ".join(words)
    return " ".join((*words[:first], "…", *words[len(words) - last :]))
