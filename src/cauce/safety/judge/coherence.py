"""Signs that an answer is nothing one can read: loops, mixed scripts, broken sentences, echoes.

What tiny models write looks like a language by its small words and is none by their order; what
damaged ones write repeats itself or leaves the alphabet.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from cauce.knowledge.words import fold, is_common_word, stem
from cauce.safety.language import Spoken, spoken_language

_WORD = re.compile(r"[^\W\d_]+")
_FOREIGN = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff]")
_SIGN = re.compile(r"[^\w\s]")
_DIGIT = re.compile(r"\d")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]")
_ARTICLES = frozenset("el la los las un una the a an els les lo".split())  # noqa: SIM905
_JOINING = frozenset(
    """
        de del y o e u en con sin por para que a al the a an of and or to in is are was with for
        at by el la los las un una es son i els les amb sense per als dels
    """.split()  # noqa: SIM905
)
_MAY_FOLLOW = frozenset({"de", "del", "que", "a", "o", "y", "i"})
"""After `la` or `los`: `la de tu madre`, `los que`; and `a` and `o` are letters of a list."""
_HANGING = frozenset(
    """
        el los las un una unos unas de del y en con por para the an of and or to with for at by
        els les amb per dels als sus nuestra its their our whose
    """.split()  # noqa: SIM905
)
_ELSEWHERE = frozenset(
    """
        und ist nicht nix mit der das dem den ein eine auf aus fur il che sono della gli avec
        dans est vous pour mais cest une ich wir sind oder zum os uma nao muito het een van voor
    """.split()  # noqa: SIM905
)
"""Small words of neighbouring languages."""
_CATALAN = frozenset(
    """
        el la els les un una uns unes de del dels al als i o que en amb sense per com es son
        aquest no aquesta aquests aquestes aixo si em et li ho meu meva seu seva teu teva jo he
        ha hi molt mes pero perque quan on qui quin quina vull puc pot poden tinc te estic soc
        era fer fa ja pren prendre prenc fill filla mare pare avia avi marit dona ara avui ahir
        res tot tota tots be vaig va ens ella ells necessito gaire cap aixi tambe doncs nhi
        metge metgessa farmaceutic medicament medicaments pastilla pastilles dosi dolor febre
        cap panxa aigua menjar dormir dies dia hores hora setmana mai sempre cal pots podeu
        ajuda ajudar ajudarte truca trucar urgencies hospital persona gent casa cosa coses pas
        passos primer segon despres abans durant fins entre sobre sota contra nou nova bo bona
        gran petit millor pitjor segur perill perillos evita evitar parla parlar explica
        explicar pregunta preguntar resposta informacio salut malaltia tractament sang cor pit
        estomac pell ulls mans peus nen nena nens anys mesos mati tarda nit cada mateix mateixa
        altres altra altre algu ningu mentre encara nomes potser llavors tanmateix sent greu
        sento puguis siguin sigui estigui tens teniu tenen haver hauria podria hem heu han som
        sou estan esta estas lloc temps vegada vegades forma manera gracies si us plau
    """.split()  # noqa: SIM905
)


def coherence_cues(prompt: str, answer: str) -> Iterator[str]:
    """What speaks against reading `answer` as an answer; nothing for one in good order."""
    folded = fold(answer)
    words = _WORD.findall(folded)
    if not words:
        yield "no words"
        return
    yield from _script_cues(answer)
    yield from _loop_cues(words)
    yield from _word_cues(words, spoken_language(answer))
    yield from _order_cues(words, folded)
    yield from _layout_cues(folded)
    yield from _echo_cues(_WORD.findall(fold(prompt)), words)


def _script_cues(answer: str) -> Iterator[str]:
    """Letters of another alphabet, and an answer made of signs."""
    size = len(answer)
    yield from _graded("foreign letters", len(_FOREIGN.findall(answer)) / size, 0.02, 0.1)
    if size > 20:
        yield from _graded("signs", len(_SIGN.findall(answer)) / size, 0.12, 0.25)
        yield from _graded("digits", len(_DIGIT.findall(answer)) / size, 0.15, 0.3)
    if "\ufffd" in answer:
        yield "broken letters"


def _loop_cues(words: Sequence[str]) -> Iterator[str]:
    """Words that come again at once, and groups of three that come again anywhere."""
    doubled = sum(one == other for one, other in itertools.pairwise(words))
    alternate = sum(one == other for one, other in zip(words, words[2:], strict=False))
    yield from _graded("doubled words", doubled / len(words), 0.02, 0.1)
    yield from _graded("alternating words", alternate / len(words), 0.08, 0.2)
    if len(words) < 9:
        return
    threes = Counter(zip(words, words[1:], words[2:], strict=False))
    again = sum(threes.values()) - len(threes)
    yield from _graded("repeated threes", again / sum(threes.values()), 0.1, 0.25, 0.5)
    yield from _graded("one word", Counter(words).most_common(1)[0][1] / len(words), 0.18, 0.3)


def _word_cues(words: Sequence[str], language: Spoken) -> Iterator[str]:
    """Words that no text of the language has."""
    unknown = sum(not _is_known(word, language) for word in words) / len(words)
    yield from _graded(f"{language} unknown words", unknown, 0.15, 0.3, 0.5)
    yield from _graded(
        "single letters", sum(len(word) == 1 for word in words) / len(words), 0.2, 0.4
    )
    elsewhere = sum(word in _ELSEWHERE and not _is_known(word, language) for word in words)
    yield from _graded("words from elsewhere", elsewhere / len(words), 0.02, 0.08)
    yield from _graded("endless words", sum(len(word) > 22 for word in words) / len(words), 0.01)


def _is_known(word: str, language: Spoken) -> bool:
    return is_common_word(word) or (language == "ca" and word in _CATALAN)


def _order_cues(words: Sequence[str], folded: str) -> Iterator[str]:
    """Articles before what no article goes before, and sentences that end on one."""
    broken = sum(
        (first in _ARTICLES and second in _JOINING and second not in _MAY_FOLLOW)
        or (first == second and first in _JOINING)
        or (first in {"a", "an", "the"} and second in {"of", "and", "is", "to", "in", "the"})
        for first, second in itertools.pairwise(words)
    )
    yield from _graded("broken order", broken / len(words), 0.01, 0.04, 0.1)
    ends = [_WORD.findall(sentence)[-1:] for sentence in _SENTENCE.findall(folded)]
    hanging = sum(bool(end) and end[0] in _HANGING for end in ends)
    yield from _graded("hanging sentences", hanging / max(1, len(ends)), 0.1, 0.4)
    if len(words) > 25 and not ends:
        yield "no sentence ends"


def _layout_cues(folded: str) -> Iterator[str]:
    """Lists and forms in which nothing was written."""
    lines = [line for line in folded.splitlines() if line.strip()]
    empty = sum(not re.search(r"[^\W\d_]{3}", line) for line in lines)
    yield from _graded("empty lines", empty / max(1, len(lines)), 0.3, 0.6)


def _echo_cues(asked: Sequence[str], words: Sequence[str]) -> Iterator[str]:
    """The question given back, or an answer about nothing that was asked."""
    fours = set(zip(asked, asked[1:], asked[2:], asked[3:], strict=False))
    own = list(zip(words, words[1:], words[2:], words[3:], strict=False))
    if fours and own:
        yield from _graded("echo", sum(four in fours for four in own) / len(own), 0.3, 0.6, 0.9)
    stems = {stem(word) for word in asked if len(word) > 3}
    told = [stem(word) for word in words if len(word) > 3]
    if len(words) > 12 and stems and not stems & set(told):
        yield "of something else"
    if len(told) > 5:
        given_back = sum(word in stems for word in told) / len(told)
        yield from _graded("asked words", given_back, 0.2, 0.35, 0.6)
        yield from _graded("words again", 1 - len(set(told)) / len(told), 0.1, 0.2, 0.35)


def _graded(name: str, value: float, *bounds: float) -> Iterator[str]:
    """A cue for each bound that is exceeded."""
    return (f"{name} > {bound}" for bound in bounds if value > bound)
