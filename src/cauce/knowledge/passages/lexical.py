"""Passages by their words, with tantivy's BM25: stemmed as English or as Spanish.

A passage is stemmed as the language that it seems to be written in; a question is stemmed as both,
since the words of a field are often the same in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from cauce.errors import MissingExtra
from cauce.knowledge.passages.passage import Passage
from cauce.records import Language

if TYPE_CHECKING:
    import tantivy

STEMMERS: dict[Language, str] = {"en": "english", "es": "spanish"}
HEAP_BYTES = 128 << 20
LONGEST_WORD = 40

_COMMON: dict[Language, frozenset[str]] = {
    "en": frozenset("the of and to in is that for with are as by which from this were".split()),  # noqa: SIM905
    "es": frozenset("el la los las de del que en y un una por con para es son al se qué".split()),  # noqa: SIM905
}


class WordHit(NamedTuple):
    """A passage that holds words of the question."""

    number: int
    """Its place among the passages of the index, from 0."""
    score: float


def written_in(text: str) -> Language:
    """The language that most of the text's commonest words are of; English where none is.

    >>> written_in("Los buques navegan por las estrellas"), written_in("Star navigation")
    ('es', 'en')
    """
    found = text.lower().split()
    return max(_COMMON, key=lambda language: sum(word in _COMMON[language] for word in found))


class WordIndex:
    """The words of passages, in a folder."""

    def __init__(self, folder: Path) -> None:
        try:
            import tantivy
        except ImportError as error:
            raise MissingExtra("an index of passages", "scholar") from error
        self._analyzers = {language: _analyzer(language) for language in STEMMERS}
        folder.mkdir(exist_ok=True)
        self._index = tantivy.Index(_schema(), path=str(folder), reuse=True)
        for language, analyzer in self._analyzers.items():
            self._index.register_tokenizer(language, analyzer)
        self._schema = self._index.schema
        self._searcher = self._index.searcher()

    def write(self, passages: Iterable[Passage]) -> None:
        """Adds the passages, numbered as they come, and keeps them."""
        import tantivy

        writer = self._index.writer(HEAP_BYTES, 1)
        for number, passage in enumerate(passages):
            language = written_in(passage.text)
            entry = tantivy.Document()
            entry.add_unsigned("number", number)
            entry.add_bytes("passage", passage.model_dump_json().encode())
            entry.add_text("group", passage.group)
            entry.add_text(f"text_{language}", passage.text)
            entry.add_text(f"title_{language}", passage.title)
            writer.add_document(entry)
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()

    def search(
        self, question: str, limit: int, *, exclude_group: str | None = None
    ) -> list[WordHit]:
        """The passages that hold words of the question, best first."""
        import tantivy

        clauses = [(tantivy.Occur.Should, query) for query in self._words(question)]
        if not clauses:
            return []
        if exclude_group is not None:
            clauses.append((tantivy.Occur.MustNot, self._term("group", exclude_group)))
        found = self._searcher.search(tantivy.Query.boolean_query(clauses), limit, count=False)
        numbers = self._numbers([address for _, address in found.hits])
        return [
            WordHit(number, score) for number, (score, _) in zip(numbers, found.hits, strict=True)
        ]

    def of_group(self, group: str) -> list[int]:
        """The numbers of a group's passages."""
        limit = max(self._searcher.doc_freq("group", group), 1)
        found = self._searcher.search(self._term("group", group), limit, count=False)
        return self._numbers([address for _, address in found.hits])

    def passages(self, numbers: Sequence[int]) -> dict[int, Passage]:
        """The passages of those numbers."""
        import tantivy

        query = tantivy.Query.term_set_query(self._schema, "number", list(numbers))
        found = self._searcher.search(query, max(len(numbers), 1), count=False)
        entries = [self._searcher.doc(address) for _, address in found.hits]
        return {
            entry["number"][0]: Passage.model_validate_json(entry["passage"][0])
            for entry in entries
        }

    def _words(self, question: str) -> list[tantivy.Query]:
        return [
            self._term(f"{field}_{language}", word)
            for language, analyzer in self._analyzers.items()
            for word in dict.fromkeys(analyzer.analyze(question))
            for field in ("text", "title")
        ]

    def _term(self, field: str, word: str) -> tantivy.Query:
        from tantivy import Query

        return Query.term_query(self._schema, field, word, "freq")

    def _numbers(self, addresses: list[tantivy.DocAddress]) -> list[int]:
        return cast(list[int], self._searcher.fast_field_values("number", addresses))


def _schema() -> tantivy.Schema:
    from tantivy import SchemaBuilder

    builder = SchemaBuilder()
    builder.add_unsigned_field("number", stored=True, indexed=True, fast=True)
    builder.add_bytes_field("passage", stored=True)
    builder.add_text_field("group", tokenizer_name="raw", index_option="basic")
    for language in STEMMERS:
        for field in ("text", "title"):
            builder.add_text_field(
                f"{field}_{language}", tokenizer_name=language, index_option="freq"
            )
    return builder.build()


def _analyzer(language: Language) -> tantivy.TextAnalyzer:
    """Words in lower case, without the commonest, stemmed and then without accents."""
    import tantivy

    filters = tantivy.Filter
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(filters.remove_long(LONGEST_WORD))
        .filter(filters.lowercase())
        .filter(filters.stopword(STEMMERS[language]))
        .filter(filters.stemmer(STEMMERS[language]))
        .filter(filters.ascii_fold())
        .build()
    )
