"""A coordinator and two hospitals with their keys, and the manifest of a job among them."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from cauce.federated import keys
from cauce.federated.manifest import Budgets, DataSchema, Manifest, Package, recipe_hashes
from cauce.records import Record

NAMES = ("coordinator", "hospital-a", "hospital-b")
NOW = datetime(2026, 5, 4, 8, tzinfo=UTC)
DEADLINE = datetime(2026, 5, 20, 8, tzinfo=UTC)


class TinyRecipe(Record):
    """Two sections are enough."""

    seed: int = 0
    training: dict[str, int] = Field(default_factory=lambda: {"steps": 400})


class Cast(NamedTuple):
    """Folders: each participant's own, and `public` with what all of them send."""

    root: Path

    def private(self, name: str) -> Path:
        return self.root / name / f"{name}.signing.pem"

    def public(self, name: str) -> Path:
        return self.root / "public" / f"{name}.signing.pub"


def make_cast(root: Path) -> Cast:
    (root / "public").mkdir()
    for name in NAMES:
        for path in keys.new_keys(name, root / name):
            if path.suffix == ".pub":
                shutil.copy(path, root / "public")
    keys.new_authority("coordinator", root / "coordinator")
    return Cast(root)


def make_manifest(cast: Cast, **changes: object) -> Manifest:
    coordinator, *sites = keys.participants(cast.root / "public")
    fields = {
        "job": "leaflets",
        "purpose": "Answers on medicines in both hospitals' own words.",
        "recipe": recipe_hashes(TinyRecipe()),
        "package": Package(version="0.1.0", sha256="ab" * 32),
        "data": DataSchema(sources=("files",), sections=("dose",), languages=("es",)),
        "budgets": Budgets(rounds=8, steps=6, bytes=5_000_000, deadline=DEADLINE),
        "coordinator": coordinator,
        "sites": tuple(sites),
    }
    return Manifest.model_validate({**fields, **changes})
