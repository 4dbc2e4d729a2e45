"""Ways to make a sentence false: what the claim check has to catch."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from benchmarks.medicines.label_sentences import Sentence
from cauce.knowledge.evidence.evidence import subject_name


class Altered(NamedTuple):
    """The altered sentence, and in a few words how."""

    change: str
    answer: str


_NUMBER = re.compile(r"(?<![\w.,/])\d+(?:[.,]\d+)*(?!\w*[-.,/]?\d)(?!-)")
_UNITS = {
    "mg": ("g", "mcg"),
    "g": ("mg",),
    "mcg": ("mg",),
    "mL": ("L",),
    "ml": ("l",),
    "L": ("mL",),
    "hours": ("days", "minutes"),
    "hour": ("day",),
    "minutes": ("hours",),
    "days": ("weeks", "hours"),
    "weeks": ("months", "days"),
    "week": ("day",),
    "months": ("weeks", "years"),
    "years": ("months",),
    "horas": ("días", "minutos"),
    "minutos": ("horas",),
    "días": ("semanas", "horas"),
    "semanas": ("meses", "días"),
    "meses": ("semanas", "años"),
    "años": ("meses",),
    "mmol": ("mol",),
    "IU": ("mg",),
    "UI": ("mg",),
    "mEq": ("mmol",),
}
_ROUTES = (
    ("orally", "intravenously", "rectally", "subcutaneously"),
    ("oral", "intravenous", "rectal", "topical", "intramuscular", "subcutaneous", "sublingual"),
    ("by mouth", "by inhalation", "under the tongue", "intravenously"),
    ("intravenously", "intramuscularly", "orally"),
    ("intravenous", "intramuscular", "oral", "subcutaneous", "intrathecal"),
    ("subcutaneously", "intravenously", "orally"),
    ("subcutaneous", "intravenous", "oral", "intramuscular"),
    ("topical", "oral", "vaginal", "ophthalmic"),
    ("intramuscular", "intravenous", "oral"),
    ("nasal", "oral", "ophthalmic"),
    ("ophthalmic", "oral", "otic"),
    ("rectal", "oral", "vaginal"),
    ("inhaled", "oral", "intravenous"),
    ("transdermal", "oral", "topical"),
    ("sublingual", "oral", "buccal"),
    ("vaginal", "oral", "rectal"),
    ("parenteral", "oral", "topical"),
    ("vía oral", "vía intravenosa", "vía rectal", "vía subcutánea"),
    ("oral", "intravenosa", "rectal", "subcutánea", "sublingual"),
    ("vía intravenosa", "vía oral", "vía intramuscular"),
    ("intravenosa", "intramuscular", "oral"),
    ("vía subcutánea", "vía oral", "vía intravenosa"),
    ("subcutánea", "oral", "intravenosa"),
    ("tópica", "oral", "vaginal"),
    ("inhalatoria", "oral", "nasal"),
    ("oftálmica", "oral", "ótica"),
)
_NEGATED = (
    (
        r"\b(do|does|did|is|are|was|were|has|have|had|should|must|may|might|could|would) not\b",
        r"\1",
    ),
    (r"\bcannot\b", "can"),
    (r"\b(do|does|is|are|should)n['’]t\b", r"\1"),
    (r"\bnever\b", "always"),
    (r"\bwithout\b", "with"),
    (r"\b[Aa]void\b", "use"),
    (r"\bnot\b ", ""),
    (r"\bno\b (?=[a-záéíóúñ])", ""),
    (r"\bNo\b (?=[a-záéíóúñ])", ""),
    (r"\bcontraindicated\b", "indicated"),
    (r"\bunless\b", "if"),
    (r"\bexcept\b", "including"),
    (r"\bonly\b ", ""),
    (r"\bno (debe|deben|puede|pueden|es|son|se|tome|use|ha|han|está|están)\b", r"\1"),
    (r"\bNo (debe|deben|puede|pueden|es|son|se|tome|use|ha|han|está|están)\b", r"\1"),
    (r"\bnunca\b", "siempre"),
    (r"\bsin\b", "con"),
    (r"\b[Ee]vit(e|ar|arse)\b", r"us\1"),
    (r"\bcontraindicad([oa]s?)\b", r"indicad\1"),
    (r"\ba menos que\b", "si"),
    (r"\b(?:salvo|excepto)\b", "incluso"),
    (r"\bs[oó]lo\b ", ""),
    (r"\bni\b", "y"),
)
_AFFIRMED = (
    (
        r"\b(should|must|may|can|could|is|are|was|were|has|have|does|do|will)\b(?! not|n['’]t)",
        r"\1 not",
    ),
    (r"\b(Take|Use|Store|Administer|Give|Monitor|Swallow|Keep)\b", r"Do not \1"),
    (r"\bwith\b(?!out)", "without"),
    (r"(?<!no )\b(debe|deben|puede|pueden|es|son|está|están|ha|han|se)\b", r"no \1"),
    (r"\b(Tome|Use|Conserve|Administre|Consulte|Informe)\b", r"No \1"),
    (r"\bcon\b", "sin"),
    (r"\bindicated\b", "contraindicated"),
    (r"\bindicad([oa]s?)\b", r"contraindicad\1"),
    (r"\brecommended\b", "not recommended"),
    (r"\bif\b", "unless"),
    (r"\balways\b", "never"),
    (r"\bsiempre\b(?! que)", "nunca"),
)
_POPULATIONS = (
    ("adults", "children"),
    ("children", "adults"),
    ("adult", "pediatric"),
    ("pediatric", "adult"),
    ("elderly", "young"),
    ("geriatric", "pediatric"),
    ("infants", "adults"),
    ("neonates", "adults"),
    ("adolescents", "infants"),
    ("pregnant", "elderly"),
    ("pregnancy", "childhood"),
    ("women", "men"),
    ("men", "women"),
    ("renal", "hepatic"),
    ("hepatic", "renal"),
    ("adultos", "niños"),
    ("niños", "adultos"),
    ("adolescentes", "lactantes"),
    ("ancianos", "niños"),
    ("embarazadas", "ancianas"),
    ("mujeres", "hombres"),
    ("embarazo", "infancia"),
    ("pediátricos", "adultos"),
    ("pediátrica", "adulta"),
    ("lactancia", "infancia"),
    (r"under (?=\d)", "over "),
    ("menores", "mayores"),
    ("mayores", "menores"),
    ("older", "younger"),
)


_NAMED = re.compile(
    r"\b(?:adults?|children|p(?:a)?ediatric|infants|neonates|adolescents|elderly|women|men|"
    r"adult[oa]s?|niñ[oa]s|lactantes|adolescentes|ancianos|mujeres|hombres)\b",
    re.IGNORECASE,
)
_DOSE = re.compile(r"\d+(?:[.,]\d+)? ?(?:mg|mcg|g|mL|ml|%|days|weeks|días|semanas|hours|horas)\b")
_WORD = re.compile(r"[^\W\d_]{4,}")
_FREQUENCIES = (
    (r"\b(once|twice) daily\b", r"three times daily"),
    (r"\bonce daily\b", "once weekly"),
    (r"\btwice daily\b", "every 8 hours"),
    (r"\b(?:three|3) times (?:a day|daily)\b", "every 6 hours"),
    (r"\bevery (\d+) hours\b", r"\1 times a day"),
    (r"\bevery (\d+) (?:hours|weeks|days)\b", r"every \g<1>0 hours"),
    (r"\bevery (\d+) weeks\b", r"\1 times a week"),
    (r"\bonce (?:a week|weekly)\b", "once daily"),
    (r"\bdaily\b", "weekly"),
    (r"\bweekly\b", "daily"),
    (r"\buna vez al día\b", "dos veces al día"),
    (r"\bdos veces al día\b", "tres veces al día"),
    (r"\bcada (\d+) horas\b", r"\1 veces al día"),
    (r"\bal día\b", "a la semana"),
    (r"\b(?:a day|per day)\b", "a week"),
)


def _replaced(text: str, match: re.Match[str], other: str) -> str:
    if match[0][:1].isupper() and not match[0].isupper():
        other = other[:1].upper() + other[1:]
    return text[: match.start()] + other + text[match.end() :]


def numbers(
    text: str, sentence: Sentence, names: Mapping[str, str], luck: random.Random
) -> Iterator[Altered]:
    """Another number of the passage, ten times more or less, two digits exchanged."""
    matches = list(_NUMBER.finditer(text))
    if not matches:
        return
    match = luck.choice(matches)
    for change, other in _other_numbers(match[0], sentence.passage, luck):
        following = re.match(r"\W*\w*", text[match.end() :])
        beside = other + (following[0] if following else "")
        if other != match[0] and beside not in text and not _same_value(other, match[0]):
            yield Altered(change, _replaced(text, match, other))


def _same_value(one: str, other: str) -> bool:
    return one.replace(",", ".").rstrip("0.") == other.replace(",", ".").rstrip("0.") and (
        "." in one + other or "," in one + other
    )


def _other_numbers(number: str, passage: str, luck: random.Random) -> Iterator[tuple[str, str]]:
    others = sorted(set(_NUMBER.findall(passage)) - {number})
    if others:
        yield "of the passage", luck.choice(others)
    if number.isdigit() and number != "0":
        yield "ten times", number + "0"
        yield "a tenth", number[:-1] if number.endswith("0") else f"0.{number}"
        swapped = number[1::-1] + number[2:]
        if len(number) > 1 and swapped != number and swapped[0] != "0":
            yield "digits exchanged", swapped


def units(
    text: str, sentence: Sentence, names: Mapping[str, str], luck: random.Random
) -> Iterator[Altered]:
    """Another unit behind the same number."""
    pattern = r"(?<=\d)([ -]?)(" + "|".join(sorted(_UNITS, key=len, reverse=True)) + r")\b"
    matches = list(re.finditer(pattern, text))
    if not matches:
        return
    match = luck.choice(matches)
    number = re.search(r"[\d.,]+$", text[: match.start()])
    for other in _UNITS[match[2]]:
        beside = f"{number[0] if number else ''}{match[1]}{other}"
        if not re.search(rf"(?<![\d.,]){re.escape(beside)}\b", text):
            yield Altered(f"{match[2]} to {other}", _replaced(text, match, match[1] + other))


def routes(
    text: str, sentence: Sentence, names: Mapping[str, str], luck: random.Random
) -> Iterator[Altered]:
    """Another route in the same form of the word."""
    for route, *others in _ROUTES:
        match = re.search(rf"\b{route}\b", text, re.IGNORECASE)
        if match:
            for other in others:
                yield Altered(f"{route} to other", _replaced(text, match, other))
            return


def drugs(
    text: str, sentence: Sentence, names: Mapping[str, str], luck: random.Random
) -> Iterator[Altered]:
    """A look-alike, another medicine of the store or of the passage, or the label's own.

    `names` gives the substance of each name of one word.
    """
    held = [match for match in re.finditer(r"[^\W\d_]{4,}", text) if match[0].lower() in names]
    if not held:
        return
    match = luck.choice(held)
    group = names[match[0].lower()]
    nearest = process.extract(match[0].lower(), list(names), scorer=OSA.distance, limit=12)
    alike = next((name for name, _, _ in nearest if names[name] != group), None)
    beside = sorted(
        {word for word in re.findall(r"[^\W\d_]{4,}", sentence.passage.lower()) if word in names}
    )
    beside = [word for word in beside if names[word] != group]
    own = subject_name(sentence.title)
    choices = {
        "the label's own": own if own and group != sentence.group else None,
        "look-alike": alike,
        "other of the store": luck.choice([name for name in names if names[name] != group]),
        "other of the passage": luck.choice(beside) if beside else None,
    }
    for change, other in choices.items():
        if other:
            yield Altered(change, _replaced(text, match, other))


def negation(
    text: str, sentence: Sentence, names: Mapping[str, str], luck: random.Random
) -> Iterator[Altered]:
    """A negation removed, and one added."""
    for change, table in (("removed", _NEGATED), ("added", _AFFIRMED)):
        found = [row for row in table if re.search(row[0], text)]
        if found:
            pattern, other = luck.choice(found)
            yield Altered(f"{change}: {other}", re.sub(pattern, other, text, count=1))


def populations(
    text: str, sentence: Sentence, names: Mapping[str, str], luck: random.Random
) -> Iterator[Altered]:
    """Another age group or condition in the place of the sentence's."""
    for population, other in _POPULATIONS:
        match = re.search(rf"\b{population}\b", text, re.IGNORECASE)
        if match:
            yield Altered("another in its place", _replaced(text, match, other))
    yield from _spliced(text)


def _spliced(text: str) -> Iterator[Altered]:
    """A population with the amount of the one named after it: "Adults 400 mg, children 200 mg"."""
    named = list(_NAMED.finditer(text))
    for first, second in itertools.pairwise(named):
        between, behind = text[first.end() : second.start()], text[second.end() :]
        amount, other = _DOSE.search(between), _DOSE.search(behind)
        if first[0].lower() != second[0].lower() and amount and other and amount[0] != other[0]:
            yield Altered("amount of another", text[: first.end()] + behind)


def splices(
    text: str, sentence: Sentence, names: Mapping[str, str], luck: random.Random
) -> Iterator[Altered]:
    """An amount where the sentence has another of the same unit, the words between left out."""
    for first, second in itertools.pairwise(_DOSE.finditer(text)):
        between = text[first.end() : second.start()]
        same_unit = first[0].split()[-1] == second[0].split()[-1]
        if same_unit and first[0] != second[0] and len(_WORD.findall(between)) >= 3:
            yield Altered("words between left out", text[: first.start()] + text[second.start() :])


def frequencies(
    text: str, sentence: Sentence, names: Mapping[str, str], luck: random.Random
) -> Iterator[Altered]:
    """Another interval, another number of times, or an interval for a number of times."""
    for pattern, other in _FREQUENCIES:
        match = re.search(pattern, text)
        if match:
            yield Altered(
                other, match.expand(other).join((text[: match.start()], text[match.end() :]))
            )


Alteration = Callable[[str, Sentence, Mapping[str, str], random.Random], Iterator[Altered]]
KINDS: dict[str, Alteration] = {
    "numbers": numbers,
    "units": units,
    "routes": routes,
    "drugs": drugs,
    "negation": negation,
    "frequencies": frequencies,
    "populations": populations,
    "splices": splices,
}
