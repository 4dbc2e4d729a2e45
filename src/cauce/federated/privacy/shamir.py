"""Secrets in shares: any so many of them give the secret, fewer say nothing of it (Shamir 1979).

The secret is the value at 0 of a polynomial whose other coefficients are chance, over the integers
modulo a prime; a share is a place and the value there.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

PRIME = 2**521 - 1
"""A Mersenne prime above every secret of `SECRET_BYTES`."""

SECRET_BYTES = 32
_PLACE_BYTES, _VALUE_BYTES = 2, 66


def split(secret: bytes, count: int, threshold: int) -> list[bytes]:
    """`count` shares of which any `threshold` are needed."""
    chance = [secrets.randbelow(PRIME) for _ in range(threshold - 1)]
    coefficients = [int.from_bytes(secret, "big"), *chance]
    return [_written(place, _value(coefficients, place)) for place in range(1, count + 1)]


def joined(shares: Sequence[bytes]) -> bytes:
    """The secret, by Lagrange's interpolation at 0; something else if too few or wrong."""
    points = {
        int.from_bytes(one[:_PLACE_BYTES], "big"): int.from_bytes(one[_PLACE_BYTES:], "big")
        for one in shares
    }
    found: int = 0
    for place, value in points.items():
        above, below = 1, 1
        for other in points.keys() - {place}:
            above = above * other % PRIME
            below = below * (other - place) % PRIME
        inverse: int = pow(below, -1, PRIME)
        found = (found + value * above * inverse) % PRIME
    return found.to_bytes(_VALUE_BYTES, "big")[-SECRET_BYTES:]


def _value(coefficients: Sequence[int], place: int) -> int:
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * place + coefficient) % PRIME
    return value


def _written(place: int, value: int) -> bytes:
    return place.to_bytes(_PLACE_BYTES, "big") + value.to_bytes(_VALUE_BYTES, "big")
