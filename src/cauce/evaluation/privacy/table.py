"""What the attacks on a run's model found, as a table for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ATTACKS = {
    "base": "by loss, the base",
    "tuned": "by loss, tuned",
    "reference": "by loss less the base's",
}


def privacy_table(scores: Mapping[str, Any]) -> str:
    """Membership, canaries and what is written word for word, each with its 95 % interval."""
    membership = scores["membership"]
    lines = ["members told from others (0.5 is chance)"]
    for name, title in _ATTACKS.items():
        lines.append(f"  {title:24}{_shown(membership[name]['auc'])}")
    lines.append("members caught at 1 % false alarms")
    for name, title in _ATTACKS.items():
        lines.append(f"  {title:24}{_share(membership[name]['caught'])}")
    red = "RED: above" if membership["is_red"] else "not above"
    lines.append(f"{red} {membership['red_above']}")
    for name, canaries in scores["exposure"].items():
        bits = [canary["value"] for canary in canaries]
        told = f"{max(bits):.1f} bits of the best" if bits else "none planted (corpus.canaries)"
        lines.append(f"canaries remembered by {name}: {told}")
    personal = scores["personal"]
    if personal is None:
        lines.append("personal data written word for word: the training texts hold none")
    else:
        for name in ("base", "tuned"):
            lines.append(f"personal data written by {name}: {_share(personal[name])}")
    return "\n".join(lines)


def _shown(estimate: Mapping[str, Any]) -> str:
    return f"{estimate['value']:.3f} [{_bound(estimate['low'])}, {_bound(estimate['high'])}]"


def _share(estimate: Mapping[str, Any]) -> str:
    if estimate["low"] is None:
        return f"{estimate['value']:.1%} of {estimate['n']}"
    interval = f"[{estimate['low']:.1%}, {estimate['high']:.1%}]"
    return f"{estimate['value']:.1%} {interval} of {estimate['n']}"


def _bound(value: float | None) -> str:
    return "?" if value is None else f"{value:.3f}"
