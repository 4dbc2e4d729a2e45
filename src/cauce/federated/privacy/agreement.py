"""Two sites agree on a secret through a third that carries their messages, and write under it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from cauce.errors import MissingExtra
from cauce.federated.privacy.keystream import derived

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

NONCE_BYTES = 12
"""Of ChaCha20-Poly1305 (RFC 8439)."""


def public(key: bytes) -> bytes:
    """What others need of the private `key` to agree with its holder (X25519, RFC 7748)."""
    return _private(key).public_key().public_bytes_raw()


def agreed(key: bytes, others: bytes, purpose: str) -> bytes:
    """A key for one purpose that only the holders of `key` and of the other's private key know."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    return derived(_private(key).exchange(X25519PublicKey.from_public_bytes(others)), purpose)


def seal(key: bytes, content: bytes, label: bytes) -> bytes:
    """`content` for the holders of `key`, which cannot be changed or told to have another label."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, content, label)


def opened(key: bytes, sealed: bytes, label: bytes) -> bytes | None:
    """What `seal` was given; None where key, label or content are others."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    nonce, content = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, content, label)
    except InvalidTag:
        return None


def _private(key: bytes) -> X25519PrivateKey:
    try:
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    except ImportError as error:
        raise MissingExtra("secure aggregation", "federated") from error
    return X25519PrivateKey.from_private_bytes(key)
