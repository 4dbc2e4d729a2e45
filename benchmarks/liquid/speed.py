"""CPU time of forward and backward, ours beside ncps, and beside other layers for scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import nn
from torch.nn import Module

from benchmarks import report
from benchmarks.liquid.measure import (
    SIZES,
    Pass,
    Size,
    inputs_of,
    least_cpu_s,
    pass_of,
)
from benchmarks.liquid.peers import Pair, cfc, circuit, ltc, ltc_bytes_per_token, mixed, wired_cfc
from cauce.models.liquid import LrcSSM, use_backend
from cauce.models.liquid.kernels import native
from cauce.models.liquid.kernels.backends import Backend

MOST_BYTES = 8_000_000_000
"""Where ncps' LTC would keep more (50 GB at the largest size), it is measured on fewer tokens."""

FEW = Size(1, 16, 768, 768)
"""The size it is measured at then."""


class Contest(NamedTuple):
    """A layer, and how many times faster than ncps it must be at each of `SIZES`."""

    name: str
    make: Callable[[int, int], Pair]
    bars: tuple[float | None, ...]
    torch_bar: float | None
    """Of pure torch, at the first size."""
    is_ltc: bool = False


CONTESTS = (
    Contest("CfC FC", cfc, (12, 9, 6), 5),
    Contest("WiredCfC", wired_cfc, (28, 25, 22), 8),
    Contest("LTC FC", ltc, (18, 14, None), 2.5, is_ltc=True),
    Contest("CfC FC, mixed memory", lambda d, n: mixed(cfc(d, n), d, n), (None,) * 3, None),
    Contest(
        "WiredCfC, mixed memory",
        lambda d, n: mixed(wired_cfc(d, n), d, circuit(n)),
        (None,) * 3,
        None,
    ),
    Contest("LTC NCP", lambda d, n: ltc(d, n, is_full=False), (40, 40, None), 2.5, is_ltc=True),
)


def speed(sizes: tuple[Size, ...] = SIZES, *, few: Size = FEW) -> None:
    """Forward and backward of every cell against ncps, and of other layers for scale."""
    for number, size in enumerate(sizes):
        for contest in CONTESTS:
            kept = size.tokens * ltc_bytes_per_token(size.inputs, size.units)
            if contest.is_ltc and kept > MOST_BYTES:
                _extrapolated(contest, size, few)
            else:
                _compared(contest, size, contest.bars[number], first=number == 0)
        _for_scale(size)


def _compared(contest: Contest, size: Size, bar: float | None, *, first: bool) -> None:
    pair = contest.make(size.inputs, size.units)
    spent = least_cpu_s(_passes(pair, size), rounds=_rounds(size))
    metric = f"{contest.name} {size}"
    for name, seconds in spent.items():
        report(f"{metric}: CPU ms, {name}", 1e3 * seconds, None)
    ratio = spent["ncps"] / spent["ours"]
    report(f"{metric}: times faster than ncps", ratio, bar, "higher")
    torch_bar = contest.torch_bar if first else None
    ratio = spent["ncps"] / spent["ours, torch"]
    report(f"{metric}: times faster than ncps, pure torch", ratio, torch_bar, "higher")


def _extrapolated(contest: Contest, size: Size, few: Size) -> None:
    """Ours on all tokens, ncps and pure torch on a few: their time grows with the tokens."""
    pair = contest.make(size.inputs, size.units)
    spent = least_cpu_s(_passes(pair, few), rounds=3)
    ours = _by(_fastest(), pass_of(pair.ours, inputs_of(size)))
    [seconds] = least_cpu_s({f"ours {size}": ours}, rounds=2, warm_up=0).values()
    factor, metric = size.tokens / few.tokens, f"{contest.name} {size}"
    report(f"{metric}: CPU ms, ours", 1e3 * seconds, None)
    for name in ("ours, torch", "ncps"):
        metric_ = f"{metric}: CPU ms, {name}, extrapolated from {few}"
        report(metric_, 1e3 * factor * spent[name], None)
    ratio = factor * spent["ncps"] / seconds
    report(f"{metric}: times faster than ncps, extrapolated", ratio, None, "higher")
    ratio = spent["ncps"] / spent["ours"]
    report(f"{contest.name} {few}: times faster than ncps", ratio, None, "higher")


def _for_scale(size: Size) -> None:
    """Layers of torch, and the liquid cell that is solved in parallel over time."""
    d, n = size.inputs, size.units
    layers: dict[str, Module] = {
        "nn.GRU": nn.GRU(d, n, batch_first=True),
        "nn.LSTM": nn.LSTM(d, n, batch_first=True),
        "MLP 4N": nn.Sequential(nn.Linear(d, 4 * n), nn.GELU(), nn.Linear(4 * n, n)),
        "LrcSSM, sequential": LrcSSM(d, n, solver="sequential"),
        "LrcSSM, parallel": LrcSSM(d, n, solver="parallel"),
    }
    x = inputs_of(size)
    passes = {name: pass_of(layer, x) for name, layer in layers.items()}
    for name, seconds in least_cpu_s(passes, rounds=_rounds(size)).items():
        report(f"{name} {size}: CPU ms", 1e3 * seconds, None)


def _passes(pair: Pair, size: Size) -> dict[str, Pass]:
    x = inputs_of(size)
    return {
        "ours": _by(_fastest(), pass_of(pair.ours, x)),
        "ours, torch": _by("torch", pass_of(pair.ours, x)),
        "ncps": pass_of(pair.theirs, x),
    }


def _fastest() -> Backend:
    return "cpp" if native.is_available() else "torch"


def _by(backend: Backend, run: Pass) -> Pass:
    """The pass, computed by that backend."""

    def computed() -> None:
        with use_backend(backend):
            run()

    return computed


def _rounds(size: Size) -> int:
    """More where a pass is short."""
    return 12 if size.units <= 64 else 6 if size.units <= 128 else 4
