"""`cauce twin`: a record kept with consent, shown, renewed and forgotten from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner, Result

from cauce.commands import twin
from cauce.errors import ConsentExpired, NotForgotten, UserError
from cauce.records import Spoken
from cauce.twin.consent import Quality
from twin.people import NAME, record

pytest.importorskip("pyarrow")
AGREED = ("--by", NAME, "--for", "display", "--until", "2999-01-01")


def cauce(*arguments: str) -> Result:
    return CliRunner().invoke(twin.twin_app, list(arguments))


def refused(*arguments: str) -> BaseException:
    error = cauce(*arguments).exception
    assert error is not None
    return error


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    record(tmp_path)
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


def test_from_a_file_to_a_page_and_to_nothing(home: Path) -> None:
    added = cauce("add", "ana", "../ingrid-2026.json", *AGREED)
    assert added.stdout == "ana: 3 events; 3 new, 0 changed, 0 known\n"
    assert cauce("add", "ana", "../ingrid-2026.json").stdout.endswith("0 changed, 3 known\n")
    assert "until 2999-01-01  display  files: 1" in cauce("list").stdout
    assert json.loads(cauce("list", "--json").stdout)["purposes"] == ["display"]
    shown = cauce("show", "ana", "--lang", "es")
    assert "Penicillin" in shown.stdout and "CKD-EPI 2021" in shown.stdout
    assert cauce("show", "ana", "--html", "ana.html", "--lang", "ca").stdout == "ana.html\n"
    left = cauce("forget", "ana", "--preview").stdout
    assert left == "would be left: ana.html (file and id and name)\n"
    Path("ana.html").unlink()
    gone = cauce("forget", "ana")
    assert (gone.exit_code, json.loads(gone.stdout)["hits"]) == (0, 0)
    key = gone.stderr.partition("kept nowhere: ")[2].split()[0]
    assert cauce("forget", "ana", "--check", key).stdout == gone.stdout
    assert cauce("list").stdout == ""


def test_what_is_left_fails(home: Path) -> None:
    cauce("add", "ana", "../ingrid-2026.json", *AGREED)
    cauce("show", "ana", "--html", "ana.html")
    error = refused("forget", "ana")
    assert isinstance(error, NotForgotten) and error.exit_code != 0
    assert "ana.html" in str(error)


def test_a_consent_that_has_ended_is_listed_renewed_or_forgotten(home: Path) -> None:
    over = refused("add", "ana", "../ingrid-2026.json", *AGREED[:-1], "2020-01-01")
    assert "ended on 2020-01-01" in str(over) and not Path("twins").exists()
    cauce("add", "ana", "../ingrid-2026.json", *AGREED)
    cauce("renew", "ana", "--until", "2020-01-01")
    listed = cauce("list")
    assert "ended 2020-01-01" in listed.stdout
    assert "forget --expired" in listed.stderr
    assert isinstance(refused("show", "ana"), ConsentExpired)
    renewed = cauce("renew", "ana", "--until", "2999-01-01", "--for", "display")
    assert renewed.stdout == "ana: until 2999-01-01, for display\n"
    assert cauce("show", "ana").exit_code == 0
    cauce("renew", "ana", "--until", "2020-01-01")
    assert json.loads(cauce("forget", "--expired").stdout)["hits"] == 0
    assert not list(Path("twins").glob("*/"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "ana", "../ingrid-2026.json"), "nobody's consent"),
        (("add", "ana", "../ingrid-2026.json", "--by", "Eva"), "Give all of them"),
        (("add", "ana", "../ingrid-2026.json", *AGREED, "--for", "sale"), "'sale' is no purpose"),
        (("show", "ana"), "no twin 'ana'"),
        (("forget",), "NAME or --expired"),
        (("forget", "ana", "--expired"), "NAME or --expired"),
    ],
)
def test_mistakes_are_told_in_two_parts(home: Path, arguments: tuple[str, ...], said: str) -> None:
    error = refused(*arguments)
    assert isinstance(error, UserError)
    assert said in str(error) and "\n" in str(error)


def test_the_choices_are_those_of_the_records() -> None:
    assert set(get_args(twin.Quality)) == set(get_args(Quality))
    assert set(get_args(twin.Spoken)) == set(get_args(Spoken))
