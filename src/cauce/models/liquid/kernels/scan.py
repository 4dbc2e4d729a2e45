"""The linear recurrence x_t = a_t x_{t-1} + b_t for all time at once.

Neighbouring steps are joined into one, which leaves a recurrence of half the length; once that is
solved the steps between follow. This is log2(t) levels of whole-tensor operations, and 3 t
multiplications in all where doubling, the other way that parallel scans go, needs 2 t log2(t).

Axes: t time; the rest is any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float


def linear_scan(
    factors: Float[Tensor, "t ..."], terms: Float[Tensor, "t ..."]
) -> Float[Tensor, "t ..."]:
    """All x_t with x_t = factors_t x_{t-1} + terms_t, starting from 0; no graph is made.

    A state before the first step belongs into the first term. Products of factors that overflow
    give values that are no finite numbers, also where a later factor is 0.
    """
    with torch.no_grad():
        solved = torch.empty_like(terms, memory_format=torch.contiguous_format)
        _solve(factors, terms, solved)
    return solved


def reverse_linear_scan(
    factors: Float[Tensor, "t ..."], terms: Float[Tensor, "t ..."]
) -> Float[Tensor, "t ..."]:
    """All x_t with x_t = factors_t x_{t+1} + terms_t, from 0 after the end; no graph is made."""
    return linear_scan(factors.flip(0), terms.flip(0)).flip(0)


def _solve(factors: Tensor, terms: Tensor, solved: Tensor) -> None:
    """Writes the recurrence's values into `solved`, which may be a view with steps between."""
    solved[:1] = terms[:1]
    paired = len(terms) // 2 * 2
    if paired == 0:
        return
    later = factors[1:paired:2]
    joined = torch.addcmul(terms[1:paired:2], later, terms[:paired:2])
    _solve(later * factors[:paired:2], joined, solved[1:paired:2])
    ends = solved[1 : len(terms) - 1 : 2]
    torch.addcmul(terms[2::2], factors[2::2], ends, out=solved[2::2])
