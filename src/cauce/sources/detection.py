"""Which kind of source the files at a path are, told from their names and first bytes."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

from cauce.sources.paths import matching_files

_ENDINGS = (
    ".json.zip",
    ".json.gz",
    ".jsonl.gz",
    ".jsonl",
    ".json",
    ".xml",
    ".txt",
    ".md",
    ".csv",
    ".parquet",
)
_FIRST_BYTES = 65536


def kind_of_path(path: Path) -> str:
    """`openfda`, `spl`, `epi` or `files`, by the first file at `path`; NotFound without one."""
    file = matching_files(path, _ENDINGS)[0]
    head = _head(file)
    if b"http://hl7.org/fhir" in head or b'"resourceType"' in head:
        return "epi"
    if b"urn:hl7-org:v3" in head:
        return "spl"
    if b'"openfda"' in head or b'"set_id"' in head or b'"spl_product_data_elements"' in head:
        return "openfda"
    return "files"


def _head(file: Path) -> bytes:
    """The first bytes of the file's content, uncompressed."""
    if file.suffix == ".gz":
        with gzip.open(file, "rb") as stream:
            return stream.read(_FIRST_BYTES)
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive, archive.open(archive.namelist()[0]) as member:
            return member.read(_FIRST_BYTES)
    with file.open("rb") as stream:
        return stream.read(_FIRST_BYTES)
