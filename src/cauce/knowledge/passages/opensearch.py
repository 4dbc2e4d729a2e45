"""The same search of passages on an OpenSearch cluster, for more than one machine should hold.

The cluster ranks by words (BM25) and by vectors (approximate, HNSW); the two rankings are fused
here, as those of a folder are. Credentials come from the environment, as for the sections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cauce.errors import DataRefused, NotFound
from cauce.knowledge.passages.building import FORMAT, Manifest, batches, manifest_of, searched
from cauce.knowledge.passages.fusion import DEPTH, Fused, fuse
from cauce.knowledge.passages.lexical import STEMMERS, WordHit, written_in
from cauce.knowledge.passages.passage import Hit, Passage
from cauce.knowledge.sections.opensearch import connect, telling_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cauce.knowledge.passages.building import Embed

FIELDS = [f"{field}_{language}" for language in STEMMERS for field in ("text", "title")]
"""What a question's words are looked for in; the scores of the fields add up."""


def build_passages_opensearch(
    url: str,
    name: str,
    passages: Iterable[Passage],
    embed: Embed | None = None,
    *,
    embedding_name: str = "",
    digest: str = "",
) -> int:
    """How many passages the cluster's index `name` holds; one that was there is replaced.

    Raises SourceUnavailable when the cluster does not answer, DataRefused when it refuses a
    passage.
    """
    client = connect(url)
    count = 0
    manifest = manifest_of(0, embed, embedding_name, digest)
    with telling_of(url):
        client.indices.delete(index=name, params={"ignore_unavailable": "true"})
        client.indices.create(index=name, body=_index_of(len(manifest.probe)))
        for batch in batches(passages):
            _require_taken(client.bulk(index=name, body=list(_actions(batch, count, embed))))
            count += len(batch)
        client.indices.refresh(index=name)
        finished = manifest.model_copy(update={"passages": count})
        client.indices.put_mapping(index=name, body={"_meta": finished.model_dump(mode="json")})
    client.close()
    return count


class OpenSearchPassages:
    """Read access to what `build_passages_opensearch` loaded, a `Passages` as `PassageIndex` is."""

    def __init__(self, url: str, name: str, embed: Embed | None = None) -> None:
        """Without `embed` it is asked by words alone.

        Raises NotFound where no load was finished, DataRefused where another embedding made its
        vectors.
        """
        self._client = connect(url)
        self._url = url
        self._name = name
        self._embed = embed
        manifest = self._manifest()
        if embed:
            manifest.require(embed, f"{name} on OpenSearch")

    def close(self) -> None:
        """Releases the connections."""
        self._client.close()

    def search(self, question: str, limit: int, *, exclude_group: str | None = None) -> list[Hit]:
        """The `limit` passages nearest to the question, best first, by words and by meaning."""
        depth = max(limit, DEPTH)
        others = {"bool": {"must_not": [{"term": {"group": exclude_group}}]}}
        only = [] if exclude_group is None else [others]
        asked = {"multi_match": {"query": question, "type": "most_fields", "fields": FIELDS}}
        found = self._ranked({"bool": {"must": [asked], "filter": only}}, depth)
        words = [WordHit(int(hit["_id"]), hit["_score"]) for hit in found]
        if self._embed is None:
            return self._hits(fuse(words, [], limit), None)
        vector = self._embed([question])[0]
        near: dict[str, Any] = {"vector": vector.tolist(), "k": depth}
        if only:
            near["filter"] = others
        found = self._ranked({"knn": {"vector": near}}, depth)
        return self._hits(fuse(words, [int(hit["_id"]) for hit in found], limit), vector)

    def _ranked(self, query: dict[str, Any], depth: int) -> list[dict[str, Any]]:
        with telling_of(self._url):
            answer = self._client.search(
                index=self._name, body={"query": query, "size": depth, "_source": False}
            )
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
        return hits

    def _hits(self, fused: list[Fused], vector: NDArray[np.float32] | None) -> list[Hit]:
        if not fused:
            return []
        with telling_of(self._url):
            answer = self._client.mget(
                index=self._name, body={"ids": [str(one.number) for one in fused]}
            )
        hits = []
        for one, entry in zip(fused, answer["docs"], strict=True):
            source = entry["_source"]
            cosine = 0.0 if vector is None else float(vector @ np.array(source["vector"]))
            hits.append(one.hit(Passage.model_validate(source["passage"]), cosine))
        return hits

    def _manifest(self) -> Manifest:
        with telling_of(self._url):
            found = self._client.indices.get_mapping(
                index=self._name, params={"ignore_unavailable": "true"}
            )
        meta = found.get(self._name, {}).get("mappings", {}).get("_meta", {})
        if meta.get("format") != FORMAT:
            raise NotFound(
                f"no finished load of passages {self._name!r} on OpenSearch at {self._url}.\n"
                "Fill it with: cauce prepare RECIPE, or in Python with build_passages_opensearch"
            )
        return Manifest.model_validate(meta)


def _index_of(axes: int) -> dict[str, Any]:
    """Settings and mappings of an index with vectors of so many axes; of none with 0."""
    fields: dict[str, Any] = {
        "group": {"type": "keyword"},
        "passage": {"type": "object", "enabled": False},
    }
    for language, analyzer in STEMMERS.items():
        for field in ("text", "title"):
            fields[f"{field}_{language}"] = {"type": "text", "analyzer": analyzer}
    if not axes:
        return {"mappings": {"dynamic": False, "properties": fields}}
    method = {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"}
    fields["vector"] = {"type": "knn_vector", "dimension": axes, "method": method}
    return {
        "settings": {"index": {"knn": True}},
        "mappings": {"dynamic": False, "properties": fields},
    }


def _actions(batch: list[Passage], first: int, embed: Embed | None) -> Iterator[dict[str, Any]]:
    """What the cluster is told of passages, the first of which has the number `first`."""
    vectors = embed([searched(passage) for passage in batch]) if embed else None
    for place, passage in enumerate(batch):
        language = written_in(passage.text)
        entry: dict[str, Any] = {
            "passage": passage.model_dump(mode="json"),
            "group": passage.group,
            f"text_{language}": passage.text,
            f"title_{language}": passage.title,
        }
        if vectors is not None:
            entry["vector"] = vectors[place].tolist()
        yield {"index": {"_id": str(first + place)}}
        yield entry


def _require_taken(answer: dict[str, Any]) -> None:
    for item in answer["items"]:
        told = item["index"]
        if "error" in told:
            raise DataRefused(
                f"OpenSearch refused {told.get('_index')}/{told.get('_id')}: {told['error']}\n"
                "See the cluster's log; the load can be run again from its beginning."
            )
