"""The coordinator's side: Flower's SuperLink in the coordinator's own process.

Of what `flower-superlink` serves only the calls of nodes are here (`/v1/fleet/`), behind TLS that
asks every client for a certificate of the job's authority. The coordinator starts runs and sends
messages in memory: there is no control API that a site could reach, no second process and no
database.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import cast

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from fastapi import FastAPI
from flwr.app import Message
from flwr.app.message import remove_content_from_message
from flwr.common.constant import NOOP_ACCOUNT_NAME, NOOP_FLWR_AID, SubStatus
from flwr.proto.node_pb2 import NodeInfo
from flwr.server.superlink.linkstate import LinkState, LinkStateFactory
from flwr.supercore.constant import FLWR_IN_MEMORY_DB_NAME, NOOP_FEDERATION_ID, TaskType
from flwr.supercore.error import http_error_translator
from flwr.supercore.inflatable.inflatable_object import (
    get_all_nested_objects,
    get_object_tree,
    iterate_object_tree,
    no_object_id_recompute,
)
from flwr.supercore.inflatable.inflatable_utils import inflate_object_from_contents
from flwr.supercore.object_store import ObjectStoreFactory
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from flwr.supercore.protobuf.translation import ProtobufTranslationMiddleware
from flwr.supercore.run import Run
from flwr.superlink.federation import NoOpFederationManager
from flwr.superlink.routers.fleet.node_auth import NodeAuthMiddleware
from flwr.superlink.routers.fleet.router import router as fleet_router
from flwr.superlink.servicer.fleet import fleet_handlers
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware

from cauce.errors import UserError
from cauce.federated.flower.node import HEARTBEAT_S
from cauce.federated.flower.sites import FlowerSites, Patience
from cauce.federated.settings import FederatedSettings

Progress = Callable[[str], None]
ARRIVAL_S = 3600.0
_LOG = "flower.log"


@contextmanager
def flower_coordinator(
    folder: Path,
    sites: Sequence[tuple[str, str]],
    address: str,
    certificates: Path,
    settings: FederatedSettings,
    *,
    progress: Progress,
    arrival_s: float = ARRIVAL_S,
) -> Iterator[FlowerSites]:
    """The sites of a job, while they can reach this machine at `address` (`host:port`).

    `sites` are names with public node keys (lines of OpenSSH): no other key is let in.
    `certificates` holds `ca.crt`, `server.crt` and `server.key`. A round waits `arrival_s` for a
    site that was not heard of since the start, and `settings.patience_s` for one that fell silent.
    Left without an error, it tells the sites that the job is over. `folder` gets Flower's log.
    Raises UserError where the address cannot be served.
    """
    # Flower takes nothing below 10 s, and notices a dead node after twice that.
    vars(fleet_handlers)["HEARTBEAT_MIN_INTERVAL"] = HEARTBEAT_S
    links = LinkStateFactory(FLWR_IN_MEMORY_DB_NAME, NoOpFederationManager(), ObjectStoreFactory())
    state = links.state()
    nodes = {name: _register(state, name, line) for name, line in sites}
    with _log_in(folder), _serving(_application(links), address, certificates):
        patience = Patience(settings.patience_s, arrival_s)
        reached = FlowerSites(partial(_new_run, state), nodes, patience, progress=progress)
        progress(f"waiting at {address} for {', '.join(reached.names)}")
        yield reached
        reached.dismiss()


def _application(links: LinkStateFactory) -> FastAPI:
    """The calls of nodes, each signed by a key that is registered; nothing else."""
    application = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[
            Middleware(BaseHTTPMiddleware, dispatch=http_error_translator),
            Middleware(ProtobufTranslationMiddleware),
            Middleware(NodeAuthMiddleware),
        ],
    )
    application.state.linkstate_factory = links
    application.state.enable_supernode_auth = True
    application.include_router(fleet_router)
    return application


class _Run:
    """A run without code, in which the coordinator stands in for Flower's server app.

    A reply is given out once it is whole, so that a site which dies in the middle of one keeps
    nobody waiting.
    """

    def __init__(self, state: LinkState, run: Run) -> None:
        self.run = run
        self._state, self._id = state, run.run_id
        self._heads: dict[str, Message] = {}

    def get_nodes(self) -> Sequence[NodeInfo]:
        """The nodes that are online."""
        self._state.acknowledge_task_heartbeat(cast(int, self.run.primary_task_id))
        online = list(self._state.get_nodes(self._id))
        nodes: Sequence[NodeInfo] = self._state.get_node_info(node_ids=online)
        return nodes

    def push_messages(self, messages: Iterable[Message]) -> list[str]:
        """Leaves the messages for their nodes; their ids."""
        session, names = self._state.start_session(self._id), []
        for message in messages:
            with no_object_id_recompute():
                names.append(message.object_id)
                message.metadata.__dict__["_message_id"] = message.object_id
                pieces = get_all_nested_objects(message)
                _, missing = self._state.store_message_and_object_tree(
                    remove_content_from_message(message), get_object_tree(message), session
                )
                for name in missing:
                    self._state.store_object(self._id, session, name, pieces[name].deflate())
        return names

    def pull_messages(self, message_ids: Iterable[str]) -> list[Message]:
        """What came in reply to these, with Flower's errors for what it lost."""
        found = []
        for reply in self._state.get_message_res(set(message_ids), self._id):
            if reply.has_error():
                found.append(reply)
            else:
                self._heads[reply.metadata.message_id] = reply
        for name in list(self._heads):
            tree = self._state.object_store.get_object_tree(name)
            pieces = {
                it.object_id: self._state.get_object(self._id, it.object_id)
                for it in iterate_object_tree(tree)
            }
            if all(pieces.values()):
                whole = inflate_object_from_contents(name, cast(dict[str, bytes], pieces))
                found.append(cast(Message, whole))
                del self._heads[name]
        return found


@contextmanager
def _new_run(state: LinkState) -> Iterator[_Run]:
    """A run of one round; what is left of it is thrown away with it."""
    run_id = state.create_run(
        None, None, None, {}, NOOP_FEDERATION_ID, None, NOOP_FLWR_AID, TaskType.SERVER_APP
    )
    [run] = state.get_run_info(run_ids=[run_id])
    task_id = cast(int, run.primary_task_id)
    state.claim_task(task_id)
    state.activate_task(task_id)
    try:
        yield _Run(state, run)
    finally:
        state.finish_task(task_id, SubStatus.COMPLETED, "")
        state.cleanup_run(run_id)


def _register(state: LinkState, name: str, line: str) -> int:
    key = load_ssh_public_key(line.encode())
    if not isinstance(key, EllipticCurvePublicKey):
        raise UserError(
            f"the node key of {name} is of another kind: {line[:40]!r}\n"
            "Ask for its .node.pub, which starts with ecdsa-sha2-nistp384."
        )
    public = public_key_to_bytes(key)
    node: int = state.create_node(NOOP_FLWR_AID, NOOP_ACCOUNT_NAME, public, 0, name=name)
    return node


@contextmanager
def _serving(application: FastAPI, address: str, certificates: Path) -> Iterator[None]:
    host, _, port = address.rpartition(":")
    if not port.isdigit():
        raise UserError(f"{address!r} is no address.\nGive a host and a port: 0.0.0.0:8443")
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            host.strip("[]"),
            int(port),
            ssl_keyfile=certificates / "server.key",
            ssl_certfile=certificates / "server.crt",
            ssl_ca_certs=certificates / "ca.crt",
            ssl_cert_reqs=ssl.CERT_REQUIRED,
            ws="none",
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )

    def serve() -> None:
        # Uvicorn exits where it cannot listen.
        with suppress(SystemExit):
            server.run()

    thread = threading.Thread(target=serve, name="SuperLink", daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    if not server.started:
        raise UserError(
            f"the address {address} cannot be served; see {_LOG} for the reason.\n"
            "Name a port that nothing else listens at."
        )
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def _log_in(folder: Path) -> Iterator[None]:
    """Flower and its server write into a file of the folder, and nowhere else."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(folder / _LOG)
    handler.setLevel(logging.INFO)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    loggers = [logging.getLogger(name) for name in ("flwr", "uvicorn.error")]
    before = [(it.handlers, it.propagate) for it in loggers]
    for it in loggers:
        it.handlers, it.propagate = [handler], False
    try:
        yield
    finally:
        for it, (handlers, propagate) in zip(loggers, before, strict=True):
            it.handlers, it.propagate = handlers, propagate
        handler.close()
