"""The labelled clinical texts, told apart once: to learn from, to choose by, and for figures only.

The texts of one article stay together. Of 500 texts 246 are learnt from, 85 are chosen by and 169
are tested on.
"""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path
from typing import Literal, NamedTuple

from cauce.safety.personal.spans import Kind

Part = Literal["learn", "dev", "test"]

KIND_OF: dict[str, Kind] = {
    "NOMBRE_SUJETO_ASISTENCIA": "NOMBRE",
    "NOMBRE_PERSONAL_SANITARIO": "NOMBRE",
    "FECHAS": "FECHA",
    "EDAD_SUJETO_ASISTENCIA": "EDAD",
    "SEXO_SUJETO_ASISTENCIA": "SEXO",
    "TERRITORIO": "LUGAR",
    "PAIS": "PAÍS",
    "CALLE": "DIRECCIÓN",
    "HOSPITAL": "CENTRO",
    "CENTRO_SALUD": "CENTRO",
    "INSTITUCION": "CENTRO",
    "ID_SUJETO_ASISTENCIA": "IDENTIFICADOR",
    "ID_TITULACION_PERSONAL_SANITARIO": "IDENTIFICADOR",
    "ID_CONTACTO_ASISTENCIAL": "IDENTIFICADOR",
    "ID_ASEGURAMIENTO": "NUSS",
    "NUMERO_TELEFONO": "TELÉFONO",
    "NUMERO_FAX": "TELÉFONO",
    "CORREO_ELECTRONICO": "CORREO",
    "FAMILIARES_SUJETO_ASISTENCIA": "FAMILIAR",
    "PROFESION": "PROFESIÓN",
}
"""By the label of the corpus. `OTROS_SUJETO_ASISTENCIA` (race, a tattoo) has none here: it is never
found, and counts as missed."""


class Labelled(NamedTuple):
    """A text with what people marked in it."""

    id: str
    text: str
    spans: list[tuple[int, int, str]]
    """Start, end, and the kind here, or the label of the corpus where there is none."""


def labelled(data: Path, part: Part) -> list[Labelled]:
    """The texts of a part, by name; `data` is the folder of the shared inputs."""
    texts: dict[str, str] = {}
    marks: dict[str, str] = {}
    with tarfile.open(corpus_file(data)) as archive:
        for member in archive:
            name, _, kind = member.name.rpartition("/")[2].rpartition(".")
            if not member.isfile() or part_of(name) != part:
                continue
            content = archive.extractfile(member)
            assert content is not None
            (texts if kind == "txt" else marks)[name] = content.read().decode()
    return [Labelled(name, texts[name], _spans(marks[name])) for name in sorted(texts)]


def corpus_file(data: Path) -> Path:
    """Where the corpus is in the folder of the shared inputs."""
    return data / "meddocan" / "meddocan-500.tar.xz"


def part_of(name: str) -> Part:
    """Which part the text of that name belongs to, by the article it is from."""
    article = name.rpartition("-")[0] + "-1"
    share = int(hashlib.sha256(article.encode()).hexdigest(), 16) % 100
    return "learn" if share < 50 else "dev" if share < 65 else "test"


def _spans(marks: str) -> list[tuple[int, int, str]]:
    found = []
    for line in marks.splitlines():
        if line.startswith("T"):
            label, start, end = line.split("\t")[1].split(" ")
            found.append((int(start), int(end), KIND_OF.get(label, label)))
    return sorted(found)
