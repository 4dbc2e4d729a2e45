"""Bytes in messages of Flower, which sends each record of a message by itself."""

from __future__ import annotations

import time
from typing import cast

from flwr.app import ConfigRecord, Message, MessageType, Metadata, RecordDict
from flwr.app.message import make_message
from flwr.common.constant import SUPERLINK_NODE_ID

LIFETIME_S = 30 * 24 * 3600.0
"""Of a message: longer than any round."""
PIECE_BYTES = 4 << 20
_NAME = "bytes"


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
    pieces = message.content.config_records
    return b"".join(cast(bytes, pieces[name][_NAME]) for name in sorted(pieces))


def _record(content: bytes) -> RecordDict:
    starts = range(0, max(len(content), 1), PIECE_BYTES)
    return RecordDict(
        {
            f"{start:012}": ConfigRecord({_NAME: content[start : start + PIECE_BYTES]})
            for start in starts
        }
    )
