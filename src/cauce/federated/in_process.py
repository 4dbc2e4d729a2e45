"""Sites in this process, one after the other: for tests, studies and `cauce federated simulate`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from cauce.federated.site import Site


class InProcess:
    """Sites that are opened one at a time, so that one model is in memory."""

    def __init__(self, openers: Mapping[str, Callable[[], Site]]) -> None:
        self._openers = openers
        self._open: dict[str, Site] = {}

    @property
    def names(self) -> Sequence[str]:
        """Of all sites, in order."""
        return sorted(self._openers)

    def ask(self, tasks: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        """Every site's reply, in the order of their names."""
        for name in sorted(tasks):
            if name not in self._open:
                self._open[name] = self._openers[name]()
            yield name, self._open[name].answer(tasks[name])
