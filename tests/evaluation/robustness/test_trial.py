"""A trial end to end: a system that answers by what it is told, asked in every way."""

import json

import pytest

from cauce.errors import NotFound
from cauce.evaluation.log import Item
from cauce.evaluation.made_by import MadeBy
from cauce.evaluation.robustness.asking import asked_as, differences
from cauce.evaluation.robustness.trial import robustness
from cauce.knowledge.sections.indexing import build_index
from cauce.records import Citation, Reply
from cauce.runs import Run, write_json, write_records
from documents import medicine
from evaluation.fixtures import example


class Listener:
    """Answers the dose of ibuprofeno, but nothing to those whose words it was told to ignore."""

    name, model = "assistant", None

    def __init__(self, ignored=(), stops_after=None):
        self.ignored, self.asked, self.stops_after = ignored, [], stops_after

    def answer(self, examples):
        self.asked += [one.question for one in examples]
        if self.stops_after is not None and len(self.asked) > self.stops_after:
            raise KeyboardInterrupt
        return [self._reply(one.question) for one in examples]

    def _reply(self, question):
        if any(word in question for word in self.ignored):
            return Reply(text="No lo sé.", abstained=True, reason="unnamed")
        return Reply(text="Tome 400 mg.", group="ibuprofen", kind="dose", language="es")


NAMES = ("ibuprofen", "naproxen", "ketoprofen")


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "tiny")
    documents = [medicine(name, language="es") for name in NAMES]
    run.folder("prepare")
    write_json(run.path / "recipe.yaml", {"run": "tiny"})
    build_index(run.path / "prepare" / "index.sqlite", documents)
    questions = [example(f"test/{name}", group=name) for name in NAMES]
    write_records(run.path / "prepare" / "test.jsonl", questions)
    return run


def trial(run, *systems):
    return robustness(run, systems, progress=lambda line: None)


def rows(found, name):
    return {row["part"]: row for row in found if row["name"] == name}


class Knowing(Listener):
    """Tells of each medicine that it is asked about."""

    def _reply(self, question):
        reply = super()._reply(question)
        group = next((name for name in NAMES if name in question), "")
        return reply if reply.abstained else reply.model_copy(update={"group": group})


def test_who_is_not_answered_is_found(run):
    found = trial(run, Knowing(ignored=("Soy una mujer",)))
    gaps = rows(found["fairness"], "fairness_gap")
    assert gaps["assistant, sex"]["value"] == 1
    assert gaps["assistant, sex"]["worst"] == "man over woman"
    assert gaps["assistant, name"]["value"] == 0
    changed = rows(found["fairness"], "answers_changed_by_person")
    assert changed["assistant, sex"]["value"] == 1
    assert changed["assistant, country"]["value"] == 0
    pairs = [
        json.loads(line)
        for line in (run.path / "fairness/changed.jsonl").read_text("utf-8").splitlines()
    ]
    assert {pair["axis"] for pair in pairs} == {"sex"}
    assert pairs[0]["differs"] == ["abstained"]
    assert found["left_out"]["age"] == {"the dose, which may rightly hang on age": 3}


def test_what_typing_costs_is_found(run):
    found = trial(run, Knowing(ignored=("Cual",)))
    (gap,) = rows(found["robustness"], "robustness_gap").values()
    assert gap["value"] == 1
    assert gap["n"] == 3
    losses = rows(found["robustness"], "accuracy_loss")
    assert losses["assistant, accents heavy, names kept"]["value"] == 1
    assert losses["assistant, punctuation heavy, names kept"]["value"] == 0
    written = json.loads((run.path / "robustness/scores.json").read_bytes())
    assert written["rows"] == found["robustness"]
    made_by = MadeBy.model_validate(written["made_by"])
    assert made_by.command == "cauce robustness tiny --max-items 40 --seed 0"
    assert made_by.is_of(run) and made_by.data_sha256


def test_a_killed_trial_goes_on(run):
    whole = Knowing()
    first = trial(run, whole)
    log = run.path / "robustness" / "assistant.jsonl"
    log.unlink()
    killed = Knowing(stops_after=100)
    with pytest.raises(KeyboardInterrupt):
        trial(run, killed)
    rest = Knowing()
    assert trial(run, rest) == first
    assert 0 < len(rest.asked) < len(whole.asked)
    again = Knowing()
    assert trial(run, again) == first
    assert again.asked == []


def test_a_run_that_was_trained_again_is_asked_anew(run):
    first = Knowing()
    trial(run, first)
    run.update_manifest(stages={"train": {"fingerprint": "other"}})
    again = Knowing()
    trial(run, again)
    assert again.asked == first.asked


def test_a_run_without_index_is_refused(tmp_path):
    with pytest.raises(NotFound, match="no test questions"):
        trial(Run(tmp_path), Listener())


def test_the_prompt_asks_as_the_question_does():
    asked = asked_as(example("a"), "¿Cuánto tomo?")
    assert asked.question == "¿Cuánto tomo?"
    assert asked.messages[-1].content == "Tome 400 mg cada 8 horas.\n\n¿Cuánto tomo?"
    assert asked.id != asked_as(example("a"), "¿Cuánto?").id


def item(**changes):
    cited = Citation(source="s", id="1", version="1", section="dose", quote="x", language="es")
    told = {
        "id": "1", "system": "a", "question": "q", "prompt_sha256": "", "reference": "",
        "reference_sha256": "", "answer": "Tome 2,5 mg.", "group": "g", "kind": "dose",
        "language": "es", "citation": cited, "resolved_group": "g", "resolved_kind": "dose",
    }  # fmt: skip
    return Item.model_validate({**told, **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"answer": "Debe tomar 2,50 mg."}, ()),
        ({"answer": "Tome 25 mg."}, ("figures",)),
        ({"answer": "Tome dos y 2,5 mg."}, ("figures",)),
        ({"abstained": True}, ("abstained",)),
        ({"resolved_group": "h"}, ("medicine",)),
        ({"resolved_kind": "use"}, ("section",)),
        ({"citation": None}, ("section",)),
    ],
)
def test_answers_differ_in_what_a_person_acts_on(changes, expected):
    assert differences(item(), item(**changes)) == expected


def test_two_refusals_are_the_same():
    assert differences(item(abstained=True), item(abstained=True, answer="No.")) == ()
