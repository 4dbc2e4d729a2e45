"""The manifest of a job: what will run, on which data, with which budget, and among whom.

The coordinator signs it. A site checks the signature, compares the manifest with the package and
the recipe that it has itself, and starts only what its own people approved (`approval.py`).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import AwareDatetime, Field, model_validator

import cauce
from cauce.errors import DataRefused, UserError
from cauce.federated.keys import Participant
from cauce.records import Document, Language, Record
from cauce.runs import sha256_of_file
from cauce.signatures import Signed, canonical, check_signature, fingerprint, read_signed

PACKAGE_FOLDER = Path(__file__).parents[1]
RESTS_ON = ("torch", "transformers", "peft", "flwr")
"""Packages whose version all sites of a job must share."""

Word = Annotated[str, Field(pattern=r"^[\w.+-]+$")]
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
"""One line without control characters: what a person reads is all there is."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Package(Record):
    """What is installed, by its version and by its files."""

    version: Word
    sha256: Sha256
    """Of the list of files, each with the SHA-256 of its bytes."""
    requires: dict[Word, Word] = Field(default_factory=dict)
    """Versions of the packages that decide what a site computes and sends, without the label of a
    build (`+cpu`): sites may have different processors."""


class DataSchema(Record):
    """What the documents of a site must have."""

    sources: tuple[Word, ...] = Field(min_length=1)
    """Kinds of source that a document may come from: `files`, `fhir`, `cima`..."""
    sections: tuple[Word, ...] = ()
    """Kinds of section that every document has."""
    languages: tuple[Language, ...] = Field(min_length=1)


class Budgets(Record):
    """What the job may use up at each site; it ends when one of them is spent."""

    rounds: int = Field(ge=1)
    steps: int = Field(ge=1)
    """Updates of the weights in a round."""
    bytes: int = Field(ge=1)
    """Sent and received, over the whole job."""
    epsilon: float | None = Field(None, gt=0, allow_inf_nan=False)
    """Of differential privacy, over the whole job; null trains without it."""
    deadline: AwareDatetime
    """Nothing of the job runs after it."""


class Manifest(Record):
    """The whole of what a site agrees to."""

    job: Word
    purpose: Line
    """Why it is done, in the words of the coordinator."""
    recipe: dict[Word, Sha256]
    """SHA-256 of each section of the recipe, defaults included."""
    package: Package
    data: DataSchema
    budgets: Budgets
    coordinator: Participant
    sites: tuple[Participant, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_and_keys_are_different(self) -> Self:
        everyone = (self.coordinator, *self.sites)
        for things in (
            [one.name for one in everyone],
            [fingerprint(one.node_key) for one in everyone],
            [fingerprint(one.signing_key) for one in everyone],
        ):
            if len(set(things)) < len(things):
                raise ValueError(f"two participants have the same name or key: {sorted(things)}")
        return self

    def site(self, name: str) -> Participant:
        """The site of that name; UserError lists those there are."""
        for site in self.sites:
            if site.name == name:
                return site
        names = ", ".join(site.name for site in self.sites)
        raise UserError(
            f"{name!r} is no site of the job {self.job}; its sites are {names}.\n"
            "Use the name that the keys of this site were made with."
        )


class Difference(NamedTuple):
    """Something that the manifest says and this site does not have."""

    what: str
    manifest: str
    here: str

    def __str__(self) -> str:
        return f"{self.what}: the manifest says {self.manifest}, here it is {self.here}"


def installed_package(folder: Path = PACKAGE_FOLDER) -> Package:
    """The version of cauce that runs here, the hash of all its files, and what it rests on."""
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
    lines = [f"{path.relative_to(folder).as_posix()} {sha256_of_file(path)}\n" for path in files]
    return Package(
        version=cauce.__version__,
        sha256=hashlib.sha256("".join(lines).encode()).hexdigest(),
        requires={
            name: importlib.metadata.version(name).partition("+")[0]
            for name in RESTS_ON
            if importlib.util.find_spec(name)
        },
    )


def recipe_hashes(recipe: Record) -> dict[str, str]:
    """SHA-256 of the canonical JSON of each section of the recipe, by its name."""
    return {
        name: hashlib.sha256(canonical(value)).hexdigest()
        for name, value in recipe.model_dump(mode="json").items()
    }


def read_manifest(path: Path, coordinator_key: str | None = None) -> Signed[Manifest]:
    """The manifest in the file, signed by the coordinator that it names.

    With `coordinator_key` (a line of OpenSSH), that coordinator must be this one. Raises NotFound,
    and DataRefused for a wrong signature or a stranger.
    """
    signed = read_signed(path, Signed[Manifest])
    manifest = check_signature(signed, signed.content.coordinator.signing_key, str(path))
    named = fingerprint(manifest.coordinator.signing_key)
    expected = named if coordinator_key is None else fingerprint(coordinator_key)
    if named != expected:
        raise DataRefused(
            f"{path} is signed by {named}, and your coordinator is {expected}.\n"
            "Do not use it. Ask your coordinator, by telephone, whether they sent it."
        )
    return signed


def differences(
    manifest: Manifest, recipe: Record, package: Package | None = None
) -> list[Difference]:
    """Everything in which this site's package and recipe are not those of the manifest.

    Without `package` the one that runs here is read.
    """
    package = package or installed_package()
    told = manifest.package
    pairs = [
        ("version of cauce", told.version, package.version),
        ("files of cauce", told.sha256, package.sha256),
        *_pairs("version of {}", told.requires, package.requires),
        *_pairs("recipe, {}", manifest.recipe, recipe_hashes(recipe)),
    ]
    return [Difference(what, told[:16], own[:16]) for what, told, own in pairs if told != own]


def _pairs(
    what: str, told: Mapping[str, str], here: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    for name in sorted({*told, *here}):
        yield what.format(name), told.get(name, "none"), here.get(name, "none")


def require_same(manifest: Manifest, recipe: Record, package: Package | None = None) -> None:
    """Returns where package and recipe are those of the manifest; UserError names what differs."""
    found = differences(manifest, recipe, package)
    if found:
        raise UserError(
            f"this is not what the manifest of {manifest.job} was signed for: "
            f"{'; '.join(map(str, found))}.\n"
            "Install the coordinator's version of cauce and of what else is named, use its recipe "
            "as it is, and repeat."
        )


def misfit(document: Document, schema: DataSchema) -> str:
    """Why the document is not such as the manifest asks for; empty where it is."""
    if document.source not in schema.sources:
        return f"source is {document.source}, not {' or '.join(schema.sources)}"
    if document.language not in schema.languages:
        return f"language is {document.language}, not {' or '.join(schema.languages)}"
    missing = set(schema.sections) - {section.kind for section in document.sections}
    return f"no section on {', '.join(sorted(missing))}" if missing else ""
