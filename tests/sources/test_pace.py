"""A pace is kept by all threads together and follows the server's headers."""

import threading
import time

import pytest

from cauce.sources.pace import Pace


def starts_of(pace: Pace, turns: int, threads: int, lasts_s: float = 0.0) -> list[float]:
    """When each of some turns began, taken by some threads."""
    starts: list[float] = []

    def take() -> None:
        for _ in range(turns // threads):
            with pace.turn():
                starts.append(time.monotonic())
                time.sleep(lasts_s)

    takers = [threading.Thread(target=take) for _ in range(threads)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    return sorted(starts)


def test_threads_share_the_turns():
    starts = starts_of(Pace(per_second=50, at_once=4), turns=12, threads=4)
    assert starts[-1] - starts[0] >= 11 / 50 * 0.99


@pytest.mark.parametrize(("at_once", "least_s"), [(1, 0.15), (2, 0.05)])
def test_so_many_at_once(at_once: int, least_s: float):
    starts = starts_of(Pace(per_second=1000, at_once=at_once), turns=4, threads=4, lasts_s=0.05)
    assert starts[-1] - starts[0] >= least_s * 0.99


@pytest.mark.parametrize(
    ("headers", "per_second", "at_once"),
    [
        ({"x-rate-limit-limit": "50", "x-rate-limit-interval": "1s"}, 50, 4),
        ({"x-rate-limit-limit": "1000", "x-rate-limit-interval": "5m"}, 1000 / 300, 4),
        ({"x-concurrency-limit": "3"}, 1, 3),
        ({"x-concurrency-limit": "30"}, 1, 4),
        ({"x-rate-limit-limit": "0", "x-rate-limit-interval": "1s"}, 1, 4),
        ({"x-rate-limit-limit": "many", "x-rate-limit-interval": "soon"}, 1, 4),
        ({}, 1, 4),
    ],
)
def test_the_headers_rule(headers: dict[str, str], per_second: float, at_once: int):
    pace = Pace(per_second=1, at_once=4)
    pace.learn(headers)
    assert (pace.per_second, pace.at_once) == (per_second, at_once)


def test_all_wait_when_the_server_asks():
    pace = Pace(per_second=1000, at_once=4)
    pace.hold(0.1)
    began = time.monotonic()
    assert starts_of(pace, turns=2, threads=2)[0] - began >= 0.099
