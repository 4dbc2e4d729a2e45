"""Passwords as scrypt keeps them: slow to try, each with its own salt (RFC 7914).

The cost is one of those that OWASP's cheat sheet on storing passwords gives: n = 2^15, r = 8,
p = 3, which is 32 MiB for each password that is looked at.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata

from cauce.errors import UserError

LOG2_N, BLOCKS, LANES = 15, 8, 3
SHORTEST, LONGEST = 12, 1024
"""Characters; long is what makes one hard to guess, so nothing else is asked of it."""
_SALT_BYTES = _KEY_BYTES = 32


def hash_password(password: str) -> str:
    """What is stored of a password: method, cost, salt and key. Raises UserError for a short one.

    >>> is_password("correct horse battery", hash_password("correct horse battery"))
    True
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UserError(
            f"the password has {len(password)} characters.\n"
            f"Choose one of {SHORTEST} to {LONGEST}; four words are easy to remember."
        )
    salt = secrets.token_bytes(_SALT_BYTES)
    key = _scrypt(password, salt, LOG2_N, BLOCKS, LANES)
    kept = (base64.b64encode(part).decode() for part in (salt, key))
    return "$".join(("scrypt", str(LOG2_N), str(BLOCKS), str(LANES), *kept))


def is_password(password: str, stored: str | None) -> bool:
    """Whether it is the one that was stored; where none was, False after as long a time."""
    if stored is None:
        _scrypt(password, bytes(_SALT_BYTES), LOG2_N, BLOCKS, LANES)
        return False
    _, log2_n, blocks, lanes, salt, key = stored.split("$")
    found = _scrypt(password, base64.b64decode(salt), int(log2_n), int(blocks), int(lanes))
    return hmac.compare_digest(found, base64.b64decode(key))


def _scrypt(password: str, salt: bytes, log2_n: int, blocks: int, lanes: int) -> bytes:
    """The key; the same letters typed on another keyboard give the same one (NFKC)."""
    typed = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    n = 1 << log2_n
    return hashlib.scrypt(
        typed, salt=salt, n=n, r=blocks, p=lanes, maxmem=256 * n * blocks, dklen=_KEY_BYTES
    )
