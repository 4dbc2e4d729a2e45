"""Every resource of a file with its place: in bundles, lines, packed files and archives."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from cauce.records import Refusal
from cauce.sources.fhir import Node, first, read_resource, resources
from cauce.sources.paths import UNPACKING_FAULTS, matching_files, open_bytes
from cauce.twin.fhir.elements import Element

_LINES = (".ndjson", ".jsonl")
_WHOLE = (".json", *_LINES)
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz")
ENDINGS = (*_WHOLE, *(f"{end}{packed}" for end in _WHOLE for packed in (".gz", ".xz")))
ENDINGS += (*_ARCHIVES, ".xml")
"""What the names of files that hold FHIR end in."""
_LABEL = "of a medicine's document, no one's record: read it with `sources: [{kind: epi}]`"


class Found(NamedTuple):
    """A resource, where it stands, and what stands beside it."""

    resource: Element
    file: str
    origin: str
    """`Observation/5f2c...`; where it has no id, its place: `Observation, entry 3`."""
    address: str
    """By which others refer to it, beside `Type/id`: the entry's `fullUrl`, or `#id` inside one."""
    holder: Element
    """The resource that contains it, itself where none does."""


class Deleted(NamedTuple):
    """A resource that its source took back."""

    file: str
    place: str
    origin: str


def found_resources(path: Path) -> Iterator[Found | Deleted | Refusal]:
    """The resources of a file, a folder or a glob, and what cannot be read as any.

    NotFound where there is nothing to read.
    """
    for file in matching_files(path, ENDINGS):
        name = file.name.lower()
        try:
            if name.endswith(_ARCHIVES):
                yield from _in_archive(file)
            elif name.endswith(".xml"):
                yield from _in_xml(file)
            else:
                with open_bytes(file) as stream:
                    yield from _in_file(stream, str(file), name)
        except (*UNPACKING_FAULTS, tarfile.TarError) as error:
            yield _refused(str(file), f"packed, and damaged: {error}")


def _in_archive(path: Path) -> Iterator[Found | Deleted | Refusal]:
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() else None
            if stream and member.name.lower().endswith(_WHOLE):
                yield from _in_file(stream, f"{path}/{member.name}", member.name.lower())
            elif not member.isdir():
                yield _refused(f"{path}/{member.name}", "neither JSON nor lines of JSON")


def _in_file(stream: IO[bytes], file: str, name: str) -> Iterator[Found | Deleted | Refusal]:
    if not name.removesuffix(".gz").removesuffix(".xz").endswith(_LINES):
        yield from _in_text(stream.read(), file, "the whole file")
        return
    for line_number, line in enumerate(stream, 1):
        if line.strip():
            yield from _in_text(line, file, f"line {line_number}")


def _in_text(text: bytes, file: str, place: str) -> Iterator[Found | Deleted | Refusal]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield _refused(file, f"not JSON: {error}", place)
        return
    yield from _found(content, file, place, "")


def _found(
    content: Any, file: str, place: str, address: str
) -> Iterator[Found | Deleted | Refusal]:
    """The resource, those that it contains, and those of a bundle instead of itself."""
    kind = content.get("resourceType") if isinstance(content, dict) else None
    if not isinstance(kind, str):
        yield _refused(file, "no resource: it has no resourceType", place)
    elif kind == "Bundle":
        yield from _in_bundle(content, file, place)
    else:
        origin = _origin(content, kind, place, address)
        yield Found(content, file, origin, address, content)
        for inner in _list(content.get("contained")):
            yield from _contained(inner, content, file, origin)


def _in_bundle(bundle: Element, file: str, place: str) -> Iterator[Found | Deleted | Refusal]:
    """The entries; those of a history oldest first, for the latest one holds."""
    entries = list(enumerate(_list(bundle.get("entry")), 1))
    if bundle.get("type") == "history":
        entries.reverse()
    for number, entry in entries:
        here = f"entry {number}" if place == "the whole file" else f"{place}, entry {number}"
        if not isinstance(entry, dict):
            yield _refused(file, "the entry is no object", here)
        elif entry.get("resource") is not None:
            yield from _found(entry["resource"], file, here, str(entry.get("fullUrl", "")))
        else:
            yield from _deleted(entry, file, here)


def _deleted(entry: Element, file: str, here: str) -> Iterator[Deleted]:
    """The order to delete; the answer to a request, which holds no resource either, is nothing."""
    request = entry.get("request")
    if isinstance(request, dict) and request.get("method") == "DELETE":
        yield Deleted(file, here, "/".join(str(request.get("url")).split("/")[-2:]))


def _contained(inner: Any, holder: Element, file: str, origin: str) -> Iterator[Found | Refusal]:
    kind = inner.get("resourceType") if isinstance(inner, dict) else None
    if not isinstance(kind, str):
        yield _refused(file, "contains something that is no resource", origin)
        return
    address = f"#{inner.get('id', '')}"
    yield Found(inner, file, f"{origin}{address}", address, holder)


def _in_xml(path: Path) -> Iterator[Refusal]:
    """Resources in XML are told and not read: such files hold the documents of medicines."""
    try:
        top = read_resource(path)
    except ValueError as error:
        yield _refused(str(path), str(error))
        return
    kinds = Counter(first(node, "resourceType") for node in _leaves(top))
    is_label = "Composition" in kinds
    reason = _LABEL if is_label else "in XML, which is not read here: give the same in JSON"
    for kind, count in kinds.items():
        yield set_aside(str(path), kind, count, reason)


def _leaves(top: Node) -> Iterable[Node]:
    return (node for node in resources(top) if first(node, "resourceType") != "Bundle")


def set_aside(file: str, kind: str, count: int, reason: str) -> Refusal:
    """One line for all the resources of a kind that a file holds and that are not read."""
    return Refusal(file=file, position=f"{kind}: {count}", reason=reason)


def _refused(file: str, reason: str, place: str = "the whole file") -> Refusal:
    return Refusal(file=file, position=place, reason=reason)


def _origin(resource: Element, kind: str, place: str, address: str) -> str:
    """`Type/id`; a resource that is yet to be given an id is known by the one of its entry."""
    id = resource.get("id") or (address if address.startswith("urn:uuid:") else "")
    is_named = isinstance(id, str) and id
    return f"{kind}/{str(id).removeprefix('urn:uuid:')}" if is_named else f"{kind}, {place}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
