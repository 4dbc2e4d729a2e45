"""A run directory as the stages leave it, small, its numbers computed by the stages' own code."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

from cauce.evaluation.compare import compare
from cauce.evaluation.evaluate import summarise
from cauce.evaluation.likelihood import ItemLikelihood
from cauce.evaluation.log import Item, scored, sha256, write_items
from cauce.evaluation.metrics import SIGNATURES, text_scores
from cauce.records import Citation, Document, Example, Message, Refusal, Section
from cauce.runs import Run, write_json, write_records

STAGES_IN_ORDER = ("fetch", "prepare", "train", "evaluate", "compare")
SENTENCE = "Los adultos toman 500 mg cada 8 horas con un vaso de agua y sin pasar de 3 g al día"
WORDS = SENTENCE.split()
QUALITY = {"base": 0.25, "tuned": 0.8, "assistant": 0.95}


def make_run(path: Path, upto: str = "compare", *, items: int = 36, source: str = "demo") -> Run:
    """A run that finished every stage up to and including `upto`."""
    run = Run(path)
    run.update_manifest(run=path.name, seed=7, versions={"cauce": "0.1.0", "torch": "2.13.0"})
    makers = {
        "fetch": lambda: _fetch(run, source),
        "prepare": lambda: PREPARED,
        "train": lambda: _train(run),
        "evaluate": lambda: _evaluate(run, items),
        "compare": lambda: _compare(run),
    }
    for number, stage in enumerate(STAGES_IN_ORDER):
        entry = {
            "fingerprint": sha256(stage)[:16],
            "outputs": {},
            "cpu_s": 12.5 * (number + 1),
            "wall_s": 7.0 * (number + 1),
            "peak_mb": 400 + 300 * number,
            "finished": "2026-01-02T03:04:05Z",
            "summary": makers[stage](),
        }
        run.update_manifest(stages={**run.manifest["stages"], stage: entry})
        if stage == upto:
            return run
    raise ValueError(upto)


PREPARED = {
    "examples": {"train": 480, "validation": 60, "test": 60},
    "groups": {"train": 48, "validation": 6, "test": 6},
    "supervised_tokens": 21840,
    "prompt_tokens": 96000,
    "preview": ["<s> ¿Qué dosis? 【 500 mg cada 8 horas. </s> 】", "b 【 c 】", "d 【 e 】"],
}


PREPARED_TEXT = {
    "documents": {"train": 30, "validation": 4, "test": 5},
    "rows": {"train": 300, "validation": 40, "test": 50},
    "tokens": {"train": 153600, "validation": 20480, "test": 25600},
    "bytes": {"train": 493056, "validation": 65740, "test": 82176},
    "bytes_per_token": {"train": 3.21, "validation": 3.21, "test": 3.21},
    "vocabulary": 4096,
    "preview": ["Érase una vez", "un río", "que reía"],
}


def _fetch(run: Run, source: str) -> dict[str, object]:
    section = Section(id="dose", kind="dose", title="Dosis", text=" ".join(WORDS))
    documents = [
        Document(
            source=source,
            id=f"m{number}",
            version="2026-01",
            title=f"Medicina {number}",
            language=language,
            sections=(section,),
            licence="CC0-1.0",
            retrieved="2026-01-01",
        )
        for number in range(6)
        for language in ("en", "es")
    ]
    refused = Refusal(file="labels.jsonl", position="line 12", reason="set_id <b>differs</b>")
    write_records(run.folder("fetch") / "documents.jsonl", documents)
    write_records(run.folder("fetch") / "refused.jsonl", [refused])
    return {"documents": len(documents), "history": 3, "refused": 1}


def _train(run: Run) -> dict[str, object]:
    import json

    lines = list(_log_lines())
    text = "\n".join(json.dumps(line) for line in lines)
    (run.folder("train") / "log.jsonl").write_text(text + "\n", "utf-8")
    return {
        "steps": 400,
        "best_step": 320,
        "best_validation_loss": 0.91,
        "first_validation_loss": 3.4,
        "supervised_tokens_seen": 87360,
        "trainable_parameters": 1_200_000,
        "parameters": 1_200_000,
        "stopped": "max_steps",
        "resumed_from": None,
        "tokens_per_cpu_second": 5120.5,
    }


def add_transplant(run: Run, *, gain: float = 0.2) -> None:
    """Liquid layers that end `gain` nats below their control."""
    write_records(run.folder("prepare") / "validation.jsonl", list(_validation_examples()))
    luck = random.Random(5)
    control = [1.0 + luck.gauss(0, 0.05) for _ in range(24)]
    row = {
        "parameters": 2_500_000,
        "added_parameters": 400_000,
        "cpu_us_per_token": 240.5,
        "kept_kb_per_token": 81.25,
        "loss_swapped": 10.1,
        "loss_distilled": 3.8,
        "loss": 0.9,
    }
    original = {**row, "added_parameters": 0, "loss": 3.7}
    for name in ("loss_swapped", "loss_distilled"):
        del original[name]
    liquid = [loss - gain + luck.gauss(0, 0.05) for loss in control]
    rows = {
        "original": original,
        "liquid": {**row, "losses": liquid},
        "control": {**row, "losses": control},
    }
    write_json(run.folder("train") / "transplant.json", rows)


def add_layer_figures(run: Run) -> None:
    """What the monitor of a model with experts and compression writes into the log."""
    import json

    with (run.path / "train" / "log.jsonl").open("a", encoding="utf-8") as stream:
        for step in range(50, 401, 50):
            figures = {
                **{f"activation_rms/model.layers.{i}": 0.4 + i + i * step / 100 for i in range(5)},
                **{f"gradient_norm/model.layers.{i}": 2.0 / (step * (i + 1)) for i in range(5)},
                "gradient_norm/model.embed_tokens": 0.0,
                "experts/model.layers.3.feed_forward/least_used": 0.031,
                "experts/model.layers.3.feed_forward/usage_entropy": 1.9 + step / 4000,
                "compression/model.compression/tokens_per_chunk": 1 + step / 200,
            }
            stream.write(json.dumps({"step": step, **figures}) + "\n")


def make_text_run(path: Path, *, rows: int = 24) -> Run:
    """A run on text, without an assistant: rows foretold, the first eight of them gone on with."""
    run = make_run(path, "train", items=0)
    (run.path / "recipe.yaml").write_text("run: text\ncorpus: {kind: text}\n", "utf-8")
    stages = run.manifest["stages"]
    run.update_manifest(
        stages={**stages, "prepare": {**stages["prepare"], "summary": PREPARED_TEXT}}
    )
    scores = {}
    for system in ("base", "tuned"):
        items = [_text_item(system, number, is_continued=number < 8) for number in range(rows)]
        write_items(run.folder("evaluate") / f"{system}.jsonl", items)
        scores[system] = {"metrics": summarise(items, draws=200, seed=0), "cpu_s": 4.25}
    write_json(run.path / "evaluate" / "scores.json", {"systems": scores, "signatures": SIGNATURES})
    _compare(run)
    return run


def _text_item(system: str, number: int, *, is_continued: bool) -> Item:
    whole = _item(system, number)
    figures = whole.likelihood
    assert figures is not None
    scores = scored(text_scores(whole.reference, whole.answer))
    return whole.model_copy(
        update={
            "id": f"row {number}",
            "question": "Érase una vez " * 40 if is_continued else "",
            "reference": whole.reference if is_continued else "",
            "answer": whole.answer if is_continued else "",
            "scores": scores if is_continued else {},
            "group": f"document {number % 6}",
            "kind": "text",
            "likelihood": figures.model_copy(update={"bytes": 60}),
        }
    )


def _validation_examples() -> Iterator[Example]:
    for number in range(24):
        yield Example(
            id=f"v{number}",
            messages=(Message(role="user", content="¿Dosis?"),),
            completion="500 mg",
            question="¿Dosis?",
            evidence=Citation(source="demo", id="m0", version="1", section="dose", quote="500 mg"),
            group=f"medicina-{number % 6}",
            kind="dose",
            language="es",
        )


def _log_lines() -> Iterator[dict[str, float]]:
    noise = random.Random(1)
    for step in range(1, 401):
        loss = 0.8 + 2.7 * math.exp(-step / 90) + noise.gauss(0, 0.06)
        rate = 3e-4 * min(step / 40, 0.5 + 0.5 * math.cos(math.pi * step / 400))
        yield {"step": step, "epoch": step / 60, "loss": loss, "lr": rate, "cpu_s": step / 9}
        if step % 40 == 0:
            loss = 0.9 + 2.6 * math.exp(-step / 80) + (0.0004 * max(0, step - 320))
            yield {"step": step, "validation_loss": loss, "validation_tokens": 2730}


def _evaluate(run: Run, items: int) -> dict[str, object]:
    scores = {}
    for system in QUALITY:
        answered = [_item(system, number) for number in range(items)]
        write_items(run.folder("evaluate") / f"{system}.jsonl", answered)
        metrics = summarise(answered, draws=200, seed=0)
        scores[system] = {"metrics": metrics, "cpu_s": 4.25, "peak_mb": 700}
    path = run.path / "evaluate" / "scores.json"
    write_json(path, {"systems": scores, "signatures": SIGNATURES})
    return {"items": items, "groups": 6}


def _item(system: str, number: int) -> Item:
    luck = random.Random(f"{system}{number}")
    quality = QUALITY[system]
    reference = " ".join(WORDS)
    answer = " ".join(w if luck.random() < quality else luck.choice(WORDS) for w in WORDS)
    citation = Citation(
        source="demo", id=f"m{number % 6}", version="2026-01", section="dose", quote=reference
    )
    is_assistant = system == "assistant"
    abstained = is_assistant and number % 12 == 5
    scores = {
        **text_scores(reference, answer),
        "right_drug": float(luck.random() < quality + 0.05),
        "unsupported_numbers": float(luck.random() > quality),
    }
    nll = 20.0 if system == "tuned" else 75.0
    return Item(
        id=f"q{number:03}",
        system=system,
        question=f"¿Cuál es la dosis de la medicina {number % 6} <{number}>?",
        prompt_sha256=sha256(f"prompt{number}"),
        reference=reference,
        reference_sha256=sha256(reference),
        answer="" if abstained else answer,
        abstained=abstained,
        reason="no_section: medicina" if abstained else "",
        group=f"medicina-{number % 6}",
        kind="dose",
        language="es",
        citation=citation if is_assistant and not abstained else None,
        likelihood=None
        if is_assistant
        else ItemLikelihood(
            nll=nll + luck.random(), tokens=19, correct=9, top5=15, all_correct=False
        ),
        scores=scored(
            {"abstained": 1.0}
            if abstained
            else {**scores, "abstained": 0.0, **({"right_section": 1.0} if is_assistant else {})}
        ),
    )


def _compare(run: Run) -> dict[str, object]:
    from cauce.evaluation.log import read_items

    logs = [read_items(run.path / "evaluate" / f"{name}.jsonl") for name in ("base", "tuned")]
    comparison = compare(logs[0], logs[1], draws=200)
    write_json(run.folder("compare") / "comparison.json", comparison.model_dump(mode="json"))
    return {"items": comparison.items, "flipped": len(comparison.flipped)}
