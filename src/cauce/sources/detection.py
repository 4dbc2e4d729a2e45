"""Which kind of source the files at a path are, told from their names and first bytes."""

from __future__ import annotations

import zipfile
from pathlib import Path

from cauce.sources.paths import UNPACKING_FAULTS, matching_files, open_bytes

_ENDINGS = (
    ".json.zip",
    ".json.gz",
    ".jsonl.gz",
    ".jsonl",
    ".json",
    ".xml",
    ".txt",
    ".txt.gz",
    ".txt.xz",
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
    """The first bytes of the file's content, unpacked; none of a file that cannot be."""
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive, archive.open(archive.namelist()[0]) as member:
            return member.read(_FIRST_BYTES)
    try:
        with open_bytes(file) as stream:
            return stream.read(_FIRST_BYTES)
    except UNPACKING_FAULTS:
        # Its source refuses it by name.
        return b""
