"""Numbers that nobody can tell from chance without the key, and the same again with it.

Both masks and noise are as good as their randomness: an ordinary generator's next number can be
told from those before it. With a key from the operating system nobody knows them; kept on the
site's disk, it lets a step that a kill interrupted be done again to the bit.
"""

from __future__ import annotations

import math
import secrets

import numpy as np
from numpy.typing import NDArray

from cauce.errors import MissingExtra

KEY_BYTES = 32


def new_key() -> bytes:
    """A secret from the operating system; it never leaves the site."""
    return secrets.token_bytes(KEY_BYTES)


def derived(key: bytes, purpose: str) -> bytes:
    """A key for one purpose, from which neither `key` nor that of another purpose follows."""
    try:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    except ImportError as error:
        raise MissingExtra("keeping updates private", "federated") from error
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(key)


def keystream(key: bytes, purpose: str, count: int) -> bytes:
    """`count` bytes of ChaCha20 (RFC 8439, with a counter of 64 bits) for that purpose."""
    own = derived(key, purpose)
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

    # Each key derived serves one stream, so that no nonce can come twice.
    cipher = Cipher(algorithms.ChaCha20(own, bytes(16)), mode=None)
    return cipher.encryptor().update(bytes(count))


def uniform(key: bytes, purpose: str, count: int) -> NDArray[np.float64]:
    """Numbers above 0, up to 1, in steps of 2^-53."""
    drawn = np.frombuffer(keystream(key, purpose, 8 * count), "<u8") >> np.uint64(11)
    return (drawn.astype(np.float64) + 1.0) * 2.0**-53


def gaussian(key: bytes, purpose: str, count: int) -> NDArray[np.float64]:
    """Normal numbers of mean 0 and variance 1, by Box and Muller (1958)."""
    half = -(-count // 2)
    drawn = uniform(key, purpose, 2 * half)
    radius = np.sqrt(-2.0 * np.log(drawn[:half]))
    angle = 2.0 * math.pi * drawn[half:]
    return np.concatenate((radius * np.cos(angle), radius * np.sin(angle)))[:count]
