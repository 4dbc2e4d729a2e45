"""A monograph as a record and as a page: header, parts with numbered citations, sources."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from cauce.assistant.wording import SECTION_NAMES
from cauce.knowledge.evidence.evidence import subject_name
from cauce.records import Citation, Language, Record, Reply, Statement

MOST_NAMES = 12
"""Names, makers and titles that are printed in one place; how many more there are is said."""

_LINE_BREAKS = re.compile(r"\s*\n\s*")
_ENDS_SENTENCE = re.compile(r"[.!?…]$")

_WORDS: dict[str, dict[Language, str]] = {
    "names": {"en": "Names: {names}", "es": "Nombres: {names}"},
    "makers": {"en": "Makers: {names}", "es": "Laboratorios: {names}"},
    "record": {
        "en": "Record: {record}, version {version}; documents about this medicine: {documents}",
        "es": "Registro: {record}, versión {version}; documentos sobre este medicamento: "
        "{documents}",
    },
    "written": {
        "en": "In the model's words, checked against the record: {written} of {parts} passages; "
        "the others are the record's own words",
        "es": "En palabras del modelo, comprobadas con el registro: {written} de {parts} pasajes; "
        "los demás son palabras del propio registro",
    },
    "quoted": {
        "en": "All {parts} passages are the record's own words",
        "es": "Todos los pasajes ({parts}) son palabras del propio registro",
    },
    "part": {
        "en": "{share} % of the text is told here; the rest is in the record: {titles}",
        "es": "Aquí se cuenta el {share} % del texto; el resto está en el registro: {titles}",
    },
    "missing": {
        "en": "The documents looked into have no section on: {names}.",
        "es": "Los documentos consultados no tienen apartado de: {names}.",
    },
    "quote": {"en": "“{text}”", "es": "«{text}»"},
    "sources": {"en": "Sources", "es": "Fuentes"},
    "more": {"en": "and {count} more", "es": "y {count} más"},
}


class Part(Record):
    """What the record says of one kind, a reply for each passage that was read."""

    kind: str
    replies: tuple[Reply, ...]
    told_letters: int
    """Letters, spaces apart, of the passages that stand in the replies."""
    whole_letters: int
    """Letters of all sections of the kind."""
    untold: tuple[str, ...] = ()
    """Titles of the sections that are told in part or not at all."""


class Monograph(Record):
    """A medicine's header and its parts, in the order in which they are printed."""

    title: str
    group: str
    language: Language
    names: tuple[str, ...]
    makers: tuple[str, ...]
    source: str
    id: str
    version: str
    effective: str = ""
    documents: int
    """Documents of this medicine in the store; a part that the first lacks is another's."""
    parts: tuple[Part, ...]
    missing: tuple[str, ...] = ()
    """Kinds that none of the documents looked into has."""

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Every citation once, in the order in which the sentences come to them."""
        replies = [reply for part in self.parts for reply in part.replies]
        return tuple(dict.fromkeys(found for reply in replies for found in reply.citations))

    def statements(self, part: Part) -> list[Statement]:
        """The part's sentences, each with its place in `citations`."""
        place = {citation: number for number, citation in enumerate(self.citations)}
        return [
            statement.model_copy(update={"citation": place[reply.citations[statement.citation]]})
            if statement.citation is not None
            else statement
            for reply in part.replies
            for statement in reply.statements
        ]

    def markdown(self) -> str:
        """The monograph as a page."""
        blocks = [f"# {self.title}", "\n".join(f"- {line}" for line in self._header())]
        for part in self.parts:
            blocks += [f"## {_heading(part.kind, self.language)}", *self._body(part)]
        if self.missing:
            kinds = [SECTION_NAMES[kind][self.language] for kind in self.missing]
            blocks.append(self._say("missing", names=self._some(kinds)))
        blocks += [f"## {self._say('sources')}", "\n".join(self._sources())]
        return "\n\n".join(blocks) + "\n"

    def _header(self) -> list[str]:
        is_dated = self.effective and self.effective != self.version
        dated = f" ({self.effective})" if is_dated else ""
        replies = [reply for part in self.parts for reply in part.replies]
        written = sum(reply.generated for reply in replies)
        makers = [self._say("makers", names=self._some(self.makers))] if self.makers else []
        return [
            self._say("names", names=self._some(self.names)),
            *makers,
            self._say(
                "record",
                record=f"{self.source}/{self.id}",
                version=f"{self.version}{dated}",
                documents=self.documents,
            ),
            self._say("written" if written else "quoted", written=written, parts=len(replies)),
        ]

    def _body(self, part: Part) -> list[str]:
        passages = groupby(self.statements(part), key=lambda statement: statement.citation)
        blocks = [self._passage(place, list(found)) for place, found in passages]
        if not part.untold:
            return blocks
        titles = self._some([title.rstrip(".:") for title in part.untold], "; ")
        share = max(1, 100 * part.told_letters // part.whole_letters)
        return [*blocks, f"*{self._say('part', share=share, titles=titles)}.*"]

    def _passage(self, place: int | None, statements: Sequence[Statement]) -> str:
        """The sentences of one passage, each with its number; headings on lines of their own."""
        texts = [statement.text for statement in statements]
        if place is None:
            return " ".join(texts)
        name = subject_name(self.citations[place].title.partition(" · ")[0])
        texts[0] = texts[0].removeprefix(f"{name}: ")
        mark = f"[{place + 1}]"
        lines = "".join(
            f"{text} {mark} " if _ENDS_SENTENCE.search(text) else f"\n{text}\n" for text in texts
        )
        told = _LINE_BREAKS.sub("\n", lines).strip()
        return told if told.endswith(mark) else f"{told} {mark}"

    def _sources(self) -> list[str]:
        return [
            f"{number}. {citation.source}/{citation.id}/{citation.version}/{citation.section} "
            f"{citation.title}: {self._say('quote', text=' '.join(citation.quote.split()))}"
            + (f" <{citation.url}>" if citation.url else "")
            for number, citation in enumerate(self.citations, 1)
        ]

    def _some(self, names: Sequence[str], separator: str = ", ") -> str:
        more = [self._say("more", count=len(names) - MOST_NAMES)] if names[MOST_NAMES:] else []
        return separator.join([*names[:MOST_NAMES], *more])

    def _say(self, message: str, **values: object) -> str:
        return _WORDS[message][self.language].format(**values)


def _heading(kind: str, language: Language) -> str:
    name = SECTION_NAMES[kind][language]
    return name[:1].upper() + name[1:]
