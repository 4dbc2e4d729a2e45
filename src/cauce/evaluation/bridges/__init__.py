"""Bridges to lm-eval and inspect-ai: cauce's tasks run there, and their tasks run on a cauce run.

    lm_eval.simple_evaluate(lm_eval_model("demo"), tasks=["xnli_es"], apply_chat_template=True)
    inspect eval theirs.py --model cauce/demo

Neither is needed to export. lm-eval comes with the extra `lm-eval`, inspect-ai with `inspect`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cauce.errors import MissingExtra
from cauce.evaluation.bridges.exporting import Exported, Tool, export_examples, tool_named
from cauce.evaluation.bridges.opening import open_model, open_tokenizer

if TYPE_CHECKING:
    from cauce.evaluation.bridges.lm_eval import CauceLM

__all__ = [
    "Exported",
    "Tool",
    "export_examples",
    "lm_eval_model",
    "open_model",
    "open_tokenizer",
    "tool_named",
]


def lm_eval_model(name: str, *, batch_size: int = 16) -> CauceLM:
    """The tuned model of a run, or a model's folder or id, as an `lm_eval.api.model.LM`.

    Raises MissingExtra without lm-eval, and NotFound.
    """
    import importlib.util

    if importlib.util.find_spec("lm_eval") is None:
        raise MissingExtra("lm_eval_model", "lm-eval")
    from cauce.evaluation.bridges.lm_eval import CauceLM

    return CauceLM(open_model(name), batch_size=batch_size)
