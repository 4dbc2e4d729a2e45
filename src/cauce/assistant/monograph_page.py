"""A monograph as a record and as a page: header, parts with numbered citations, sources."""

from __future__ import annotations

from collections.abc import Sequence

from cauce.assistant.wording import SECTION_NAMES
from cauce.records import Citation, Language, Record, Reply, Statement

MOST_NAMES = 12
"""Names, makers and titles that are printed in one place; how many more there are is said."""

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
    "part": {
        "en": "{told} of {whole} letters are told; the rest is in the record: {titles}.",
        "es": "Se cuentan {told} de {whole} letras; el resto está en el registro: {titles}.",
    },
    "missing": {
        "en": "The documents looked into say nothing under: {names}.",
        "es": "Los documentos consultados no dicen nada en: {names}.",
    },
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
        dated = f" ({self.effective})" if self.effective else ""
        replies = [reply for part in self.parts for reply in part.replies]
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
            self._say(
                "written", written=sum(reply.generated for reply in replies), parts=len(replies)
            ),
        ]

    def _body(self, part: Part) -> list[str]:
        text = " ".join(
            f"{statement.text} [{statement.citation + 1}]"
            if statement.citation is not None
            else statement.text
            for statement in self.statements(part)
        )
        if not part.untold:
            return [text]
        titles = self._some(part.untold, "; ")
        told, whole = part.told_letters, part.whole_letters
        return [text, f"*{self._say('part', told=told, whole=whole, titles=titles)}*"]

    def _sources(self) -> list[str]:
        return [
            f"{number}. {citation.source}/{citation.id}/{citation.version}/{citation.section} "
            f"{citation.title}: “{' '.join(citation.quote.split())}”"
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
