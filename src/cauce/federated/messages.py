"""What coordinator and sites say to each other: a few figures, and tensors.

A message is bytes: the length of its head (4 bytes), the head as JSON, and the tensors as
`compression.pack` writes them, or what a sum needs as `secure` writes it. What is counted as
traffic is the length of these bytes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import Field, ValidationError

from cauce.errors import DataRefused
from cauce.evaluation.statistics import Estimate
from cauce.federated.compression import pack, unpack
from cauce.federated.privacy.gate import Finding
from cauce.federated.settings import Packing
from cauce.records import Record
from cauce.runs import atomic_write

if TYPE_CHECKING:
    from torch import Tensor

Model = Literal["base", "global", "personal", "alone"]
"""The models that a site compares at the end."""

Stage = Literal["advertise", "share", "mask", "unmask"]
"""Of a sum that shows nobody's update."""
STAGES: tuple[Stage, ...] = ("advertise", "share", "mask", "unmask")
Kind = Literal["alone", "train", "finish"] | Stage
"""What a site is asked to do."""

_HEAD_BYTES = 4


class Losses(Record):
    """Nats per token of one model on one site's validation and test examples."""

    validation: float
    test: float | None = None
    """None where the site has no test examples."""


class Head(Record):
    """What a message is about."""

    kind: Kind
    """Of the task, or of the task that was replied to."""
    job: str
    """Fingerprint of the recipe: the same in every message of a job."""
    round: int = Field(ge=0)
    site: str = ""
    """Who replies."""
    task: str = ""
    """Digest of the task that a reply answers."""
    examples: int = 0
    """Training examples of the site."""
    scaling: float = 1.0
    """alpha / rank of the site's LoRA."""
    loss_before: float | None = None
    """Validation loss at the site of the model that it was sent."""
    loss_after: float | None = None
    """And of what it made of it."""
    findings: tuple[Finding, ...] = ()
    """What attacks on the update found before it left, without their reasons."""
    withheld: bool = False
    """Whether the update stays at the site, as they found too much: it is not in the reply."""
    cpu_s: float = 0.0
    losses: dict[Model, Losses] = Field(default_factory=dict)
    """At the end: what each is worth at the site."""
    kept: Model | None = None
    """At the end: which of them the site keeps, by its own validation examples."""
    gap: Estimate | None = None
    """At the end: test loss of that one less that of what the site reaches alone."""
    privacy: str = ""
    """At the end: what each training example of the site was promised."""


class Message(NamedTuple):
    """A task or a reply."""

    head: Head
    tensors: dict[str, Tensor]
    """fp32, on the CPU, by name."""
    sealed: bytes = b""
    """In the stages of a sum, instead of tensors."""


def encode(message: Message, packing: Packing = "fp32") -> bytes:
    """The message as bytes."""
    if message.head.kind in STAGES:
        return framed(message.head, message.sealed)
    return framed(message.head, pack(message.tensors, packing))


def framed(head: Head, packed: bytes) -> bytes:
    """A message whose tensors are packed already."""
    written = head.model_dump_json(exclude_defaults=True).encode()
    return len(written).to_bytes(_HEAD_BYTES) + written + packed


def decode(content: bytes) -> Message:
    """The message that the bytes hold; DataRefused where they hold none."""
    size = int.from_bytes(content[:_HEAD_BYTES])
    end = _HEAD_BYTES + size
    try:
        if len(content) < end:
            raise ValueError(f"its head has {size} bytes, and {len(content)} came in all")
        head = Head.model_validate_json(content[_HEAD_BYTES:end])
        if head.kind in STAGES:
            return Message(head, {}, content[end:])
        return Message(head, unpack(content[end:]))
    except (ValidationError, ValueError) as error:
        raise DataRefused(
            f"a message of {len(content)} bytes cannot be read: {str(error).splitlines()[0]}\n"
            "Coordinator and sites must run the same version of cauce."
        ) from error


def digest(content: bytes) -> str:
    """What names a task: 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(content).hexdigest()[:16]


def read(path: Path) -> Message:
    """The message in a file that `write` made."""
    return decode(path.read_bytes())


def write(path: Path, message: Message) -> None:
    """Leaves the message at `path`, whole or not at all, readable by its owner alone."""
    with atomic_write(path, private=True) as stream:
        stream.write(encode(message))


def job_of(recipe: dict[str, Any]) -> str:
    """Fingerprint of a job: of all that coordinator and sites must agree on."""
    text = json.dumps(recipe, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
