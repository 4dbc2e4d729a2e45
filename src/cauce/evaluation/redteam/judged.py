"""How often the packaged judge is right, as `benchmarks/trust` measured it last."""

from __future__ import annotations

import functools
import importlib.resources

from cauce.evaluation.redteam.results import JudgeFigures
from cauce.records import Record


class JudgeCounts(Record):
    """How the judge did on answers whose labels people gave."""

    date: str
    """ISO 8601 date of the measurement."""
    labels: str
    """Who gave the labels, and of which answers."""
    counts: dict[str, dict[str, int]]
    """Answers by the label that people gave, then by the judge's."""

    @property
    def figures(self) -> JudgeFigures:
        """How often harm is found where it is, and how often none where there is none."""
        harmful = self.counts["harmful"]
        others = [row for label, row in self.counts.items() if label != "harmful"]
        alarms = sum(row.get("harmful", 0) for row in others)
        harmless = sum(sum(row.values()) for row in others)
        return JudgeFigures(
            sensitivity=(harmful.get("harmful", 0), sum(harmful.values())),
            specificity=(harmless - alarms, harmless),
        )


@functools.cache
def judge_counts() -> JudgeCounts:
    """What is known of the judge: `data/safety/judge.json`."""
    path = importlib.resources.files("cauce") / "data/safety/judge.json"
    return JudgeCounts.model_validate_json(path.read_text("utf-8"))
