"""Documents loaded into OpenSearch, each distinct text once.

Six indices share a prefix: documents, names, codes, sections and texts; `loads` says that a load
came to its end. The content of an entry determines its identifier, so that a load which was
interrupted is run again and changes nothing that it had done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from cauce.errors import DataRefused
from cauce.knowledge.sections.code_keys import codes_of, stored_keys
from cauce.knowledge.sections.opensearch import connect, identifier, telling_of
from cauce.knowledge.sections.ranking import distinct_words
from cauce.knowledge.sections.store import body_of, called, depth_of
from cauce.records import Document

_NUMBERS = frozenset(("order", "place", "depth"))
_SEARCHED: dict[str, str] = {
    "documents": "document source id language group called",
    "names": "name group scheme order place",
    "codes": "key code group scheme order place",
    "sections": "document source id language group kind section text effective depth place",
    "texts": "words",
    "loads": "load",
}
"""Fields of each index that are asked for; the others are kept and not indexed."""
_ALREADY_THERE = 409


def build_opensearch(url: str, name: str, documents: Iterable[Document]) -> int:
    """Number of sections of the documents; the cluster's indices `name-*` hold them after it.

    Raises SourceUnavailable when the cluster does not answer, DataRefused when it refuses an entry.
    """
    client = connect(url)
    from opensearchpy import helpers

    counts: Counter[str] = Counter(documents=0, names=0, sections=0)
    groups: set[str] = set()
    with telling_of(url):
        for kind in _SEARCHED:
            if not client.indices.exists(index=f"{name}-{kind}"):
                client.indices.create(index=f"{name}-{kind}", body={"mappings": _mappings(kind)})
        client.delete_by_query(
            index=f"{name}-loads",
            body={"query": {"match_all": {}}},
            params={"refresh": "true"},
        )
        for done, result in helpers.streaming_bulk(
            client,
            _actions(name, documents, counts, groups),
            raise_on_error=False,
            max_retries=5,
        ):
            _require_taken(done, result)
        client.indices.refresh(index=f"{name}-*")
        counts["groups"] = len(groups)
        counts["texts"] = client.count(index=f"{name}-texts")["count"]
        client.index(
            index=f"{name}-loads",
            id="last",
            body={"load": "last", "counts": dict(counts)},
            params={"refresh": "true"},
        )
    client.close()
    return counts["sections"]


def _mappings(kind: str) -> dict[str, Any]:
    fields = {
        field: {"type": "long" if field in _NUMBERS else "keyword"}
        for field in _SEARCHED[kind].split()
    }
    return {"dynamic": False, "properties": fields}


def _actions(
    name: str, documents: Iterable[Document], counts: Counter[str], groups: set[str]
) -> Iterator[dict[str, Any]]:
    """What the cluster is told of each document; `counts` and `groups` grow with them."""
    for order, document in enumerate(documents, 1):
        counts["documents"] += 1
        counts["names"] += len(called(document))
        counts["sections"] += len(document.sections)
        groups.add(document.group)
        for kind, key, entry in _entries(order, document):
            # Of two documents with one name or code the first tells how it is spelled.
            verb = "create" if kind in ("names", "codes", "texts") else "index"
            yield {"_op_type": verb, "_index": f"{name}-{kind}", "_id": key, "_source": entry}


def _entries(order: int, document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Index, identifier and content of each entry of a document."""
    group, own = document.group, identifier(document.source, document.id, document.language)
    names = called(document)
    codes = codes_of(document)
    yield "documents", own, _document_entry(own, document, [*names, *(c.value for c in codes)])
    for place, (name, scheme) in enumerate(names.items()):
        entry = {"name": name, "group": group, "scheme": scheme, "order": order, "place": place}
        yield "names", identifier(name, group), entry
    for place, code in enumerate(codes):
        for key in sorted(stored_keys(code)):
            entry = {"key": key, "code": code.value, "group": group, "scheme": code.scheme}
            yield "codes", identifier(key, group), {**entry, "order": order, "place": place}
    yield from _section_entries(own, document)


def _document_entry(own: str, document: Document, called_by: list[str]) -> dict[str, Any]:
    fields = {"source", "id", "version", "title", "language", "group", "url", "effective"}
    return {
        **document.model_dump(mode="json", include=fields),
        "document": own,
        "called": list(dict.fromkeys(called_by)),
        "makers": list(document.names.makers),
        "codes": document.names.model_dump(mode="json")["codes"],
    }


def _section_entries(own: str, document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    parents = {section.id: section for section in document.sections}
    shared = document.model_dump(include={"source", "id", "language", "group", "effective"})
    for place, section in enumerate(document.sections):
        body = body_of(section)
        if not body:
            continue
        text = identifier(body)
        words = sorted(word.decode() for word in distinct_words(body))
        yield "texts", text, {"text": body, "words": words}
        entry = {
            **shared,
            "document": own,
            "section": section.id,
            "kind": section.kind,
            "title": section.title,
            "depth": depth_of(section, parents),
            "place": place,
            "text": text,
        }
        yield "sections", identifier(own, place), entry


def _require_taken(done: bool, result: dict[str, Any]) -> None:
    ((verb, answer),) = result.items()
    if done or (verb == "create" and answer.get("status") == _ALREADY_THERE):
        return
    raise DataRefused(
        f"OpenSearch refused {answer.get('_index')}/{answer.get('_id')}: {answer.get('error')}\n"
        "See the cluster's log; the load can be run again and keeps what it had done."
    )
