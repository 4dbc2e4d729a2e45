"""How long a site may take: known from how it stood to the others in earlier rounds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median

SPREADS = 6.0
"""Deviations beyond the middle that are still waited for."""
NORMAL = 1.4826
"""From the median of absolute deviations to the standard deviation of a normal distribution."""


class Pace:
    """A slow site is not a late one: each is measured against its own share of the time.

    Its time in a round over the median of all is its pace. It is late where it takes longer, in
    units of its pace, than the median of those that are done plus six deviations, and than three
    times that median.
    """

    def __init__(self) -> None:
        self._paces: dict[str, float] = {}

    def allowed_s(self, site: str, done_s: Mapping[str, float], asked: int) -> float:
        """Seconds for `site` in a round of `asked` sites of which some are done already.

        Infinite as long as its pace is not known, or fewer than half are done.
        """
        units = [taken / self._paces[it] for it, taken in done_s.items() if it in self._paces]
        if site not in self._paces or len(units) * 2 < asked:
            return math.inf
        middle = median(units)
        deviation = NORMAL * median(abs(it - middle) for it in units)
        return self._paces[site] * (middle + max(SPREADS * deviation, 2 * middle))

    def learn(self, done_s: Mapping[str, float]) -> None:
        """Takes in the times of a round; a site's slowest pace counts."""
        if len(done_s) < 2:
            return
        middle = median(done_s.values())
        for site, taken in done_s.items():
            self._paces[site] = max(self._paces.get(site, 0.0), taken / middle)
