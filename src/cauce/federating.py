"""A recipe at many sites: opening one of them, and a whole job on one machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cauce import audit, road
from cauce.corpus.settings import CorpusSettings, PairsSettings, PreferencesSettings
from cauce.errors import DataRefused, RecipeError, UserError
from cauce.evaluation.privacy.adapter import CANARY
from cauce.federated.approval import AUDIT_LOG, require_approval
from cauce.federated.coordinator import Coordinator, Sites
from cauce.federated.examples import SiteData
from cauce.federated.fairness import JobResult, result_of, write_result
from cauce.federated.in_process import InProcess
from cauce.federated.keys import signing_line
from cauce.federated.manifest import Manifest, misfit, read_manifest, require_same
from cauce.federated.messages import decode, digest, job_of
from cauce.federated.model import TrainedPart
from cauce.federated.saving import save_model
from cauce.federated.secure import Identity
from cauce.federated.site import Site
from cauce.models.adapters import attach
from cauce.models.tuned import load_base
from cauce.preparing import base_of, tokens_of
from cauce.recipe import Recipe, parse_recipe
from cauce.records import Document, Example
from cauce.runs import Run, read_records
from cauce.signatures import content_hash
from cauce.training.judging import judged_tokens

if TYPE_CHECKING:
    from torch import Tensor

Progress = Callable[[str], None]

ANSWERED = "task answered"
"""The event of the audit log by which a job's bytes are counted."""
SPLITS = ("train", "validation", "test")


def job_id(recipe: Recipe) -> str:
    """What names the job: all of the recipe but what each site has of its own."""
    own = {"run", "notice", "sources"}
    shared = recipe.model_dump(mode="json", exclude=own)
    shared["federated"].pop("sites")
    return job_of(shared)


def open_site(
    recipe: Recipe,
    name: str,
    data: Path | None,
    runs_dir: Path,
    progress: Progress,
    *,
    identity: Identity | None = None,
) -> Site:
    """The site with its documents fetched and prepared and its model in memory.

    `data` stands in the place of the first source's path. Its run is `runs_dir/NAME`. By
    `identity` the other sites know its keys, where `federated.secure` is on.
    """
    _refuse_unfit(recipe)
    journey = road.start(_at_site(recipe, name, data), progress, runs_dir)
    road.walk(journey, "prepare")
    loaded = attach(base_of(journey), recipe.model, seed=recipe.seed)
    folder = journey.run.path / "prepare"
    examples = {split: list(read_records(folder / f"{split}.jsonl", Example)) for split in SPLITS}
    train, validation = (
        judged_tokens(loaded, examples[split], recipe.training.objective) for split in SPLITS[:2]
    )
    test = [tokens_of(loaded, example) for example in examples["test"]]
    return Site(
        name,
        loaded,
        SiteData(
            train,
            validation,
            test,
            [example.group for example in examples["test"]],
            {n: it.id for n, it in enumerate(examples["train"]) if it.group == CANARY},
        ),
        (recipe.training, recipe.federated),
        journey.run.path / "federated",
        seed=recipe.seed,
        progress=progress,
        save=lambda part, tensors: _save(recipe, part, tensors, journey.run),
        identity=identity,
    )


def simulate(recipe: Recipe, progress: Progress, runs_dir: Path = Path("runs")) -> JobResult:
    """The whole job on this machine, one site after the other; killed, it goes on.

    Writes `runs/NAME/federated.json`, the shared model to `runs/NAME/train/model`, and the model
    that each site keeps into its own run under `runs/NAME/sites`.
    """
    if len(recipe.federated.sites) < 2:
        raise RecipeError(
            f"federated.sites names {len(recipe.federated.sites)} sites; a simulation needs two.\n"
            "Give each a name and the path of its documents: sites: {north: north.jsonl, ...}"
        )
    _refuse_unfit(recipe)
    run = Run(runs_dir / recipe.run)
    run.update_manifest(
        run=recipe.run, seed=recipe.seed, notice=recipe.notice, versions=road.versions()
    )
    sites = InProcess(
        {
            name: partial(open_site, recipe, name, path, run.path / "sites", progress)
            for name, path in recipe.federated.sites.items()
        }
    )
    return coordinate(recipe, sites, run, progress)


def coordinate(recipe: Recipe, sites: Sites, run: Run, progress: Progress) -> JobResult:
    """All that is left to do of the job; its result and the shared model stand in the run."""
    outcome = Coordinator(
        sites,
        recipe.federated,
        run.path / "coordinator",
        job=job_id(recipe),
        seed=recipe.seed,
        progress=progress,
    ).run()
    result = result_of(outcome)
    write_result(result, run.path / "federated.json")
    part = TrainedPart(
        attach(load_base(recipe.model), recipe.model, seed=recipe.seed),
        seed=recipe.seed,
        shares_factor=recipe.federated.aggregation == "shared_factor",
    )
    _save(recipe, part, outcome.tensors, run)
    return result


def coordinate_far(
    recipe: Recipe, manifest_file: Path, address: str, certificates: Path, progress: Progress
) -> JobResult:
    """The job with sites at their own machines, which come to `address`.

    Raises UserError where recipe or package are not those of the manifest.
    """
    from cauce.federated.flower import flower_coordinator

    _refuse_unfit(recipe)
    manifest = read_manifest(manifest_file).content
    require_same(manifest, recipe)
    run = Run(Path("runs") / recipe.run)
    run.update_manifest(
        run=recipe.run, seed=recipe.seed, notice=recipe.notice, versions=road.versions()
    )
    sites = [(site.name, site.node_key) for site in manifest.sites]
    folder = run.folder("coordinator")
    with flower_coordinator(
        folder, sites, address, certificates, recipe.federated, progress=progress
    ) as reached:
        return coordinate(recipe, reached, run, progress)


class Place(NamedTuple):
    """What a site has of its own for a job."""

    manifest: Path
    data: Path
    node_key: Path
    certificates: Path
    coordinator_key: Path
    folder: Path
    """Of decisions and the audit log."""
    address: str


def take_part(recipe: Recipe, place: Place, progress: Progress) -> None:
    """Answers the coordinator until the job is over, as far as people here have approved it.

    Every task and reply is in the audit log. Raises UserError before anything runs where the
    manifest, the recipe, the package or the approval do not fit, and DataRefused for documents that
    the manifest does not describe.
    """
    from cauce.federated.flower import run_site

    name = place.node_key.name.removesuffix(".node")
    manifest = read_manifest(place.manifest, signing_line(place.coordinator_key)).content
    require_same(manifest, recipe)
    require_approval(manifest, place.folder, site=name)
    log = place.folder / AUDIT_LOG
    audit.append(log, "site started", {"job": manifest.job, "site": name})

    def opened() -> ApprovedSite:
        identity = Identity(
            place.node_key.with_name(f"{name}.signing.pem"),
            {site.name: site.signing_key for site in manifest.sites},
        )
        site = open_site(recipe, name, place.data, Path("runs"), progress, identity=identity)
        _refuse_misfits(Path("runs") / name / "fetch" / "documents.jsonl", manifest)
        return ApprovedSite(site, manifest, place.folder)

    run_site(
        opened,
        place.address,
        place.certificates,
        place.node_key,
        progress=progress,
        on_event=lambda event, details: _logged(log, event, details),
    )
    audit.append(log, "site ended", {"job": manifest.job, "site": name})


class ApprovedSite:
    """A site that asks before each task whether the job is still allowed here."""

    def __init__(self, site: Site, manifest: Manifest, folder: Path) -> None:
        self._site, self._manifest = site, manifest
        self._folder, self._log = folder, folder / AUDIT_LOG
        self._name = content_hash(manifest)
        self._bytes = bytes_sent(self._log, self._name)

    def answer(self, content: bytes) -> bytes:
        """The site's reply; UserError where the job is not, or no longer, allowed."""
        require_approval(self._manifest, self._folder, site=self._site.name)
        head = decode(content).head
        budgets = self._manifest.budgets
        if head.kind == "train" and head.round > budgets.rounds:
            raise UserError(
                f"the coordinator asks for round {head.round}; {budgets.rounds} were approved.\n"
                "Nothing was done. Ask the coordinator for a new manifest."
            )
        reply = self._site.answer(content)
        size = len(content) + len(reply)
        if self._bytes + size > budgets.bytes:
            raise UserError(
                f"with this reply {(self._bytes + size) / 1e6:.1f} MB would have been sent and "
                f"received; {budgets.bytes / 1e6:.1f} MB were approved.\n"
                "The reply was not sent. Ask the coordinator for a new manifest."
            )
        self._bytes += size
        done = {"manifest": self._name, "kind": head.kind, "round": head.round, "bytes": size}
        audit.append(self._log, ANSWERED, {**done, "task": digest(content), "reply": digest(reply)})
        return reply


def bytes_sent(log: Path, manifest: str) -> int:
    """Sent and received for that manifest, by the audit log."""
    if not log.is_file():
        return 0
    entries = read_records(log, audit.Entry)
    return sum(
        int(entry.details["bytes"])
        for entry in entries
        if entry.event == ANSWERED and entry.details["manifest"] == manifest
    )


def _logged(log: Path, event: str, details: Mapping[str, Any]) -> None:
    audit.append(log, event, details)


def _refuse_misfits(documents: Path, manifest: Manifest) -> None:
    for document in read_records(documents, Document):
        if reason := misfit(document, manifest.data):
            raise DataRefused(
                f"{documents}, {document.key}: {reason}.\n"
                "Only documents that the manifest describes may be trained on: leave it out."
            )


def _save(recipe: Recipe, part: TrainedPart, tensors: Mapping[str, Tensor], run: Run) -> None:
    save_model(
        part,
        tensors,
        run.path / "train" / "model",
        settings=recipe.model,
        load_base=partial(load_base, recipe.model),
    )


def _at_site(recipe: Recipe, name: str, data: Path | None) -> Recipe:
    """The recipe as one site walks it."""
    if data is None:
        return recipe.model_copy(update={"run": name})
    described = recipe.model_dump(mode="json")
    described["run"] = name
    described["sources"][0]["path"] = str(data)
    return parse_recipe(described, f"the recipe at {name}")


def _refuse_unfit(recipe: Recipe) -> None:
    if not isinstance(recipe.corpus, CorpusSettings | PairsSettings | PreferencesSettings):
        raise RecipeError(
            f"corpus.kind is {recipe.corpus.kind}; sites train on questions, pairs or preferences."
            "\nSet corpus.kind to questions, pairs or preferences."
        )
    if recipe.model.new is not None or recipe.model.liquid is not None:
        raise RecipeError(
            "model.new and model.liquid make a model in every run, and sites need the same one.\n"
            "Make it once with cauce train, and name its folder in model.base."
        )
    if recipe.model.prefix_vectors:
        raise RecipeError(
            "model.prefix_vectors reads series by the scales of one run, and sites share none.\n"
            "Set model.prefix_vectors to 0: the series stay in the prompts as text."
        )
    is_sum = recipe.federated.aggregation == "shared_factor" or recipe.model.adapter == "none"
    if recipe.federated.secure and not is_sum:
        raise RecipeError(
            f"federated.secure adds the sites' changes unseen, and federated.aggregation is "
            f"{recipe.federated.aggregation}, which needs each of them.\n"
            "Set federated.aggregation to shared_factor, or federated.secure to false."
        )
    if recipe.model.quantize != "none":
        raise RecipeError(
            "model.quantize is 4bit; the shared change has to stand in weights that can hold it.\n"
            "Set model.quantize to none."
        )
