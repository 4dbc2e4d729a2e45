"""The whole road with every socket closed: nothing but the package and the disk is needed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

import road as tiny
from cauce import road
from cauce.assistant.assistant import Assistant
from cauce.errors import NotFound
from cauce.recipe import Recipe, parse_recipe
from cauce.runs import STAGES, Run

NOTHING = [f"{stage}: nothing has changed, nothing to do" for stage in STAGES]


@pytest.fixture(scope="module")
def closed() -> Iterator[None]:
    """No socket of any family can be made, loopback included."""

    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("the road opened a socket")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.socket.__init__", refuse)
        patch.setattr("socket.getaddrinfo", refuse)
        yield


@pytest.fixture(scope="module")
def runs(tmp_path_factory, closed):
    """The folder of runs in which the tiny road has been walked."""
    folder = tmp_path_factory.mktemp("offline") / "runs"
    road.walk(road.start(recipe(), lambda line: None, folder))
    return folder


def recipe(**changes: object) -> Recipe:
    return parse_recipe({**tiny.RECIPE, **changes}, "tiny")


def told(runs, **changes: object) -> list[str]:
    """What is said while the road of the changed recipe is walked."""
    said: list[str] = []
    road.walk(road.start(recipe(**changes), said.append, runs))
    return said


def done(lines: list[str]) -> list[str]:
    return [line.split(":")[0] for line in lines if ": done in " in line]


def test_the_road_reaches_its_report_without_a_socket(runs):
    run = Run.open("tiny", runs)
    manifest = run.manifest
    assert set(manifest["stages"]) == set(STAGES)
    assert (manifest["seed"], manifest["notice"]) == (0, "Only a test.")
    assert {"cauce", "python", "torch"} <= set(manifest["versions"])
    assert manifest["stages"]["fetch"]["summary"]["documents"] >= 80
    assert manifest["stages"]["train"]["summary"]["steps"] == 2
    page = (run.path / "report" / "report.html").read_text("utf-8")
    assert "Only a test." in page
    assert "https://" not in page.replace("https://dailymed", "")
    scores = json.loads((run.path / "evaluate" / "scores.json").read_bytes())
    assert set(scores["systems"]) == {"base", "tuned", "assistant"}


def test_the_assistant_of_the_run_answers_and_cites(runs):
    reply = Assistant.load(Run.open("tiny", runs)).reply("What is ibuprofen used for?")
    assert (reply.group, reply.kind) == ("ibuprofen", "use")
    assert "relieves mild to moderate pain" in reply.citations[0].quote


def test_a_second_walk_does_nothing_and_says_so(runs):
    assert told(runs) == NOTHING


def test_another_notice_changes_the_report_alone(runs):
    assert done(told(runs, notice="Another.")) == ["report"]
    assert done(told(runs)) == ["report"]


def test_another_assistant_is_evaluated_again_and_nothing_before(runs):
    assistant = {"max_new_tokens": 5}
    said = told(runs, assistant=assistant)
    assert done(said) == ["evaluate", "compare", "report"]
    assert said[:3] == NOTHING[:3]
    assert told(runs, assistant=assistant) == NOTHING


def test_a_lost_file_is_made_again(runs):
    run = Run.open("tiny", runs)
    assistant = {"max_new_tokens": 5}
    (run.path / "compare" / "comparison.json").unlink()
    assert done(told(runs, assistant=assistant)) == ["compare", "report"]


def test_a_stage_needs_the_one_before(tmp_path):
    journey = road.start(recipe(), lambda line: None, tmp_path)
    with pytest.raises(
        NotFound, match=r"tiny has no finished prepare stage.*\n.*cauce prepare RECIPE"
    ):
        road.do(journey, "train")


def test_a_changed_input_file_is_noticed(tmp_path):
    text = tmp_path / "notes.md"
    text.write_text("# Ibuprofen\nFor pain.\n")
    changes = {"sources": [{"kind": "files", "path": str(text)}]}
    said: list[str] = []
    for words in ("For pain.", "For pain.", "For fever and pain."):
        if words not in text.read_text():
            text.write_text(f"# Ibuprofen\n{words}\n")
        road.do(road.start(recipe(**changes), said.append, tmp_path), "fetch")
    outcomes = [line for line in said if line.startswith("fetch")]
    assert ["done in" in outcome for outcome in outcomes] == [True, False, True]
