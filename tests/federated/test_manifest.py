"""The manifest: who signed it, and in what this site differs from it."""

from __future__ import annotations

import shutil
from datetime import datetime

import pytest
import torch
from pydantic import ValidationError

import cauce
from cauce.errors import DataRefused, UserError
from cauce.federated.manifest import (
    DataSchema,
    Difference,
    Package,
    differences,
    installed_package,
    misfit,
    read_manifest,
    require_same,
)
from cauce.records import Document, Section
from cauce.signatures import content_hash, sign, write_signed
from federated.cast import TinyRecipe, make_manifest

HERE = Package(version="0.1.0", sha256="ab" * 32)


def test_the_coordinators_manifest_is_read(cast, tmp_path):
    manifest = make_manifest(cast)
    path = tmp_path / "manifest.json"
    write_signed(path, sign(manifest, cast.private("coordinator")))
    known = cast.public("coordinator").read_text()
    for expected in (None, known, " ".join([*known.split()[:2], "another-comment"])):
        read = read_manifest(path, expected).content
        assert (read, content_hash(read)) == (manifest, content_hash(manifest))


def test_one_signed_by_somebody_else_is_refused(cast, tmp_path):
    path = tmp_path / "manifest.json"
    write_signed(path, sign(make_manifest(cast), cast.private("hospital-a")))
    with pytest.raises(DataRefused, match="was not signed by the key"):
        read_manifest(path)


def test_one_of_another_coordinator_is_refused(cast, tmp_path):
    """Its signature is right, and only the key that the site had before tells."""
    path = tmp_path / "manifest.json"
    manifest = make_manifest(cast)
    forged = manifest.model_copy(
        update={"coordinator": manifest.sites[1], "sites": (manifest.sites[0],)}
    )
    write_signed(path, sign(forged, cast.private("hospital-b")))
    assert read_manifest(path).content == forged
    with pytest.raises(DataRefused, match=r"your coordinator is SHA256.*\nDo not use it"):
        read_manifest(path, cast.public("coordinator").read_text())


@pytest.mark.parametrize(
    ("old", "new"), [('"rounds": 8', '"rounds": 80'), ('"es"', '"en"'), ("5000000", "50000000")]
)
def test_one_that_was_changed_is_refused(cast, tmp_path, old, new):
    path = tmp_path / "manifest.json"
    write_signed(path, sign(make_manifest(cast), cast.private("coordinator")))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(DataRefused, match="or was changed since"):
        read_manifest(path)


def test_nothing_differs_with_the_same_package_and_recipe(cast):
    assert differences(make_manifest(cast), TinyRecipe(), HERE) == []
    require_same(make_manifest(cast), TinyRecipe(), HERE)


def test_every_difference_is_named(cast):
    recipe = TinyRecipe(training={"steps": 401})
    found = differences(make_manifest(cast), recipe, Package(version="0.1.1", sha256="cd" * 32))
    assert [one.what for one in found] == ["version of cauce", "files of cauce", "recipe, training"]
    assert found[0] == Difference("version of cauce", "0.1.0", "0.1.1")
    with pytest.raises(UserError) as refused:
        require_same(make_manifest(cast), recipe, Package(version="0.1.1", sha256="cd" * 32))
    first, second = str(refused.value).splitlines()
    assert all(one.what in first for one in found)
    assert second.startswith("Install the coordinator's version of cauce")


def test_packages_that_it_rests_on_are_named_with_their_versions(cast):
    told = Package(
        **HERE.model_dump(exclude={"requires"}), requires={"torch": "2.0.0", "flwr": "1"}
    )
    manifest = make_manifest(cast, package=told)
    here = HERE.model_copy(update={"requires": {"torch": "2.1.0", "flwr": "1"}})
    assert differences(manifest, TinyRecipe(), here) == [
        Difference("version of torch", "2.0.0", "2.1.0")
    ]
    with pytest.raises(UserError, match="version of flwr: the manifest says 1, here it is none"):
        require_same(manifest, TinyRecipe(), HERE)
    installed = installed_package().requires
    assert "+" not in installed["torch"] and torch.__version__.startswith(installed["torch"])
    assert set(installed) >= {"torch", "transformers", "peft"}


def test_a_section_that_one_of_the_two_lacks_is_a_difference(cast):
    manifest = make_manifest(cast, recipe={"seed": "0" * 64, "federated": "1" * 64})
    named = {one.what: one for one in differences(manifest, TinyRecipe(), HERE)}
    assert set(named) == {"recipe, seed", "recipe, federated", "recipe, training"}
    assert named["recipe, federated"].here == "none"
    assert named["recipe, training"].manifest == "none"


def test_the_package_is_known_by_every_one_of_its_files(tmp_path):
    (tmp_path / "data").mkdir()
    for name in ("a.py", "data/b.json"):
        (tmp_path / name).write_text(name)
    first = installed_package(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("compiled")
    assert installed_package(tmp_path) == first
    hashes = {first.sha256}
    for name, text in (("data/b.json", "B"), ("c.py", ""), ("data/c.py", "")):
        (tmp_path / name).write_text(text)
        hashes.add(installed_package(tmp_path).sha256)
    shutil.move(tmp_path / "data" / "c.py", tmp_path / "d.py")
    hashes.add(installed_package(tmp_path).sha256)
    assert len(hashes) == 5
    assert first.version == cauce.__version__


@pytest.mark.parametrize(
    "changes",
    [
        {"job": "Two words"},
        {"sites": ()},
        {"purpose": "good\x1b[2K"},
        {"purpose": "good\nand more"},
        {"recipe": {"seed": "no hash"}},
        {"more": 1},
    ],
)
def test_a_manifest_that_cannot_be_is_refused(cast, changes):
    with pytest.raises(ValidationError):
        make_manifest(cast, **changes)


def test_budgets_are_whole_and_finite(cast):
    budgets = make_manifest(cast).budgets.model_dump()
    for wrong in (
        {"rounds": 0}, {"bytes": 0}, {"epsilon": 0.0}, {"epsilon": float("inf")},
        {"deadline": datetime(2026, 5, 20)},
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            make_manifest(cast, budgets={**budgets, **wrong})


def test_participants_have_names_and_keys_of_their_own(cast):
    coordinator, *sites = (make_manifest(cast).coordinator, *make_manifest(cast).sites)
    thief = sites[0].model_copy(update={"name": "hospital-c"})
    for everyone in ((sites[0], sites[0]), (sites[0], thief), (coordinator, sites[0])):
        with pytest.raises(ValidationError, match="same name or key"):
            make_manifest(cast, sites=everyone)


def test_an_unknown_site_is_told_with_those_there_are(cast):
    with pytest.raises(UserError, match=r"'hospital-z' is no site.*hospital-a, hospital-b"):
        make_manifest(cast).site("hospital-z")


def test_documents_are_held_against_what_was_agreed():
    schema = DataSchema(sources=("files", "fhir"), sections=("dose", "use"), languages=("es",))
    sections = tuple(Section(id=kind, kind=kind, title="", text="") for kind in ("use", "dose"))
    document = Document(
        source="files", id="1", version="1", title="", language="es", sections=sections
    )
    assert misfit(document, schema) == ""
    for change, reason in (
        ({"source": "cima"}, "source is cima, not files or fhir"),
        ({"language": "en"}, "language is en, not es"),
        ({"sections": sections[:1]}, "no section on dose"),
    ):
        assert misfit(document.model_copy(update=change), schema) == reason
