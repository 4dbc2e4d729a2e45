"""The part of OpenSearch's REST API that passages ask for, in memory, on loopback."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import numpy as np

Entry = dict[str, Any]


class FakeCluster:
    """Indices with their mappings and entries; words are compared by their first five letters."""

    def __init__(self) -> None:
        self.mappings: dict[str, Entry] = {}
        self.entries: dict[str, dict[str, Entry]] = {}
        self.refused = ""
        """The passage that it does not take."""

    def create(self, index: str, body: Entry) -> Entry:
        self.mappings[index], self.entries[index] = body["mappings"], {}
        if any(field["type"] == "knn_vector" for field in body["mappings"]["properties"].values()):
            assert body["settings"]["index"]["knn"] is True
        return {"acknowledged": True}

    def bulk(self, index: str, lines: list[Entry]) -> Entry:
        items = []
        for action, entry in zip(lines[::2], lines[1::2], strict=True):
            told = {"_index": index, "_id": action["index"]["_id"], "status": 201}
            if entry["passage"]["id"] == self.refused:
                told |= {"status": 400, "error": {"reason": "mapper_parsing_exception"}}
            else:
                self.entries[index][told["_id"]] = entry
            items.append({"index": told})
        return {"errors": any("error" in item["index"] for item in items), "items": items}

    def search(self, index: str, body: Entry) -> Entry:
        ((verb, what),) = body["query"].items()
        scored = {"bool": self._by_words, "knn": self._by_vector}[verb](index, what)
        best = sorted(scored, key=lambda hit: -hit["_score"])[: body["size"]]
        return {"hits": {"hits": best}}

    def _by_words(self, index: str, what: Entry) -> list[Entry]:
        asked = what["must"][0]["multi_match"]
        fields = asked["fields"]
        assert {*fields} <= self.mappings[index]["properties"].keys()
        words = _stems(asked["query"])
        left_out = _left_out(what["filter"])
        hits = []
        for key, entry in self.entries[index].items():
            score = sum(len(words & _stems(entry.get(field, ""))) for field in fields)
            if score and entry["group"] not in left_out:
                hits.append({"_id": key, "_score": float(score)})
        return hits

    def _by_vector(self, index: str, what: Entry) -> list[Entry]:
        vector = np.array(what["vector"]["vector"])
        left_out = _left_out([what["vector"]["filter"]] if "filter" in what["vector"] else [])
        hits = [
            {"_id": key, "_score": (1 + float(vector @ np.array(entry["vector"]))) / 2}
            for key, entry in self.entries[index].items()
            if entry["group"] not in left_out
        ]
        return sorted(hits, key=lambda hit: -hit["_score"])[: what["vector"]["k"]]


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"\w{4,}", text.lower())}


def _left_out(filters: list[Entry]) -> set[str]:
    return {part["term"]["group"] for one in filters for part in one["bool"]["must_not"]}


class _Handler(BaseHTTPRequestHandler):
    cluster: FakeCluster

    def log_message(self, format: str, *values: Any) -> None:
        """Nothing is logged."""

    def _answer(self) -> None:
        index, _, verb = urlsplit(self.path).path.strip("/").partition("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        payload = json.dumps(self._told(index, verb, body)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _told(self, index: str, verb: str, body: bytes) -> Entry:
        cluster = self.cluster
        if verb == "_bulk":
            return cluster.bulk(index, [json.loads(line) for line in body.splitlines()])
        asked = json.loads(body) if body else {}
        if verb == "_search":
            return cluster.search(index, asked)
        if verb == "_mget":
            found = cluster.entries[index]
            return {"docs": [{"_id": key, "_source": found[key]} for key in asked["ids"]]}
        if verb == "_mapping" and self.command == "PUT":
            cluster.mappings[index] |= asked
        elif verb == "_mapping":
            known = cluster.mappings
            return {index: {"mappings": known[index]}} if index in known else {}
        elif self.command == "DELETE":
            cluster.entries.pop(index, None)
            cluster.mappings.pop(index, None)
        elif self.command == "PUT":
            return cluster.create(index, asked)
        return {"acknowledged": True}

    do_GET = do_PUT = do_POST = do_DELETE = _answer


@contextlib.contextmanager
def serve(cluster: FakeCluster) -> Iterator[str]:
    """The address at which the cluster answers."""
    handler = type("Handler", (_Handler,), {"cluster": cluster})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
