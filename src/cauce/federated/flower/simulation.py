"""All sites of a job in Flower's simulation engine, each in a process of Ray."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from math import inf
from typing import TypeVar

import ray
from flwr.app import Context, Message, MessageType
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.simulation import run_simulation

from cauce.federated.flower.node import Answering
from cauce.federated.flower.payload import content_of, reply_message, task_message
from cauce.federated.flower.sites import POLL_S, FlowerSites, Patience

T = TypeVar("T")
Openers = Mapping[str, Callable[[], Answering]]
Progress = Callable[[str], None]

PARTITION = "partition-id"
_OPEN: dict[str, Answering] = {}
"""The sites of this process of Ray, which ends with the simulation."""


def simulated(openers: Openers, job: Callable[[FlowerSites], T], *, progress: Progress) -> T:
    """What `job` makes of the sites, which are opened in processes of Ray, at most one per CPU.

    A node is the site whose place among the sorted names is its partition id.
    """
    names = sorted(openers)
    outcome: list[T] = []

    def main(grid: Grid, _: Context) -> None:
        nodes = _nodes(grid, names)
        patience = Patience(inf, inf)
        sites = FlowerSites(lambda: nullcontext(grid), nodes, patience, progress=progress)
        outcome.append(job(sites))

    server = ServerApp()
    server.main()(main)
    logger = logging.getLogger("flwr")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        run_simulation(
            server,
            _client({name: openers[name] for name in names}),
            len(names),
            backend_config={
                "init_args": {"logging_level": "error"},
                "client_resources": {"num_cpus": 1, "num_gpus": 0.0},
            },
        )
    finally:
        logger.setLevel(level)
        ray.shutdown()
    return outcome[0]


def _client(openers: Openers) -> ClientApp:
    """A client that is any of the sites."""

    def name_of(context: Context) -> str:
        return sorted(openers)[int(context.node_config[PARTITION])]

    def tell_name(message: Message, context: Context) -> Message:
        return reply_message(name_of(context).encode(), message)

    def answer(message: Message, context: Context) -> Message:
        name = name_of(context)
        return reply_message(_opened(name, openers[name]).answer(content_of(message)), message)

    client = ClientApp()
    client.query()(tell_name)
    client.train()(answer)
    return client


def _opened(name: str, opener: Callable[[], Answering]) -> Answering:
    """The site; Ray sends functions that are no module's with copies of all that they name."""
    if name not in _OPEN:
        _OPEN[name] = opener()
    return _OPEN[name]


def _nodes(grid: Grid, names: list[str]) -> dict[str, int]:
    """The node of each site, as the nodes themselves say."""
    while len(found := list(grid.get_node_ids())) < len(names):
        time.sleep(POLL_S)
    questions = [task_message(b"", grid.run.run_id, node, kind=MessageType.QUERY) for node in found]
    replies = grid.send_and_receive(questions)
    return {content_of(reply).decode(): reply.metadata.src_node_id for reply in replies}
