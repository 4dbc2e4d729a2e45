"""`cauce drugs`: each verb on a run with two versions of a label, and every refusal."""

from __future__ import annotations

import json
import sys

import pytest

from cauce import cli
from cauce.commands.drugs import drugs_app
from cauce.knowledge.sections.indexing import build_index
from cauce.records import Section
from cauce.runs import Run, write_records
from documents import medicine

INTERACTS = "Warfarin bleeds more with ibuprofen: 2 studies say so."


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("drugs")
    run = Run(path / "runs" / "labels")
    versions = [
        medicine("ibuprofen", dose=dose, brands=("Advil",)).model_copy(
            update={"version": str(place), "effective": f"202{place}-01-01"}
        )
        for place, dose in enumerate((200, 300, 400), 1)
    ]
    warfarin = medicine("warfarin", dose=5)
    section = Section(id="7", kind="interactions", title="Interactions", text=INTERACTS)
    warfarin = warfarin.model_copy(update={"sections": (*warfarin.sections, section)})
    others = [medicine(name) for name in ("citalopram", "escitalopram")]
    run.folder("prepare")
    build_index(run.path / "prepare" / "index.sqlite", [versions[2], warfarin, *others])
    write_records(run.folder("fetch") / "history.jsonl", versions[:2])
    run.update_manifest(stages={})
    return path


@pytest.fixture
def drugs(folder, monkeypatch, capsys):
    """Runs `cauce drugs ...` in this process: exit code, stdout, stderr."""
    monkeypatch.chdir(folder)
    if "drugs" not in {group.name for group in cli.app.registered_groups}:
        cli.app.add_typer(drugs_app, name="drugs")

    def main(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cauce", "drugs", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return main


def test_show_tells_what_the_store_holds(drugs):
    code, out, err = drugs("show", "Advil")
    assert code == 0
    assert "runs/labels" in err and "Next: cauce drugs show Advil --section dose" in err
    for told in ("brands       Advil", "version 3 of 2023-01-01", "400 mg", "section dose]"):
        assert told in out


def test_show_prints_one_section_whole_with_its_place(drugs):
    _, out, _ = drugs("show", "ibuprofen", "--section", "dose")
    assert "Adults take 400 mg every 8 hours." in out
    assert "[test/ibuprofen version 3, section dose]" in out
    _, out, _ = drugs("show", "ibuprofen", "--section", "dose", "--json")
    assert json.loads(out)["section"] == "dose"


def test_show_in_plain_language_keeps_the_numbers(drugs):
    _, out, _ = drugs("show", "ibuprofen", "--plain")
    assert "400 mg" in out
    _, out, _ = drugs("show", "ibuprofen", "--plain", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert any("400 mg" in row["text"] and row["citation"]["quote"] for row in rows)


def test_show_as_json_is_one_object(drugs):
    _, out, _ = drugs("show", "ibuprofen", "--json")
    [row] = map(json.loads, out.splitlines())
    assert row["group"] == "ibuprofen" and row["documents"][0]["sections"]


def test_compare_shows_both_and_what_they_say_of_each_other(drugs):
    code, out, _ = drugs("compare", "ibuprofen", "warfarin")
    assert code == 0
    assert out.index("Adults take 400 mg") < out.index("Adults take 5 mg")
    assert INTERACTS in out and "That is not “no interaction”" in out


def test_interactions_are_told_in_the_language_that_is_asked_for(drugs):
    code, out, _ = drugs("interactions", "ibuprofen", "warfarin", "--language", "es")
    assert code == 0
    assert "Lo que dicen de ibuprofen los textos de warfarin:" in out
    assert "Eso no significa que no haya interacción" in out
    _, out, _ = drugs("interactions", "ibuprofen", "warfarin", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [len(row["named"]) for row in rows] == [0, 1]
    assert rows[1]["named"][0]["citation"]["quote"] == INTERACTS


def test_changes_name_the_sentence_and_the_numbers(drugs):
    code, out, _ = drugs("changes", "ibuprofen")
    assert code == 0
    assert "version 2 (2022-01-01) -> version 3 (2023-01-01)" in out
    assert "~ Adults take [-300-]{+400+} mg every 8 hours." in out
    assert "numbers: 300 -> 400" in out


def test_changes_between_named_versions_and_since_a_date(drugs):
    _, out, _ = drugs("changes", "ibuprofen", "--from", "1", "--to", "3")
    assert "[-200-]{+400+}" in out
    _, out, _ = drugs("changes", "ibuprofen", "--since", "2022-01-01", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["from"], row["to"], row["kind"]) for row in rows] == [
        ("1", "2", "changed"),
        ("2", "3", "changed"),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "ruxolitinib"), "no document about 'ruxolitinib'"),
        (("show", "esitalopram"), "may be any of"),
        (("show", "ibuprofen and warfarin"), "names several"),
        (("show", "ibuprofen", "--section", "colour"), "There are: dose, driving, storage, use"),
        (("show", "ibuprofen", "--language", "fr"), "There are: en, es"),
        (("show", "ibuprofen", "--run", "none"), "runs there: labels"),
        (("interactions", "ibuprofen"), "Name two medicines."),
        (("changes", "warfarin"), "only version 1 of Warfarin is kept"),
        (("changes", "ibuprofen", "--to", "9"), "There are: 1 (2021-01-01), 2"),
        (("changes", "ibuprofen", "--to", "1"), "is the oldest kept"),
        (("changes", "ibuprofen", "--since", "2022-01-01", "--to", "1"), "goes without"),
        (("changes", "ibuprofen", "--since", "May"), "2024-05-31"),
    ],
)
def test_a_mistake_ends_with_2_and_says_what_to_do(drugs, arguments, said):
    code, out, err = drugs(*arguments)
    assert (code, out) == (2, "")
    assert said in err and "Traceback" not in err


def test_without_a_run_the_embedded_texts_are_asked_and_it_is_said(drugs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = drugs("show", "ibuprofeno", "--section", "dose", "--language", "es")
    assert code == 0
    assert "not medical advice" in err and "1200 mg" in out


def test_describe_writes_a_monograph_with_each_sentence_cited(drugs):
    code, out, err = drugs("describe", "Advil")
    assert code == 0
    assert "there is no trained model: the sections are quoted" in err
    assert out.startswith("# Ibuprofen\n")
    assert "Adults take 400 mg every 8 hours. [" in out
    code, out, _ = drugs("describe", "Advil", "--json")
    assert json.loads(out)["version"] == "3"
    for name in ("esitalopram", "pramipexole", "ibuprofen and warfarin"):
        assert drugs("describe", name)[:2] == (2, "")
