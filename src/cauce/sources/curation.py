"""Which articles of a folder are used: the step between fetching and reading, where one is wanted.

`curation.jsonl` in the folder holds one decision a line: which article is kept or dropped, why, by
whom and when. Lines are only ever added, and of several on one article the last counts; an article
that no line names is kept. An article is a file (several, where the same name stands before
different endings: `a.pdf` and `a.cermxml`) or a line of `manifest.jsonl`.
"""

from __future__ import annotations

import difflib
import getpass
import os
import re
from collections.abc import Sequence
from pathlib import Path

from cauce.errors import NotFound, UserError
from cauce.records import Record
from cauce.runs import atomic_write, read_records
from cauce.sources.arxiv_manifest import read_manifest
from cauce.sources.kept import now

CURATION = "curation.jsonl"
_ARTICLE = re.compile(
    r"(?P<id>[^.].*?)(?:\.(?:pdf|xml|nxml|cermxml|tei|jats|csv))+(?:\.gz)?", re.IGNORECASE
)


class Curated(Record):
    """An article and what was decided on it: a line of `curation.jsonl`."""

    id: str
    """Its file's path below the folder, without endings."""
    title: str = ""
    """Where a manifest tells it."""
    kept: bool = True
    reason: str = ""
    by: str = ""
    """The login name of who decided; empty while nobody has."""
    decided: str = ""
    """ISO 8601 moment, in UTC."""


def article_id(file: Path, folder: Path) -> str:
    """What a file of a folder is called in its curation.

    >>> article_id(Path("articles/hep-th/9901001.tei.xml"), Path("articles"))
    'hep-th/9901001'
    """
    name = file.relative_to(folder).as_posix()
    found = _ARTICLE.fullmatch(name)
    return found["id"] if found else name


def listed(folder: Path) -> list[Curated]:
    """Every article of a folder with what was decided on it last, sorted by id."""
    if not folder.is_dir():
        raise NotFound(f"no folder {str(folder)!r}.\nGive the folder that holds the articles.")
    titles = {id: article.title for id, article in read_manifest(folder).items()}
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    found = {match["id"] for match in map(_ARTICLE.fullmatch, names) if match}
    decided = _decisions(folder)
    return [
        decided.get(id, Curated(id=id)).model_copy(update={"title": titles.get(id, "")})
        for id in sorted(found | titles.keys())
    ]


def dropped(folder: Path) -> dict[str, str]:
    """The reason why each dropped article of a folder was dropped, by id."""
    return {id: decision.reason for id, decision in _decisions(folder).items() if not decision.kept}


def keep(folder: Path, ids: Sequence[str], reason: str = "") -> list[Curated]:
    """Decides that articles are used, dropped ones too; what was written."""
    return _decide(folder, ids, kept=True, reason=reason)


def drop(folder: Path, ids: Sequence[str], reason: str) -> list[Curated]:
    """Decides that articles are left out, and why; what was written."""
    if not reason.strip():
        raise UserError(f"no reason to drop {', '.join(ids)}.\nSay why: --reason TEXT")
    return _decide(folder, ids, kept=False, reason=reason)


def decisions_file(folder: Path) -> tuple[Path, ...]:
    """`curation.jsonl` of a folder, where there is one: what a source counts among its inputs."""
    path = folder / CURATION
    return (path,) if path.is_file() else ()


def _decide(folder: Path, ids: Sequence[str], *, kept: bool, reason: str) -> list[Curated]:
    articles = {article.id: article for article in listed(folder)}
    for id in ids:
        if id not in articles:
            raise _unknown(id, folder, articles)
    decision = {"kept": kept, "reason": reason, "by": _login(), "decided": now()}
    made = [articles[id].model_copy(update=decision) for id in dict.fromkeys(ids)]
    before = b"".join(path.read_bytes() for path in decisions_file(folder))
    with atomic_write(folder / CURATION) as stream:
        stream.write(before)
        stream.writelines(line.model_dump_json().encode() + b"\n" for line in made)
    return made


def _decisions(folder: Path) -> dict[str, Curated]:
    """The last decision on each article that one was made on."""
    return {
        line.id: line for path in decisions_file(folder) for line in read_records(path, Curated)
    }


def _unknown(id: str, folder: Path, articles: dict[str, Curated]) -> NotFound:
    nearest = difflib.get_close_matches(id, articles, n=3, cutoff=0.0)
    return NotFound(
        f"no article {id!r} in {folder} ({len(articles)} there; nearest: "
        f"{', '.join(nearest) or 'none'}).\nList them with: cauce scholar curate {folder}"
    )


def _login() -> str:
    """The name of who runs this; the number where the system knows no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
