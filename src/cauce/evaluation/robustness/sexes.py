"""A text in which every man is a woman and every woman a man."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from cauce.evaluation.robustness.tables import SexWords, sex_words
from cauce.safety.language import Spoken

Sex = Literal["woman", "man"]

_WORD = {
    "es": re.compile(r"[^\W\d_]+"),
    "ca": re.compile(r"[^\W\d_]+(?:·[^\W\d_]+)*"),
    "en": re.compile(r"[^\W\d_]+(?:['’]s\b)?"),
}
_MOST_DETERMINERS = 3
_MOST_DEGREES = 2
_LETS_HER_BE_HIM = frozenset(
    """
    up in into to on at with and or for from the a an that this now again is was has down alone if
    when because but so about out off every he she they we i not any some today yesterday
    feel take go do have get sleep eat breathe dizzy sick ill better worse
    """.split()  # noqa: SIM905
)
"""After these, "her" is a person and not whose something is."""
_FOUND = re.compile(
    r"\b(lo|la)(?= (?:(?:he|ha|hemos|han) (?:encontrado|llevado|dejado|cuidado)"
    r"|encuentro|encontré|cuido|llevé)\b)",
    re.IGNORECASE,
)
_CATALAN = (
    (re.compile(r"\b([Ee]l|[Ll]a) (?=(?:avi|àvia|home|oncle|amic|amiga|ancià|anciana)\b)"), "l'"),
    (re.compile(r"\b(a|de|pe)(?:r)?l (?=(?:avi|home|oncle|amic|ancià)\b)"), r"\1 l'"),
    (re.compile(r"\bpe l'"), "per l'"),
    (re.compile(r"\b[Ll]['’](?=(?:tia|dona)\b)"), "la "),
    (re.compile(r"\b[Dd]['’](?=(?:tia|dona)\b)"), "de "),
)


class Swapped(NamedTuple):
    """The sex that a text speaks of first, and the text with every sex exchanged."""

    sex: Sex
    text: str


class _Word(NamedTuple):
    text: str
    gap: str
    """What stands between the word before and this one."""


def sexes_swapped(text: str, language: Spoken) -> Swapped | None:
    """The text with the sexes of its people exchanged; None where it says the sex of nobody.

    >>> sexes_swapped("Mi abuela está mareada por la pastilla", "es").text
    'Mi abuelo está mareado por la pastilla'
    """
    table = sex_words(language)
    words, rest = _words(text, language)
    changed: dict[int, tuple[str, str]] = {}
    for place, word in enumerate(words):
        lower = word.text.lower()
        if (person := _person(words, place, language, table)) is not None:
            changed[place] = person
            changed |= _before(words, place, table)
            changed |= _after(words, place, table)
        elif lower in table.state:
            changed |= _after(words, _past_degrees(words, place, table), table)
    told = [
        sex for place, (new, sex) in sorted(changed.items()) if new != words[place].text.lower()
    ]
    if not told:
        return None
    written = _written(words, {place: new for place, (new, _) in changed.items()}) + rest
    return Swapped("woman" if told[0] == "woman" else "man", _mended(written, language))


def _words(text: str, language: Spoken) -> tuple[list[_Word], str]:
    """The words with the gaps before them, and what follows the last."""
    words, stop = [], 0
    for match in _WORD[language].finditer(text):
        words.append(_Word(match[0], text[stop : match.start()]))
        stop = match.end()
    return words, text[stop:]


def _person(
    words: list[_Word], place: int, language: Spoken, table: SexWords
) -> tuple[str, str] | None:
    lower = words[place].text.lower().replace("’", "'")
    if language == "en" and lower == "her":
        follows = words[place + 1] if place + 1 < len(words) else None
        is_him = follows is None or follows.gap != " " or follows.text.lower() in _LETS_HER_BE_HIM
        return ("him" if is_him else "his"), "woman"
    if (
        lower in table.possessed
        and {w.text.lower() for w in words[max(0, place - 1) : place]} & table.own
    ):
        return table.possessed[lower], "woman"
    if lower.endswith("'s") and lower not in table.people:
        owner = table.people.get(lower.removesuffix("'s"))
        return owner and (f"{owner[0]}'s", owner[1])
    return table.people.get(lower)


def _before(words: list[_Word], place: int, table: SexWords) -> dict[int, tuple[str, str]]:
    """The determiners of the person at `place`, changed."""
    changed = {}
    for earlier in range(place - 1, max(-1, place - 1 - _MOST_DETERMINERS), -1):
        lower = words[earlier].text.lower()
        if lower not in table.before or words[earlier + 1].gap != " ":
            break
        changed[earlier] = table.before[lower]
    return changed


def _after(words: list[_Word], place: int, table: SexWords) -> dict[int, tuple[str, str]]:
    """The adjective right after `place`, changed."""
    following = place + 1
    if following >= len(words) or words[following].gap != " ":
        return {}
    found = table.after.get(words[following].text.lower())
    return {} if found is None else {following: found}


def _past_degrees(words: list[_Word], place: int, table: SexWords) -> int:
    """The last word from `place` on that only says how much."""
    for _ in range(_MOST_DEGREES):
        if place + 1 < len(words) and words[place + 1].text.lower() in table.degree:
            place += 1
    return place


def _written(words: list[_Word], changed: dict[int, str]) -> str:
    """The text with the changed words, "a el" contracted."""
    parts: list[str] = []
    for place, word in enumerate(words):
        new = like(word.text, changed[place]) if place in changed else word.text
        article = changed.get(place) == "el" and word.text.lower() == "la" and word.gap == " "
        if article and parts and parts[-1].lower() in ("a", "de", "per"):
            parts[-1] = like(parts[-1], {"a": "al", "de": "del", "per": "pel"}[parts[-1].lower()])
        else:
            parts += [word.gap, new]
    return "".join(parts)


def like(old: str, new: str) -> str:
    """The new word in capitals as the old one is."""
    if len(old) > 1 and old.isupper():
        return new.upper()
    return new[:1].upper() + new[1:] if old[:1].isupper() else new


def _mended(text: str, language: Spoken) -> str:
    """The text with the pronouns and elisions that follow from the change."""
    if language == "es":
        return _FOUND.sub(
            lambda found: like(found[1], {"lo": "la", "la": "lo"}[found[1].lower()]), text
        )
    if language == "ca":
        for pattern, article in _CATALAN:
            text = pattern.sub(article, text)
    return text
