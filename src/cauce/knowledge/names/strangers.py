"""Words that stand where a medicine would and are in no list: what to say was looked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from cauce.knowledge.names.said import Said
from cauce.knowledge.words import is_common_word, is_function_word

_CUES = re.compile(
    r"\b(?:dos(?:e|es|is|ing)|dosage|posolog\w*|effects?|efectos?|risks?|riesgos?|adverse|reaccion\w*|sirven?|tratan?"
    r"|treats?|used for|use of|used?|uso|usar|usa|indica\w*|contraindica\w*|intera\w*|tom(?:o|a|ar"
    r"|e|an|as|ado|ando|arlo|emos)|takes?|taken|taking|took|embaraz\w*|pregnan\w*|breast\w*"
    r"|lactancia|conduc\w*|coche|car|driv\w*|overdos\w*|sobredosis|stor\w*|conserv\w*|guard\w*"
    r"|almacen\w*|contains?|contiene|ingredient\w*|prescri\w*|recet\w*|pastillas?|tablets?|pills?"
    r"|capsul\w*|comprimid\w*|jarabe|medic\w*|drugs?|farmac\w*|prospecto|leaflet|forget|olvid\w*"
    r"|alcohol|mix\w*|mezcl\w*|combin\w*|composi\w*|excipient\w*|strengths?|warnings?|advertenc\w*"
    r"|precau\w*|inject\w*|inyec\w*|keep|kept|tragado|swallow\w*|hecho|molestias?|discomfort"
    r"|formas?|forms?|presenta\w*|forbidden|prohibid\w*)\b"
    r"|\bwhat is .* for\b|\bwhat is in\b|\bpara que\b"
)
"""What is asked of a medicine, in folded words."""

_ASKING_WORDS = "side secundarios adversos safe seguro segura ok max maximum maxima"
_ASKING = frozenset(_ASKING_WORDS.split())
_VERBS = "take takes taking taken took swallowed tomo toma tomar tome tomado tomando usar uso"
_TAKEN = frozenset(_VERBS.split())
_ARTICLES = frozenset(("el", "la", "los", "las", "un", "una", "the", "some", "of", "de", "del"))
_JOINED = frozenset(("y", "e", "o", "u", "and", "or", "with", "con", "plus"))

_INN_ENDING = re.compile(
    r"\w{3,}(?:azole?|pril|sartan|vastatina?|umab|ximab|zumab|tinib|rafenib|ciclib|parib|cillin"
    r"|cilina|mycin|micina|floxacino?|olol|azepam|zolam|caine|caina|ciclovir|tegravir|buvir|navir"
    r"|gliptina?|gliflozina?|glutida?e?|dipine|dipino|xaban|grel|triptan|setron|profeno?|tidine"
    r"|tidina|thiazide|tiazida|oxetine|oxetina|semide?a?|barbital|cycline|ciclina|sporin[ea]?"
    r"|platin[oa]?|taxel|rubicina?|trexate|trexato|lukast|dronate|dronato|prost|vaptan|tretin)"
)
"""Stems by which international names tell the kind of their substance."""

_AILMENT_ENDING = re.compile(
    r"\w{2,}(?:itis|osis|emia|aemia|omas?|pat(?:hy|ia)s?|algia|uria|plasia|plegia|trophy|trofia"
    r"|penia|rrhea|rrea|ismo?|sclerosis|syndrome|dromo|phobia|fobia|ectomy|ectomia|scopy|scopia"
    r"|graphy|grafia|[ct]ion|dad|mente|ity|ness|ally|logia|logy|logist|logo|cyte|cito|ceae|virus"
    r"|coccus|cocos?|bacter|bacteria|tomy|tomia|ous|ical|ncia|nce|ando|endo|ados?|adas?|idos"
    r"|arlo|erlo|irlo|arla|aron|ieron|amos|emos|imos|ing|ed|ful|less|able|ible|ency|ancy)"
)
"""Endings of ailments, of living things and of inflected words, of which names have none."""

_AILMENT_NEIGHBOURS = frozenset(
    """
    syndrome disease disorder sindrome enfermedad trastorno cancer carcinoma anemia dystrophy
    deficiency infection infeccion fever fiebre virus gene genes tumor tumour palsy
    """.split()  # noqa: SIM905
)
SHORTEST_STRANGER_LETTERS = 5
MOST_BARE_WORDS = 2
"""A question of no more words, but function words, asks about them: `¿Y el xylofenazol?`."""


class Stranger(NamedTuple):
    """Neighbouring words that are in no list and stand where a medicine would."""

    start: int
    words: tuple[str, ...]


def strangers(
    said: Said,
    taken: AbstractSet[int],
    is_usual: Callable[[str], bool],
    *,
    beside_medicines: bool,
) -> list[Stranger]:
    """The strangers among the words whose places are not in `taken`.

    `beside_medicines`: those places name medicines, so that the question is not in want of one and
    a stranger must be joined to one, follow a verb of taking, or end as medicines do.
    """
    named = taken if beside_medicines else None
    found: list[Stranger] = []
    for place, word in enumerate(said.words):
        if place in taken or not _is_stranger(said, place, is_usual, named):
            continue
        if found and found[-1].start + len(found[-1].words) == place:
            found[-1] = found[-1]._replace(words=(*found[-1].words, word))
        else:
            found.append(Stranger(place, (word,)))
    return found


def _is_stranger(
    said: Said, place: int, is_usual: Callable[[str], bool], named: AbstractSet[int] | None
) -> bool:
    word = said.words[place]
    if not could_name_a_medicine(word) or is_common_word(word):
        return False
    if ends_as_a_medicine(word):
        return True
    if _is_beside_an_ailment(said.words, place):
        return False
    if is_usual(word):
        return named is None and _is_capital(said, place) and is_asked_of(said, place, place + 1)
    if named is not None:
        return _is_taken_or_joined(said.words, place, named)
    others = [other for other in said.words if not is_function_word(other)]
    return len(others) <= MOST_BARE_WORDS or asks_about_a_medicine(said.folded)


def asks_about_a_medicine(folded: str) -> bool:
    """True when the folded text asks what one asks of medicines: a dose, an effect, a use."""
    return _CUES.search(folded) is not None


def _is_capital(said: Said, place: int) -> bool:
    return place in said.capitals or (place == 0 and said.opens_with_capital)


def is_asked_of(said: Said, start: int, stop: int) -> bool:
    """True when all other words only ask something of those: `what is X used for`, `dose of X`."""
    others = [*said.words[:start], *said.words[stop:]]
    return asks_about_a_medicine(said.folded) and all(
        is_function_word(word) or word in _ASKING or _CUES.fullmatch(word) for word in others
    )


def could_name_a_medicine(word: str) -> bool:
    """False for short words, numbers, and the endings of ailments and of inflected words."""
    return (
        len(word) >= SHORTEST_STRANGER_LETTERS
        and word.isalpha()
        and not _AILMENT_ENDING.fullmatch(word)
    )


def ends_as_a_medicine(word: str) -> bool:
    """True for a word with the ending of an international name.

    >>> ends_as_a_medicine("xylofenazol"), ends_as_a_medicine("colesterol")
    (True, False)
    """
    return _INN_ENDING.fullmatch(word) is not None


def _is_beside_an_ailment(words: Sequence[str], place: int) -> bool:
    """True in `síndrome de X`, `X syndrome`: X names no medicine."""
    before = [word for word in words[max(0, place - 3) : place] if word not in _ARTICLES][-1:]
    near = (*before, *words[place + 1 : place + 3])
    return any(word in _AILMENT_NEIGHBOURS for word in near)


def _is_taken_or_joined(words: Sequence[str], place: int, named: AbstractSet[int]) -> bool:
    """True right after a verb of taking, or joined to a word of `named`, the medicines' places."""
    before = place - 1
    while before >= 0 and words[before] in _ARTICLES:
        before -= 1
    if before >= 0 and words[before] in _TAKEN:
        return True
    if before >= 0 and words[before] in _JOINED:
        return before - 1 in named
    after = place + 1
    if after < len(words) and words[after] in _JOINED:
        after += 1
        while after < len(words) and words[after] in _ARTICLES:
            after += 1
        return after in named
    return False
