"""What the model of a run gives away: `python -m benchmarks.trust.privacy RUN`.

The bar is the one above which a run is marked red. The demonstration is meant: a small model that
learns 2,500 examples until they are answered well.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import report
from cauce.errors import NotFound
from cauce.evaluation.privacy.adapter import RED_AUC, privacy
from cauce.runs import Run

DEMO = Path("runs/demo")


def measure(run: Path = DEMO) -> None:
    """Prints the figures of a finished run."""
    try:
        opened = Run.open(str(run))
    except NotFound as error:
        print(f"privacy is not measured: {error}", file=sys.stderr)
        return
    scores = privacy(opened)
    for name in ("base", "tuned", "reference"):
        told = scores["membership"][name]
        bar = None if name == "base" else RED_AUC
        report(f"membership, {name}: area {_interval(told['auc'])}", told["auc"]["value"], bar)
        caught = told["caught"]
        report(f"membership, {name}: caught at 1 % {_interval(caught)}", caught["value"], None)
    for name, found in scores["exposure"].items():
        for bits in found:
            report(f"exposure, {name}: bits {_interval(bits)}", bits["value"], None)
    for name, share in (scores["personal"] or {}).items():
        report(f"personal data written, {name} {_interval(share)}", share["value"], None)


def _interval(estimate: Mapping[str, Any]) -> str:
    low, high = estimate["low"], estimate["high"]
    bounds = f"{low:.3f}-{'' if high is None else f'{high:.3f}'}"
    return f"[{bounds}, n {estimate['n']}]"


if __name__ == "__main__":
    measure(*map(Path, sys.argv[1:]))
