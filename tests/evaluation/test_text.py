"""Held-out text: against the models' own loss and plain loops, whatever the batches and chunks."""

import doctest
import json
import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from cauce.corpus.tokens import Tokens
from cauce.errors import DataRefused
from cauce.evaluation import likelihood as likelihood_module
from cauce.evaluation import metrics, text
from cauce.evaluation.compare import compare
from cauce.evaluation.comparison import Comparison
from cauce.evaluation.likelihood import likelihood
from cauce.evaluation.log import read_items
from cauce.evaluation.settings import EvaluationSettings
from cauce.evaluation.statistics import clopper_pearson
from cauce.evaluation.summary import scores_table
from cauce.evaluation.text import compare_text, evaluate_text
from models.tiny import TEXT, tiny_model

ROW = 24
SETTINGS = EvaluationSettings(
    batch_size=3, bootstrap_draws=200, max_new_tokens=6, continuations=4, max_items=9
)


@dataclass
class Rows:
    """Texts cut into rows; each goes on from the last token of the row before."""

    items: list[Tokens]
    byte_counts: np.ndarray
    documents: np.ndarray

    @classmethod
    def of(cls, texts, tokenizer, *, with_context=True):
        items, sizes, documents = [], [], []
        for number, each in enumerate(texts):
            ids = [*tokenizer.encode(each, add_special_tokens=False), tokenizer.eos_token_id]
            context = [tokenizer.eos_token_id] if with_context else []
            for start in range(0, len(ids), ROW):
                part = ids[start : start + ROW]
                items.append(Tokens(context, part))
                sizes.append(sum(spelled(tokenizer, token) for token in part))
                documents.append(number)
                context = part[-1:] if with_context else []
        return cls(items, np.array(sizes), np.array(documents))

    @property
    def lengths(self):
        return np.array([item.length for item in self.items])

    def language_of(self, index):
        return "en" if index else "es"

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


def spelled(tokenizer, token):
    """Bytes of a token: each character of a byte-level token stands for one."""
    special = token in tokenizer.all_special_ids
    return 0 if special else len(tokenizer.convert_ids_to_tokens(token))


@pytest.fixture(scope="module")
def models():
    return tiny_model("gpt2"), tiny_model("gpt2", seed=1)


@pytest.fixture(scope="module")
def rows(models):
    return Rows.of([each * 2 for each in TEXT], models[0].tokenizer)


def measured(models, rows, folder, settings=SETTINGS):
    return evaluate_text(*models, rows, folder, settings, seed=0, progress=lambda line: None)


@pytest.fixture(scope="module")
def whole(models, rows, tmp_path_factory):
    """Every row measured, some continued."""
    folder = tmp_path_factory.mktemp("whole")
    settings = SETTINGS.model_copy(update={"max_items": 1000})
    return folder, measured(models, rows, folder, settings)


def scores_of(folder, system="tuned"):
    return json.loads((folder / "scores.json").read_text("utf-8"))["systems"][system]["metrics"]


def test_doc_examples():
    assert doctest.testmod(text).failed == 0
    assert doctest.testmod(metrics).failed == 0


def test_bits_per_byte_are_the_models_own_loss_over_the_bytes_of_the_texts(models, rows, whole):
    folder, summary = whole
    total = sum(len((each * 2).encode()) for each in TEXT)
    nats = 0.0
    for row in rows.items:
        ids = torch.tensor([row.prompt + row.completion])
        with torch.no_grad():
            loss = models[1].model(input_ids=ids, labels=ids).loss.item()
        nats += loss * len(row.completion)
    scores = scores_of(folder)
    tokens = sum(len(row.completion) for row in rows.items)
    assert summary["bytes"] == total
    assert scores["bits_per_byte"]["value"] == pytest.approx(nats / math.log(2) / total, rel=1e-5)
    assert scores["loss"]["value"] == pytest.approx(nats / tokens, rel=1e-5)
    assert scores["perplexity"]["value"] == pytest.approx(math.exp(nats / tokens), rel=1e-5)
    assert scores["loss"]["low"] < scores["loss"]["value"] < scores["loss"]["high"]


def test_accuracies_are_those_of_plain_loops(models, rows, whole):
    right = near = tokens = whole_rows = 0
    for row in rows.items:
        with torch.no_grad():
            said = models[1].model(input_ids=torch.tensor([row.prompt + row.completion])).logits[0]
        hits = 0
        for place, wanted in enumerate(row.completion, len(row.prompt)):
            ranked = sorted(range(said.shape[1]), key=lambda i, p=place: -said[p - 1][i].item())
            hits += ranked[0] == wanted
            near += wanted in ranked[:5]
            tokens += 1
        right += hits
        whole_rows += hits == len(row.completion)
    scores = scores_of(whole[0])
    assert scores["token_accuracy"]["value"] == pytest.approx(right / tokens)
    assert scores["top5_accuracy"]["value"] == pytest.approx(near / tokens)
    assert scores["sequence_accuracy"]["value"] == whole_rows / len(rows) == 0
    assert scores["sequence_accuracy"]["low"] == 0
    assert scores["sequence_accuracy"]["high"] == pytest.approx(clopper_pearson(0, 5)[1])


def test_a_model_that_learned_a_text_by_heart_foretells_the_whole_row():
    loaded = tiny_model("gpt2")
    row = Tokens([5], [6, 7, 8, 9])
    ids = torch.tensor([row.prompt + row.completion])
    optimizer = torch.optim.AdamW(loaded.model.parameters(), lr=0.03)
    for _ in range(40):
        loaded.model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    figures = likelihood(loaded, [row, Tokens([9], [5, 5])], 2)
    assert (figures[0].all_correct, figures[0].correct) == (True, 4)
    assert not figures[1].all_correct


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
@pytest.mark.parametrize("held", [1, 700, 2**22])
def test_neither_batches_nor_chunks_of_logits_change_a_figure(monkeypatch, kind, held):
    loaded = tiny_model(kind)
    items = [Tokens([5, 6], [7, 8, 9]), Tokens([9], [8, 7, 6, 5, 9, 9]), Tokens([3], [4])]
    expected = likelihood(loaded, items, 1)
    monkeypatch.setattr(likelihood_module, "HELD_LOGITS", held)
    for batch_size in (1, 2, 3):
        for one, same in zip(expected, likelihood(loaded, items, batch_size), strict=True):
            assert same.nll == pytest.approx(one.nll, rel=1e-5)
            assert same.model_copy(update={"nll": one.nll}) == one


def test_no_logits_are_made_where_nothing_is_foretold(monkeypatch):
    """What the head reads of a batch is kept, and logits of a few tokens at a time."""
    loaded = tiny_model("gpt2")
    made = []
    real = torch.nn.functional.linear

    def watched(read, weight, bias=None):
        if len(weight) == loaded.vocabulary:
            made.append(read.shape[0])
        return real(read, weight, bias)

    expected = likelihood(loaded, [Tokens([5] * 30, [6, 7, 8, 9, 5])], 1)
    monkeypatch.setattr(likelihood_module, "HELD_LOGITS", 2 * loaded.vocabulary)
    monkeypatch.setattr(torch.nn.functional, "linear", watched)
    assert likelihood(loaded, [Tokens([5] * 30, [6, 7, 8, 9, 5])], 1) == expected
    assert made[-3:] == [2, 2, 1]


def test_a_model_that_changes_its_logits_after_the_head_is_measured_as_it_is(monkeypatch):
    loaded = tiny_model("gpt2")
    items = [Tokens([5, 6], [7, 8, 9])]
    plain = likelihood(loaded, items, 1)[0].nll
    real = type(loaded.model).forward

    def sharpened(self, *inputs, **options):
        output = real(self, *inputs, **options)
        output.logits = output.logits * 20
        return output

    monkeypatch.setattr(type(loaded.model), "forward", sharpened)
    with torch.no_grad():
        ids = torch.tensor([[5, 6, 7, 8, 9]])
        shares = loaded.model(input_ids=ids).logits[0, 1:-1].log_softmax(-1)
    expected = -shares.gather(1, ids[0, 2:, None]).sum().item()
    assert likelihood(loaded, items, 1)[0].nll == pytest.approx(expected, rel=1e-5)
    assert expected != pytest.approx(plain, rel=1e-3)


def test_continuations_are_the_greedy_ones_of_first_halves(models, rows, whole):
    tokenizer = models[0].tokenizer
    items = read_items(whole[0] / "base.jsonl")
    continued = [item for item in items if item.reference]
    assert len(continued) == whole[1]["continued"] == 4
    for item in continued:
        row = rows[int(item.id.removeprefix("row "))]
        ids = [*row.prompt, *row.completion]
        half = len(ids) // 2
        assert item.reference == tokenizer.decode(ids[half : half + 6], skip_special_tokens=True)
        assert item.question == tokenizer.decode(ids[:half], skip_special_tokens=True)
        written = ids[:half]
        for _ in range(6):
            with torch.no_grad():
                said = models[0].model(input_ids=torch.tensor([written])).logits[0, -1]
            written.append(int(said.argmax()))
            if written[-1] == tokenizer.eos_token_id:
                break
        assert item.answer == tokenizer.decode(written[half:], skip_special_tokens=True)
        assert {"bleu", "chrf", "rougeL", "meteor", "answer_words"} <= set(item.scores)
    scores = scores_of(whole[0], "base")
    assert scores["rougeL"]["n"] == scores["distinct3"]["n"] == 4
    assert scores["loss"]["n"] == len(rows)


def test_rows_are_spread_evenly_and_every_figure_names_its_signature(models, rows, tmp_path):
    summary = measured(models, rows, tmp_path)
    assert (summary["rows"], summary["of_rows"]) == (9, len(rows))
    assert summary["documents"] >= 4
    written = json.loads((tmp_path / "scores.json").read_text("utf-8"))
    assert set(written["systems"]) == {"base", "tuned"}
    assert set(scores_of(tmp_path)) <= set(written["signatures"])
    table = scores_table(tmp_path / "scores.json")
    assert "bits per byte" in table and "not measured" not in table
    languages = [item.language for item in read_items(tmp_path / "base.jsonl")]
    assert languages == ["es", *["en"] * 8]


def test_what_tuning_changed_is_paired_by_row_and_drawn_by_document(whole, tmp_path):
    summary = compare_text(whole[0], tmp_path, seed=0)
    found = Comparison.model_validate_json((tmp_path / "comparison.json").read_bytes())
    by_name = {row.metric: row for row in found.metrics}
    assert summary["items"] == found.items
    assert found.groups == len(TEXT)
    assert found.not_compared == ()
    bits, loss = by_name["bits_per_byte"], by_name["loss"]
    assert bits.a == pytest.approx(scores_of(whole[0], "base")["bits_per_byte"]["value"])
    assert bits.p == loss.p
    assert bits.low < bits.difference < bits.high
    assert by_name["rougeL"].n == 4


def test_other_tokens_of_the_same_bytes_are_compared_by_bits_per_byte_alone(whole):
    base, tuned = (read_items(whole[0] / f"{name}.jsonl") for name in ("base", "tuned"))
    other = [
        item.model_copy(
            update={"likelihood": item.likelihood.model_copy(update={"tokens": 5, "nll": 2.0})}
        )
        for item in tuned
    ]
    found = compare(base, other, draws=200)
    names = [row.metric for row in found.metrics]
    assert "bits_per_byte" in names and "loss" not in names and "perplexity" not in names
    assert "different tokens" in found.not_compared[0]
    uncounted = [
        item.model_copy(update={"likelihood": item.likelihood.model_copy(update={"bytes": None})})
        for item in other
    ]
    assert "bits_per_byte" not in [
        row.metric for row in compare(base, uncounted, draws=200).metrics
    ]


def test_goes_on_where_a_kill_left_it_and_measures_another_text_anew(models, rows, tmp_path):
    measured(models, rows, tmp_path)
    path = tmp_path / "base.jsonl"
    complete = path.read_text("utf-8")
    first, second, *_ = lines = complete.splitlines(keepends=True)
    path.write_text(first + second + lines[2][:40], "utf-8")
    told = []
    evaluate_text(*models, rows, tmp_path, SETTINGS, seed=0, progress=told.append)
    assert told == ["base: 9/9 rows measured"]
    again = path.read_text("utf-8").splitlines(keepends=True)
    assert again[:2] == [first, second] and len(again) == 9
    path.write_text(complete.replace('"row 000000"', '"row 999999"'), "utf-8")
    measured(models, rows, tmp_path)
    assert [item.id for item in read_items(path)] == [json.loads(line)["id"] for line in lines]


def test_an_encoder_decoder_reads_the_first_half_and_foretells_the_second(tmp_path):
    loaded = tiny_model("t5")
    rows = Rows.of(TEXT, loaded.tokenizer, with_context=False)
    measured((loaded, loaded), rows, tmp_path)
    items = read_items(tmp_path / "base.jsonl")
    ends = [item.likelihood.tokens for item in items]
    chosen = text.spread(range(len(rows)), 9)
    assert ends == [-(-rows[i].length // 2) for i in chosen]
    assert "bits_per_byte" not in scores_of(tmp_path)
    assert scores_of(tmp_path)["chrf"]["n"] == 4


def test_nothing_is_gone_on_with_where_none_is_asked_for(models, rows, tmp_path):
    measured(models, rows, tmp_path, SETTINGS.model_copy(update={"continuations": 0}))
    assert not {"rougeL", "distinct1"} & set(scores_of(tmp_path))
    assert scores_of(tmp_path)["bits_per_byte"]["n"] == 9


def test_no_rows_are_refused(models, tmp_path):
    with pytest.raises(DataRefused, match="at least 1 is needed"):
        measured(models, Rows([], np.array([]), np.array([])), tmp_path)
