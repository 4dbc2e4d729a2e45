"""How much each site counts in the shared model: shares of one, the same on every run.

By size, the large sites decide and a small site that differs from them is served worst. A cap
bounds what one site decides; loss-aware shares move the model to whom it serves worst, measured
against what each site reaches alone and not against zero, so that a site whose texts are simply
harder does not pull it away from the rest (loss gaps: EAGLE, Erraji et al. 2026, arXiv 2603.29818;
the exponential: tilted losses, Li et al. 2020, arXiv 2007.01162).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from cauce.errors import UserError

Shares = dict[str, float]
"""Of each site, sorted by name; they sum to one."""


def by_size(examples: Mapping[str, int]) -> Shares:
    """Each site's share of all training examples."""
    return _shares(examples)


def uniform(sites: Sequence[str]) -> Shares:
    """The same for every site."""
    return _shares(dict.fromkeys(sites, 1.0))


def capped(examples: Mapping[str, int], *, largest: float) -> Shares:
    """By size, none above `largest`; what is cut off goes to the others, by their size.

    With fewer than 1 / `largest` sites no such shares exist, and all count the same.
    """
    if largest * len(examples) <= 1:
        return uniform(list(examples))
    shares = by_size(examples)
    full: set[str] = set()
    while above := {site for site, share in shares.items() if share > largest}:
        full |= above
        rest = by_size({site: count for site, count in examples.items() if site not in full})
        left = 1 - largest * len(full)
        shares = {site: largest if site in full else left * rest[site] for site in shares}
    return shares


def loss_aware(
    shares: Mapping[str, float],
    shared: Mapping[str, float],
    alone: Mapping[str, float],
    *,
    tilt: float = 3.0,
) -> Shares:
    """`shares` times exp(tilt * gap), where gap = `shared` - `alone` is each site's loss gap.

    Losses are nats per token on the site's validation examples, under the shared model and under
    what the site reached by itself. A site that gains has a negative gap and counts less. At a tilt
    of 3, a gap of 0.23 nats doubles what a site counts.
    """
    gaps = {site: shared[site] - alone[site] for site in shares}
    worst = max(gaps.values())
    return _shares(
        {site: share * math.exp(tilt * (gaps[site] - worst)) for site, share in shares.items()}
    )


def _shares(amounts: Mapping[str, float]) -> Shares:
    total = math.fsum(amounts.values())
    if not math.isfinite(total) or total <= 0 or min(amounts.values()) < 0:
        raise UserError(
            f"sites cannot be weighed by {dict(sorted(amounts.items()))}.\n"
            "Each needs at least one training example and finite losses."
        )
    return {site: amount / total for site, amount in sorted(amounts.items())}
