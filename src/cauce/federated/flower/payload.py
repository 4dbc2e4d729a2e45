"""Bytes in messages of Flower, which cuts arrays into pieces of 5 MiB on the wire."""

from __future__ import annotations

import time

from flwr.app import Array, ArrayRecord, Message, MessageType, Metadata, RecordDict
from flwr.app.message import make_message
from flwr.common.constant import SUPERLINK_NODE_ID

LIFETIME_S = 30 * 24 * 3600.0
"""Of a message: longer than any round."""
_NAME = "message"


def task_message(
    content: bytes, run_id: int, node_id: int, *, kind: str = MessageType.TRAIN
) -> Message:
    """The coordinator's message to a node."""
    metadata = Metadata(
        run_id=run_id,
        message_id="",
        src_node_id=SUPERLINK_NODE_ID,
        dst_node_id=node_id,
        reply_to_message_id="",
        group_id="",
        created_at=time.time(),
        ttl=LIFETIME_S,
        message_type=kind,
    )
    return make_message(metadata, _record(content))


def reply_message(content: bytes, task: Message) -> Message:
    """A node's answer to a message."""
    return Message(_record(content), reply_to=task)


def content_of(message: Message) -> bytes:
    """The bytes in a message."""
    return bytes(message.content.array_records[_NAME][_NAME].data)


def _record(content: bytes) -> RecordDict:
    array = Array(dtype="uint8", shape=(len(content),), stype="bytes", data=content)
    return RecordDict({_NAME: ArrayRecord({_NAME: array})})
