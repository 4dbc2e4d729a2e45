"""Evaluation end to end with real tiny models, and with systems whose answers are known."""

import json
import math

import pytest

from cauce.errors import DataRefused
from cauce.evaluation.evaluate import choose, evaluate, score_items
from cauce.evaluation.log import item_of, read_items
from cauce.evaluation.scorers import FactsScorer, TextScorer
from cauce.evaluation.settings import EvaluationSettings
from cauce.evaluation.systems import ModelSystem
from cauce.records import Citation, Reply
from evaluation.fixtures import example
from models.tiny import tiny_model

MEDICINES = {"ibuprofeno": "ibuprofen", "metformina": "metformin", "warfarina": "warfarin"}


def medicines_of(text):
    return {group for name, group in MEDICINES.items() if name in text.lower()}


SCORERS = [TextScorer(), FactsScorer(medicines_of)]


class Scripted:
    """Answers with what it is told, and can be stopped as a kill would."""

    model = None

    def __init__(self, name, text="Tome 400 mg.", stop_after=None):
        self.name = name
        self.text = text
        self.asked = []
        self.stop_after = stop_after

    def answer(self, examples):
        if self.stop_after is not None and len(self.asked) >= self.stop_after:
            raise KeyboardInterrupt
        self.asked += [e.id for e in examples]
        return [Reply(text=self.text, generated=True) for _ in examples]


def examples(count, groups=4):
    names = ["ibuprofen", "metformin", "warfarin", "heparin"][:groups]
    return [example(f"q{i}", group=names[i % groups]) for i in range(count)]


def run(folder, systems, *, count=12):
    chosen = EvaluationSettings(batch_size=2, bootstrap_draws=200)
    return evaluate(
        examples(count), systems, folder, chosen, scorers=SCORERS, progress=lambda _: None
    )


def scores_of(reply, item_example=None):
    asked = item_example or example("1")
    item = item_of(asked, reply, system="x", cpu_s=0)
    return score_items([item], [asked], SCORERS)[0].values


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_a_model_is_answered_measured_and_scored(tmp_path, kind):
    settings = EvaluationSettings(batch_size=4, bootstrap_draws=200, max_new_tokens=6)
    summary = evaluate(
        examples(6),
        [ModelSystem("base", tiny_model(kind), settings), Scripted("assistant")],
        tmp_path,
        settings,
        scorers=SCORERS,
        progress=lambda _: None,
    )
    assert summary == {"items": 6, "groups": 4}
    written = json.loads((tmp_path / "scores.json").read_text("utf-8"))
    base = written["systems"]["base"]
    for metric in ("perplexity", "token_accuracy", "rougeL", "bleu", "chrf", "unsupported_numbers"):
        figures = base["metrics"][metric]
        assert set(figures) == {"value", "low", "high", "n"}
        assert figures["low"] <= figures["value"] <= figures["high"]
    assert base["metrics"]["perplexity"]["value"] > 10
    assert base["metrics"]["corpus_bleu"]["low"] is None
    assert "perplexity" not in written["systems"]["assistant"]["metrics"]
    assert set(base["metrics"]) <= set(written["signatures"])
    assert base["cpu_s"] > 0
    assert all(item.likelihood for item in read_items(tmp_path / "base.jsonl"))


def test_bits_per_byte_are_over_the_bytes_of_the_answers_that_were_wanted(tmp_path):
    settings = EvaluationSettings(batch_size=4, bootstrap_draws=200, max_new_tokens=6)
    asked = [example(f"q{i}", group="ibuprofen", completion=f"Año {i}: {i} mg.") for i in range(5)]
    base = ModelSystem("base", tiny_model("gpt2"), settings)
    evaluate(asked, [base], tmp_path, settings, scorers=SCORERS, progress=lambda _: None)
    items = read_items(tmp_path / "base.jsonl")
    assert [item.likelihood.bytes for item in items] == [len(e.completion.encode()) for e in asked]
    nats = sum(item.likelihood.nll for item in items)
    metrics = json.loads((tmp_path / "scores.json").read_text("utf-8"))["systems"]["base"][
        "metrics"
    ]
    bits = nats / math.log(2) / sum(len(e.completion.encode()) for e in asked)
    assert metrics["bits_per_byte"]["value"] == pytest.approx(bits)
    assert metrics["loss"]["value"] == pytest.approx(math.log(metrics["perplexity"]["value"]))
    assert {"answer_words", "distinct3", "top5_accuracy", "sequence_accuracy"} <= set(metrics)


def test_without_evidence_no_facts_are_judged(tmp_path):
    settings = EvaluationSettings(batch_size=2, bootstrap_draws=200)
    evaluate(
        examples(4),
        [Scripted("base", "El ibuprofeno: 900 mg")],
        tmp_path,
        settings,
        scorers=[TextScorer()],
        progress=lambda _: None,
    )
    (first, *_) = read_items(tmp_path / "base.jsonl")
    assert not {"right_drug", "unsupported_numbers", "abstained"} & set(first.values)
    assert "rougeL" in first.values


def test_goes_on_where_a_kill_left_it(tmp_path):
    killed = Scripted("base", stop_after=8)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, [killed])
    with (tmp_path / "base.jsonl").open("ab") as stream:
        stream.write(b'{"id": "q9", "sys')
    resumed = Scripted("base")
    run(tmp_path, [resumed])
    assert not set(killed.asked) & set(resumed.asked)
    assert [item.id for item in read_items(tmp_path / "base.jsonl")] == [f"q{i}" for i in range(12)]
    again = Scripted("base", stop_after=0)
    run(tmp_path, [again])
    assert again.asked == []


def test_an_answer_to_another_reference_or_prompt_is_asked_again(tmp_path):
    run(tmp_path, [Scripted("base")], count=4)
    items = read_items(tmp_path / "base.jsonl")
    path = tmp_path / "base.jsonl"
    path.write_text(path.read_text("utf-8").replace(items[1].prompt_sha256, "0" * 64, 1), "utf-8")
    second = Scripted("base")
    run(tmp_path, [second], count=4)
    assert second.asked == [items[1].id]


def test_scoring_again_needs_no_system(tmp_path):
    run(tmp_path, [Scripted("base")], count=4)
    items = read_items(tmp_path / "base.jsonl")
    bare = [item.model_copy(update={"scores": {}}) for item in items]
    assert score_items(bare, examples(4), SCORERS) == items


def test_the_items_chosen_are_the_same_whatever_the_order():
    many = examples(40)
    chosen = choose(many, 10)
    assert len(chosen) == 10
    assert {e.id for e in choose(many[::-1], 10)} == {e.id for e in chosen}
    assert len({e.id for e in choose(many[1:], 10)} & {e.id for e in chosen}) >= 9
    assert choose(many, 100) == many


def test_nothing_to_ask_is_refused(tmp_path):
    with pytest.raises(DataRefused, match="at least 1 is needed"):
        run(tmp_path, [Scripted("base")], count=0)


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        (Reply(text="...", group="ibuprofen"), 1.0),
        (Reply(text="El ibuprofeno...", group="metformin"), 0.0),
        (Reply(text="El ibuprofeno: 400 mg"), 1.0),
        (Reply(text="La metformina: 400 mg"), 0.0),
        (Reply(text="El ibuprofeno y la metformina"), 0.0),
        (Reply(text="400 mg"), 0.0),
    ],
)
def test_right_drug(reply, right):
    assert scores_of(reply)["right_drug"] == right


def test_a_medicine_that_the_evidence_names_is_no_mistake():
    asked = example("1")
    evidence = asked.evidence.model_copy(update={"quote": "No lo tome con warfarina."})
    asked = asked.model_copy(update={"evidence": evidence})
    assert scores_of(Reply(text="El ibuprofeno, no con warfarina"), asked)["right_drug"] == 1.0


@pytest.mark.parametrize(
    ("text", "quote", "unsupported"),
    [
        ("400 mg cada 8 horas", None, 0.0),
        ("400 mg cada ocho horas", None, 0.0),
        ("800 mg cada 8 horas", None, 1.0),
        ("cada 6 horas", "cada 6 horas", 0.0),
        ("cada 8 horas", "cada 6 horas", 1.0),
    ],
)
def test_unsupported_numbers_are_those_neither_cited_nor_asked(text, quote, unsupported):
    citations = (
        (Citation(source="s", id="1", version="1", section="dose", quote=quote),) if quote else ()
    )
    assert scores_of(Reply(text=text, citations=citations))["unsupported_numbers"] == unsupported


def test_what_does_not_apply_is_missing_not_zero():
    abstained = scores_of(Reply(text="No lo sé; llame al 112.", abstained=True, reason="unknown"))
    assert abstained["abstained"] == 1.0
    assert not {"right_drug", "right_section", "unsupported_numbers"} & set(abstained)
    silent = scores_of(Reply(text="400 mg"))
    assert "right_section" not in silent
    assert scores_of(Reply(text="400 mg", kind="storage"))["right_section"] == 0.0
