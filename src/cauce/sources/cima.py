"""Texts of medicines authorised in Spain, from the live service of their agency (CIMA).

A medicine gives two Documents, `NREG-ft` (ficha técnica) and `NREG-p` (prospecto), with sections
numbered and told apart as those of electronic product information. Their version is the date of
the text. To the first of the two are added what the agency says beside the text: `registro` (facts
of the record), `psum` (problems of supply, kind `other`) and `notas` (safety notes, kind
`warnings`). The record's mark on driving is one of the facts: it is not advice, so it stands under
`registro` and not under `driving`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from cauce.errors import DataRefused
from cauce.records import Document, Names, Record, Refusal, Section
from cauce.runs import atomic_write
from cauce.sources.cima_client import CIMA, CimaClient, TextKind
from cauce.sources.cima_record import date_of, group_of, names_of, rows_of
from cauce.sources.cima_sections import sections_beside, sections_of

LICENCE = "reuse allowed, naming AEMPS as the source"
_TEXTS: tuple[tuple[TextKind, int, str], ...] = (
    ("ft", 1, "ficha técnica"),
    ("p", 2, "prospecto"),
)


class CimaSearch(Record):
    """Which medicines are wanted, in CIMA's own words: by conditions, which add up, or by codes."""

    nombre: str = ""
    """Part of the registered name; capitals and accents do not matter."""
    practiv1: str = ""
    """An active substance: `enalapril`."""
    laboratorio: str = ""
    """Part of the holder's name."""
    atc: str = ""
    """An ATC code, or the beginning of one."""
    comerc: bool | None = None
    """True: only those on the market."""
    receta: bool | None = None
    """True: only those that need a prescription."""
    nregistro: tuple[str, ...] = ()
    """Registration numbers, in quotes: some begin with 0."""
    cn: tuple[str, ...] = ()
    """National codes of presentations, in quotes too."""

    @field_validator("nregistro", "cn", mode="before")
    @classmethod
    def _as_written(cls, value: Any) -> Any:
        """One code counts as a list of one; a number is refused: YAML counts 07400013 in eights."""
        values = value if isinstance(value, list | tuple) else [value]
        for code in values:
            if not isinstance(code, str):
                raise ValueError("a code was read as a number: put it in quotes inside the quotes")
        return values

    @model_validator(mode="after")
    def _either_codes_or_conditions(self) -> Self:
        if (self.nregistro or self.cn) and self.query():
            raise ValueError(
                f"codes are asked for as they are: leave out {', '.join(self.query())}"
            )
        return self

    def query(self) -> dict[str, str | int]:
        """The conditions as CIMA's parameters."""
        given = self.model_dump(exclude={"nregistro", "cn"}, exclude_defaults=True)
        return {name: int(v) if isinstance(v, bool) else v for name, v in given.items()}


class CimaSource(Record):
    """Fichas técnicas and prospectos of CIMA, asked one after another, politely."""

    kind: Literal["cima"] = "cima"
    search: CimaSearch = CimaSearch()
    """Which medicines; without conditions, all of them (some 25,000: hours of asking)."""
    limit: int | None = Field(default=None, ge=1)
    """Most medicines to read; None reads all that are found."""
    cache: Path | None = None
    """Folder where answers are kept between fetches, and every version of a text that was fetched;
    without it, answers are kept until the fetch is over, and older versions not at all."""
    url: str = CIMA
    """Where the service answers."""

    def inputs(self) -> tuple[Path, ...]:
        """No files: the service is asked."""
        return ()

    def documents(self, scratch: Path | None = None) -> Iterator[Document | Refusal]:
        """Each text of each medicine as a Document, or the reason why it is refused.

        `scratch` is a folder where answers are kept until the fetch is over.
        """
        with CimaClient(self.url, self.cache or scratch) as client:
            for asked in itertools.islice(self._asked(client), self.limit):
                yield from self._medicine(client, asked)

    def _asked(self, client: CimaClient) -> Iterator[dict[str, str]]:
        """The codes that the search names, each once, or those of the medicines that it finds."""
        yield from ({"nregistro": code} for code in dict.fromkeys(self.search.nregistro))
        yield from ({"cn": code} for code in dict.fromkeys(self.search.cn))
        if not (self.search.nregistro or self.search.cn):
            for row in client.search(**self.search.query()):
                yield {"nregistro": str(row["nregistro"])}

    def _medicine(self, client: CimaClient, asked: dict[str, str]) -> Iterator[Document | Refusal]:
        position = " ".join(itertools.chain(*asked.items()))
        try:
            record = client.record(**asked)
            if record is None:
                yield self._refusal(position, "CIMA knows no such medicine")
                return
            beside = sections_beside(client, record)
        except DataRefused as error:
            yield self._refusal(position, _reason(error))
            return
        medicine = _Medicine(record, names_of(record), beside)
        yield from self._texts(client, medicine)

    def _texts(self, client: CimaClient, medicine: _Medicine) -> Iterator[Document | Refusal]:
        nregistro = medicine.names.codes["nregistro"][0]
        listed = {row.get("tipo"): row for row in rows_of(medicine.record.get("docs"))}
        if not any(number in listed for _, number, _ in _TEXTS):
            yield self._refusal(f"nregistro {nregistro}", "neither ficha técnica nor prospecto")
        for kind, number, label in _TEXTS:
            if number not in listed:
                continue
            position = f"nregistro {nregistro}, {label}"
            try:
                document = self._document(client, medicine, kind, listed[number])
            except DataRefused as error:
                yield self._refusal(position, _reason(error))
                continue
            if not document.sections:
                where = listed[number].get("url") or "nowhere"
                reason = f"no section holds text (it is not segmented; printed at {where})"
                yield self._refusal(position, reason)
                continue
            if medicine.beside:
                sections = (*document.sections, *medicine.beside)
                document = document.model_copy(update={"sections": sections})
                medicine = medicine._replace(beside=())
            yield from self._versions(document)

    def _versions(self, document: Document) -> Iterator[Document]:
        """The document, after the versions of it that earlier fetches left in the cache.

        CIMA gives the text in force only, so what changed can be told of what was fetched before.
        """
        if self.cache is None:
            yield document
            return
        folder = self.cache / "versions" / document.id
        with atomic_write(folder / f"{document.version}.json") as stream:
            stream.write(document.model_dump_json(exclude_defaults=True).encode())
        for path in sorted(folder.glob("*.json")):
            yield Document.model_validate_json(path.read_bytes())

    def _document(
        self, client: CimaClient, medicine: _Medicine, kind: TextKind, listed: dict[str, Any]
    ) -> Document:
        nregistro = medicine.names.codes["nregistro"][0]
        text = client.text(nregistro, kind)
        label = next(label for name, _, label in _TEXTS if name == kind)
        date = date_of(listed.get("fecha"))
        page = f"https://cima.aemps.es/cima/dochtml/{kind}/{nregistro}/{kind.upper()}_{nregistro}"
        return Document(
            source="cima",
            id=f"{nregistro}-{kind}",
            version=date or "1",
            effective=date,
            title=f"{medicine.record.get('nombre') or nregistro} ({label})",
            language="es",
            sections=tuple(sections_of(text.parts, leaflet=kind == "p")),
            names=medicine.names,
            group=group_of(medicine.record, medicine.names),
            url=listed.get("urlHtml") or f"{page}.html",
            licence=LICENCE,
            retrieved=text.retrieved,
        )

    def _refusal(self, position: str, reason: str) -> Refusal:
        return Refusal(file=self.url, position=position, reason=reason)


class _Medicine(NamedTuple):
    """A record, what it is called, and the sections that its first text takes along."""

    record: dict[str, Any]
    names: Names
    beside: tuple[Section, ...]


def _reason(error: DataRefused) -> str:
    return str(error).splitlines()[0]
