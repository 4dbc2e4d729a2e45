"""The key phrases of a sentence: what it is about, said in its own words.

A phrase is a noun group, found by the words around it: function words, verbs, adverbs and
punctuation end it, and so does the corpus, which tells adjectives (always before another word) from
nouns. It keeps its article, and "of" may join two. Of all, the ones that tell most are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cauce.corpus.research.lexicon import GENERIC, NOUN_VERBS, STOPS, VERBS
from cauce.corpus.research.vocabulary import TOKEN, Vocabulary
from cauce.knowledge.words import content_words
from cauce.records import Language

MOST_WORDS = 7
"""Of a phrase, its article included."""

_ARTICLES: dict[Language, frozenset[str]] = {
    "en": frozenset({"a", "an", "the"}),
    "es": frozenset({"el", "la", "los", "las", "un", "una"}),
}
_LINKS: dict[Language, frozenset[str]] = {"en": frozenset({"of"}), "es": frozenset({"de", "del"})}
_PREDICATE = frozenset(
    """
    is are was were be been being become becomes remain remains seem seems considered es son era
    eran fue fueron está están sido ser parece parecen se
    """.split()  # noqa: SIM905
)
_BEHIND_NOUNS = frozenset(
    """
    of is are was were be has have had can could may might will would should must and or
    """.split()  # noqa: SIM905
)
_BEFORE_PASTS = frozenset(
    """
    have has had is are was were be been being and or that which who to not we they
    """.split()  # noqa: SIM905
)
_PLURAL = re.compile(r"(?!\w+iens$)\w{3,}[^\Wsuia]s$")
_ADVERB = re.compile(r"(?!family|assembly|supply|anomaly|homely|monopoly|fly)\w{2,}(?:ly|mente)$")
_ADJECTIVE = re.compile(r".*(?:ous|ful|less|[ai]ble|ish|ive|al|ic|lar|ed|ary|est)$")
_NOUNS_LIKE_ADJECTIVES = frozenset(
    """
    animal hospital mammal signal material metal interval chemical survival arrival removal
    potential trial approval individual terminal journal withdrawal capital crystal appraisal
    objective perspective alternative initiative narrative epidemic pandemic clinic topic traffic
    dollar scholar pillar
    logic metric statistic plastic characteristic antibiotic music fabric critic seed breed
    weed library summary boundary forest interest harvest test table cable vegetable fish
    """.split()  # noqa: SIM905
)
_GERUND = re.compile(r"\w{3,}(?:ando|iendo|yendo)$")
_INFINITIVE = re.compile(r"\w{2,}(?:ar|er|ir)$")
_THIRD_PLURAL = re.compile(r"\w{2,}[ae]n$")
_PAST = re.compile(r"\w{2,}(?:aron|ieron|aban|ó)$")


class Phrase(NamedTuple):
    """A noun group of a sentence."""

    text: str
    place: int
    """Of its first word among the sentence's."""
    weight: float
    """What its words tell, in nats."""

    @property
    def beginnings(self) -> set[str]:
        """What tells whether two phrases share a word: the first five letters of each."""
        return {word[:5] for word in content_words(self.text)}


def key_phrases(
    statement: str, count: int, vocabulary: Vocabulary, language: Language
) -> tuple[str, ...]:
    """At most `count` phrases of a statement that share no word, in the order of the statement."""
    chosen: list[Phrase] = []
    for phrase in sorted(noun_groups(statement, vocabulary, language), key=lambda it: -it.weight):
        if all(phrase.beginnings.isdisjoint(other.beginnings) for other in chosen):
            chosen.append(phrase)
        if len(chosen) == count:
            break
    return tuple(phrase.text for phrase in sorted(chosen, key=lambda phrase: phrase.place))


def noun_groups(statement: str, vocabulary: Vocabulary, language: Language) -> Iterator[Phrase]:
    """The noun groups of a statement, in order."""
    found = list(TOKEN.finditer(statement))
    tokens = [match[0] for match in found]
    first = vocabulary.inner_spelling(tokens[0]) if tokens else None
    tokens[:1] = [first or "."]
    runs = _linked(list(_runs(tokens, vocabulary, language)), tokens, language)
    for start, end in runs:
        words = tokens[start:end]
        content = [word for word in words if word.lower() not in STOPS[language] | GENERIC]
        if _is_named(words, content, start, vocabulary) and len(words) <= MOST_WORDS:
            weight = sum(vocabulary.information(word) for word in content)
            yield Phrase(_spelled(statement, found[start:end], words), start, weight)


def _spelled(statement: str, matches: Sequence[re.Match[str]], words: Sequence[str]) -> str:
    text = statement[matches[0].start() : matches[-1].end()]
    return words[0] + text[len(matches[0][0]) :]


def _is_named(
    words: Sequence[str], content: Sequence[str], start: int, vocabulary: Vocabulary
) -> bool:
    """Whether a run says enough to stand alone: two words, or a name that the corpus knows."""
    if not content or len(words) > 3:
        return bool(content)
    if len(content) > 1:
        return True
    has_capital = any(letter.isupper() for letter in content[0][start == 0 :])
    return has_capital and len(content[0]) > 2 and vocabulary.is_known(content[0])


def _runs(
    tokens: Sequence[str], vocabulary: Vocabulary, language: Language
) -> Iterator[tuple[int, int]]:
    """Half-open ranges of the words of each group, its article first."""
    start = 0
    for place in range(len(tokens) + 1):
        if place < len(tokens) and not _ends_group(tokens, place, start, language):
            continue
        is_group = place > start and (language == "es" or _is_head(tokens[place - 1], vocabulary))
        before = tokens[start - 1].lower() if start else ""
        if is_group and before in _ARTICLES[language]:
            yield start - 1, place
        elif is_group and before not in _PREDICATE:
            yield start, place
        start = place + 1


def _ends_group(tokens: Sequence[str], place: int, start: int, language: Language) -> bool:
    token = tokens[place]
    word = token.lower()
    if word.isdigit():
        return place == start or tokens[place + 1 : place + 2] in (["to"], ["and"], ["or"], [","])
    if not word[0].isalnum() or word in STOPS[language] or _ADVERB.match(word):
        return True
    if word in VERBS[language] and token == word:
        return True
    before = tokens[place - 1] if place else "."
    after = tokens[place + 1] if place + 1 < len(tokens) else "."
    if language == "es":
        return _is_spanish_verb(before.lower(), word, place == start)
    if place == start:
        return _opens_with_verb(before.lower(), word)
    return _is_verb_behind_noun(before, word, after.lower())


def _is_spanish_verb(before: str, word: str, opens: bool) -> bool:
    """Whether the ending and the word before tell a verb: no singular noun follows a plural."""
    if _GERUND.match(word) or _PAST.match(word):
        return True
    if opens:
        return bool(_INFINITIVE.match(word)) and before not in _ARTICLES["es"]
    return bool(_THIRD_PLURAL.match(word)) and before.endswith("s")


def _opens_with_verb(before: str, word: str) -> bool:
    """Whether an English word that no noun precedes is a verb all the same."""
    if word.endswith("ed"):
        return before in _BEFORE_PASTS or before.isdigit()
    return word in NOUN_VERBS and before not in STOPS["en"] - _BEFORE_PASTS


def _is_verb_behind_noun(before: str, word: str, after: str) -> bool:
    """Whether an English word behind a noun is what the noun does, and not another noun."""
    if word in NOUN_VERBS and not word.endswith("ed"):
        return after[0].isalnum() and after not in _BEHIND_NOUNS
    return (word.endswith("ed") and len(word) > 4) or (
        before.islower() and bool(_PLURAL.match(before)) and " " not in word
    )


def _is_head(token: str, vocabulary: Vocabulary) -> bool:
    """Whether an English group can end with the word."""
    if any(letter.isupper() or letter.isdigit() for letter in token):
        return True
    is_adjective = _ADJECTIVE.match(token) and token not in _NOUNS_LIKE_ADJECTIVES
    return not is_adjective and not vocabulary.is_modifier(token)


def _linked(
    runs: Sequence[tuple[int, int]], tokens: Sequence[str], language: Language
) -> Iterator[tuple[int, int]]:
    """The ranges, those with nothing but "of" between them made one."""
    place = 0
    while place < len(runs):
        start, end = runs[place]
        while (
            place + 1 < len(runs)
            and runs[place + 1][0] == end + 1
            and tokens[end].lower() in _LINKS[language]
            and runs[place + 1][1] - start <= MOST_WORDS
        ):
            place += 1
            end = runs[place][1]
        yield start, end
        place += 1
