"""Questions that are answered in words; they stand in the JSON lines beside this file.

inspect eval FILE --model PROVIDER/MODEL
"""

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import exact, f1, mean, stderr

LINES = Path(__file__).with_suffix(".jsonl")


@task(name="words")
def words() -> Task:
    """Exact match and F1 over words; standard errors take questions of one group together."""
    dataset = json_dataset(str(LINES))
    return Task(
        dataset=dataset,
        scorer=[exact(), f1()],
        metrics=[mean(), stderr(cluster="group")],
        config=GenerateConfig(max_tokens=(dataset[0].metadata or {})["max_new_tokens"]),
    )
