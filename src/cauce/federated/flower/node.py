"""A site's side: Flower's SuperNode in one process, which keeps the site's model in memory.

Flower's own starts a process for every message, which loads the model anew. This one speaks the
same calls (`/v1/fleet/`), every one signed by the node's key, over TLS with the site's certificate.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import httpx
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from flwr.app import Message
from flwr.app.message import remove_content_from_message
from flwr.common.serde import message_from_proto, message_to_proto
from flwr.proto.fleet_pb2 import (
    ActivateNodeRequest,
    PullMessagesRequest,
    PushMessagesRequest,
)
from flwr.proto.heartbeat_pb2 import SendNodeHeartbeatRequest
from flwr.proto.node_pb2 import Node
from flwr.supercore.inflatable.inflatable_object import (
    get_all_nested_objects,
    get_object_tree,
    iterate_object_tree,
    no_object_id_recompute,
)
from flwr.supercore.inflatable.inflatable_protobuf_utils import (
    make_pull_object_fn_protobuf,
    make_push_object_fn_protobuf,
)
from flwr.supercore.inflatable.inflatable_utils import (
    ObjectPullError,
    ObjectPushError,
    inflate_object_from_contents,
    pull_objects,
    push_objects,
)
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from flwr.supernode.fleet_http_client import FleetHttpClient
from flwr.supernode.node_auth_http_interceptor import NodeAuthHttpInterceptor

from cauce.errors import NotFound, UserError
from cauce.federated.flower.payload import content_of, reply_message
from cauce.federated.messages import digest
from cauce.signatures import require_private

Progress = Callable[[str], None]
OnEvent = Callable[[str, Mapping[str, Any]], None]

HEARTBEAT_S = 1.5
"""Between signs of life; after twice as long without one a node counts as away."""
POLL_S = (0.05, 0.5)
"""Least and most between questions for a task; between these, a hundredth of the time waited."""
REFUSED_S = 30.0
"""How long a node tries to be let in by a coordinator that answers: one that was killed and came
back is not before the coordinator has noticed."""


class Answering(Protocol):
    """A site."""

    def answer(self, content: bytes) -> bytes:
        """The reply to a task."""


def run_site(
    open_site: Callable[[], Answering],
    address: str,
    certificates: Path,
    node_key: Path,
    *,
    progress: Progress,
    on_event: OnEvent,
) -> None:
    """Answers the coordinator at `address` (`host:port`) until it says that the job is over.

    `node_key` is the file NAME.node; `certificates` holds `ca.crt`, `NAME.tls.crt` and
    `NAME.tls.key`. The site is opened once. `on_event` is told of every task and reply, with the
    task's digest and the size. As long as no coordinator answers, it waits. Raises UserError where
    it is not let in, and whatever the site raises.
    """
    with _Node(address, certificates, node_key, progress) as node:
        site = open_site()
        while True:
            task = node.next_task()
            content = content_of(task)
            if not content:
                on_event("job over", {})
                node.send(b"", task)
                return
            name = digest(content)
            on_event("task received", {"task": name, "bytes": len(content)})
            reply = site.answer(content)
            event = "reply sent" if node.send(reply, task) else "reply not sent"
            on_event(event, {"task": name, "bytes": len(reply)})


class _Node:
    """A node that is known to the coordinator whenever that can be.

    A thread of its own shows that it is alive, also while a model is loaded or trained. After any
    fault of the connection it starts anew, and what was under way is asked again.
    """

    def __init__(
        self, address: str, certificates: Path, node_key: Path, progress: Progress
    ) -> None:
        key = _read_key(node_key)
        self._address, self._progress = address, progress
        self._public = public_key_to_bytes(key.public_key())
        self._client = FleetHttpClient(
            f"https://{address}",
            interceptors=[
                RuntimeVersionHttpInterceptor(component_name="SuperNode"),
                NodeAuthHttpInterceptor(key, key.public_key()),
            ],
            verify=_tls(certificates, node_key.name.removesuffix(".node")),
        )
        self._node: Node | None = None
        self._refused: UserError | None = None
        self._let_in = time.monotonic()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._keep_known, name="heartbeat", daemon=True)

    def __enter__(self) -> _Node:
        self._progress(f"looking for the coordinator at {self._address}")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._client.close()

    def next_task(self) -> Message:
        """The next message, however long it takes; UserError where the node is not let in."""
        start = time.monotonic()
        while self._refused is None:
            node = self._node
            task = self._pull(node) if node is not None else None
            if task is not None:
                return task
            least, most = POLL_S
            time.sleep(min(max((time.monotonic() - start) / 100, least), most))
        raise self._refused

    def send(self, reply: bytes, task: Message) -> bool:
        """Whether the coordinator took the reply; where not, it does not want it or asks again."""
        node = self._node
        if node is None:
            return False
        message = reply_message(reply, task)
        try:
            with no_object_id_recompute():
                self._push(message, node)
        except httpx.HTTPStatusError as error:
            self._progress(f"the reply came too late: {error.response.text[:200]}")
            return False
        except (httpx.TransportError, ObjectPushError) as error:
            self._lose(node, str(error))
            return False
        return True

    def _pull(self, node: Node) -> Message | None:
        try:
            found = self._client.PullMessages(PullMessagesRequest(node=node))
            if not found.messages_list:
                return None
            head = message_from_proto(found.messages_list[0]).metadata
            names = [it.object_id for it in iterate_object_tree(found.message_object_trees[0])]
            pull = make_pull_object_fn_protobuf(self._client.PullObject, node, head.run_id)
            contents = pull_objects(names, pull, initial_backoff=0.02, backoff_cap=1.0)
        except (httpx.HTTPError, ObjectPullError) as error:
            self._lose(node, str(error))
            return None
        task = inflate_object_from_contents(head.message_id, contents)
        assert isinstance(task, Message), f"{head.message_id} is no message"
        task.metadata.__dict__["_message_id"] = head.message_id
        return task

    def _push(self, message: Message, node: Node) -> None:
        metadata = message.metadata
        metadata.__dict__["_message_id"] = message.object_id
        metadata.__dict__["_src_node_id"] = node.node_id
        wanted = self._client.PushMessages(
            PushMessagesRequest(
                node=node,
                messages_list=[message_to_proto(remove_content_from_message(message))],
                message_object_trees=[get_object_tree(message)],
                clientapp_runtime_list=[0.0],
            )
        )
        push_objects(
            get_all_nested_objects(message),
            make_push_object_fn_protobuf(
                self._client.PushObject, node, metadata.run_id, wanted.session_id
            ),
            object_ids_to_push=set(wanted.objects_to_push),
        )

    def _lose(self, node: Node, reason: str) -> None:
        """Makes the node come anew, which tells the coordinator that it has no task."""
        if self._node is node:
            self._node = None
            self._let_in = time.monotonic()
            self._progress(f"the coordinator at {self._address} is out of reach: {reason}")

    def _keep_known(self) -> None:
        while not self._is_over.is_set() and self._refused is None:
            node = self._node
            try:
                if node is None:
                    self._come()
                else:
                    self._client.SendNodeHeartbeat(
                        SendNodeHeartbeatRequest(node=node, heartbeat_interval=HEARTBEAT_S)
                    )
            except (httpx.HTTPStatusError, httpx.RemoteProtocolError) as error:
                # A server that does not take the client's certificate hangs up without a word.
                if node is not None:
                    self._lose(node, str(error))
                elif time.monotonic() - self._let_in > REFUSED_S:
                    self._refused = self._not_let_in(str(error))
            except httpx.TransportError as error:
                if _is_distrusted(error):
                    self._refused = self._not_let_in(str(error))
                self._let_in = time.monotonic()
            self._is_over.wait(HEARTBEAT_S)

    def _come(self) -> None:
        came = self._client.ActivateNode(
            ActivateNodeRequest(public_key=self._public, heartbeat_interval=HEARTBEAT_S)
        )
        self._node = Node(node_id=came.node_id)
        self._progress(f"the coordinator at {self._address} knows this site")

    def _not_let_in(self, reason: str) -> UserError:
        return UserError(
            f"the coordinator at {self._address} does not let this site in: {reason[:300]}\n"
            "Its keys and certificate must be those of the job, its clock right within seconds, "
            "and no other process may run with them."
        )


def _is_distrusted(error: BaseException | None) -> bool:
    """Whether the coordinator's certificate is not one of the job, or not for its address."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def _read_key(path: Path) -> EllipticCurvePrivateKey:
    require_private(path)
    try:
        key = load_ssh_private_key(path.read_bytes(), password=None)
    except ValueError:
        key = None
    if not isinstance(key, EllipticCurvePrivateKey):
        raise UserError(f"{path} is no node key.\nName the file that ends with .node.")
    return key


def _tls(certificates: Path, name: str) -> ssl.SSLContext:
    authority, own = certificates / "ca.crt", certificates / f"{name}.tls.crt"
    key = certificates / f"{name}.tls.key"
    for path in (authority, own):
        if not path.is_file():
            raise NotFound(f"no certificate {path}.\nAsk the coordinator for that file.")
    require_private(key)
    context = ssl.create_default_context(cafile=str(authority))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(own, key)
    return context
