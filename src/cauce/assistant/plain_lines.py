"""Facts as short lines: one idea a line, said to the reader, in usual words."""

from __future__ import annotations

import re

from cauce.assistant.plain_ideas import CIRCUMSTANCE, JOINING, LONG_LINE_WORDS, has_verb, ideas_of
from cauce.assistant.plain_words import PlainWriter
from cauce.knowledge.facts.facts import Fact
from cauce.records import Language

LETTERS_OF_ABBREVIATIONS = 4
"""Capitals of more letters a word are a title in capitals; of fewer, a list of abbreviations."""

_CONTRAINDICATED = {
    "en": re.compile(
        r"^(?P<name>[^,.:;]{2,80}?) (?:is|are) contraindicated(?: for use)?"
        r"(?: in| for)?(?: the following)?\s*:?\s*(?P<rest>.*)$",
        re.IGNORECASE,
    ),
    "es": re.compile(
        r"^(?P<name>[^,.:;]{2,80}?) está contraindicad[oa]s?(?: en)?\s*:?\s*(?P<rest>.*)$",
        re.IGNORECASE,
    ),
}
_SAYS_NO = re.compile(
    r"\b(?:not|no|contraindicat\w+|contraindicad\w+|avoid\w*|evit\w+|nunca|never)\b", re.IGNORECASE
)
_DO_NOT_USE: dict[Language, str] = {"en": "Do not use it in case of: ", "es": "No se usa si hay: "}
_NOT_USED: dict[Language, str] = {"en": "Do not use it ", "es": "No se usa "}
_CONDITION = re.compile(
    r"^(?:(?:in|for|with|en|con) (?:patients|people|those|children|women|females|the presence"
    r"|pacientes|personas|niños|mujeres|caso)|when|if|during|si|durante|cuando)\b",
    re.IGNORECASE,
)
_ADDS = re.compile(r"^(?:también|además|solo|sólo|para|lo|also|besides|only|for)\b", re.IGNORECASE)
"""Opens a sentence of its own, never the bare name of a condition."""
_NOTHING = re.compile(r"^(?:none|ninguna|[\W\d]*)\W*$", re.IGNORECASE)
_RELATIVE = re.compile(r"^\w+ (?:who|whose|in whom|that|que)\b", re.IGNORECASE)
_PEOPLE = re.compile(
    r"^(?:patients|people|children|women|females|pacientes|personas|niños|mujeres)\b", re.IGNORECASE
)
_EXAMPLES = re.compile(
    r"\s*\((?P<mark>e\.?\s?g\.?|for example|such as|p\.?\s?ej\.?|por ejemplo|including"
    r"|i\.e\.)[,:]?\s+"
    r"(?P<examples>[^()]*)\)",
    re.IGNORECASE,
)
_FOR_EXAMPLE: dict[Language, str] = {"en": "For example: ", "es": "Por ejemplo: "}
_INCLUDES: dict[Language, str] = {"en": "This includes: ", "es": "Esto incluye: "}
_THAT_IS: dict[Language, str] = {"en": "That is: ", "es": "Es decir: "}
_LABELS = {
    "clinical impact": "What happens",
    "clinical effect": "What happens",
    "clinical effects": "What happens",
    "clinical implication": "What happens",
    "clinical implications": "What happens",
    "intervention": "What to do",
    "prevention or management": "What to do",
    "prevention and management": "What to do",
    "example": "Examples",
    "examples": "Examples",
    "impacto clínico": "Qué ocurre",
    "ejemplo": "Ejemplos",
    "ejemplos": "Ejemplos",
}
_LABEL = re.compile(
    rf"^(?P<label>{'|'.join(sorted(_LABELS, key=len, reverse=True))})\s*:?\s+(?P<rest>.+)$", re.I
)

_TURNS: dict[Language, tuple[tuple[re.Pattern[str], str], ...]] = {
    "en": tuple(
        (re.compile(pattern, re.IGNORECASE), turned)
        for pattern, turned in (
            (
                r"^(?:the )?(?:concomitant |concurrent )?use of ([^.,;:]{2,90}) should be avoided",
                r"Avoid using \1",
            ),
            (r"^([^.,;:]{2,70}?) should be avoided\b", r"Avoid \1"),
            (r"^([^.,;:]{2,70}?) should be used with caution\b", r"Use \1 with caution"),
            (r"^([^.,;:]{2,50}?) should be administered\b", r"Give \1"),
            (r"^([^.,;:]{2,50}?) should be taken\b", r"Take \1"),
            (r"^([^.,;:]{2,50}?) should not be administered\b", r"Do not give \1"),
            (r"^([^.,;:]{2,50}?) (?:should|must) not be (?:used|taken)\b", r"Do not use \1"),
            (r"^([^.,;:]{2,60}?) should be monitored\b", r"Monitor \1"),
            (r"^it is recommended (?:that|to) ", ""),
            (
                r"^(?:the )?recommended ((?:starting|initial|maximum|daily|adult|oral"
                r"|total) )*(?:dose|dosage)"
                r" of ([^.,;:]{2,60}?) (?:is|are) ",
                r"Recommended dose of \2: ",
            ),
        )
    ),
    "es": tuple(
        (re.compile(pattern, re.IGNORECASE), turned)
        for pattern, turned in (
            (r"^se debe evitar (?:el |la )?", "Evite "),
            (r"^se debe tener precaución\b", "Tenga precaución"),
            (r"^no se debe (?:administrar|dar) ", "No dé "),
            (r"^no se deben? (?:usar|utilizar) ", "No use "),
            (r"^la dosis recomendada es (?:de )?", "Dosis recomendada: "),
            (
                r"^la dosis recomendada de ([^.,;:]{2,60}?) es (?:de )?",
                r"Dosis recomendada de \1: ",
            ),
        )
    ),
}
_PROPER = re.compile(r"^(?:[A-ZÁÉÍÓÚÑ][^\sa-z]|[A-Z][a-z]+[A-Z])")
_ALTERNATIVE: dict[Language, str] = {"en": "Or:", "es": "O bien:"}


def lines_of(fact: Fact, language: Language, writer: PlainWriter) -> list[str]:
    """The fact in short plain lines, in the order of its words.

    >>> from cauce.knowledge.facts.facts import facts_of
    >>> text = "Strong inhibitors (e.g., ritonavir) should be avoided; monitor for hypotension."
    >>> (fact,) = facts_of("interactions", text, "en", medicines_of=lambda said: set())
    >>> lines_of(fact, "en", PlainWriter("en"))
    ... # doctest: +NORMALIZE_WHITESPACE
    ['Avoid strong blocking medicines (inhibitors).', 'For example: ritonavir.',
     'Monitor for low blood pressure (hypotension).']
    """
    text = _calm(fact.text)
    if fact.kind == "heading":
        return [_closed(writer.write(_unnumbered(text)).rstrip(".:"), ":")]
    if text.strip(" .:").lower() in ("o", "or"):
        return [_ALTERNATIVE[language]]
    text, examples = _without_examples(text, language)
    labelled, label = _labelled(text)
    ideas = list(ideas_of(labelled, language))
    lines: list[str] = []
    for place, idea in enumerate(ideas):
        line = _opened(fact, idea, language, is_first=place == 0)
        lines.append(f"{label}: {line}" if label and place == 0 else line)
    place = 1 if examples else 0
    lines[place:place] = examples
    return [_finished(writer.write(line)) for line in lines if line.strip(" .;,")]


def _calm(text: str) -> str:
    """`text` without shouting: capitals throughout are read slowly."""
    letters = [letter for letter in text if letter.isalpha()]
    shouted = sum(letter.isupper() for letter in letters) > 0.7 * len(letters)
    text = (
        text.removeprefix("| ")
        .replace("®", "")
        .replace("™", "")
        .replace(" | ", ": ", 1)
        .replace(" | ", "; ")
    )
    words = text.split()
    is_title = shouted and len(words) > 2 and len(letters) > LETTERS_OF_ABBREVIATIONS * len(words)
    return text.lower() if is_title else text


def _unnumbered(text: str) -> str:
    return re.sub(r"^\d{1,2}(?:\.\d{1,2})*\.?\s+", "", text)


def _without_examples(text: str, language: Language) -> tuple[str, list[str]]:
    """The text without the examples in brackets, and a line for each such bracket."""
    if len(text.split()) <= LONG_LINE_WORDS // 2:
        return text, []
    examples = [_introduced(match, language) for match in _EXAMPLES.finditer(text)]
    if len(examples) != 1:
        return text, []
    return _EXAMPLES.sub("", text), examples


def _introduced(match: re.Match[str], language: Language) -> str:
    mark = match["mark"].lower()
    names = _INCLUDES if mark == "including" else _THAT_IS if mark == "i.e." else _FOR_EXAMPLE
    return names[language] + match["examples"].strip(" ,;")


def _labelled(text: str) -> tuple[str, str]:
    """The text without the label of its table's row, and that label in usual words."""
    found = _LABEL.match(text)
    return (found["rest"], _LABELS[found["label"].lower()]) if found else (text, "")


def _opened(fact: Fact, idea: str, language: Language, *, is_first: bool) -> str:
    """The idea as an instruction: what must not be done, what to do."""
    idea = JOINING.sub("", idea)
    if fact.kind == "contraindication" and is_first and " | " not in fact.text:
        return _forbidden(idea, language)
    for pattern, turned in () if idea.endswith(":") else _TURNS[language]:
        if found := pattern.match(idea):
            return _lower_first_after(found.expand(turned)) + idea[found.end() :]
    return idea


def _forbidden(idea: str, language: Language) -> str:
    """A contraindication, said as such even where only the condition was printed."""
    found = _CONTRAINDICATED[language].match(idea)
    if found and found["rest"]:
        name = found["name"]
        lead = f"Do not use {name}: " if language == "en" else f"No use {name}: "
        return lead + found["rest"]
    if _SAYS_NO.search(idea) or _NOTHING.match(idea):
        return idea
    if CIRCUMSTANCE.match(idea):
        return _NOT_USED[language] + _lowered(idea) if _is_condition(idea) else idea
    if _PEOPLE.match(idea) and (_RELATIVE.search(idea) or not has_verb(idea, language)):
        return f"{_NOT_USED[language]}{'in' if language == 'en' else 'en'}: {_lowered(idea)}"
    if has_verb(idea, language) or idea.endswith(":") or _ADDS.match(idea):
        return idea
    return _DO_NOT_USE[language] + _lowered(idea)


def _is_condition(idea: str) -> bool:
    """True for "in patients who smoke", "if you smoke"; False for "If you smoke, tell a doctor".

    A list's item opens in lower case; a sentence with a comma may say something else after it.
    """
    return idea[:1].islower() or ("," not in idea and bool(_CONDITION.match(idea)))


def _lower_first_after(turned: str) -> str:
    """The words after an instruction's verb, without the capital that opened the sentence."""
    verb, space, rest = turned.partition(" ")
    return (
        verb
        + space
        + (_lowered(rest) if verb in ("Avoid", "Use", "Give", "Take", "Monitor") else rest)
    )


def _lowered(text: str) -> str:
    if _PROPER.match(text):
        return text
    return text[:1].lower() + text[1:]


def _finished(line: str) -> str:
    line = line.strip(" ;,")
    opened = line[:1].upper() + line[1:]
    return opened if opened.endswith((".", "!", "?", ":", "…")) else _closed(opened, ".")


def _closed(line: str, mark: str) -> str:
    return line[:1].upper() + line[1:] + mark
