"""How a person's words are read: as they sound, and without who is meant.

An alarm must not hang on spelling, on a telephone's shorthand, on sex, age or the Spanish of one
country. `plain` is what the rules read; `neutral` is what the classifier reads.
"""

from __future__ import annotations

import functools
import re
import unicodedata

from cauce.knowledge.words import fold

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_SPACED = re.compile(r"(?<!\w)(?:\w([ .\-_*·])\w(?:\1\w){3,})(?!\w)")
_GEMINATE = re.compile(r"l[·.•-]l", re.IGNORECASE)
_DRAWN_OUT = re.compile(r"(\w)\1{2,}")
_BREAK = re.compile(r"[.?!;:\n¿¡…()\"«»“”]+")
_WORD = re.compile(r"[^\W_]+|\.")
_DIGITS_FOR_LETTERS = str.maketrans("013457", "oieast")
_DISGUISED = re.compile(r"^[a-z]+[013457][a-z]+(?:[013457][a-z]*)*$")

_SHORTHAND = {
    "k": "que", "q": "que", "ke": "que", "xq": "porque", "pq": "porque", "xk": "porque",
    "x": "por", "xfa": "por favor", "porfa": "por favor", "m": "me", "d": "de", "t": "te",
    "toy": "estoy", "ta": "esta", "tas": "estas", "tngo": "tengo", "pa": "para", "na": "nada",
    "to": "todo", "tb": "tambien", "tmb": "tambien", "ma": "me ha", "sa": "se ha", "cn": "con",
    "n": "en", "u": "you", "r": "are", "ur": "your", "pls": "please", "plz": "please",
    "wanna": "want to", "gonna": "going to", "kms": "kill myself", "im": "i am", "ive": "i have",
    "dont": "do not", "cant": "can not", "wont": "will not", "isnt": "is not", "hes": "he is",
    "shes": "she is", "didnt": "did not", "doesnt": "does not", "mui": "muy", "i": "i",
    "vro": "bro", "ppal": "principal", "msj": "mensaje", "dnd": "donde", "tdo": "todo",
    "er": "el", "der": "del", "mu": "muy", "muxo": "mucho", "mxo": "mucho",
}  # fmt: skip
_CONTRACTED = (
    (re.compile(r"\b([a-z]+)n['’]t\b"), r"\1 not"),
    (re.compile(r"\bi['’]m\b"), "i am"),
    (re.compile(r"\b(he|she|it|they|who|that|there)['’]s\b"), r"\1 is"),
    (re.compile(r"['’](ve|re|ll|d)\b"), r" \1"),
    (re.compile(r"\bca not\b"), "can not"),
    (re.compile(r"\bwo not\b"), "will not"),
)
"""What stands between two words in English, so that shorthand without it reads the same."""

_KIN = re.compile(
    r"""\b(?:padre|madre|papa|mama|papi|mami|viejo|vieja|abuelo|abuela|abuelito|abuelita|abu|yayo
    |yaya|iaio|iaia|avi|avia|hijo|hija|hijito|hijita|nieto|nieta|net|neta|hermano|hermana|hermanito
    |hermanita|marido|mujer|esposo|esposa|senora|senor|suegro|suegra|sogre|sogra|yerno|nuera|tio|tia
    |tiet|tieta|oncle|primo|prima|cunado|cunada|novio|novia|polola|pololo|pareja|pare|mare|fill
    |filla|germa|germana|marit|home|dona|parella|xicot|xicota|dad|da|mum|mam|mom|mother|father|mummy
    |daddy|grandad|grandpa|grandma|gran|granny|nan|grandmother|grandfather|son|daughter|brother
    |sister|husband|wife|partner|boyfriend|girlfriend|uncle|aunt|grandson|granddaughter|niece
    |nephew|sobrino|sobrina|nebot|neboda|padrastro|madrastra|padrastre|madrastra|stepdad|stepmum
    |jefa|jefe|companero|companera|amigo|amiga|amic|amiga|friend|mate|flatmate|vecino|vecina|vei
    |veina|neighbour|neighbor|residente|resident|viudo|viuda)\b""",
    re.VERBOSE,
)
_CHILD = re.compile(
    r"""\b(?:nino|nina|ninos|ninas|bebe|bebes|nene|nena|crio|cria|peque|pequeno|pequena|chaval|chavala
    |guagua|chamaco|chamaca|chavo|chava|pibe|piba|gurrumino|wawa|nen|nens|xiquet|xiqueta|nadons?
    |petit|petita|criatura|baby|babies|toddler|kid|kids|child|children|infant|little one|boy|girl
    |lactante|anciano|anciana|ancia)\b""",
    re.VERBOSE,
)
_AGE = re.compile(
    r"\b(?:de |d |aged? )?(?:\d+|un|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez)"
    r" (?:anos|anyos|anitos|anys|years? old|year olds?|yo)\b"
)
_PLACE = re.compile(r"\b(?:celular|movil|telefono|mobil|telefon|phone|mobile)\b")
_FILLERS = re.compile(r"\b(?:che|weon|guey|wey|parce|pues|po|mijo|mija|mijita|oye|ala|vale|joer)\b")
_DROPPED = frozenset(
    "el la los las els les un una unos unas uns unes lo li le les the a an l".split()  # noqa: SIM905
)
_SAME = {
    "al": "a", "als": "a", "del": "de", "dels": "de", "pel": "per", "pels": "per",
    "she": "he", "his": "her", "him": "her", "hers": "her", "herself": "himself",
    "meu": "mi", "meva": "mi", "meua": "mi", "meus": "mi", "meves": "mi", "meues": "mi",
    "my": "mi", "mis": "mi", "seva": "seu", "seua": "seu", "seves": "seu", "seus": "seu",
    "hui": "avui",
    "vos": "tu", "tenes": "tienes", "queres": "quieres", "podes": "puedes", "sos": "eres",
    "sabes": "sabes", "ustedes": "vosotros", "enojado": "enfadado", "enojada": "enfadada",
    "enoja": "enfada", "carro": "coche", "auto": "coche", "remedio": "medicina", "remedios":
    "medicina", "plata": "dinero", "guata": "barriga", "panza": "barriga", "chueca": "torcida",
    "chueco": "torcido", "platicar": "hablar", "jalar": "tirar", "ahorita": "ahora", "orita":
    "ahora", "agarro": "cogio", "agarra": "coge", "feo": "mucho", "recien": "acaba",
    "este": "este", "aquest": "este", "d'este": "este", "tomo": "tomo", "nomas": "solo",
}  # fmt: skip
"""What differs with the sex of who is meant or with the country of who speaks."""


@functools.lru_cache(1 << 8)
def spelt(text: str) -> str:
    """The words in full, in lower case without accents, `.` between sentences.

    >>> spelt("Me k i e r o MORIIIR!!! xfa")
    'me kiero morir . por favor'
    """
    seen = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    seen = fold(_GEMINATE.sub("l", _SPACED.sub(_joined, seen)))
    for contracted, full in _CONTRACTED:
        seen = contracted.sub(full, seen)
    found = _WORD.findall(_BREAK.sub(" . ", _DRAWN_OUT.sub(r"\1", seen)))
    full_words = " ".join(_in_full(word) for word in found)
    return re.sub(r"^(?:\. ?)+|\.(?: \.)+|(?: \.)+$", _one_break, full_words)


def plain(text: str) -> str:
    """The words as they sound: what the rules read.

    >>> plain("¡Me KIERO morir! Haogado...")
    'me kiero morir . aogado'
    """
    return sounded(spelt(text))


def neutral(text: str) -> str:
    """The words as they sound, without sex, age and country: what the classifier reads.

    >>> neutral("mi abuela de 83 años está cansada") == neutral("mi hijo de 7 años está cansado")
    True
    """
    seen = _AGE.sub("", _FILLERS.sub("", spelt(text)))
    seen = _PLACE.sub("telefono", _KIN.sub("familiar", _CHILD.sub("familiar", seen)))
    words = (_SAME.get(word, word) for word in seen.split() if word not in _DROPPED)
    return sounded(" ".join(_ending(word) for word in words))


def sounded(text: str) -> str:
    """Spelled by sound: what Spanish and Catalan speakers confuse is written one way.

    Applied to texts and to the letters of patterns alike.

    >>> sounded("ahogando hauogando vez bes quiero kiero")
    'aogando auogando bes bes kiero kiero'
    """
    text = re.sub(r"qu(?=[ei])|q|c(?![eiy])", "k", text)
    text = text.replace("c", "s").replace("z", "s").replace("v", "b").replace("h", "")
    text = text.replace("ll", "y").replace("mb", "nb").replace("mp", "np")
    return re.sub(r"([a-z])\1", r"\1", text)


def _joined(spaced: re.Match[str]) -> str:
    return spaced[0].replace(spaced[1], "")


def _one_break(breaks: re.Match[str]) -> str:
    at_an_end = breaks.start() == 0 or breaks.end() == len(breaks.string)
    return "" if at_an_end else "."


def _in_full(word: str) -> str:
    if _DISGUISED.match(word):
        word = word.translate(_DIGITS_FOR_LETTERS)
    return _SHORTHAND.get(word, word)


@functools.lru_cache(1 << 13)
def _ending(word: str) -> str:
    """Without the ending that tells a man from a woman: `cansad` for cansado, cansada, cansat."""
    if len(word) < 4 or word.isdigit():
        return word
    word = re.sub(r"(?<=..)(?:os|as|es|a|o|e)$", "", word)
    return re.sub(r"(?<=..[aiu])t$", "d", word)
