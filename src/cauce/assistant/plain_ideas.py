"""A long sentence taken apart where it holds several ideas: clauses, reasons, items of a list."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cauce.records import Language

LONG_LINE_WORDS = 14
"""A sentence of more words is taken apart where it holds several ideas."""

_VERB = {
    "en": re.compile(
        r"\b(?:is|are|was|were|be|been|has|have|had|may|can|should|must|will|would|could|do"
        r"|does|did"
        r"|occurs?|occurred|include[sd]?|increase[sd]?|decrease[sd]?|causes?|caused|take|give"
        r"|use|avoid"
        r"|stop|monitor|reduce|swallow|keep|administer|withhold|discontinue)\b",
        re.IGNORECASE,
    ),
    "es": re.compile(
        r"\b(?:es|son|está|están|fue|ha|han|hay|puede|pueden|debe|deben|se|tiene|tienen|incluye"
        r"|incluyen|aumenta|aumentan|disminuye|produce|causa|tome|use|evite|consulte|informe"
        r"|trague|tenga|esté|lea|vea|ver|véase|pregunte|hable|siga|combine|excluyen?|impiden?|exigen?"
        r"|requieren?|prohíben?|obligan?|necesitan?|precisan?)\b",
        re.IGNORECASE,
    ),
}
_CLAUSES: dict[Language, re.Pattern[str]] = {
    "en": re.compile(
        r";\s+(?:and |or )?|,\s+(?=(?:and|but|so|however|therefore)\s)|\s+(?=however,)"
    ),
    "es": re.compile(
        r";\s+(?:y |o )?|,\s+(?=(?:y|pero|aunque|sin embargo|por lo que|por tanto)\s)"
    ),
}
_REASONS: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r",\s+(?:because|since)\s+"),
    "es": re.compile(r",\s+(?:porque|ya que|puesto que|dado que)\s+"),
}
"""Behind a comma only: "do not stop because you feel better" forbids the reason too."""
_REASON: dict[Language, str] = {"en": "The reason: ", "es": "El motivo: "}
_WHICH: dict[Language, tuple[re.Pattern[str], str]] = {
    "en": (re.compile(r",\s+which (?=(?:may|can|could|might)\b)"), "This "),
    "es": (re.compile(r",\s+lo (?:que|cual) (?=\w+)"), "Esto "),
}
_ITEM_BREAK = re.compile(r",\s+")
_ANNOUNCES = re.compile(
    r"\b(?:following|siguientes?|includ\w+|incluy\w+|symptoms|síntomas|signs|signos|are|son)\b",
    re.IGNORECASE,
)
"""In what stands before the colon of a list, and not of an explanation."""
LONGEST_ITEM_WORDS = 9
CIRCUMSTANCE = re.compile(
    r"^(?:in|for|with|when|if|during|en|si|durante|cuando|con)\b", re.IGNORECASE
)
JOINING = re.compile(r"^(?:and|y)\s+", re.IGNORECASE)


def ideas_of(text: str, language: Language) -> Iterator[str]:
    """The parts of a long sentence that can stand alone: each has a verb of its own."""
    is_short = len(text.split()) <= LONG_LINE_WORDS
    start = 0
    for match in _CLAUSES[language].finditer(text):
        before, after = text[start : match.start()], text[match.end() :]
        if text.count("(", 0, match.start()) != text.count(")", 0, match.start()):
            continue
        if match.group().startswith(";") or (
            not is_short and has_verb(before, language) and _is_clause(after, language)
        ):
            yield before
            start = match.end()
    for part in _with_reasons(JOINING.sub("", text[start:]) if start else text, language):
        yield from _listed(part)


def _with_reasons(text: str, language: Language) -> Iterator[str]:
    """A long sentence, and in lines of their own the reason and what follows from it."""
    which, this = _WHICH[language]
    for pattern, opening in ((_REASONS[language], _REASON[language]), (which, this)):
        found = pattern.search(text)
        if (
            found
            and len(text.split()) > LONG_LINE_WORDS
            and text.count("(", 0, found.start()) == text.count(")", 0, found.start())
            and has_verb(text[: found.start()], language)
            and not CIRCUMSTANCE.match(text)
        ):
            yield text[: found.start()]
            text = opening + text[found.end() :]
    yield text


def _listed(text: str) -> Iterator[str]:
    """A long text that announces what follows a colon, and what follows: its items one by one."""
    lead, colon, rest = text.partition(": ")
    is_open = lead.count("(") > lead.count(")")
    if is_open or not (colon and len(text.split()) > LONG_LINE_WORDS and len(rest.split()) > 3):
        yield text
        return
    yield lead + ":"
    yield from _items(rest) if _ANNOUNCES.search(lead) else [rest]


def _items(text: str) -> list[str]:
    """The items of a list that commas part, whole where one is too long to be an item."""
    items = [""]
    for piece in _ITEM_BREAK.split(text):
        joined = f"{items[-1]}, {piece}" if items[-1] else piece
        is_open = items[-1].count("(") > items[-1].count(")")
        items = [*items[:-1], joined] if is_open or not items[-1] else [*items, piece]
    if len(text.split()) <= LONG_LINE_WORDS or len(items) < 3:
        return [text]
    is_list = all(len(item.split()) <= LONGEST_ITEM_WORDS for item in items) and not any(
        verb.search(items[-1]) for verb in _VERB.values()
    )
    return items if is_list else [text]


def _is_clause(text: str, language: Language) -> bool:
    """True when a subject and a verb follow soon: what was joined by a comma is a sentence."""
    opening = " ".join(JOINING.sub("", text).split()[:7])
    verb = _VERB[language].search(opening)
    return bool(verb and verb.start() > 0 and "," not in opening[: verb.start()])


def has_verb(text: str, language: Language) -> bool:
    """True when `text` holds one of the verbs that labels and leaflets speak with."""
    return bool(_VERB[language].search(text))
