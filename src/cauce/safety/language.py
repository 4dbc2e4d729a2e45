"""Which language a person writes in: more of them than the documents have."""

from __future__ import annotations

import re

from cauce.knowledge.words import fold
from cauce.records import Spoken

__all__ = ["Spoken", "spoken_language"]

_WORD = re.compile(r"[^\W\d_]+")
_WORDS: dict[Spoken, frozenset[str]] = {
    "es": frozenset(
        """
        el la los las un una unos unas de del al y o que en con sin por para como es son esta este
        esto ese eso no si se me te le lo mi tu su yo he ha hay muy mas pero porque cuando donde
        quien cual quiero puedo puede tengo tiene estoy soy era fue hacer hace ya toma tomar tomo
        hijo hija madre padre mama papa abuela abuelo marido mujer ahora hoy ayer nada todo bien
        mucho mucha vos tenes podes usted ustedes nos les ella ellos dime necesito
        """.split()  # noqa: SIM905
    ),
    "ca": frozenset(
        """
        el la els les un una uns unes de del dels al als i o que en amb sense per com es son aquest
        aquesta aixo no si em et li ho meu meva seu seva jo he ha hi molt mes pero perque quan on
        qui quin quina vull puc pot tinc te estic soc era fer fa ja pren prendre prenc fill filla
        mare pare avia avi marit dona ara avui ahir res tot be molta vaig va ens els ella ells
        digues necessito gaire cap aixi tambe doncs sha nhi
        """.split()  # noqa: SIM905
    ),
    "en": frozenset(
        """
        the a an i of to and or that in on with without for as how is are this it no not if my your
        his her i he she they have has had very more but because when where who which what want
        can could take takes taking took am was were do does did now today yesterday nothing all
        son daughter mother father mum mom dad husband wife much many we you me him them please
        tell need there just so get been be will would should don t s m cant dont im ive wont
        breathe
        """.split()  # noqa: SIM905
    ),
}
_LETTERS: dict[Spoken, re.Pattern[str]] = {
    "es": re.compile(r"[¿¡ñ]|[áúíó]|ción\b"),
    "ca": re.compile(r"[àèòç]|l·l|\b[ld]['’]|ny\b|ció\b"),
    "en": re.compile(r"\w'(?:s|t|m|re|ve|ll|d)\b|\bth|ing\b|\b\w*[kw]\w*"),
}


def spoken_language(text: str) -> Spoken:
    """The language of `text` by its small words and its letters; Spanish where nothing tells.

    >>> [spoken_language(text) for text in ("Me duele el pecho", "Em fa mal el pit", "my chest")]
    ['es', 'ca', 'en']
    """
    lowered = text.lower()
    found = _WORD.findall(fold(lowered))
    scores = {
        language: sum(word in own for word in found)
        + 0.75 * min(len(_LETTERS[language].findall(lowered)), 4)
        for language, own in _WORDS.items()
    }
    return max(_WORDS, key=lambda language: scores[language])
