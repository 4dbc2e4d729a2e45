"""Records that are signed with Ed25519 (RFC 8032), and the key files that sign them.

A private key is a PKCS8 PEM file that its owner alone can read. A public key is one line of
OpenSSH, `ssh-ed25519 AAAA... NAME`; its fingerprint is the one that `ssh-keygen -lf` prints.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import SerializeAsAny

from cauce.errors import DataRefused, MissingExtra, NotFound, UserError
from cauce.records import Record
from cauce.runs import atomic_write

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )
    from cryptography.hazmat.primitives.serialization import SSHPublicKeyTypes

R = TypeVar("R", bound=Record)
S = TypeVar("S", bound=Record)

FEATURE = "signing"
"""What a message says when the packages for it are not installed."""
_EXTRA = "federated"


class Signed(Record, Generic[R]):
    """A record and a signature over its kind and its canonical JSON."""

    content: SerializeAsAny[R]
    signature: str
    """Base64 of the 64 bytes of Ed25519."""


def canonical(value: object) -> bytes:
    """The one way to write a value of JSON: keys sorted, no spaces, UTF-8, finite numbers."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def content_hash(record: Record) -> str:
    """Hexadecimal SHA-256 of the record's canonical JSON."""
    return hashlib.sha256(canonical(record.model_dump(mode="json"))).hexdigest()


def sign(content: R, private_key: Path) -> Signed[R]:
    """The record with its signature; raises as `read_signing_key` does."""
    signature = read_signing_key(private_key).sign(_signed_bytes(content))
    return Signed(content=content, signature=base64.b64encode(signature).decode())


def check_signature(signed: Signed[R], public_key: str, name: str) -> R:
    """The content, which the owner of `public_key` signed; DataRefused where that is not so.

    `name` is what the message calls the content: a file, or a kind of paper.
    """
    key = _verifying_key(public_key)
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(base64.b64decode(signed.signature, validate=True), _signed_bytes(signed.content))
    except (InvalidSignature, binascii.Error) as error:
        raise DataRefused(
            f"{name} was not signed by the key {fingerprint(public_key)}, or was changed since.\n"
            "Do not use it. Ask whoever sent it for the original, and compare the fingerprints."
        ) from error
    return signed.content


def read_signed(path: Path, kind: type[S]) -> S:
    """The signed record in the file; its signature is not checked yet.

    Raises NotFound, or DataRefused where the file holds no such record.
    """
    if not path.is_file():
        raise NotFound(f"no file {path}.\nName a file that is there.")
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValueError as error:
        raise DataRefused(
            f"{path} cannot be read: {' '.join(str(error).split())[:300]}\n"
            "Ask whoever sent it for the original; it may come from another version of cauce."
        ) from error


def write_signed(path: Path, signed: Record) -> None:
    """The signed record as indented JSON; the file appears whole or not at all."""
    with atomic_write(path) as stream:
        stream.write(signed.model_dump_json(indent=2).encode() + b"\n")


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 private key in the file.

    Raises NotFound, and UserError where others can read it or where it is another kind of key.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise MissingExtra(FEATURE, _EXTRA) from error
    require_private(path)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UserError(f"{path} is no signing key.\nName the file that ends with .signing.pem.")
    return key


def require_private(path: Path) -> None:
    """Returns where only the owner of the file may read or change it; else NotFound, UserError."""
    if not path.is_file():
        raise NotFound(f"no key {path}.\nName a key that is there.")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise UserError(
            f"{path} is a private key that others on this machine can open (mode {mode:04o}).\n"
            f"Close it with: chmod 600 {path}   If others may have copied it, make a new one."
        )


def public_line(private_key: Path) -> str:
    """The public half of a signing key, as one line of OpenSSH without a name."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = read_signing_key(private_key).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def fingerprint(public_key: str) -> str:
    """`SHA256:` and 43 characters, as `ssh-keygen -lf` prints for the same line.

    >>> fingerprint("ssh-ed25519 AAAA hospital-a")
    'SHA256:cJ6AyISHokEeHuTfufIqhhSS0gxHZRUMDHlKvXD4FHw'

    Raises ValueError for what is no line of OpenSSH.
    """
    [_, blob, *_] = public_key.split()
    digest = hashlib.sha256(base64.b64decode(blob, validate=True)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def is_public_key(line: str) -> bool:
    """Whether the line is a public key of OpenSSH that can be used."""
    return _load_public(line) is not None


def _load_public(line: str) -> SSHPublicKeyTypes | None:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_ssh_public_key
    except ImportError as error:
        raise MissingExtra(FEATURE, _EXTRA) from error
    try:
        return load_ssh_public_key(line.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None


def _verifying_key(public_key: str) -> Ed25519PublicKey:
    key = _load_public(public_key)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not isinstance(key, Ed25519PublicKey):
        raise UserError(
            f"this is no public signing key: {public_key[:80]!r}\n"
            "Name the file that ends with .signing.pub; it starts with ssh-ed25519."
        )
    return key


def _signed_bytes(content: Record) -> bytes:
    """What is signed; its kind stands in front, so that no record passes for one of another."""
    return f"cauce {type(content).__name__}\n".encode() + canonical(content.model_dump(mode="json"))
