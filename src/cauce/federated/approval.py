"""What a person at a site allows: nothing of a job runs there before its manifest is approved.

The site's folder holds one signed decision for each manifest, bound to its hash, and the audit
log. A manifest that changed by one letter is another one, which nobody approved yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, Field

from cauce import audit
from cauce.errors import DataRefused, UserError
from cauce.federated.keys import Participant
from cauce.federated.manifest import Manifest
from cauce.records import Record
from cauce.signatures import (
    Signed,
    check_signature,
    content_hash,
    fingerprint,
    public_line,
    read_signed,
    sign,
    write_signed,
)

AUDIT_LOG = "audit.jsonl"
"""The log of a site, in its folder."""
APPROVAL_DAYS = 30


class Decision(Record):
    """A person's yes or no to one manifest at one site."""

    manifest: str
    """SHA-256 of its canonical JSON."""
    site: str
    person: str = Field(min_length=1)
    allowed: bool
    reason: str = ""
    """Why it was withdrawn."""
    at: AwareDatetime
    expires: AwareDatetime


def in_plain_words(manifest: Manifest) -> str:
    """What approving the manifest allows, for a person who reads no JSON."""
    data, budgets = manifest.data, manifest.budgets
    privacy = (
        "Differential privacy is OFF. What is sent could tell something about single patients."
        if budgets.epsilon is None
        else f"Differential privacy is on, and stops at epsilon {budgets.epsilon:g}."
    )
    return "\n".join(
        (
            f"The job {manifest.job} asks to train a language model on documents of this site.",
            f"Why (the coordinator's words): {manifest.purpose}",
            f"Who asks:  {_known_as(manifest.coordinator)}",
            "Who takes part:",
            *(f"  {_known_as(site)}" for site in manifest.sites),
            f"On which data:  documents from {', '.join(data.sources)}",
            f"  in {', '.join(data.languages)}; sections: {', '.join(data.sections) or 'any'}",
            "What leaves this site:  changes of the model's weights, figures of loss, and what "
            "attacks find",
            "  in those changes, to the coordinator. No documents.",
            f"  {privacy}",
            f"How much:  {budgets.rounds} rounds of {budgets.steps} steps; at most "
            f"{budgets.bytes / 1e6:,.1f} MB sent and received; until {_minute(budgets.deadline)}",
            f"With which program:  cauce {manifest.package.version}, "
            f"files {manifest.package.sha256[:16]}; nothing else is installed or fetched",
            f"  on {_versions(manifest.package.requires)}",
            f"This manifest is {content_hash(manifest)[:16]}. Your approval is for it alone.",
        )
    )


def approve(
    manifest: Manifest,
    folder: Path,
    *,
    key: Path,
    person: str,
    days: int = APPROVAL_DAYS,
    now: datetime | None = None,
) -> Signed[Decision]:
    """Allows the job at the site whose signing key is given, and writes that down in its folder.

    It holds for `days`, and never beyond the job's deadline. The signature of the manifest is for
    `read_manifest` to check. Raises UserError where the key is of no site of the job or the
    deadline is over.
    """
    at = now or datetime.now(UTC)
    if at >= manifest.budgets.deadline:
        raise _too_late(manifest)
    expires = min(at + timedelta(days=days), manifest.budgets.deadline)
    return _decide(
        manifest,
        folder,
        key,
        Decision(
            manifest=content_hash(manifest),
            site=owner_of(manifest, key).name,
            person=person,
            allowed=True,
            at=at,
            expires=expires,
        ),
    )


def revoke(
    manifest: Manifest,
    folder: Path,
    *,
    key: Path,
    person: str,
    reason: str,
    now: datetime | None = None,
) -> Signed[Decision]:
    """Withdraws the approval, or forbids the job beforehand; raises as `approve` does."""
    at = now or datetime.now(UTC)
    return _decide(
        manifest,
        folder,
        key,
        Decision(
            manifest=content_hash(manifest),
            site=owner_of(manifest, key).name,
            person=person,
            allowed=False,
            reason=reason,
            at=at,
            expires=at,
        ),
    )


def require_approval(
    manifest: Manifest, folder: Path, *, site: str, now: datetime | None = None
) -> Decision:
    """The decision that allows the job at the site at this moment.

    Raises UserError where nobody approved, where the approval was withdrawn or is over, and
    DataRefused where the decision is not signed with the site's key.
    """
    at = now or datetime.now(UTC)
    owner = manifest.site(site)
    path = decision_file(manifest, folder)
    if not path.is_file():
        raise _not_allowed(manifest, site, "nobody has approved it here")
    signed = read_signed(path, Signed[Decision])
    decision = check_signature(signed, owner.signing_key, str(path))
    if (decision.manifest, decision.site) != (content_hash(manifest), site):
        raise DataRefused(
            f"{path} is the decision of {decision.site} on another manifest than {manifest.job}.\n"
            "Find out who put it there, remove it, and approve the manifest again."
        )
    if not decision.allowed:
        said = f"{decision.person} withdrew it on {_minute(decision.at)}: {decision.reason}"
        raise _not_allowed(manifest, site, said)
    if at >= manifest.budgets.deadline:
        raise _too_late(manifest)
    if not decision.at <= at < decision.expires:
        said = f"the approval holds from {_minute(decision.at)} to {_minute(decision.expires)}"
        raise _not_allowed(manifest, site, said)
    return decision


def decision_file(manifest: Manifest, folder: Path) -> Path:
    """Where the site keeps its decision on the manifest."""
    return folder / "decisions" / f"{manifest.job}-{content_hash(manifest)[:16]}.json"


def owner_of(manifest: Manifest, key: Path) -> Participant:
    """The site of the manifest whose signing key the file holds; UserError where it is of none."""
    line = public_line(key)
    for site in manifest.sites:
        if fingerprint(site.signing_key) == fingerprint(line):
            return site
    names = ", ".join(site.name for site in manifest.sites)
    raise UserError(
        f"{key} ({fingerprint(line)}) is the key of no site of {manifest.job}, which are {names}.\n"
        "Use your site's own key, or send its public half to the coordinator for a new manifest."
    )


def _decide(manifest: Manifest, folder: Path, key: Path, decision: Decision) -> Signed[Decision]:
    """Signs and keeps the decision; the log has it before it counts."""
    signed = sign(decision, key)
    event = "job approved" if decision.allowed else "approval withdrawn"
    audit.append(
        folder / AUDIT_LOG, event, {"job": manifest.job, **decision.model_dump(mode="json")}
    )
    write_signed(decision_file(manifest, folder), signed)
    return signed


def _not_allowed(manifest: Manifest, site: str, reason: str) -> UserError:
    return UserError(
        f"the job {manifest.job} may not run at {site}: {reason}.\n"
        "Someone responsible must read and run: cauce federated approve MANIFEST --key KEY"
    )


def _too_late(manifest: Manifest) -> UserError:
    return UserError(
        f"the job {manifest.job} was to end by {_minute(manifest.budgets.deadline)}.\n"
        "Ask the coordinator for a new manifest, and approve that one."
    )


def _known_as(participant: Participant) -> str:
    return f"{participant.name} ({fingerprint(participant.signing_key)})"


def _versions(requires: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in requires.items()) or "any packages"


def _minute(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
