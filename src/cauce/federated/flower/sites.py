"""Asking the sites of a job through Flower."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from flwr.app import Message
from flwr.common.constant import ErrorCode
from flwr.proto.node_pb2 import NodeInfo
from flwr.supercore.run import Run

from cauce.federated.flower.pace import Pace
from cauce.federated.flower.payload import content_of, task_message

Progress = Callable[[str], None]

POLL_S = 0.05
OVER = b""
"""The task that is none: the job is over."""
_SENT_AGAIN = (
    ErrorCode.MESSAGE_UNAVAILABLE,
    ErrorCode.REPLY_MESSAGE_UNAVAILABLE,
    ErrorCode.NODE_UNAVAILABLE,
)


class Nodes(Protocol):
    """The part of Flower's `Grid` that is needed."""

    @property
    def run(self) -> Run:
        """The run under way."""

    def get_nodes(self) -> Iterable[NodeInfo]:
        """The nodes that are online."""

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Sends messages; their ids."""

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Replies to these that came since."""


class Patience(NamedTuple):
    """Seconds that a round waits for a site of which nothing is heard."""

    silent_s: float
    """When it was heard of before."""
    arrival_s: float
    """When it never was."""


class _Sent(NamedTuple):
    message: str
    """Its id."""
    since: str
    """When the node came online; another time means that it was away and forgot the task."""


class FlowerSites:
    """The sites of a job, by the ids of their nodes."""

    def __init__(
        self,
        new_run: Callable[[], AbstractContextManager[Nodes]],
        nodes: Mapping[str, int],
        patience: Patience,
        *,
        progress: Progress,
    ) -> None:
        self._new_run, self._nodes, self._patience = new_run, dict(nodes), patience
        self._progress = progress
        self._pace = Pace()
        self._started = time.monotonic()
        self._heard: dict[str, float] = {}

    @property
    def names(self) -> Sequence[str]:
        """Of all sites, in order."""
        return sorted(self._nodes)

    def ask(self, tasks: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        """Each site's reply as it comes; one that was away is asked again, a lost one left out."""
        asked_at: dict[str, float] = {}
        done_s: dict[str, float] = {}
        sent: dict[str, _Sent] = {}
        told = set(tasks)
        with self._new_run() as nodes:
            while True:
                online = self._online(nodes)
                told = self._tell_missing(told, {*tasks} - {*online} - {*done_s})
                waiting = sorted({*tasks} - {*done_s})
                if not any(self._is_expected(it, asked_at, done_s, len(tasks)) for it in waiting):
                    break
                for site in waiting:
                    if site in sent and sent[site].since != online.get(site):
                        del sent[site]
                    if site in online and site not in sent:
                        asked_at.setdefault(site, time.monotonic())
                        message = self._send(nodes, site, tasks[site])
                        sent[site] = _Sent(message, online[site])
                replies = self._replies(nodes, sent)
                for site, content in replies:
                    done_s[site] = time.monotonic() - asked_at[site]
                    yield site, content
                if not replies:
                    time.sleep(POLL_S)
        self._pace.learn(done_s)

    def dismiss(self) -> None:
        """Tells the sites that the job is over; those, too, that are on their way back."""
        self._patience = self._patience._replace(arrival_s=self._patience.silent_s)
        for _ in self.ask(dict.fromkeys(self.names, OVER)):
            pass

    def _online(self, nodes: Nodes) -> dict[str, str]:
        """Since when each site that is heard of is there."""
        since = {node.node_id: node.last_activated_at for node in nodes.get_nodes()}
        online = {site: since[node] for site, node in self._nodes.items() if node in since}
        self._heard.update(dict.fromkeys(online, time.monotonic()))
        return online

    def _is_expected(
        self, site: str, asked_at: Mapping[str, float], done_s: Mapping[str, float], asked: int
    ) -> bool:
        now = time.monotonic()
        patience_s = self._patience.silent_s if site in self._heard else self._patience.arrival_s
        if now - self._heard.get(site, self._started) > patience_s:
            return False
        allowed_s = max(self._patience.silent_s, self._pace.allowed_s(site, done_s, asked))
        return site not in asked_at or now - asked_at[site] <= allowed_s

    def _send(self, nodes: Nodes, site: str, task: bytes) -> str:
        [message] = nodes.push_messages([task_message(task, nodes.run.run_id, self._nodes[site])])
        return str(message)

    def _replies(self, nodes: Nodes, sent: dict[str, _Sent]) -> list[tuple[str, bytes]]:
        """What came; a site whose task Flower lost is taken out of `sent`."""
        sites = {it.message: site for site, it in sent.items()}
        found = []
        for reply in nodes.pull_messages(list(sites)) if sites else ():
            site = sites[reply.metadata.reply_to_message_id]
            del sent[site]
            if not reply.has_error():
                found.append((site, content_of(reply)))
            elif reply.error.code not in _SENT_AGAIN:
                raise RuntimeError(f"{site} failed: {reply.error.reason}")
        return found

    def _tell_missing(self, told: set[str], missing: set[str]) -> set[str]:
        for site in sorted(missing - told):
            self._progress(f"{site} is not heard of any more")
        return missing
