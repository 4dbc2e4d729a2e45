# ruff: noqa: E402
"""cauce's tasks and models in inspect-ai: exported files that it runs, and its provider `cauce`."""

import gc

import pytest

inspect_ai = pytest.importorskip(
    "inspect_ai", reason="inspect-ai is not installed: pip install inspect-ai"
)

from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageUser,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    get_model,
    modelapi,
)

import cauce.evaluation.bridges.inspect  # noqa: F401
from cauce.errors import UserError
from cauce.evaluation.bridges import export_examples
from cauce.evaluation.solvers import Choose
from cauce.models.generation import generate
from cauce.models.tuned import save_tuned
from evaluation.bridges.asked import EXAMPLES, WORDS, accuracy, log_likelihoods, model_of

# 2026-11: inspect-ai 0.3.285 names an old parameter of tenacity 9.2, and leaves streams of memory
# open; goes with the release that mends these.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The 'initial' parameter:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <function Memory"),
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INSPECT_LOG_DIR", str(tmp_path / "logs"))
    yield tmp_path
    gc.collect()


def evaluated(path, model, **arguments):
    """The log of inspect-ai's evaluation of an exported file."""
    (log,) = inspect_ai.eval(
        f"{path}@{path.stem}", model=model, task_args=arguments, display="none", max_samples=1
    )
    assert log.status == "success", log.error
    return log


def metrics_of(log, scorer):
    (found,) = [one for one in log.results.scores if one.scorer == scorer]
    return {name: metric.value for name, metric in found.metrics.items()}


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_the_model_chooses_in_inspect_as_in_cauce(here, kind):
    loaded = model_of(kind)
    save_tuned(loaded, here / kind)
    path = export_examples(EXAMPLES, "inspect", here, name="capitals", solver=Choose()).task
    log = evaluated(path, f"cauce/{kind}")
    ours = log_likelihoods(loaded)
    asked = {sample.id: sample.metadata for sample in log.samples}
    for own, example in zip(ours, EXAMPLES, strict=True):
        assert asked[example.id]["log_likelihoods"] == pytest.approx(own, abs=1e-4)
        assert asked[example.id]["group"] == example.group
    assert metrics_of(log, "chosen")["accuracy"] == accuracy(ours)


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_the_model_writes_in_inspect_as_in_cauce(here, kind):
    loaded = model_of(kind)
    save_tuned(loaded, here / kind)
    path = export_examples(EXAMPLES, "inspect", here, name="words", solver=WORDS).task
    log = evaluated(path, f"cauce/{kind}")
    ours = generate(loaded, [one.messages for one in EXAMPLES], max_new_tokens=5, batch_size=8)
    outputs = {sample.id: sample.output for sample in log.samples}
    for example, (text, is_finished) in zip(EXAMPLES, ours, strict=True):
        ending = "stop" if is_finished else "max_tokens"
        output = outputs[example.id]
        assert (output.completion, output.stop_reason) == (text, ending)
    assert metrics_of(log, "f1").keys() == {"mean", "stderr"}


ANSWERS = {
    "Perú": "1",
    "Ecuador": "b) Quito",
    "Chile": "No lo sé",
    "España": "Sevilla",
    "Noruega": "Bergen u Oslo",
}


@modelapi(name="writer")
class Writer(ModelAPI):
    """Answers in words that are known."""

    async def generate(self, input, tools, tool_choice, config):
        (answer,) = [ANSWERS[country] for country in ANSWERS if country in input[-1].text]
        return ModelOutput.from_content("writer", answer)


def test_a_choice_is_read_from_words_and_what_names_none_is_left_out(here):
    path = export_examples(EXAMPLES, "inspect", here, name="capitals", solver=Choose()).task
    log = evaluated(path, get_model("writer/any"), words=True)
    scored = {sample.id: sample.scores["chosen"] for sample in log.samples}
    assert {id: score.answer for id, score in scored.items()} == {
        "pe": "Lima", "ec": "Quito", "cl": None, "es": "Sevilla", "no": None,
    }  # fmt: skip
    assert metrics_of(log, "chosen")["accuracy"] == pytest.approx(2 / 3)


async def asked(model, *turns, **options):
    return await model.generate([*turns], config=GenerateConfig(**options))


def test_what_a_cauce_model_does_not_do_is_refused(here):
    import anyio

    save_tuned(model_of("gpt2"), here / "small")
    model, turn = get_model("cauce/small"), ChatMessageUser(content="¿Qué?")
    for options, fault in (({"temperature": 0.7}, "samples"), ({"prompt_logprobs": 1}, "the user")):
        with pytest.raises(UserError, match=fault):
            anyio.run(lambda given=options: asked(model, turn, **given))
    answer = ChatMessageAssistant(content="Nada")
    output = anyio.run(lambda: asked(model, turn, answer, prompt_logprobs=1))
    assert output.choices[0].prompt_logprobs.content[0].logprob < 0


def test_inspect_asks_a_served_run(here, monkeypatch):
    pytest.importorskip("openai", reason="inspect-ai reaches endpoints with the package openai")
    from serving.live import KnownAnswers, running

    assistant = KnownAnswers()
    path = export_examples(EXAMPLES, "inspect", here, name="words", solver=WORDS).task
    with running(assistant) as url:
        monkeypatch.setenv("CAUCE_BASE_URL", f"{url}/v1")
        monkeypatch.setenv("CAUCE_API_KEY", "none")
        log = evaluated(path, "openai-api/cauce/demo")
    assert {q for q, _ in assistant.asked} == {one.question for one in EXAMPLES}
    assert all(one.output.completion.startswith("Adults take") for one in log.samples)
