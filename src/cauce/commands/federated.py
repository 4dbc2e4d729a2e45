"""`cauce federated`: keys, manifests, approvals and the audit log of training at many sites."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cauce.commands.telling import tell

if TYPE_CHECKING:
    from cauce.federated.keys import Participant

federated_app = typer.Typer(rich_markup_mode=None)
keys_app = typer.Typer(
    help="Keys and certificates of the participants.", no_args_is_help=True, rich_markup_mode=None
)
audit_app = typer.Typer(
    help="The log of what was done at a site.", no_args_is_help=True, rich_markup_mode=None
)
federated_app.add_typer(keys_app, name="keys")
federated_app.add_typer(audit_app, name="audit")

ManifestPath = Annotated[
    Path, typer.Argument(metavar="MANIFEST", help="The job, as the coordinator signed it.")
]
SigningKey = Annotated[Path, typer.Option("--key", help="Your private key, NAME.signing.pem.")]
Folder = Annotated[Path, typer.Option("--folder", help="Of this site: decisions and audit log.")]
Person = Annotated[str, typer.Option("--person", help="Your name, as the log will show it.")]
Log = Annotated[Path, typer.Argument(metavar="FILE", help="A log: audit.jsonl.")]
SITE_FOLDER = Path("federated")


@federated_app.command()
def simulate(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="With federated.sites.")],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Changes, e.g. federated.rounds=20."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
) -> None:
    """Run the whole job on this machine, and tell what each site gains by taking part."""
    from cauce import federating
    from cauce.federated.fairness import result_table
    from cauce.recipe import load_recipe

    found = load_recipe(recipe, changes or ())
    result = federating.simulate(found, tell)
    print(result.model_dump_json() if as_json else result_table(result))
    for site in result.worse:
        tell(f"{site} keeps a model that is worse on its test examples than its own alone.")
    first = next(iter(result.sites))
    tell(f'Next: cauce ask runs/{found.run}/sites/{first} "¿...?"')


RecipeFile = Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe of the job.")]
ManifestFile = Annotated[Path, typer.Option("--manifest", help="The job, as it was signed.")]
Address = Annotated[str, typer.Option(help="Where the coordinator is reached: HOST:PORT.")]
Certificates = Annotated[
    Path, typer.Option(help="Folder with ca.crt, and this machine's certificate and its key.")
]


@federated_app.command()
def coordinator(
    recipe: RecipeFile,
    manifest: ManifestFile,
    certificates: Certificates,
    address: Address = "127.0.0.1:8443",
    as_json: Annotated[bool, typer.Option("--json", help="The result as JSON.")] = False,
) -> None:
    """Run a job with sites at their own machines; killed, it goes on in the same round."""
    from cauce import federating
    from cauce.federated.fairness import result_table
    from cauce.recipe import load_recipe

    result = federating.coordinate_far(load_recipe(recipe), manifest, address, certificates, tell)
    print(result.model_dump_json() if as_json else result_table(result))


@federated_app.command()
def site(
    recipe: RecipeFile,
    manifest: ManifestFile,
    data: Annotated[Path, typer.Option(help="This site's documents: they stay here.")],
    node_key: Annotated[Path, typer.Option("--key", help="This site's NAME.node.")],
    certificates: Certificates,
    coordinator_key: Annotated[
        Path, typer.Option(help="The coordinator's .signing.pub, as you know it.")
    ],
    address: Address = "127.0.0.1:8443",
    folder: Folder = SITE_FOLDER,
) -> None:
    """Take part in a job that was approved here, until it is over."""
    from cauce import federating
    from cauce.recipe import load_recipe

    federating.take_part(
        load_recipe(recipe),
        federating.Place(manifest, data, node_key, certificates, coordinator_key, folder, address),
        tell,
    )


@federated_app.command()
def status(
    name: Annotated[str, typer.Argument(metavar="RUN", help="A job's run, or its path.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """How far a job is: rounds closed, who has replied to the open one, who was missed."""
    from cauce.federated.progress import job_progress, progress_lines
    from cauce.runs import Run

    found = job_progress(Run.open(name).path)
    print(found.model_dump_json() if as_json else "\n".join(progress_lines(found)))
    tell(f"As a page, with each site's gain: cauce report {name}")


@keys_app.command("new")
def keys_new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Of the participant: hospital-a, coordinator.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the keys; only you can read them.")],
    coordinator: Annotated[
        bool,
        typer.Option("--coordinator", help="Make the certificates of the job's server too."),
    ] = False,
    address: Annotated[
        list[str] | None,
        typer.Option(help="Where the sites reach the server: a name or an IP; may be repeated."),
    ] = None,
) -> None:
    """Make the keys of a participant; keys that are there are never overwritten."""
    from cauce.errors import UserError
    from cauce.federated import keys

    if address and not coordinator:
        raise UserError(f"--address {address[0]} is for the server.\nAdd: --coordinator")
    made = keys.new_keys(name, out)
    if coordinator:
        made += keys.new_authority(name, out, address or keys.SERVER_ADDRESSES)
    for path in made:
        print(path)
    if coordinator:
        tell(f"Send every site {out / 'ca.crt'} and {out / f'{name}.signing.pub'}.")
    else:
        tell(f"Send the coordinator {out / f'{name}.*.pub'} and {out / f'{name}.tls.csr'}.")
    tell(f"Next: cauce federated keys show {out}   and read the fingerprints out by telephone")


@keys_app.command("show")
def keys_show(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with keys.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Owners, fingerprints and expiry of the keys and certificates in a folder; no secrets."""
    from cauce.federated.keys import show

    for key in show(folder):
        if as_json:
            print(key.model_dump_json())
        else:
            until = f"  until {key.expires}" if key.expires else ""
            print(f"{key.kind:18} {key.owner:24} {key.fingerprint}{until}")


@keys_app.command("certify")
def keys_certify(
    request: Annotated[
        Path, typer.Argument(metavar="REQUEST", help="A participant's NAME.tls.csr.")
    ],
    ca: Annotated[Path, typer.Option("--ca", help="Folder with ca.key and ca.crt.")],
    out: Annotated[Path, typer.Option(help="Folder for the certificate.")] = Path(),
) -> None:
    """Make a participant's client certificate from its request."""
    from cauce.federated.keys import certify

    print(certify(request, ca, out))
    tell("Next: send it back; its private key is at the participant, and stays there")


@federated_app.command()
def manifest(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe of the job.")],
    participants: Annotated[
        Path, typer.Option(help="Folder with the public keys of all, yours too.")
    ],
    key: SigningKey,
    purpose: Annotated[str, typer.Option(help="Why it is done, for whoever must approve it.")],
    source: Annotated[
        list[str], typer.Option(help="Kind of source of the documents; may be repeated.")
    ],
    language: Annotated[list[str], typer.Option(help="en or es; may be repeated.")],
    out: Annotated[Path, typer.Option(help="File for the manifest.")] = Path("manifest.json"),
    section: Annotated[
        list[str] | None,
        typer.Option(help="Kind of section that every document has; may be repeated."),
    ] = None,
    megabytes: Annotated[float, typer.Option(help="Sent and received at each site.")] = 500.0,
    days: Annotated[int, typer.Option(help="Until the job must be over.")] = 14,
) -> None:
    """Write and sign what a job will do, for every site to read and approve."""
    from cauce.federated import manifest as jobs
    from cauce.federated.keys import participants as everyone_in
    from cauce.recipe import load_recipe, parse
    from cauce.signatures import fingerprint, public_line, sign, write_signed

    loaded = load_recipe(recipe)
    rounds = loaded.federated
    mine = fingerprint(public_line(key))
    everyone = everyone_in(participants)
    found = parse(
        jobs.Manifest,
        {
            "job": loaded.run,
            "purpose": purpose,
            "recipe": jobs.recipe_hashes(loaded),
            "package": jobs.installed_package().model_dump(),
            "data": {"sources": source, "sections": section or [], "languages": language},
            "budgets": {
                "rounds": rounds.rounds,
                "steps": rounds.steps,
                "bytes": round(megabytes * 1e6),
                "epsilon": rounds.epsilon,
                "deadline": datetime.now(UTC) + timedelta(days=days),
            },
            "coordinator": _one_with_key(everyone, mine, participants),
            "sites": [one for one in everyone if fingerprint(one.signing_key) != mine],
        },
        str(participants),
    )
    write_signed(out, sign(found, key))
    print(out)
    tell(f"Next: send {out} and {recipe} to every site, to run: cauce federated approve {out}")


def _one_with_key(everyone: list[Participant], mine: str, folder: Path) -> Participant:
    from cauce.errors import UserError
    from cauce.signatures import fingerprint

    for one in everyone:
        if fingerprint(one.signing_key) == mine:
            return one
    raise UserError(
        f"your own public keys are not in {folder}: none there is {mine}.\n"
        "Copy your .node.pub and your .signing.pub into it, beside those of the sites."
    )


@federated_app.command()
def approve(
    manifest: ManifestPath,
    key: SigningKey,
    recipe: Annotated[Path, typer.Option(help="The recipe as this site has it.")],
    coordinator: Annotated[
        Path,
        typer.Option(help="Your coordinator's .signing.pub, not out of the same parcel."),
    ],
    person: Person,
    folder: Folder = SITE_FOLDER,
    days: Annotated[int, typer.Option(min=1, help="How long the approval holds.")] = 30,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; you have read it.")] = False,
) -> None:
    """Read what a job would do at this site, and allow it."""
    from cauce.errors import UserError
    from cauce.federated import approval
    from cauce.federated.keys import signing_line
    from cauce.federated.manifest import read_manifest, require_same
    from cauce.recipe import load_recipe

    found = read_manifest(manifest, signing_line(coordinator)).content
    require_same(found, load_recipe(recipe))
    site = approval.owner_of(found, key)
    print(approval.in_plain_words(found))
    if not yes and not typer.confirm(f"Allow this at {site.name}?", err=True):
        raise UserError(f"nothing was approved at {site.name}.\nThe job cannot run there.")
    decided = approval.approve(found, folder, key=key, person=person, days=days)
    print(approval.decision_file(found, folder))
    tell(f"It holds until {decided.content.expires:%Y-%m-%d %H:%M} UTC.")
    tell(f"To withdraw it: cauce federated revoke {manifest} --key {key}")


@federated_app.command()
def revoke(
    manifest: ManifestPath,
    key: SigningKey,
    person: Person,
    reason: Annotated[str, typer.Option(help="Why, for the log.")],
    folder: Folder = SITE_FOLDER,
) -> None:
    """Withdraw the approval of a job; it cannot start, nor begin another round, at this site."""
    from cauce.federated import approval
    from cauce.federated.manifest import read_manifest

    found = read_manifest(manifest).content
    approval.revoke(found, folder, key=key, person=person, reason=reason)
    print(approval.decision_file(found, folder))
    tell("Tell the coordinator; what was sent in earlier rounds cannot be called back.")


@audit_app.command("verify")
def audit_verify(
    file: Log,
    head: Annotated[
        Path | None, typer.Option(help="What was signed of it, kept on another machine.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="The .signing.pub of whoever signed the head.")
    ] = None,
) -> None:
    """Find the first line of a log that was changed, taken out, put in or moved."""
    from cauce import audit
    from cauce.errors import DataRefused, UserError
    from cauce.federated.keys import signing_line
    from cauce.signatures import Signed, check_signature, read_signed

    if (head is None) != (key is None):
        raise UserError(f"--head {head} and --key {key} go together.\nGive both, or neither.")
    signed = None
    if head is not None and key is not None:
        signed = check_signature(
            read_signed(head, Signed[audit.LogHead]), signing_line(key), str(head)
        )
    verdict = audit.verify(file, signed)
    if verdict.fault is not None:
        print(verdict.fault.text)
        raise DataRefused(
            f"{file}, line {verdict.fault.line}: {verdict.fault.reason}.\n"
            "Keep the file as it is, and find out who changed it."
        )
    print(f"{verdict.entries} lines follow each other")
    if signed is None:
        tell("Without --head, lines cut off the end, or a log written anew, cannot be seen.")
    else:
        tell(f"Lines 1 to {signed.entries} are those that were signed at {signed.time}.")


@audit_app.command("head")
def audit_head(
    file: Log,
    key: SigningKey,
    out: Annotated[Path, typer.Option(help="File for the signed head.")] = Path("head.json"),
) -> None:
    """Sign how far a log has come, so that nobody can cut or rewrite it unseen."""
    from cauce import audit
    from cauce.signatures import sign, write_signed

    signed = sign(audit.head_of(file), key)
    write_signed(out, signed)
    print(out)
    tell(f"Keep {out} on another machine, for: cauce federated audit verify {file} --head {out}")
