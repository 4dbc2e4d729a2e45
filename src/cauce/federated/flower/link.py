"""The coordinator's side: Flower's SuperLink in the coordinator's own process.

It is the application that `flower-superlink` runs, behind TLS that asks every client for a
certificate of the job's authority, and behind a door that lets nothing pass but the calls of
nodes. Runs are started and messages given by the coordinator itself, in memory: there is no
control API, no second process, and no database.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from flwr.common.constant import NOOP_ACCOUNT_NAME, NOOP_FLWR_AID, SubStatus
from flwr.proto import message_pb2, runtime_pb2
from flwr.proto.task_pb2 import Task
from flwr.server.superlink.linkstate import LinkState
from flwr.serverapp import Grid
from flwr.supercore.constant import NOOP_FEDERATION_ID, TaskType
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from flwr.superlink.grid import HttpGrid
from flwr.superlink.main import create_app
from flwr.superlink.servicer.fleet import fleet_handlers
from flwr.superlink.servicer.runtime import runtime_handlers

from cauce.errors import UserError
from cauce.federated.flower.node import HEARTBEAT_S
from cauce.federated.flower.sites import FlowerSites, Patience
from cauce.federated.settings import FederatedSettings
from cauce.runs import Run  # noqa: F401  (placeholder)

Progress = Callable[[str], None]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
