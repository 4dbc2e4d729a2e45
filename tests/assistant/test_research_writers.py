"""What a model writes for the research assistant: kept where it was written, searched for, safe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cauce.assistant.research import writers
from cauce.assistant.research.expanding import Expander
from cauce.assistant.research.finding import Finder
from cauce.assistant.research.writers import LocalWriter, load_writer
from cauce.corpus.research.settings import WriterSettings
from cauce.errors import NotFound
from cauce.knowledge.library.library import Evidence, Found
from cauce.models.generation import generate
from cauce.models.loading import LoadedModel
from cauce.models.settings import ModelSettings
from cauce.models.tuned import load_base
from cauce.records import Citation, Message
from cauce.sources.chat import ChatServer
from models.tiny import tiny_model

PROMPTS = ["What is metformin used for?", "How should ibuprofen be stored?"]


@pytest.fixture
def generated(monkeypatch) -> list[str]:
    """The prompts that a model was run on, in order."""
    asked: list[str] = []

    def watched(model: LoadedModel, prompts: Sequence[Sequence[Message]], **limits: int):
        asked.extend(prompt[-1].content for prompt in prompts)
        return generate(model, prompts, **limits)

    monkeypatch.setattr(writers, "generate", watched)
    monkeypatch.setattr(writers, "MAX_NEW_TOKENS", 4)
    return asked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny model on disk."""
    loaded = tiny_model("gpt2")
    loaded.model.save_pretrained(tmp_path / "tiny")
    loaded.tokenizer.save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def test_a_local_model_writes_what_generate_gives_and_once(folder, tmp_path, generated):
    settings = WriterSettings(model=str(folder))
    write = load_writer(settings, tmp_path / "written")
    texts = write([*PROMPTS, PROMPTS[0]])
    asked = [[Message(role="user", content=prompt)] for prompt in PROMPTS]
    model = load_base(ModelSettings(base=str(folder)))
    expected = generate(model, asked, max_new_tokens=4, batch_size=1)
    assert texts[:2] == [one.text for one in expected]
    assert texts[2] == texts[0]
    assert sorted(generated) == sorted(PROMPTS)
    again = load_writer(settings, tmp_path / "written", at_hand=model)
    assert again(PROMPTS) == texts[:2]
    assert len(generated) == 2


def test_other_weights_write_anew(folder, tmp_path, generated):
    settings = WriterSettings(model=str(folder))
    load_writer(settings, tmp_path / "written")(PROMPTS[:1])
    tiny_model("gpt2", seed=1).model.save_pretrained(folder)
    load_writer(settings, tmp_path / "written")(PROMPTS[:1])
    assert generated == [PROMPTS[0]] * 2


def test_a_batch_is_kept_before_the_next_begins(folder, tmp_path, generated, monkeypatch):
    monkeypatch.setattr(writers, "BATCH_SIZE", 1)
    model = load_base(ModelSettings(base=str(folder)))
    stopped = [*PROMPTS, "word " * 600]
    with pytest.raises(Exception, match="exceeds the 512 tokens"):
        LocalWriter(model, "same", tmp_path / "written")(stopped)
    LocalWriter(model, "same", tmp_path / "written")(PROMPTS)
    assert generated == stopped


def test_a_writer_is_a_server_or_a_model_that_is_there(tmp_path):
    server = WriterSettings(model="any", url="http://127.0.0.1:9/v1")
    assert isinstance(load_writer(server, tmp_path), ChatServer)
    with pytest.raises(NotFound, match=r"no model 'any'.*\n.*cauce models pull any"):
        load_writer(WriterSettings(model="any"), tmp_path)


@pytest.mark.parametrize(
    ("written", "searches"),
    [
        ("Here are two:\n1. sea birds\n2. wind farms at sea", ["sea birds", "wind farms at sea"]),
        ("a\nb\nc\nd\ne", ["a", "b", "c", "d"]),
        ("\n\n", []),
        ("x" * 301, []),
    ],
)
def test_searches_are_the_lines_that_a_model_writes(written, searches):
    asked: list[str] = []

    def write(prompts: Sequence[str], /) -> list[str]:
        asked.extend(prompts)
        return [written] * len(prompts)

    assert Expander(write, "Search: {question}")(["Why?", "When?"]) == [searches] * 2
    assert asked == ["Search: Why?", "Search: When?"]


TOPICS = "wind farms, the routes of sea birds"


class Sentences:
    """A library that finds a sentence where it is searched for by its id."""

    def __init__(self) -> None:
        self.evidence: dict[str, Evidence] = {}
        self.searched: list[str] = []

    def by_sentence(self, text: str, limit: int, *, without: str | None) -> list[Found]:
        self.searched.append(text)
        citation = Citation(source="a", id="a", version="1", section="1", quote=text)
        found = Evidence(id=text, citation=citation, text=text, article="a", works=())
        return [Found(found, 1.0, 1.0)]


@pytest.mark.parametrize(
    ("written", "searched"),
    [
        ("sea birds\nturbines", ["sea birds", "turbines"]),
        ("", [TOPICS, "wind farms change the routes of sea birds"]),
    ],
)
def test_the_question_is_searched_for_with_what_is_written_else_by_rule(written, searched):
    library = Sentences()
    finder = Finder(library, Expander(lambda prompts: [written], "{question}"))  # type: ignore[arg-type]
    question = "Which studies show that wind farms change the routes of sea birds?"
    found = finder.find(question, "en", "expanded")
    assert library.searched == [question, *searched]
    assert {one.evidence.id for one in found} == {question, *searched}
    finder.find(question, "en", "topics")
    assert library.searched[3:] == [TOPICS]
