"""The part of OpenSearch's REST API that the store asks for, in memory, on loopback."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Entry = dict[str, Any]


class FakeCluster:
    """Indices with their mappings and entries; only mapped fields can be asked for."""

    def __init__(self) -> None:
        self.fields: dict[str, dict[str, Any]] = {}
        self.entries: dict[str, dict[str, Entry]] = {}
        self.requests: list[str] = []
        self.authorization = ""
        self.refuse_bulk_of = ""

    def bulk(self, lines: list[Entry]) -> Entry:
        items = []
        pairs = iter(lines)
        for action in pairs:
            ((verb, target),) = action.items()
            items.append({verb: self._store(verb, target, next(pairs))})
        return {
            "errors": any("error" in next(iter(item.values())) for item in items),
            "items": items,
        }

    def _store(self, verb: str, target: Entry, entry: Entry) -> Entry:
        index, key = target["_index"], target["_id"]
        answer = {"_index": index, "_id": key}
        if self.refuse_bulk_of and index.endswith(self.refuse_bulk_of):
            return {**answer, "status": 400, "error": {"reason": "mapper_parsing_exception"}}
        if verb == "create" and key in self.entries[index]:
            return {**answer, "status": 409, "error": {"reason": "document already exists"}}
        self.entries[index][key] = entry
        return {**answer, "status": 201}

    def matching(self, index: str, query: Entry) -> list[Entry]:
        ((verb, what),) = query.items()
        entries = list(self.entries.get(index, {}).values())
        if verb == "match_all":
            return entries
        if verb == "bool":
            assert what.keys() == {"filter"}, what
            kept = [{id(entry) for entry in self.matching(index, part)} for part in what["filter"]]
            return [entry for entry in entries if all(id(entry) in part for part in kept)]
        ((field, value),) = what.items()
        if entries:
            assert field in self.fields[index], f"{index} does not index {field}"
        wanted = {"term": [value], "terms": value}[verb]
        return [entry for entry in entries if {*_values(entry.get(field))} & {*wanted}]

    def search(self, index: str, body: Entry) -> Entry:
        found = self.matching(index, body["query"])
        order = [next(iter(part.items())) for part in body["sort"]]
        for field, direction in reversed(order):
            if found:
                assert field in self.fields[index], f"{index} does not sort by {field}"
            found.sort(key=lambda entry: entry[field], reverse=direction == "desc")
        places = [[entry[field] for field, _ in order] for entry in found]
        start = places.index(body["search_after"]) + 1 if "search_after" in body else 0
        hits = [
            {"_source": entry, "sort": place} for entry, place in zip(found, places, strict=True)
        ]
        return {"hits": {"hits": hits[start : start + body["size"]]}}


def _values(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class _Handler(BaseHTTPRequestHandler):
    cluster: FakeCluster

    def log_message(self, format: str, *values: Any) -> None:
        """Nothing is logged."""

    def _answer(self) -> None:
        cluster, path = self.cluster, urlsplit(self.path).path.strip("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        cluster.requests.append(f"{self.command} {path}")
        status, answer = 200, Entry()
        if self.headers.get("Authorization", "") != cluster.authorization:
            status, answer = 401, {"error": "who are you?"}
        elif path == "_bulk":
            answer = cluster.bulk([json.loads(line) for line in body.splitlines() if line])
        elif path.endswith("/_refresh"):
            pass
        else:
            status, answer = self._of_index(path, json.loads(body) if body else {})
        payload = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    def _of_index(self, path: str, body: Entry) -> tuple[int, Entry]:
        cluster = self.cluster
        index, _, verb = path.partition("/")
        if self.command == "HEAD":
            return (200 if index in cluster.entries else 404), {}
        if self.command == "PUT" and not verb:
            cluster.entries[index] = {}
            cluster.fields[index] = body["mappings"]["properties"]
        elif verb == "_search":
            return 200, cluster.search(index, body)
        elif verb == "_count":
            query = body.get("query", {"match_all": {}})
            return 200, {"count": len(cluster.matching(index, query))}
        elif verb == "_mget":
            found = cluster.entries[index]
            return 200, {"docs": [{"_id": key, "_source": found[key]} for key in body["ids"]]}
        elif verb == "_delete_by_query":
            cluster.entries[index].clear()
        elif verb.startswith("_doc/"):
            cluster.entries[index][verb.removeprefix("_doc/")] = body
        else:
            return 400, {"error": f"{self.command} {path} is not faked"}
        return 200, {}

    do_GET = do_PUT = do_POST = do_HEAD = _answer


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
