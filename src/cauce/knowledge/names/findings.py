"""What was found in a question, and what it comes to: one medicine, several, or what to ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from cauce.knowledge.names.beside import Place, is_of_two, set_aside, stand_as_one
from cauce.knowledge.names.said import Said


class Mention(NamedTuple):
    """A name found in a text: the medicine, the name as stored, and the letters that differ."""

    group: str
    name: str
    typos: int
    said: str = ""
    """The folded words of the text that name it."""


class Resolution(NamedTuple):
    """What a question's words say about its medicine.

    `found`: `mentions` holds one or more medicines, in the order named.
    `ask`: `choices` holds names that the word may stand for; none is picked.
    `unknown`: `looked_for` holds the words that name a medicine which is not in the store.
    `unnamed`: no word looks like a medicine.
    """

    kind: Literal["found", "ask", "unknown", "unnamed"]
    mentions: tuple[Mention, ...] = ()
    choices: tuple[str, ...] = ()
    looked_for: tuple[str, ...] = ()


UNNAMED = Resolution("unnamed")


class Finding(NamedTuple):
    """What some words of the text were found to be: one of mention, choices and stranger."""

    start: int
    words: int
    mention: Mention | None = None
    choices: tuple[str, ...] = ()
    stranger: str = ""

    @property
    def place(self) -> Place:
        """Where its words stand; none for a code."""
        return Place(self.start, self.start + self.words)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.mention.name if self.mention else self.stranger


def resolution_of(said: Said, findings: Iterable[Finding]) -> Resolution:
    """What the findings come to, without those set aside and with those that are one mixture."""
    ordered = sorted(findings, key=lambda finding: finding.start)
    named = [finding for finding in ordered if finding.words and not finding.choices]
    aside = set_aside(said, [finding.place for finding in named])
    kept = [finding for finding in ordered if not finding.words or finding.place not in aside]
    return _resolution(_as_mixtures(said, kept))


def _as_mixtures(said: Said, findings: Sequence[Finding]) -> list[Finding]:
    """Names that stand as those of one mixture, `A/B`, made one finding."""
    if is_of_two(said.folded):
        return [*findings]
    runs: list[list[Finding]] = []
    for finding in findings:
        if runs and _is_of_one_mixture(said, runs[-1][-1], finding):
            runs[-1].append(finding)
        else:
            runs.append([finding])
    return [_mixture(said, run) if len(run) > 1 else run[0] for run in runs]


def _is_of_one_mixture(said: Said, one: Finding, other: Finding) -> bool:
    if one.choices or other.choices or not (one.words and other.words):
        return False
    if one.mention and other.mention and one.mention.group == other.mention.group:
        return False
    is_mixture = bool(one.mention and "+" in one.mention.group and other.stranger)
    return stand_as_one(said, one.place, other.place, is_list=is_mixture)


def _mixture(said: Said, run: Sequence[Finding]) -> Finding:
    """To be asked about where the store has all of its parts; else one that the store lacks."""
    start, stop = run[0].start, run[-1].place.stop
    if all(finding.mention for finding in run):
        names = dict.fromkeys(finding.name for finding in run)
        return Finding(start, stop - start, choices=tuple(names))
    return Finding(start, stop - start, stranger=" ".join(said.words[start:stop]))


def _resolution(findings: Sequence[Finding]) -> Resolution:
    mentions: dict[str, Mention] = {}
    for finding in findings:
        if finding.mention:
            mentions.setdefault(finding.mention.group, finding.mention)
    choices = tuple(dict.fromkeys(name for finding in findings for name in finding.choices))
    strangers = dict.fromkeys(finding.stranger for finding in findings if finding.stranger)
    mentioned, looked_for = tuple(mentions.values()), tuple(strangers)
    if choices:
        return Resolution("ask", mentioned, choices, looked_for)
    if mentioned:
        return Resolution("found", mentioned, (), looked_for)
    return Resolution("unknown", looked_for=looked_for) if looked_for else UNNAMED
