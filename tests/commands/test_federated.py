"""`cauce federated`: from keys to an approved job and a log that is looked through."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from cauce import audit
from cauce.commands.federated import federated_app
from cauce.errors import DataRefused, NotFound, UserError
from cauce.federated import approval
from cauce.federated.manifest import read_manifest
from federated.cast import Cast

pytest.importorskip("cryptography", reason="needs the packages of cauce[federated]")

RECIPE = "run: leaflets\nsources: [{kind: vademecum}]\nfederated: {epsilon: 3}\n"
PURPOSE = "Answers on medicines in both hospitals' own words."


class Said(NamedTuple):
    out: str
    err: str


def run(*words: object, answer: str = "") -> Said:
    """What the command prints; an error of cauce is raised, as `main` gets it."""
    result = CliRunner().invoke(federated_app, [str(word) for word in words], input=answer)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return Said(result.stdout, result.stderr)


@pytest.fixture(scope="module")
def there(tmp_path_factory) -> Path:
    """What the coordinator sent to a hospital: the recipe and the manifest; and all the keys."""
    root = tmp_path_factory.mktemp("federated")
    run("keys", "new", "coordinator", "--out", root / "coordinator", "--coordinator")
    for name in ("hospital-a", "hospital-b"):
        run("keys", "new", name, "--out", root / name)
    (root / "public").mkdir()
    for path in list(root.glob("*/*.pub")):
        shutil.copy(path, root / "public")
    (root / "recipe.yaml").write_text(RECIPE)
    run(
        *("manifest", root / "recipe.yaml", "--participants", root / "public"),
        *("--key", Cast(root).private("coordinator"), "--purpose", PURPOSE),
        *("--source", "files", "--language", "es", "--section", "dose"),
        *("--out", root / "manifest.json"),
    )
    return root


def approve(there: Path, *more: object, site: str = "hospital-a", answer: str = "") -> Said:
    return run(
        *("approve", there / "manifest.json", "--key", Cast(there).private(site)),
        *("--recipe", there / "recipe.yaml", "--person", "Ana Ruiz"),
        *("--coordinator", there / "coordinator" / "coordinator.signing.pub", *more),
        answer=answer,
    )


def test_what_a_participant_sends_and_keeps_is_told(tmp_path):
    said = run("keys", "new", "hospital-a", "--out", tmp_path)
    assert len(said.out.splitlines()) == 6
    assert f"Send the coordinator {tmp_path}/hospital-a.*.pub" in said.err
    assert f"Next: cauce federated keys show {tmp_path}" in said.err
    with pytest.raises(UserError, match="never overwritten"):
        run("keys", "new", "hospital-a", "--out", tmp_path)


def test_a_server_has_the_addresses_that_are_given(tmp_path):
    from cryptography import x509

    words = ("keys", "new", "hub", "--out", tmp_path, "--address", "hub.example")
    with pytest.raises(UserError, match=r"--address hub\.example is for the server"):
        run(*words)
    assert list(tmp_path.iterdir()) == []
    said = run(*words, "--address", "10.0.0.7", "--coordinator")
    assert f"Send every site {tmp_path}/ca.crt" in said.err
    server = x509.load_pem_x509_certificate((tmp_path / "server.crt").read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["hub.example", "10.0.0.7"]


def test_keys_are_shown_as_lines_and_as_json(there):
    rows = run("keys", "show", there / "coordinator").out.splitlines()
    objects = run("keys", "show", there / "coordinator", "--json").out.splitlines()
    assert len(rows) == len(objects) == 4
    for row, text in zip(rows, objects, strict=True):
        found = json.loads(text)
        assert row.startswith(found["kind"])
        assert found["owner"] in row and found["fingerprint"] in row and found["expires"] in row


def test_a_client_certificate_is_made_on_request(there, tmp_path):
    request = there / "hospital-a" / "hospital-a.tls.csr"
    said = run("keys", "certify", request, "--ca", there / "coordinator", "--out", tmp_path)
    assert said.out.strip() == str(tmp_path / "hospital-a.tls.crt")


def test_the_manifest_says_what_the_recipe_says(there):
    manifest = read_manifest(there / "manifest.json").content
    assert (manifest.job, manifest.purpose, manifest.coordinator.name) == (
        *("leaflets", PURPOSE, "coordinator"),
    )
    assert [site.name for site in manifest.sites] == ["hospital-a", "hospital-b"]
    assert {"run", "seed", "model", "training"} <= set(manifest.recipe)
    assert manifest.budgets.epsilon == 3


def test_a_coordinator_that_is_not_among_the_participants_is_told(there, tmp_path):
    run("keys", "new", "stranger", "--out", tmp_path)
    with pytest.raises(UserError, match=r"your own public keys are not in .*\nCopy your"):
        run(
            *("manifest", there / "recipe.yaml", "--participants", there / "public"),
            *("--key", tmp_path / "stranger.signing.pem", "--purpose", PURPOSE),
            *("--source", "files", "--language", "es"),
        )


def test_a_person_reads_and_approves(there, tmp_path):
    manifest = read_manifest(there / "manifest.json").content
    said = approve(there, "--folder", tmp_path, answer="y\n")
    assert approval.in_plain_words(manifest) in said.out
    assert "Allow this at hospital-a?" in said.err
    assert approval.require_approval(manifest, tmp_path, site="hospital-a").person == "Ana Ruiz"


def test_without_a_yes_nothing_is_approved(there, tmp_path):
    with pytest.raises(UserError, match=r"nothing was approved at hospital-a\.\n"):
        approve(there, "--folder", tmp_path, answer="n\n")
    assert list(tmp_path.iterdir()) == []


def test_another_recipe_is_not_approved(there, tmp_path):
    other = tmp_path / "recipe.yaml"
    other.write_text(RECIPE + "training: {steps: 7}\n")
    with pytest.raises(UserError, match="recipe, training: the manifest says"):
        approve(there, "--yes", "--folder", tmp_path / "site", "--recipe", other)
    assert not (tmp_path / "site").exists()


def test_another_coordinator_is_not_approved(there, tmp_path):
    with pytest.raises(DataRefused, match="your coordinator is SHA256"):
        approve(
            *(there, "--yes", "--folder", tmp_path / "site"),
            *("--coordinator", there / "hospital-b" / "hospital-b.signing.pub"),
        )
    assert not (tmp_path / "site").exists()


def test_an_approval_is_withdrawn(there, tmp_path):
    manifest = read_manifest(there / "manifest.json").content
    approve(there, "--yes", "--folder", tmp_path)
    run(
        *("revoke", there / "manifest.json", "--key", Cast(there).private("hospital-a")),
        *("--person", "Luis Gil", "--reason", "wrong ward", "--folder", tmp_path),
    )
    with pytest.raises(UserError, match=r"Luis Gil withdrew it on .*: wrong ward"):
        approval.require_approval(manifest, tmp_path, site="hospital-a")


def test_a_log_is_signed_for_and_looked_through(there, tmp_path):
    log, head = tmp_path / "audit.jsonl", tmp_path / "head.json"
    for event in ("started", "ended", "started"):
        audit.append(log, event)
    private, public = Cast(there).private("hospital-a"), there / "public" / "hospital-a.signing.pub"
    run("audit", "head", log, "--key", private, "--out", head)
    said = run("audit", "verify", log, "--head", head, "--key", public)
    assert said.out == "3 lines follow each other\n"
    assert "Lines 1 to 3 are those that were signed" in said.err
    assert "cannot be seen" in run("audit", "verify", log).err
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    with pytest.raises(DataRefused, match=r"line 3: the log ends after line 2.*\nKeep the file"):
        run("audit", "verify", log, "--head", head, "--key", public)
    with pytest.raises(DataRefused, match="was not signed by the key"):
        run(
            *("audit", "verify", log, "--head", head),
            *("--key", there / "public" / "hospital-b.signing.pub"),
        )
    with pytest.raises(UserError, match="go together"):
        run("audit", "verify", log, "--head", head)


def test_the_first_bad_line_is_printed(tmp_path):
    log = tmp_path / "audit.jsonl"
    for event in ("started", "ended", "started"):
        audit.append(log, event)
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join((lines[0], lines[2])))
    result = CliRunner().invoke(federated_app, ["audit", "verify", str(log)])
    assert isinstance(result.exception, DataRefused)
    assert result.stdout.encode() == lines[2]
    assert f"{log}, line 2: line 2 says that it is number 3" in str(result.exception)
    with pytest.raises(NotFound, match="no log"):
        run("audit", "verify", tmp_path / "none.jsonl")
