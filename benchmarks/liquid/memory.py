"""Bytes that each token leaves behind for the gradient, ours beside ncps."""

from __future__ import annotations

from benchmarks import report
from benchmarks.liquid.measure import Size, kept_bytes_per_token
from benchmarks.liquid.peers import cfc, ltc, ltc_bytes_per_token, wired_cfc

LTC_BAR_KB = 50

WIDE = Size(4, 32, 768, 768)
SMALL = Size(1, 8, 128, 128)
"""Where ncps' LTC keeps 1.4 MB a token."""


def memory(wide: Size = WIDE, small: Size = SMALL) -> None:
    """Bytes kept for the backward pass per token and layer: what is kept for each token more."""
    pairs = {"LTC FC": ltc(wide.inputs, wide.units)}
    pairs["LTC NCP"] = ltc(wide.inputs, wide.units, is_full=False)
    for name, pair in pairs.items():
        ours = kept_bytes_per_token(pair.ours, wide)
        formula = ltc_bytes_per_token(wide.inputs, wide.units)
        report(f"{name} of {wide.units}: KB per token and layer", ours / 1e3, LTC_BAR_KB)
        report(f"{name} of {wide.units}: KB, ncps by its formula", formula / 1e3, None)
        report(f"{name} of {wide.units}: times less than ncps", formula / ours, 1000, "higher")
    _check_formula(small)
    for name, pair in {
        "CfC FC": cfc(wide.inputs, wide.units),
        "WiredCfC": wired_cfc(wide.inputs, wide.units),
    }.items():
        ours = kept_bytes_per_token(pair.ours, wide)
        theirs = kept_bytes_per_token(pair.theirs, wide)
        report(f"{name} of {wide.units}: KB per token and layer", ours / 1e3, None)
        report(f"{name} of {wide.units}: KB, ncps at {wide.rows} rows", theirs / 1e3, None)
        bar = 30 if name == "WiredCfC" else None
        report(f"{name} of {wide.units}: times less than ncps", theirs / ours, bar, "higher")


def _check_formula(small: Size) -> None:
    theirs = kept_bytes_per_token(ltc(small.inputs, small.units).theirs, small)
    share = theirs / ltc_bytes_per_token(small.inputs, small.units)
    report(f"LTC FC of {small.units}: KB, ncps measured", theirs / 1e3, None)
    report(f"LTC FC of {small.units}: ncps measured over its formula", share, None)
