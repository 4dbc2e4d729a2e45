"""Examples as a folder that lm-eval or inspect-ai runs as it is, offline and without cauce.

NAME.jsonl                  a line a question, its group (the cluster) beside it
NAME.yaml, questions.py     the task for lm-eval, and how it reads the lines
NAME.py                     the task for inspect-ai
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import yaml

from cauce.corpus.tokens import render_chat
from cauce.errors import DataRefused, UserError
from cauce.evaluation.solvers import Choose, Solver
from cauce.records import Example
from cauce.runs import atomic_write

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Tool = Literal["lm-eval", "inspect"]

EXPORTED = Path(__file__).parent / "exported"
"""The task files for inspect-ai, whole but for the name of the task."""

_QUESTIONS_PY = '''\
"""The questions of a task, from the JSON lines beside this file."""

import json
from pathlib import Path

import datasets


def load(name, **_):
    lines = Path(__file__).with_name(f"{name}.jsonl").read_bytes().splitlines()
    return {"test": datasets.Dataset.from_list([json.loads(line) for line in lines])}
'''

_CHOICE_METRICS = {"acc": "mean", "acc_bytes": "mean"}
_WORD_METRICS = {"exact_match": "mean", "chrf": "chrf", "bleu": "bleu"}
"""How lm-eval makes one figure of those of the questions, by metric."""
_OTHER_SCORERS = "ROUGE, METEOR and the other scorers of cauce are not there"


def tool_named(name: str) -> Tool:
    """The tool of that name; UserError lists those there are."""
    tools: tuple[Tool, ...] = get_args(Tool)
    for tool in tools:
        if tool == name:
            return tool
    raise UserError(f"nothing is exported to {name!r}.\nName one of: {', '.join(tools)}")


class Exported(NamedTuple):
    """What was written, and what the other tool cannot be told."""

    task: Path
    """The file that it runs."""
    remarks: tuple[str, ...]
    """A sentence for each thing that is done otherwise there."""
    command: str
    """With which it runs."""


def export_examples(
    examples: Sequence[Example],
    tool: Tool,
    folder: Path,
    *,
    name: str,
    solver: Solver,
    tokenizer: PreTrainedTokenizerBase | None = None,
) -> Exported:
    """The task for `tool` in `folder`, which asks what cauce asks with `solver`.

    Prompts are chats, which the other tool renders by its model's template. With `tokenizer` they
    are texts rendered by its template, for a model of lm-eval that has none of its own.

    Raises DataRefused where there is no example, or one has no choices to choose from.
    """
    if not examples:
        raise DataRefused("there is no example to export: 0 were given.\nName a task with some.")
    bare = [one.id for one in examples if isinstance(solver, Choose) and len(one.choices) < 2]
    if bare:
        raise DataRefused(
            f"{len(bare)} examples have no two choices, such as {bare[0]!r}.\n"
            "Give them choices, or set solver.kind to generate."
        )
    folder.mkdir(parents=True, exist_ok=True)
    if tool == "lm-eval":
        return _for_lm_eval(examples, folder, name, solver, tokenizer)
    if tokenizer is not None:
        raise UserError(
            "inspect-ai asks in chats, and its models render them: there is no text to render.\n"
            "Leave the model out, or export to lm-eval."
        )
    return _for_inspect(examples, folder, name, solver)


def _for_lm_eval(
    examples: Sequence[Example],
    folder: Path,
    name: str,
    solver: Solver,
    tokenizer: PreTrainedTokenizerBase | None,
) -> Exported:
    rows = [_lm_eval_row(example, tokenizer) for example in examples]
    _write_lines(folder / f"{name}.jsonl", rows)
    _write(folder / "questions.py", _QUESTIONS_PY)
    task = yaml.safe_dump(
        _lm_eval_task(name, solver, is_rendered=tokenizer is not None),
        allow_unicode=True,
        sort_keys=False,
    )
    path = folder / f"{name}.yaml"
    _write(path, f"{task}custom_dataset: !function questions.load\n")
    chat = "" if tokenizer is not None else " --apply_chat_template"
    remarks = ["the standard error takes no account of groups: they are kept in the documents"]
    if tokenizer is None:
        remarks.append("prompts are chats: a model is to render them, with --apply_chat_template")
    if isinstance(solver, Choose):
        remarks.append(
            "choices are compared by log-likelihood, which chat endpoints do not give: "
            "solver.kind=generate asks in words"
        )
    else:
        remarks.append(f"{_OTHER_SCORERS}: exact match, chrF and BLEU (sacrebleu) stand in")
    command = f"lm_eval run --model hf --model_args pretrained=FOLDER{chat}"
    return Exported(path, tuple(remarks), f"{command} --include_path {folder} --tasks {name}")


def _lm_eval_row(example: Example, tokenizer: PreTrainedTokenizerBase | None) -> dict[str, Any]:
    if tokenizer is not None:
        prompt = render_chat(tokenizer, example.messages, add_generation_prompt=True)
    elif len(example.messages) == 1:
        prompt = example.messages[0].content
    else:
        raise DataRefused(
            f"the example {example.id!r} is a chat of {len(example.messages)} turns; lm-eval asks "
            "in one.\nName the model to render it for, or export to inspect."
        )
    return {"id": example.id, "prompt": prompt, **_answers(example), **_metadata(example)}


def _answers(example: Example) -> dict[str, Any]:
    if not example.choices:
        return {"target": example.completion}
    return {
        "target": example.completion,
        "choices": list(example.choices),
        "correct": example.choices.index(example.completion),
    }


def _metadata(example: Example) -> dict[str, str]:
    return {"group": example.group, "kind": example.kind, "language": example.language}


def _lm_eval_task(name: str, solver: Solver, *, is_rendered: bool) -> dict[str, Any]:
    is_choice = isinstance(solver, Choose)
    metrics = _CHOICE_METRICS if is_choice else _WORD_METRICS
    common = {
        "task": name,
        "dataset_kwargs": {"name": name},
        "test_split": "test",
        "doc_to_text": "prompt",
        "target_delimiter": "" if is_rendered else " ",
        "metric_list": [
            {"metric": metric, "aggregation": aggregation, "higher_is_better": True}
            for metric, aggregation in metrics.items()
        ],
    }
    if is_choice:
        asked: dict[str, Any] = {"doc_to_choice": "choices", "doc_to_target": "correct"}
        return {**common, "output_type": "multiple_choice", **asked}
    options = {"until": [], "max_gen_toks": solver.max_new_tokens, "do_sample": False}
    asked = {"doc_to_target": "target", "generation_kwargs": options}
    return {**common, "output_type": "generate_until", **asked}


def _for_inspect(examples: Sequence[Example], folder: Path, name: str, solver: Solver) -> Exported:
    _write_lines(folder / f"{name}.jsonl", [_inspect_row(one, solver) for one in examples])
    path = folder / f"{name}.py"
    is_choice = isinstance(solver, Choose)
    kind = "choices" if is_choice else "words"
    task = (EXPORTED / f"{kind}.py").read_text("utf-8")
    _write(path, task.replace(f'@task(name="{kind}")', f'@task(name="{name}")'))
    remark = (
        "choices are compared by log-likelihood (prompt_logprobs), which cauce/NAME gives and most "
        "providers do not: -T words=true reads the choice from what they write"
        if is_choice
        else f"{_OTHER_SCORERS}: exact match and F1 over words stand in"
    )
    return Exported(path, (remark,), f"inspect eval {path} --model cauce/NAME")


def _inspect_row(example: Example, solver: Solver) -> dict[str, Any]:
    return {
        "id": example.id,
        "input": [message.model_dump(exclude_defaults=True) for message in example.messages],
        "target": example.completion,
        **({"choices": list(example.choices)} if example.choices else {}),
        "metadata": {**_metadata(example), "max_new_tokens": solver.max_new_tokens},
    }


def _write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    _write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as stream:
        stream.write(text.encode())
