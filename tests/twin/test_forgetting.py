from __future__ import annotations

import bz2
import gzip
import json
import lzma
import sqlite3
import zipfile
from datetime import date
from pathlib import Path

import pytest
import yaml

from cauce import audit
from cauce.errors import ConsentRefused, DataRefused, NotForgotten, NotFound
from cauce.report.twin.page import render
from cauce.runs import Run, write_json
from cauce.twin import forgetting
from cauce.twin.forgetting import check_receipt, forget, preview, refuse_what_is_left
from cauce.twin.store import LOG, add_twin
from cauce.twin.traces import search, traces_of
from twin.people import CREATININE, NAME, PERSON_ID, allergy, bundle, consent, record

pytest.importorskip("pyarrow")
LONG = "Derived from the fall in the bathroom on the night of the storm, as her niece told."


@pytest.fixture
def twins(tmp_path: Path) -> Path:
    twins = tmp_path / "home" / "twins"
    add_twin("ana", [record(tmp_path)], consent(), twins=twins)
    return twins


def run_of(twins: Path, name: str) -> Run:
    """A run that learned from the twin."""
    [line] = (twins / LOG).read_text().splitlines()[:1]
    run = Run(twins.parent / "runs" / name)
    learned = [json.loads(line)["details"]["twin"]]
    write_json(run.path / "manifest.json", {"stages": {}, "twins": learned})
    return run


def test_a_forgotten_twin_is_nowhere_and_its_receipt_tells_nothing(twins: Path) -> None:
    found = forget("ana", twins=twins)
    refuse_what_is_left(found)
    assert [path.name for path in twins.iterdir()] == [LOG]
    assert (found.receipt.hits, len(found.receipt.removed)) == (0, 3)
    assert found.receipt.looked_for >= 8
    log = (twins / LOG).read_text()
    for secret in ("ana", PERSON_ID, CREATININE, "ngrid", "1.837465921", found.key):
        assert secret not in log
    assert audit.verify(twins / LOG).fault is None
    assert check_receipt("ana", found.key, twins=twins) == found.receipt


def test_a_receipt_holds_for_its_name_its_key_and_an_unchanged_log(twins: Path) -> None:
    found = forget("ana", twins=twins)
    with pytest.raises(NotFound, match="no receipt"):
        check_receipt("eva", found.key, twins=twins)
    for key in ("00" * 32, "no key"):
        with pytest.raises(NotFound, match="no receipt"):
            check_receipt("ana", key, twins=twins)
    (twins / "ana").mkdir()
    with pytest.raises(DataRefused, match="is there"):
        check_receipt("ana", found.key, twins=twins)
    (twins / "ana").rmdir()
    log = twins / LOG
    log.write_text(log.read_text().replace('"hits":0', '"hits":1').replace("added", "aided"))
    with pytest.raises(DataRefused, match=r"line (1|2)"):
        check_receipt("ana", found.key, twins=twins)


def test_what_is_left_is_named_and_fails(twins: Path) -> None:
    log = twins.parent / "runs" / "x" / "log.txt"
    log.parent.mkdir(parents=True)
    log.write_text("talked with SAÑUDO FERRER, Íngrid today")
    page = twins.parent / "page.html"
    page.write_text(f"<td>Observation/{CREATININE.upper()}</td><td>1.837465921</td>")
    left = preview("ana", twins=twins)
    expected = [(log, ("name",)), (page, ("id", "number"))]
    assert [(hit.path, hit.kinds) for hit in left.hits] == expected
    assert (twins / "ana").is_dir()
    found = forget("ana", twins=twins)
    assert (found.receipt.hits, (twins / "ana").exists()) == (2, False)
    with pytest.raises(NotForgotten, match=r"log\.txt \(name\), .*page\.html"):
        refuse_what_is_left(found)


def test_originals_beside_the_twins_are_counted_and_left_to_the_person(twins: Path) -> None:
    original = twins.parent / "mine.json"
    original.write_bytes((twins.parent.parent / "ingrid-2026.json").read_bytes())
    found = forget("ana", twins=twins)
    assert (found.receipt.originals, found.receipt.hits) == (1, 0)
    assert original.is_file()


def test_runs_that_learned_from_it_are_refused_until_trained_anew(twins: Path) -> None:
    run = run_of(twins, "ward")
    assert Run.open(run.path).path == run.path
    assert preview("ana", twins=twins).runs == (run.path,)
    assert forget("ana", twins=twins).receipt.runs_withdrawn == 1
    with pytest.raises(ConsentRefused, match="forgotten since"):
        Run.open(run.path)
    run.update_manifest(twins=["another"])
    assert Run.open(run.path).path == run.path


def test_a_recipe_that_names_the_twin_is_mended_where_it_learned_and_else_found(
    twins: Path,
) -> None:
    learned, other = run_of(twins, "ward"), Run(twins.parent / "runs" / "other")
    write_json(other.path / "manifest.json", {"stages": {}})
    for run in (learned, other):
        (run.path / "recipe.yaml").write_text("run: ana\ndata: [people.csv, ana]\n")
    assert [(hit.path, hit.kinds) for hit in preview("ana", twins=twins).hits] == [
        (other.path / "recipe.yaml", ("twin",))
    ]
    found = forget("ana", twins=twins)
    with pytest.raises(NotForgotten, match=r"other/recipe\.yaml \(twin\)"):
        refuse_what_is_left(found)
    [id] = learned.manifest["forgotten_twins"]
    recipe = yaml.safe_load((learned.path / "recipe.yaml").read_text())
    assert recipe == {"run": "ana", "data": ["people.csv", id]}


def test_runs_are_removed_on_request(twins: Path) -> None:
    run, other = run_of(twins, "ward"), Run(twins.parent / "runs" / "other")
    (run.path / "train").mkdir()
    (run.path / "train" / "seen.txt").write_text(PERSON_ID)
    write_json(other.path / "manifest.json", {"stages": {}})
    found = forget("ana", with_runs=True, twins=twins)
    assert (found.receipt.runs_removed, found.receipt.hits) == (1, 0)
    assert len(found.receipt.removed) == 5
    assert sorted(path.name for path in other.path.parent.iterdir()) == ["other"]


def test_what_an_interrupted_removal_left_goes_with_the_next(twins: Path) -> None:
    (twins / "ana").rename(twins / ".removed-1234")
    add_twin("eva", [twins.parent.parent / "ingrid-2026.json"], consent(), twins=twins)
    assert forgetting.expired(twins) == ()
    assert forget("eva", twins=twins).receipt.hits == 0
    assert [path.name for path in twins.iterdir()] == [LOG]


def test_expired_twins_are_those_whose_last_day_is_over(twins: Path) -> None:
    file = twins.parent.parent / "ingrid-2026.json"
    add_twin("eva", [file], consent(until=date(2020, 1, 1)), twins=twins)
    assert forgetting.expired(twins) == ("eva",)


def _packed_forms(folder: Path, text: str) -> None:
    import pyarrow
    from pyarrow import parquet

    content = text.encode()
    (folder / "plain.txt").write_bytes(content)
    (folder / "a.gz").write_bytes(gzip.compress(content))
    (folder / "a.xz").write_bytes(lzma.compress(content))
    (folder / "a.bz2").write_bytes(bz2.compress(content))
    with zipfile.ZipFile(folder / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner", content)
    parquet.write_table(
        pyarrow.table({"t": [text], "n": [1.837465921]}), folder / "a.parquet", compression="gzip"
    )
    with sqlite3.connect(folder / "a.sqlite") as store:
        store.execute("CREATE TABLE t (x)")
        store.execute("INSERT INTO t VALUES (?)", ("x" * 5000 + f" {text}",))
    store.close()
    header = json.dumps({"__metadata__": {"note": text}}).encode()
    (folder / "a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    (folder / "escaped.json").write_text(json.dumps({"t": text}))


def test_every_form_of_a_file_is_looked_into(twins: Path, tmp_path: Path) -> None:
    twin = forgetting.kept("ana", twins)
    event = twin.timeline.events[0].model_copy(update={"text": LONG})
    traces = traces_of(twin.timeline.model_copy(update={"events": (event,)}))
    for text in (LONG, f"of {NAME}.", f"see urn:uuid:{PERSON_ID}"):
        folder = tmp_path / f"forms-{len(text)}"
        folder.mkdir()
        _packed_forms(folder, text)
        searched = search([folder], traces)
        assert {hit.path for hit in searched.hits} == set(folder.iterdir())
        assert searched.files == 9


def test_others_are_not_taken_for_the_person(twins: Path, tmp_path: Path) -> None:
    traces = traces_of(forgetting.kept("ana", twins).timeline, files=["ingrid-2026.json"])
    others = tmp_path / "others"
    others.mkdir()
    texts = ("Íngrid and Sañudo", "11.837465921", "Penicillin", PERSON_ID[:-1], f"x{CREATININE}")
    (others / "a.txt").write_text("\n".join(texts))
    assert search([others], traces).hits == ()
    (others / f"{PERSON_ID}.txt").write_text("")
    assert [hit.kinds for hit in search([others], traces).hits] == [("id",)]


def test_a_text_that_another_twin_shares_is_no_trace_but_an_id_is(tmp_path: Path) -> None:
    twins = tmp_path / "home" / "twins"
    shared = allergy("06052ae5-1095-4993-868e-c63d2c4e012b", "Penicillin")
    shared["reaction"] = [{"manifestation": [{"text": LONG}]}]
    for name, person in (("ana", PERSON_ID), ("eva", "9d" + PERSON_ID[2:])):
        file = twins.with_name(f"{name}-record.json")
        file.parent.mkdir(exist_ok=True)
        one = {**shared, "id": person[::-1].replace("-", "")}
        file.write_text(bundle(one, person_id=person, name=f"{name} Roig"))
        added = add_twin(name, [file], consent(), twins=twins)
        assert LONG in added.twin.timeline.events[0].text
    gone = forget("ana", twins=twins).receipt
    assert (gone.hits, gone.originals) == (0, 1)
    (twins / "ida").mkdir()
    (twins / "ida" / "note").write_text(f"Eva Roig. {LONG}")
    assert [hit.kinds for hit in preview("eva", twins=twins).hits] == [("name", "text")]


def test_a_page_of_somebody_without_name_or_long_id_is_found(tmp_path: Path) -> None:
    twins = tmp_path / "home" / "twins"
    table = tmp_path / "a.csv"
    table.write_text("person,time,name,value,unit\n7,2026-01-01,weight,64,kg\n")
    page = twins.with_name("page.html")
    page.parent.mkdir()
    page.write_text(render(add_twin("ana", [table], consent(), twins=twins).twin, "en"))
    left = preview("ana", twins=twins)
    assert [(hit.path.name, hit.kinds) for hit in left.hits] == [("page.html", ("file",))]
    assert (left.looked_for, left.too_short) == (1, 1)


def test_a_file_that_two_people_stand_in_is_no_trace_in_another_twin(tmp_path: Path) -> None:
    twins = tmp_path / "home" / "twins"
    both = tmp_path / "both-people.csv"
    both.write_text(
        "person,time,name,value,unit\n"
        "ana-0001,2026-01-01,weight,64,kg\neva-0001,2026-01-01,weight,71,kg\n"
    )
    for name in ("ana", "eva"):
        add_twin(name, [both], consent(), persons=[f"{name}-0001"], twins=twins)
    assert forget("ana", twins=twins).receipt.hits == 0


def test_what_cannot_be_read_is_not_taken_for_clean(twins: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "cut.gz").write_bytes(gzip.compress(b"a" * 100)[:-9])
    with pytest.raises(EOFError):
        search([tmp_path / "x"], traces_of(forgetting.kept("ana", twins).timeline))
