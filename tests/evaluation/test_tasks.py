"""Tasks end to end: questions of every kind of data set, asked by likelihood and in words."""

import io
import json
import math
import tarfile

import pytest
import torch

from cauce.corpus.tokens import tokenize
from cauce.errors import DataRefused, NotFound
from cauce.evaluation.log import read_items
from cauce.evaluation.scorers import ChoiceScorer, named_choice
from cauce.evaluation.settings import EvaluationSettings
from cauce.evaluation.systems import ModelSystem
from cauce.evaluation.tasks import (
    Casimedicos,
    Choose,
    Inline,
    Lines,
    Medquad,
    Question,
    Task,
    run_task,
)
from cauce.records import Refusal, Reply
from models.tiny import tiny_model
from shared import shared_data

SETTINGS = EvaluationSettings(batch_size=4, bootstrap_draws=200, max_new_tokens=6)
CAPITALS = (
    Question(question="¿Capital de Perú?", choices=("Lima", "Quito", "La Paz"), correct=0),
    Question(question="¿Capital de Ecuador?", choices=("Lima", "Quito"), answer="Quito"),
    Question(question="¿Capital de Chile?", choices=("Santiago", "Valparaíso"), correct=0),
)


def capitals(**changes):
    options = {"solver": Choose(), "scorers": (ChoiceScorer(),), **changes}
    return Task(task="capitals", dataset=Inline(items=CAPITALS), **options)


class Writer:
    """A system that only writes."""

    name, model = "writer", None

    def __init__(self, *answers):
        self.answers = list(answers)

    def answer(self, examples):
        return [Reply(text=self.answers.pop(0)) for _ in examples]


def nll_alone(loaded, example, choice):
    """Minus the log-likelihood of the choice's tokens, from one plain forward pass."""
    tokens = tokenize(
        loaded.tokenizer,
        example.messages,
        choice,
        is_encoder_decoder=loaded.is_encoder_decoder,
        max_tokens=10**6,
    )
    answer = tokens.completion[:-1]
    with torch.inference_mode():
        if loaded.is_encoder_decoder:
            start = loaded.model.config.decoder_start_token_id
            logits = loaded.model(
                input_ids=torch.tensor([tokens.prompt]),
                decoder_input_ids=torch.tensor([[start, *answer[:-1]]]),
            ).logits[0]
        else:
            ids = torch.tensor([[*tokens.prompt, *answer]])
            logits = loaded.model(input_ids=ids).logits[0, len(tokens.prompt) - 1 : -1]
    chosen = logits.log_softmax(-1)[range(len(answer)), answer]
    return -float(chosen.sum())


@pytest.mark.parametrize("kind", ["gpt2", "t5"])
def test_a_model_takes_the_choice_that_it_finds_likeliest(tmp_path, kind):
    loaded, task = tiny_model(kind), capitals()
    counts = run_task(
        task, [ModelSystem("m", loaded, SETTINGS)], tmp_path, SETTINGS, progress=lambda _: None
    )
    assert counts == {
        "task": "capitals", "version": 1, "items": 3, "groups": 3, "refused": 0,
    }  # fmt: skip
    for item, example in zip(read_items(tmp_path / "m.jsonl"), task.ask().examples, strict=True):
        alone = [nll_alone(loaded, example, choice) for choice in example.choices]
        assert item.choice_nlls == pytest.approx(alone, rel=1e-5)
        likeliest = example.choices[alone.index(min(alone))]
        assert item.answer == likeliest
        assert item.values["right_choice"] == float(likeliest == example.completion)
        weights = [math.exp(-nll + min(alone)) for nll in alone]
        assert item.values["confidence"] == pytest.approx(max(weights) / sum(weights), rel=1e-4)
        assert 0 <= item.values["brier"] <= 2
    figures = json.loads((tmp_path / "scores.json").read_text())["systems"]["m"]["metrics"]
    assert {"low", "high", "n", "value"} == set(figures["right_choice"])


def test_per_byte_does_not_prefer_short_choices():
    task = Task(
        task="t",
        dataset=Inline(items=(Question(question="?", choices=("no", "x" * 40), correct=1),)),
        solver=Choose(),
        scorers=(ChoiceScorer(),),
    )
    (example,) = task.ask().examples
    from cauce.evaluation.log import item_of

    item = item_of(example, Reply(text="no"), system="m", cpu_s=0, choice_nlls=(10.0, 60.0))
    scores = ChoiceScorer().score(item, example)
    assert scores["right_choice"].value == 0.0
    assert scores["right_choice"].answer == "no"
    assert scores["right_choice_per_byte"].value == 1.0


def test_what_names_no_choice_is_left_out_and_not_counted_wrong(tmp_path):
    run_task(
        capitals(),
        [Writer("La respuesta es la 1.", "No estoy seguro.", "b) Valparaíso")],
        tmp_path,
        SETTINGS,
        progress=lambda _: None,
    )
    items = read_items(tmp_path / "writer.jsonl")
    assert [item.scores["right_choice"].value for item in items] == [1.0, None, 0.0]
    assert items[1].scores["right_choice"].explanation == "no one choice is named"
    figures = json.loads((tmp_path / "scores.json").read_text())["systems"]["writer"]["metrics"]
    assert (figures["right_choice"]["value"], figures["right_choice"]["n"]) == (0.5, 2)
    assert figures["names_choice"]["value"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ("2", 1),
        ("La respuesta correcta es la 2.", 1),
        ("The answer is (c)", 2),
        ("B. Quito", 1),
        ("Quito", 1),
        ("quito, sin duda", 1),
        ("La Paz es la capital", 2),
        ("Lima o Quito", None),
        ("No lo sé", None),
        ("7", None),
        ("", None),
    ],
)
def test_the_choice_is_read_from_words(answer, place):
    assert named_choice(answer, ["Lima", "Quito", "La Paz"]) == place


def test_the_longer_of_two_named_choices_that_hold_each_other_counts():
    assert named_choice("hepatitis B crónica", ["hepatitis B", "hepatitis B crónica"]) == 1


def test_bad_lines_are_set_aside_with_their_place(tmp_path):
    path = tmp_path / "q.jsonl"
    path.write_text(
        '{"q": "¿1+1?", "options": ["1", "2"], "right": 1}\n'
        "not json\n"
        '{"q": "¿2+2?", "options": ["3", "4"], "right": 5}\n'
        '{"q": "", "options": ["3", "4"], "right": 0}\n'
        '["list"]\n'
        '{"q": "¿3+3?", "options": ["6", "6"], "right": 0}\n'
    )
    columns = {"question": "q", "choices": "options", "correct": "right"}
    found = list(Lines(path=path, columns=columns).questions())
    assert isinstance(found[0], Question) and found[0].reference == "2"
    assert [one.position for one in found[1:] if isinstance(one, Refusal)] == [
        f"line {n}" for n in range(2, 7)
    ]
    assert "correct is 5 and there are 2 choices" in found[2].reason
    task = Task(task="t", dataset=Lines(path=path, columns=columns), solver=Choose())
    run_task(task, [Writer("2")], tmp_path / "out", SETTINGS, progress=lambda _: None)
    assert len((tmp_path / "out" / "refused.jsonl").read_text().splitlines()) == 5


def test_a_task_says_what_is_wrong_with_it(tmp_path):
    with pytest.raises(ValueError, match="does not hold"):
        capitals(prompt="¿?")
    with pytest.raises(NotFound, match=r"dataset\.path"):
        Task(task="t", dataset=Lines(path=tmp_path / "none")).ask()
    open_ended = Inline(items=(Question(question="¿?", answer="sí"),))
    with pytest.raises(DataRefused, match="no two choices"):
        Task(task="t", dataset=open_ended, solver=Choose()).ask()
    twice = Inline(items=(Question(id="a", question="¿?", answer="sí"),) * 2)
    with pytest.raises(DataRefused, match="2 questions with the id 'a'"):
        Task(task="t", dataset=twice).ask()
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(DataRefused, match="has no question"):
        Task(task="t", dataset=Lines(path=tmp_path / "empty.jsonl")).ask()


def test_braces_of_a_question_are_its_own():
    task = Task(
        task="t",
        dataset=Inline(items=(Question(question="¿Qué es {evidence}?", answer="a", evidence="E"),)),
        prompt="{evidence}: {question}",
    )
    (example,) = task.ask().examples
    assert example.messages[0].content == "E: ¿Qué es {evidence}?"


CASES = """\
QUESTION O
TYPE: O
DIGESTIVE O

CLINICAL O
CASE: O

Mujer B-Premise
de I-Premise
52 I-Premise
años. I-Premise

¿Qué O
pide? O

1- B-Claim
Anticuerpos. I-Claim

2- B-Claim
Hierro. I-Claim

CORRECT O
ANSWER: O
2 O

Porque O
sí. O

QUESTION O
TYPE: O
OTHER O

Sin O
respuesta. O

CORRECT O
ANSWER: O
9 O
"""


def archive(path, **members):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name.replace("__", "/"))
            info.size = len(content.encode())
            tar.addfile(info, io.BytesIO(content.encode()))
    return path


def test_casimedicos_is_read_without_its_explanations(tmp_path):
    path = archive(tmp_path / "c.tar.gz", **{"casimedicos-arg/ES/test.tsv": CASES})
    question, refusal = Casimedicos(path=path).questions()
    assert question == Question(
        id="es case 1",
        question="Mujer de 52 años. ¿Qué pide?",
        choices=("Anticuerpos.", "Hierro."),
        correct=1,
        kind="digestive",
    )
    assert (refusal.position, "'9'" in refusal.reason) == ("case 2", True)
    with pytest.raises(DataRefused, match=r"holds no ES/dev\.tsv"):
        list(Casimedicos(path=path, split="dev").questions())


def test_medquad_leaves_out_what_its_owners_withhold(tmp_path):
    xml = (
        '<Document id="7"><Focus>Gout</Focus><QAPairs>'
        '<QAPair pid="1"><Question qtype="treatment">What helps?</Question>'
        "<Answer> Rest\n and ice. </Answer></QAPair>"
        '<QAPair pid="1"><Question>What else?</Question><Answer/></QAPair>'
        '<QAPair pid="1"><Question>And then?</Question><Answer>Wait.</Answer></QAPair>'
        "</QAPairs></Document>"
    )
    path = archive(tmp_path / "m.tar.gz", **{"9_CDC/7.xml": xml, "9_CDC/8.xml": "<broken"})
    question, withheld, again, broken = Medquad(path=path).questions()
    assert again.id != question.id
    assert (question.id, question.group, question.kind) == (
        "9_CDC/7.xml pair 1",
        "gout",
        "treatment",
    )
    assert (question.question, question.answer) == ("What helps?", "Rest and ice.")
    assert withheld.reason == "its owner withholds the answer"
    assert broken.reason.startswith("not XML")


def test_the_real_exam_is_read_whole():
    data = shared_data("casimedicos/casimedicos-arg.tar.gz")
    for language, split, cases in (("es", "test", 116), ("en", "test", 116), ("es", "dev", 55)):
        found = list(Casimedicos(path=data, language=language, split=split).questions())
        questions = [one for one in found if isinstance(one, Question)]
        assert len(found) >= cases
        assert len(questions) >= 0.98 * len(found)
        assert all(4 <= len(one.choices) <= 5 for one in questions)


def test_the_real_pairs_can_all_be_asked():
    asked = Task(task="t", dataset=Medquad(path=shared_data("medquad/medquad.tar.xz"))).ask()
    assert len(asked.examples) > 8_000
    reasons = {it.reason.split(",")[0][:20] for it in asked.refusals}
    assert len(asked.examples) + len(asked.refusals) > 47_000, reasons
