"""Articles whose references have the DOIs of the works that they mean, and how each was found.

A DOI that the article tags is kept. The other references are resolved: by a DOI that they print, in
a catalogue, and at the registries where these are given. The catalogue holds the works that the
articles themselves tag, and those of a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from cauce.knowledge.works.catalogue import Catalogue
from cauce.knowledge.works.lines import read_works
from cauce.knowledge.works.matching import Match
from cauce.knowledge.works.resolver import Registries, Resolver
from cauce.records import Document, DoiMatch, Reference, Refusal
from cauce.runs import read_records, write_records
from cauce.sources.registries.work import Work, says_retracted


def write_with_dois(
    documents: Path,
    folder: Path,
    *,
    catalogue: Path | None,
    registries: Registries | None,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Writes `documents.jsonl` into the folder, its references with their DOIs; returns the counts.

    `dois` counts the references by where their DOI was found, `none` among them; `retracted` those
    of retracted works. Lines of the catalogue that are no works are in `refused.jsonl`. Raises
    SourceUnavailable when a registry does not answer.
    """
    refused: list[Refusal] = []
    found: Counter[str] = Counter()
    with Catalogue() as known:
        known.add(works_tagged(read_records(documents, Document)))
        if catalogue:
            known.add(_readable(catalogue, refused))
        progress(f"{len(known)} works are known")
        resolved = with_dois(read_records(documents, Document), known, registries)
        write_records(folder / "documents.jsonl", _counted(resolved, found))
    write_records(folder / "refused.jsonl", refused)
    retracted = found.pop("retracted", 0)
    told = ", ".join(f"{source} {count}" for source, count in found.most_common())
    progress(f"DOIs of the references: {told}")
    return {"dois": dict(found), "retracted": retracted, "catalogue_lines_refused": len(refused)}


def works_tagged(documents: Iterable[Document]) -> Iterator[Work]:
    """The works that articles tag with a DOI and a title, themselves included; each once."""
    seen: set[str] = set()
    for document in documents:
        own = (document.work,) if document.work else ()
        for cited in (*own, *document.references):
            if cited.doi and cited.title and cited.doi not in seen:
                seen.add(cited.doi)
                yield Work(
                    reference=cited.model_copy(update={"id": cited.doi, "raw": ""}),
                    source="articles",
                    retracted=says_retracted(cited.title),
                )


def with_dois(
    documents: Iterable[Document], catalogue: Catalogue, registries: Registries | None = None
) -> Iterator[Document]:
    """Each article with the DOIs of its references; one that is not sure enough has none."""
    resolver = Resolver(catalogue, registries)
    for document in documents:
        untagged = [cited for cited in document.references if not cited.doi]
        matches = resolver.resolve(untagged)
        references = tuple(
            _tagged(cited, catalogue) if cited.doi else _matched(cited, next(matches))
            for cited in document.references
        )
        yield document.model_copy(update={"references": references})


def _tagged(cited: Reference, catalogue: Catalogue) -> Reference:
    entry = catalogue.entry(str(cited.doi))
    retracted = entry is not None and entry.work.retracted
    match = DoiMatch(score=1.0, margin=1.0, source="tagged", retracted=retracted)
    return cited.model_copy(update={"match": match})


def _matched(cited: Reference, match: Match) -> Reference:
    if match.doi is None:
        return cited
    told = DoiMatch(
        score=round(match.score, 4),
        margin=round(match.margin, 4),
        source=match.source,
        retracted=match.retracted,
    )
    return cited.model_copy(update={"doi": match.doi, "match": told})


def _counted(documents: Iterable[Document], found: Counter[str]) -> Iterator[Document]:
    """The same documents, their references counted as they pass."""
    for document in documents:
        for cited in document.references:
            found[cited.match.source if cited.match else "none"] += 1
            found["retracted"] += bool(cited.match and cited.match.retracted)
        yield document


def _readable(catalogue: Path, refused: list[Refusal]) -> Iterator[Work]:
    """The works of a file; its other lines go to `refused`."""
    for item in read_works(catalogue):
        if isinstance(item, Refusal):
            refused.append(item)
        else:
            yield item
