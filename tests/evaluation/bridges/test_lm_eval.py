# ruff: noqa: E402
"""cauce's tasks and models in lm-eval, against lm-eval's own model and cauce's own solver."""

import pytest

lm_eval = pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")

from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from tokenizers.processors import TemplateProcessing

from cauce.corpus.tokens import Tokens, chat_prompt
from cauce.errors import UserError
from cauce.evaluation.bridges import export_examples, lm_eval_model
from cauce.evaluation.bridges.lm_eval import CauceLM
from cauce.evaluation.likelihood import likelihood
from cauce.evaluation.solvers import Choose
from cauce.models.adapters import attach
from cauce.models.generation import generate
from cauce.models.settings import ModelSettings
from cauce.models.tuned import save_tuned
from cauce.runs import Run
from evaluation.bridges.asked import (
    EXAMPLES,
    WORDS,
    accuracy,
    log_likelihoods,
    model_of,
)
from models.tiny import tiny_model


def evaluated(lm, folder, name="capitals"):
    """The results of lm-eval's evaluation, and for each question what was found."""
    tasks = TaskManager(include_path=str(folder), include_defaults=False).load([name])
    made = lm_eval.evaluate(lm, tasks, apply_chat_template=True, bootstrap_iters=0)
    samples = sorted(made["samples"][name], key=lambda sample: sample["doc_id"])
    return made["results"][name], samples


def found_in(samples):
    return [[one[0] for one in sample["filtered_resps"]] for sample in samples]


def hf(loaded):
    return HFLM(
        pretrained=loaded.model,
        tokenizer=loaded.tokenizer,
        backend="seq2seq" if loaded.is_encoder_decoder else "causal",
        batch_size=4,
    )


def flat(rows):
    return [value for row in rows for value in row]


@pytest.mark.parametrize("kind", ["gpt2", "liquid", "t5", "cauce-mini"])
def test_the_model_chooses_in_lm_eval_as_in_cauce(tmp_path, kind):
    loaded = model_of(kind)
    export_examples(EXAMPLES, "lm-eval", tmp_path, name="capitals", solver=Choose())
    results, samples = evaluated(CauceLM(loaded, batch_size=4), tmp_path)
    ours = log_likelihoods(loaded)
    assert flat(found_in(samples)) == pytest.approx(flat(ours), abs=1e-4)
    assert results["acc,none"] == accuracy(ours)
    assert [sample["doc"]["group"] for sample in samples] == [one.group for one in EXAMPLES]


@pytest.mark.parametrize("kind", ["gpt2", "liquid", "cauce-mini"])
def test_a_decoder_agrees_with_lm_evals_own_model(tmp_path, kind):
    """lm-eval counts the line break that ends the prompt as part of every choice."""
    loaded = model_of(kind)
    export_examples(EXAMPLES, "lm-eval", tmp_path, name="capitals", solver=Choose())
    results, samples = evaluated(hf(loaded), tmp_path)
    prompts = [chat_prompt(loaded.tokenizer, one.messages) for one in EXAMPLES]
    assert all(loaded.tokenizer.decode(prompt[-1:]) == "\n" for prompt in prompts)
    breaks = likelihood(loaded, [Tokens(ids[:-1], ids[-1:]) for ids in prompts], 4)
    ours = log_likelihoods(loaded)
    with_break = [
        [value - seam.nll for value in own] for own, seam in zip(ours, breaks, strict=True)
    ]
    assert flat(found_in(samples)) == pytest.approx(flat(with_break), abs=1e-4)
    assert results["acc,none"] == accuracy(ours)


def test_an_encoder_decoder_agrees_with_lm_evals_own_model(tmp_path):
    """With a template that ends without white space, which lm-eval would give to the decoder."""
    loaded = as_published(tiny_model("t5"))
    export_examples(EXAMPLES, "lm-eval", tmp_path, name="capitals", solver=Choose())
    results, samples = evaluated(hf(loaded), tmp_path)
    ours = log_likelihoods(loaded)
    assert flat(found_in(samples)) == pytest.approx(flat(ours), abs=1e-4)
    assert results["acc,none"] == accuracy(ours)


def as_published(loaded):
    """Its tokenizer ends what an encoder reads, as T5's does, and its prompts are plain."""
    tokenizer = loaded.tokenizer
    tokenizer.chat_template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", tokenizer.eos_token_id)]
    )
    return loaded


def test_rendered_prompts_are_what_the_model_reads(tmp_path):
    loaded = tiny_model("llama")
    made = export_examples(
        EXAMPLES, "lm-eval", tmp_path, name="x", solver=Choose(), tokenizer=loaded.tokenizer
    )
    manager = TaskManager(include_path=str(made.task.parent), include_defaults=False)
    task = manager.load(["x"])["tasks"]["x"]
    asked = [task.fewshot_context(doc, 0) for doc in task.eval_docs]
    for text, example in zip(asked, EXAMPLES, strict=True):
        ids = loaded.tokenizer.encode(text, add_special_tokens=False)
        assert ids == chat_prompt(loaded.tokenizer, example.messages)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "t5"])
def test_raw_texts_are_measured_as_by_lm_evals_own_model(kind):
    loaded = as_published(tiny_model(kind)) if kind == "t5" else tiny_model(kind)
    ours, theirs = CauceLM(loaded, batch_size=2), hf(loaded)
    pairs = [("¿Qué es el ibuprofeno?", " Un dolor"), ("", "metformina"), ("a " * 300, " b c")]
    measured = [
        [value for value, _ in lm.loglikelihood(asked("loglikelihood", pairs))]
        for lm in (ours, theirs)
    ]
    assert measured[0] == pytest.approx(measured[1], abs=1e-3)
    texts = [("Se utiliza para aliviar el dolor. " * 40,), ("Below 25 °C",)]
    rolled = [
        lm.loglikelihood_rolling(asked("loglikelihood_rolling", texts)) for lm in (ours, theirs)
    ]
    assert rolled[0] == pytest.approx(rolled[1], rel=1e-4)
    options = {"until": ["\n"], "max_gen_toks": 6, "do_sample": False}
    prompts = [("¿Cómo se toma", dict(options)), ("What is", {**options, "max_gen_toks": 3})]
    written = [lm.generate_until(asked("generate_until", prompts)) for lm in (ours, theirs)]
    assert written[0] == written[1]


def asked(kind, arguments):
    return [
        Instance(request_type=kind, doc={}, arguments=one, idx=place)
        for place, one in enumerate(arguments)
    ]


def test_a_run_with_an_adapter_is_opened_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_tuned(tiny_model("llama"), tmp_path / "base")
    run = Run(tmp_path / "runs" / "demo")
    run.update_manifest(run="demo")
    settings = ModelSettings(base="base", adapter="lora")
    tuned = attach(lm_eval_model("base").loaded, settings, seed=0)
    for name, weight in tuned.model.named_parameters():
        if "lora_B" in name:
            weight.data.fill_(0.05)
    save_tuned(tuned, run.folder("train") / "model")
    opened = lm_eval_model("demo").loaded
    assert opened.adapter == "lora"
    assert flat(log_likelihoods(opened)) == pytest.approx(flat(log_likelihoods(tuned)), abs=1e-4)
    assert flat(log_likelihoods(opened)) != pytest.approx(
        flat(log_likelihoods(tiny_model("llama"))), abs=1e-3
    )


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_chats_are_answered_as_in_cauce(tmp_path, kind):
    loaded = model_of(kind)
    export_examples(EXAMPLES, "lm-eval", tmp_path, name="words", solver=WORDS)
    _, samples = evaluated(CauceLM(loaded, batch_size=2), tmp_path, "words")
    ours = generate(loaded, [one.messages for one in EXAMPLES], max_new_tokens=5, batch_size=8)
    assert [one["resps"][0][0].strip() for one in samples] == [text for text, _ in ours]


def test_samples_are_refused():
    lm = CauceLM(tiny_model("gpt2"), batch_size=2)
    options = {"until": [], "do_sample": True, "temperature": 0.7}
    with pytest.raises(UserError, match="do_sample to false"):
        lm.generate_until(asked("generate_until", [("a", options)]))


def test_lm_eval_asks_a_served_run(tmp_path):
    pytest.importorskip("tenacity", reason="lm-eval reaches endpoints with its extra `api`")
    from serving.live import KnownAnswers, running

    assistant = KnownAnswers()
    export_examples(EXAMPLES, "lm-eval", tmp_path, name="words", solver=WORDS)
    with running(assistant) as url:
        _, samples = evaluated_at(url, tmp_path)
    assert [question for question, _ in assistant.asked] == [one.question for one in EXAMPLES]
    assert all(sample["filtered_resps"][0].startswith("Adults take 500 mg") for sample in samples)


def evaluated_at(url, folder):
    from lm_eval.models.openai_completions import LocalChatCompletion

    lm = LocalChatCompletion(model="demo", base_url=f"{url}/v1/chat/completions", max_retries=1)
    return evaluated(lm, folder, "words")
