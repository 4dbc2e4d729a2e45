"""Why the originals' headline numbers did not measure their models, each beside the right figure.

Every test computes a number the published way on a small real model or text, shows what that
number depends on, and holds cauce's own figure to the right one. docs/honest-metrics.md lists them.
"""

from __future__ import annotations

import math
import random
import re
import statistics
import warnings
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from rouge_score.rouge_scorer import RougeScorer
from torch import Tensor

from cauce.corpus.tokens import Tokens, tokenize
from cauce.evaluation.compare import compare
from cauce.evaluation.evaluate import evaluate, score_items, summarise
from cauce.evaluation.likelihood import LIKELIHOOD_METRICS, likelihood, likelihood_columns
from cauce.evaluation.log import item_of, read_items, write_items
from cauce.evaluation.metrics import SIGNATURES, text_scores
from cauce.evaluation.rouge import rouge_l
from cauce.evaluation.scorers import FactsScorer, TextScorer
from cauce.evaluation.settings import EvaluationSettings
from cauce.evaluation.statistics import clopper_pearson
from cauce.evaluation.systems import ModelSystem
from cauce.evaluation.words import words
from cauce.models.loading import LoadedModel
from cauce.records import Document, Example, Reply
from cauce.sources.vademecum import VademecumSource
from evaluation.fixtures import example
from models.tiny import tiny_model
from shared import CHECKOUT

IGNORED = -100
SETTINGS = EvaluationSettings(batch_size=4, bootstrap_draws=200, max_new_tokens=60)


def perplexity(loaded: LoadedModel, items: Sequence[Tokens], batch_size: int = 4) -> float:
    """What cauce reports."""
    sums = likelihood_columns(likelihood(loaded, items, batch_size)).sum(axis=0)
    return float(LIKELIHOOD_METRICS["perplexity"](sums))


def losses(loaded: LoadedModel, items: Sequence[Tokens], batch_size: int) -> list[float]:
    """The model's own loss of each batch: a mean over its tokens, prompt and all."""
    rows = [torch.tensor([*item.prompt, *item.completion]) for item in items]
    found = []
    for start in range(0, len(rows), batch_size):
        batch = torch.stack(rows[start : start + batch_size])
        with torch.no_grad():
            found.append(float(loaded.model(input_ids=batch, labels=batch).loss))
    return found


def fit(loaded: LoadedModel, steps: int, lr: float, **inputs: Tensor) -> LoadedModel:
    """The model after that many steps on one batch."""
    optimizer = torch.optim.Adam(loaded.model.parameters(), lr=lr)
    loaded.model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loaded.model(**inputs).loss.backward()
        optimizer.step()
    loaded.model.eval()
    return loaded


def asked(completion: str, number: int = 0) -> Example:
    """A question behind a long prompt that every example shares."""
    shared = "System: evidence section warning dose. User: question answer. " * 3
    message = example("x").messages[0].model_copy(update={"content": shared + "dose?"})
    return example(f"q{number}", completion=completion).model_copy(update={"messages": (message,)})


def secret(chance: random.Random) -> str:
    """Words that no prompt tells."""
    return " ".join("".join(chance.choices("aeioubcdfglmnprst", k=4)) for _ in range(5))


@pytest.fixture(scope="module")
def parrot() -> tuple[LoadedModel, list[Example]]:
    """A decoder that knows the shared prompt by heart and no answer, and unseen examples."""
    chance = random.Random(0)
    loaded = tiny_model("gpt2")
    seen = [tokens_of(loaded, asked(secret(chance))) for _ in range(8)]
    length = min(item.length for item in seen)
    rows = torch.tensor([[*item.prompt, *item.completion][:length] for item in seen])
    fit(loaded, 120, 1e-2, input_ids=rows, labels=rows)
    return loaded, [asked(secret(chance), number) for number in range(8)]


def tokens_of(loaded: LoadedModel, item: Example) -> Tokens:
    return tokenize(
        loaded.tokenizer,
        item.messages,
        item.completion,
        is_encoder_decoder=loaded.is_encoder_decoder,
        max_tokens=2000,
    )


def test_batch_means_divided_by_samples_shrink_with_the_batch():
    """BioGPT's perplexity: the sum of batch means over the number of samples."""
    loaded = tiny_model("gpt2")
    items = [Tokens([5], [6 + n, 7, 8 + n, 2]) for n in range(16)]
    right = math.log(perplexity(loaded, items))
    for batch_size in (1, 4, 8):
        published = sum(losses(loaded, items, batch_size)) / len(items)
        assert published == pytest.approx(right / batch_size, rel=1e-4)
        assert perplexity(loaded, items, batch_size) == pytest.approx(math.exp(right), rel=1e-4)


def test_the_published_perplexity_is_1_647_once_divided_by_batches():
    """814 labels in batches of 8: the log's 0.0623 stands beside a training loss of 0.339."""
    samples, batches = 814, math.ceil(814 / 8)
    published = math.log(1.0645)
    assert published == pytest.approx(0.0623, abs=3e-4)
    mean = published * samples / batches
    assert mean == pytest.approx(0.499, abs=1e-3)
    assert math.exp(mean) == pytest.approx(1.647, abs=1e-3)
    assert math.exp(0.0623 * 4) == pytest.approx(1.283, abs=1e-3)


def test_a_prompt_known_by_heart_hides_that_no_answer_is_known(parrot):
    """BioGPT's loss counted its fixed system prompt."""
    loaded, unseen = parrot
    items = [tokens_of(loaded, item) for item in unseen]
    with_prompt = math.exp(statistics.mean(losses(loaded, items, 1)))
    right = perplexity(loaded, items)
    assert with_prompt < right / 5
    figures = likelihood(loaded, items, 4)
    assert [item.tokens for item in figures] == [len(item.completion) for item in items]


def test_padding_counted_as_text_makes_a_model_look_sure():
    """ClinicalT5's labels held padding, which its model learned to predict."""
    loaded = tiny_model("t5")
    items = [Tokens([5 + n, 6], [20 + 3 * n, 21 + 5 * n, 2]) for n in range(4)]
    padded = torch.tensor([[*item.completion, *[loaded.pad_id] * 29] for item in items])
    source = torch.tensor([item.prompt for item in items])
    fit(loaded, 15, 1e-2, input_ids=source, labels=padded)
    with torch.no_grad():
        published = math.exp(float(loaded.model(input_ids=source, labels=padded).loss))
        masked = padded.masked_fill(padded == loaded.pad_id, IGNORED)
        right = math.exp(float(loaded.model(input_ids=source, labels=masked).loss))
    assert published < right / 3
    longer = [*items, Tokens([5, 6], [*[30] * 31, 2])]
    measured = likelihood(loaded, longer, len(longer))[:4]
    columns = likelihood_columns(measured).sum(axis=0)
    assert float(LIKELIHOOD_METRICS["perplexity"](columns)) == pytest.approx(right, rel=1e-4)
    assert [item.tokens for item in measured] == [3] * 4


def test_dropout_left_on_gives_another_number_each_time():
    """BioGPT's loop never called `eval()`."""
    loaded = tiny_model("gpt2", dropout=0.5)
    items = [Tokens([5, 6, 7], [8 + n, 9, 2]) for n in range(4)]
    loaded.model.train()
    torch.manual_seed(0)
    assert losses(loaded, items, 4) != losses(loaded, items, 4)
    assert loaded.model.training
    first = perplexity(loaded, items)
    assert not loaded.model.training
    loaded.model.train()
    assert perplexity(loaded, items) == first


def test_rouge_under_teacher_forcing_scores_the_prompt_and_the_reference(parrot):
    """BioGPT's ROUGE 70: the likeliest next token after the true ones, prompt included."""
    loaded, unseen = parrot
    system = ModelSystem("tuned", loaded, SETTINGS)
    written = [reply.text for reply in system.answer(unseen)]
    for item, answer in zip(unseen, written, strict=True):
        tokens = tokens_of(loaded, item)
        row = torch.tensor([[*tokens.prompt, *tokens.completion]])
        with torch.no_grad():
            forced = loaded.model(input_ids=row).logits[0, :-1].argmax(-1)
        whole = loaded.tokenizer.decode(row[0, 1:], skip_special_tokens=True)
        published = rouge_l(words(whole), words(loaded.tokenizer.decode(forced))).f1
        assert published > 0.7
        assert text_scores(item.completion, answer)["rougeL"] < 0.2
    assert len(set(written)) == 1, "an answer depends on its prompt alone, never on its reference"


def test_twenty_tokens_by_default_cut_a_perfect_answer():
    """ClinicalT5's ROUGE 9.4: `generate` without a length."""
    loaded = tiny_model("t5")
    item = asked("Tome una cápsula con agua cada ocho horas y no conduzca si se marea mucho")
    tokens = tokens_of(loaded, item)
    source = torch.tensor([tokens.prompt])
    fit(loaded, 150, 5e-3, input_ids=source, labels=torch.tensor([tokens.completion]))
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        row = loaded.model.generate(input_ids=source)[0]
    cut = loaded.tokenizer.decode(row, skip_special_tokens=True)
    assert len(tokens.completion) > 2 * len(row)
    (reply,) = ModelSystem("tuned", loaded, SETTINGS).answer([item])
    assert text_scores(item.completion, reply.text)["rougeL"] == 1.0
    assert text_scores(item.completion, cut)["rougeL"] < 0.7
    assert reply.text.startswith(cut.strip()[:-1])


def test_cosines_of_scalars_are_signs():
    """The second similarity table: `zip` over two embeddings, quartiles of exactly -1 and 1."""
    chance = np.random.default_rng(0)
    one, other = chance.normal(size=(2, 384))
    other += 0.2 * one
    published = [float(cosine(np.array([a]), np.array([b]))) for a, b in zip(one, other)]  # noqa: B905
    assert set(np.round(published, 12)) == {-1.0, 1.0}
    assert np.quantile(published, [0.25, 0.75]).round(12).tolist() == [-1.0, 1.0]
    agreeing = float(np.mean(np.sign(one) == np.sign(other)))
    assert statistics.mean(published) == pytest.approx(2 * agreeing - 1)
    stretched = other * chance.uniform(0.01, 100, size=384)
    again = [float(cosine(np.array([a]), np.array([b]))) for a, b in zip(one, stretched)]  # noqa: B905
    assert statistics.mean(again) == pytest.approx(statistics.mean(published))
    assert abs(cosine(one, stretched) - cosine(one, other)) > 0.03
    assert not [name for name in SIGNATURES if "cosine" in name or "similarity" in name]


def test_tf_idf_fitted_on_the_two_texts_cannot_tell_medicines_apart():
    """The first similarity table: a word is in both texts or in one, and weighs accordingly."""
    documents = english()
    right = next(document for document in documents if document.id == "bisacodyl").section("use")
    wrong = right.text.replace("Bisacodyl", "Ibuprofen").replace("bisacodyl", "ibuprofen")
    texts = [section.text for document in documents for section in document.sections]
    assert set(idf([right.text, wrong]).values()) == {1.0, math.log(3 / 2) + 1}
    assert len(set(idf(texts).values())) > 50
    assert tf_idf_cosine(right.text, wrong) > 0.95
    item = example("1", group="bisacodyl", completion=right.text)
    logged = item_of(item, Reply(text=wrong, generated=True), system="x", cpu_s=0)
    (scored,) = score_items([logged], [item], SCORERS)
    assert scored.values["right_drug"] == 0.0
    (scored,) = score_items([logged.model_copy(update={"answer": right.text})], [item], SCORERS)
    assert scored.values["right_drug"] == 1.0


def test_one_medicine_gives_no_interval_and_no_verdict():
    """n = 1 in both similarity tables."""
    lucky = example("1", completion="Tome 400 mg.")
    logs = {
        name: score_items(
            [item_of(lucky, Reply(text=text), system=name, cpu_s=0)], [lucky], SCORERS
        )
        for name, text in (("base", "No sé."), ("tuned", "Tome 400 mg."))
    }
    figures = summarise(logs["tuned"], draws=200, seed=0)
    assert (figures["rougeL"]["value"], figures["rougeL"]["n"]) == (1.0, 1)
    assert (figures["rougeL"]["low"], figures["rougeL"]["high"]) == (None, None)
    assert (figures["exact"]["low"], figures["exact"]["high"]) == clopper_pearson(1, 1)
    assert figures["exact"]["low"] == pytest.approx(0.025)
    rows = compare(logs["base"], logs["tuned"], draws=200).metrics
    assert {row.verdict for row in rows} == {"no difference shown"}


def test_a_text_from_elsewhere_is_not_scored_as_the_model_s(tmp_path):
    """The texts compared were read from a settings file; the models of that run wrote others."""

    class Model:
        name, model = "tuned", None

        def answer(self, examples):
            return [Reply(text="Antiseptic hand sanitizer.", generated=True) for _ in examples]

    item = example("1", completion="Tome 400 mg.")
    older = item.model_copy(update={"question": "¿Qué es?"})
    planted = item_of(older, Reply(text=item.completion), system="tuned", cpu_s=0)
    write_items(tmp_path / "tuned.jsonl", [planted])
    evaluate([item], [Model()], tmp_path, SETTINGS, scorers=SCORERS, progress=print)
    (logged,) = read_items(tmp_path / "tuned.jsonl")
    assert logged.answer == "Antiseptic hand sanitizer."
    assert logged.values["rougeL"] == 0.0


def test_the_usual_rouge_cuts_spanish_words_into_letters():
    """It keeps a to z and digits: of "año" and "uña" the letter a is left, and counts as a word."""
    default = RougeScorer(["rouge1"], use_stemmer=True)
    assert default.score("año", "uña")["rouge1"].fmeasure == 0.5
    assert text_scores("año", "uña")["rouge1"] == 0.0
    assert default.score("el año", "el año")["rouge1"].fmeasure == 1.0
    assert text_scores("El AÑO", "el año")["rouge1"] == 1.0


def test_the_page_names_every_test_of_this_file():
    page = (CHECKOUT / "docs" / "honest-metrics.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row.rsplit("|", 2)[1])]
    tests = [
        name for name in globals() if name.startswith("test_") and "the_page_names" not in name
    ]
    for name in named:
        assert [test for test in tests if name in test], name
    for test in tests:
        assert [name for name in named if name in test], test


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def tf_idf_cosine(a: str, b: str) -> float:
    """Cosine of two texts by term frequency times the inverse document frequency in these two."""
    weights = idf([a, b])
    counts = [Counter(words(text)) for text in (a, b)]
    vectors = [np.array([count[word] * weights[word] for word in weights]) for count in counts]
    return cosine(*vectors)


def idf(texts: Sequence[str]) -> dict[str, float]:
    """Smoothed inverse document frequency of each word."""
    holding = Counter(word for text in texts for word in set(words(text)))
    return {word: math.log((1 + len(texts)) / (1 + count)) + 1 for word, count in holding.items()}


def medicines_of(text: str) -> set[str]:
    return {name for name in ("bisacodyl", "ibuprofen") if name in text.lower()}


SCORERS = [TextScorer(), FactsScorer(medicines_of)]


def english() -> list[Document]:
    source = VademecumSource(languages=("en",))
    return [item for item in source.documents() if isinstance(item, Document)]
