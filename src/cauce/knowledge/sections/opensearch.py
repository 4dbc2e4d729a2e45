"""The same store on an OpenSearch cluster, for more documents than one machine should hold.

`opensearch_loading` fills it. Words are cut and folded as for the SQLite index and a document's
sections are ranked by the same function, so that both stores give the same answers.

Credentials come from the environment alone: CAUCE_OPENSEARCH_USER and CAUCE_OPENSEARCH_PASSWORD.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cauce.errors import MissingExtra, NotFound, SourceUnavailable
from cauce.knowledge.sections.code_keys import looked_up_keys
from cauce.knowledge.sections.ranking import nearest, word_counts
from cauce.knowledge.sections.store import (
    DocumentEntry,
    NameEntry,
    SectionEntry,
    Variant,
    most_printed,
    variant_of,
)
from cauce.records import Language

if TYPE_CHECKING:
    from opensearchpy import OpenSearch

# Without a handler its tracebacks are printed beside the error that tells of them.
logging.getLogger("opensearch").addHandler(logging.NullHandler())

PAGE = 1000
"""Entries fetched by one request; a thousand sections without their texts are 0.3 MB."""
TEXTS_PAGE = 100
TIMEOUT_S = 30
BUSY = (429, 500, 502, 503, 504)
"""What a cluster answers, or the proxy before it, that cannot now."""


def connect(url: str) -> OpenSearch:
    """A client of the cluster, with the credentials that the environment holds."""
    try:
        from opensearchpy import OpenSearch
    except ImportError as error:
        raise MissingExtra("a store on OpenSearch", "opensearch") from error
    user = os.environ.get("CAUCE_OPENSEARCH_USER")
    password = os.environ.get("CAUCE_OPENSEARCH_PASSWORD", "")
    return OpenSearch(
        [url],
        http_auth=(user, password) if user else None,
        timeout=TIMEOUT_S,
        max_retries=3,
        retry_on_timeout=True,
    )


def identifier(*parts: object) -> str:
    """What an entry of a cluster is called: the same for the same parts."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=16).hexdigest()


def document_number(document: str) -> int:
    """The number by which entries speak of the document with that identifier."""
    return int(document[:15], 16)


@contextlib.contextmanager
def telling_of(url: str) -> Iterator[None]:
    """Turns what goes wrong with the cluster into an error that says what to do."""
    from opensearchpy.exceptions import (
        AuthenticationException,
        AuthorizationException,
        NotFoundError,
        TransportError,
    )
    from opensearchpy.exceptions import ConnectionError as Unreachable

    try:
        yield
    except Unreachable as error:
        raise SourceUnavailable(
            f"OpenSearch at {url} does not answer ({error.error}).\n"
            "See that the cluster runs and that the address is right."
        ) from error
    except (AuthenticationException, AuthorizationException) as error:
        raise SourceUnavailable(
            f"OpenSearch at {url} does not let this user in ({error.status_code}).\n"
            "Set CAUCE_OPENSEARCH_USER and CAUCE_OPENSEARCH_PASSWORD."
        ) from error
    except NotFoundError as error:
        raise NotFound(
            f"OpenSearch at {url} no longer holds what was loaded into it ({error.error}).\n"
            "Load it again."
        ) from error
    except TransportError as error:
        if error.status_code not in BUSY:
            raise
        raise SourceUnavailable(
            f"OpenSearch at {url} is not ready to answer ({error.status_code}).\n"
            "See the cluster's health, and ask again."
        ) from error


class OpenSearchIndex:
    """Read access to the indices `name-*` that `build_opensearch` filled: a `SectionStore`."""

    def __init__(self, url: str, name: str) -> None:
        self._client = connect(url)
        self._url = url
        self._name = name
        loads = self._found("loads", [{"match_all": {}}], _ordered("load"))
        if not loads:
            raise NotFound(
                f"no finished load of {name!r} on OpenSearch at {url}.\n"
                "Fill it with: cauce.knowledge.sections.opensearch_loading.build_opensearch"
            )
        self._counts: dict[str, int] = loads[0]["counts"]

    def close(self) -> None:
        """Releases the connections."""
        self._client.close()

    def names(self) -> list[NameEntry]:
        """Every name in words (no codes) of every medicine, each once, as documents bring them."""
        return self._names([{"match_all": {}}])

    def names_of(self, group: str) -> list[NameEntry]:
        """The names in words of one medicine, each once."""
        return self._names([{"term": {"group": group}}])

    def coded(self, code: str) -> list[NameEntry]:
        """The medicines that bear this code, in any punctuation and zero padding.

        A package that no label lists is that of its product. One entry for each medicine.
        """
        exact, wider = looked_up_keys(code)
        return self._bearing(exact) or self._bearing(wider)

    def codes(self, document: DocumentEntry) -> dict[str, tuple[str, ...]]:
        """The document's codes by scheme, as its source gives them."""
        found = self._found("documents", _of(document), _ordered("document"))
        return {scheme: tuple(values) for row in found for scheme, values in row["codes"].items()}

    def documents(self, group: str) -> list[DocumentEntry]:
        """The documents of a medicine, in the order of their keys."""
        return self._documents([{"term": {"group": group}}])

    def documents_named(self, name: str) -> set[int]:
        """`doc` of the documents that bear exactly this name, or this code as `coded` gives it."""
        return {entry.doc for entry in self._documents([{"term": {"called": name}}])}

    def sections(self, document: DocumentEntry, kind: str) -> list[SectionEntry]:
        """The document's sections of that kind that hold text, outermost first, then as printed."""
        query = [*_of(document), {"term": {"kind": kind}}]
        found = self._found("sections", query, _ordered("depth", "place"))
        return self._sections(found, document)

    def all_sections(self, document: DocumentEntry) -> list[SectionEntry]:
        """Every section of the document that holds text, as printed."""
        return self._sections(self._found("sections", _of(document), _ordered("place")), document)

    def section(
        self, source: str, id: str, section_id: str, language: Language | None = None
    ) -> SectionEntry | None:
        """The section that a citation names; without a language that of the first there is."""
        query = [{"term": {"source": source}}, {"term": {"id": id}}]
        if language:
            query.append({"term": {"language": language}})
        for document in self._documents(query):
            wanted = [*_of(document), {"term": {"section": section_id}}]
            found = self._sections(self._found("sections", wanted, _ordered("place")), document)
            if found:
                return found[0]
        return None

    def variants(self, group: str, kind: str, language: Language, limit: int = 8) -> list[Variant]:
        """The distinct texts of a kind over a medicine's documents, the most printed first.

        Of two that as many documents print, the one of the newer document comes first.
        """
        documents = {entry.doc: entry for entry in self.documents(group)}
        terms = {"group": group, "kind": kind, "language": language}
        found = self._found(
            "sections",
            [{"term": {field: value}} for field, value in terms.items()],
            [{"effective": "desc"}, *_ordered("source", "id", "place")],
        )
        chosen = most_printed([(row["text"], row["document"]) for row in found], limit)
        texts = self._texts([printed.body for printed in chosen])
        return [
            variant_of(
                [
                    _section(row, documents[document_number(row["document"])], texts[printed.body])
                    for row in (found[place] for place in printed.places)
                ],
                printed.documents,
            )
            for printed in chosen
        ]

    def search(self, document: DocumentEntry, question: str, limit: int = 3) -> list[SectionEntry]:
        """The document's sections nearest to the question's content words, best first."""
        return nearest(self.all_sections(document), question, limit)

    def sections_holding(self, word: str) -> int:
        """In how many distinct texts the word stands; a common word is not a misspelled name.

        Of a word with a hyphen, that of its rarest part.
        """
        return min(map(self._texts_with, word_counts(word)), default=0)

    def statistics(self) -> dict[str, int]:
        """Counts of documents, groups, names, sections and distinct texts."""
        return dict(self._counts)

    def _names(self, query: list[dict[str, Any]]) -> list[NameEntry]:
        found = self._found("names", query, _ordered("order", "place", "group"))
        return [NameEntry(row["name"], row["group"], row["scheme"]) for row in found]

    def _bearing(self, keys: Iterable[str]) -> list[NameEntry]:
        query = [{"terms": {"key": sorted(keys)}}]
        found: dict[str, NameEntry] = {}
        for row in self._found("codes", query, _ordered("key", "order", "place", "group")):
            entry = NameEntry(row["code"], row["group"], row["scheme"])
            found.setdefault(entry.group, entry)
        return list(found.values())

    def _documents(self, query: list[dict[str, Any]]) -> list[DocumentEntry]:
        return [
            DocumentEntry(
                doc=document_number(identifier(row["source"], row["id"], row["language"])),
                source=row["source"],
                id=row["id"],
                version=row["version"],
                title=row["title"],
                language=row["language"],
                group=row["group"],
                url=row["url"],
                effective=row["effective"],
                makers=tuple(row["makers"]),
            )
            for row in self._found("documents", query, _ordered("source", "id", "language"))
        ]

    def _sections(
        self, rows: Sequence[dict[str, Any]], document: DocumentEntry
    ) -> list[SectionEntry]:
        texts = self._texts([row["text"] for row in rows])
        return [_section(row, document, texts[row["text"]]) for row in rows]

    def _texts(self, digests: Sequence[str]) -> dict[str, str]:
        texts: dict[str, str] = {}
        distinct = list(dict.fromkeys(digests))
        for start in range(0, len(distinct), TEXTS_PAGE):
            with telling_of(self._url):
                found = self._client.mget(
                    index=f"{self._name}-texts",
                    body={"ids": distinct[start : start + TEXTS_PAGE]},
                    params={"_source_includes": "text"},
                )
            texts |= {row["_id"]: row["_source"]["text"] for row in found["docs"]}
        return texts

    def _texts_with(self, word: str) -> int:
        with telling_of(self._url):
            found = self._client.count(
                index=f"{self._name}-texts", body={"query": {"term": {"words": word}}}
            )
        return int(found["count"])

    def _found(
        self, kind: str, query: list[dict[str, Any]], order: list[dict[str, str]]
    ) -> list[dict[str, Any]]:
        """Every entry that meets all of `query`, however many there are, in a total `order`."""
        found: list[dict[str, Any]] = []
        body: dict[str, Any] = {"query": {"bool": {"filter": query}}, "sort": order, "size": PAGE}
        while True:
            with telling_of(self._url):
                answer = self._client.search(
                    index=f"{self._name}-{kind}", body=body, params={"ignore_unavailable": "true"}
                )
            hits = answer["hits"]["hits"]
            found += [hit["_source"] for hit in hits]
            if len(hits) < PAGE:
                return found
            body["search_after"] = hits[-1]["sort"]


def _of(document: DocumentEntry) -> list[dict[str, Any]]:
    """Meets the entries of that document."""
    key = identifier(document.source, document.id, document.language)
    return [{"term": {"document": key}}]


def _ordered(*fields: str) -> list[dict[str, str]]:
    return [{field: "asc"} for field in fields]


def _section(row: dict[str, Any], document: DocumentEntry, body: str) -> SectionEntry:
    return SectionEntry(document, row["section"], row["kind"], row["title"], body)
