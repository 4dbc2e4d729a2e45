"""The part of OpenSearch's REST API that passages ask for, in memory, on loopback.

Answers have the fields of the real ones, also those that nobody reads here.
"""

from __future__ import annotations

import base64
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
SHARDS = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
STORED = {"_version": 1, "_seq_no": 0, "_primary_term": 1}


class FakeCluster:
    """Indices with their mappings and entries; words are compared by their first five letters."""

    def __init__(self) -> None:
        self.mappings: dict[str, Entry] = {}
        self.entries: dict[str, dict[str, Entry]] = {}
        self.refused = ""
        """The passage that it does not take."""
        self.password = ""
        """That of the user `reader`, without which it lets nobody in."""
        self.is_ready = True
        """Whether it answers anything but 503."""

    def create(self, index: str, body: Entry) -> Entry:
        self.mappings[index], self.entries[index] = body["mappings"], {}
        if any(field["type"] == "knn_vector" for field in body["mappings"]["properties"].values()):
            assert body["settings"]["index"]["knn"] is True
        return {"acknowledged": True, "shards_acknowledged": True, "index": index}

    def lets_in(self, authorization: str) -> bool:
        known = base64.b64encode(f"reader:{self.password}".encode()).decode()
        return not self.password or authorization == f"Basic {known}"

    def bulk(self, index: str, lines: list[Entry]) -> Entry:
        items = []
        for action, entry in zip(lines[::2], lines[1::2], strict=True):
            told = {"_index": index, "_id": action["index"]["_id"]}
            if entry["passage"]["id"] == self.refused:
                error = {"type": "mapper_parsing_exception", "reason": "failed to parse"}
                told |= {"status": 400, "error": error}
            else:
                self.entries[index][told["_id"]] = entry
                told |= {**STORED, "result": "created", "_shards": SHARDS, "status": 201}
            items.append({"index": told})
        failed = any("error" in item["index"] for item in items)
        return {"took": 1, "errors": failed, "items": items}

    def search(self, index: str, body: Entry) -> Entry:
        ((verb, what),) = body["query"].items()
        scored = {"bool": self._by_words, "knn": self._by_vector}[verb](index, what)
        assert body["_source"] is False
        best = sorted(scored, key=lambda hit: -hit["_score"])[: body["size"]]
        hits = {
            "total": {"value": len(scored), "relation": "eq"},
            "max_score": best[0]["_score"] if best else None,
            "hits": [{"_index": index, **hit} for hit in best],
        }
        return {"took": 1, "timed_out": False, "_shards": SHARDS, "hits": hits}

    def mget(self, index: str, asked: list[str]) -> Entry:
        found = self.entries[index]
        return {
            "docs": [
                {"_index": index, "_id": key, **STORED, "found": True, "_source": found[key]}
                if key in found
                else {"_index": index, "_id": key, "found": False}
                for key in asked
            ]
        }

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


def _fault(kind: str, status: int) -> Entry:
    cause = {"type": kind, "reason": f"because of {kind}"}
    return {"error": {"root_cause": [cause], **cause}, "status": status}


class _Handler(BaseHTTPRequestHandler):
    cluster: FakeCluster

    def log_message(self, format: str, *values: Any) -> None:
        """Nothing is logged."""

    def _answer(self) -> None:
        index, _, verb = urlsplit(self.path).path.strip("/").partition("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        cluster = self.cluster
        is_read = verb in ("_search", "_mget", "_bulk", "_refresh")
        if not cluster.is_ready:
            told, status = _fault("cluster_block_exception", 503), 503
        elif not cluster.lets_in(self.headers.get("Authorization") or ""):
            self._send(401, b"Unauthorized", "text/plain; charset=UTF-8")
            return
        elif is_read and index not in cluster.entries:
            told, status = _fault("index_not_found_exception", 404), 404
        else:
            told, status = self._told(index, verb, body), 200
        self._send(status, json.dumps(told).encode(), "application/json; charset=UTF-8")

    def _send(self, status: int, payload: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
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
            return cluster.mget(index, asked["ids"])
        if verb == "_refresh":
            return {"_shards": SHARDS}
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
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
