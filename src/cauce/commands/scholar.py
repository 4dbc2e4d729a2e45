"""`cauce scholar`: what articles cite, the DOIs of it, and questions to a library of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cauce.commands.telling import tell

if TYPE_CHECKING:
    from cauce.records import Language, Refusal

scholar_app = typer.Typer(rich_markup_mode=None)

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="JATS, .cermxml, TEI, deposits, PDF or CSV."),
]
Spoken = Annotated[
    str, typer.Option("--language", help="Of files that do not tell theirs: en or es.")
]


@scholar_app.command()
def links(files: Files, language: Spoken = "en") -> None:
    """Every sentence that cites, with the references it cites, as JSON lines."""
    from cauce.sources.articles.rows import links

    _print(links(_existing(files), language=_language(language)))
    tell("Next: cauce scholar references FILE...   for the references alone")


@scholar_app.command()
def references(files: Files, language: Spoken = "en") -> None:
    """The references of every file, field by field, as JSON lines."""
    from cauce.sources.articles.rows import references

    _print(references(_existing(files), language=_language(language)))
    tell("Next: cauce scholar match --catalogue CAT.jsonl REFS.jsonl")


@scholar_app.command()
def match(
    references: Annotated[
        Path, typer.Argument(metavar="REFS.jsonl", help="Lines with id, and raw or fields.")
    ],
    catalogue: Annotated[
        Path, typer.Option(help="Known works: lines with doi, title, authors, year...")
    ],
    online: Annotated[
        bool, typer.Option("--online", help="Ask Crossref, OpenAlex and DataCite for the rest.")
    ] = False,
    mailto: Annotated[
        str, typer.Option(help="Your address, by which the registries can reach you.")
    ] = "",
    kept: Annotated[
        Path, typer.Option(help="Folder in which the answers of the registries are kept.")
    ] = Path("registries"),
) -> None:
    """The DOI of each reference, or null, with score, margin to the runner-up and source."""
    from cauce.knowledge.works.lines import match_rows

    _existing([references, catalogue])
    if not online:
        _print(match_rows(catalogue, references))
        return
    from cauce.knowledge.works.resolver import open_registries
    from cauce.sources.registries.registry import RegistrySettings

    with open_registries(RegistrySettings(mailto=mailto, folder=kept)) as registries:
        _print(match_rows(catalogue, references, registries))


@scholar_app.command()
def curate(
    folder: Annotated[Path, typer.Argument(help="A folder of articles.")],
    keep: Annotated[list[str] | None, typer.Option(metavar="ID", help="Keep this one.")] = None,
    drop: Annotated[list[str] | None, typer.Option(metavar="ID", help="Leave this out.")] = None,
    reason: Annotated[str, typer.Option(help="Why; --drop asks for it.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the articles of a folder, or keep or drop some, with the reason kept."""
    from cauce.sources import curation

    decided = False
    if drop:
        curation.drop(folder, drop, reason)
        decided = True
    if keep:
        curation.keep(folder, keep, reason)
        decided = True
    for one in curation.listed(folder):
        if as_json:
            print(one.model_dump_json())
        else:
            print(f"{'keep' if one.kept else 'drop'}  {one.id}  {one.title}  {one.reason}".rstrip())
    if not decided:
        tell('Next: cauce scholar curate FOLDER --drop ID --reason "..."')


@scholar_app.command()
def ask(
    name: Annotated[str, typer.Argument(metavar="RUN", help="A run's name or path.")],
    question: Annotated[str, typer.Argument(help="A question, in Spanish or English.")],
    as_json: Annotated[bool, typer.Option("--json", help="The reply as JSON.")] = False,
) -> None:
    """The sentences that answer, with the works they cite, or why none is shown."""
    from cauce.assistant.files import render
    from cauce.assistant.loading import load_assistant
    from cauce.assistant.research.assistant import ResearchAssistant
    from cauce.errors import UserError
    from cauce.runs import Run

    found = Run.open(name)
    assistant = load_assistant(found)
    if not isinstance(assistant.inner, ResearchAssistant):
        raise UserError(f"{found.path} has no library of articles.\nAsk it with: cauce ask {name}")
    reply = assistant.reply(question)
    print(reply.model_dump_json() if as_json else render(reply))


def _language(text: str) -> Language:
    from cauce.errors import UserError

    if text not in ("en", "es"):
        raise UserError(f"--language {text} is not spoken here.\nThere are: en, es")
    return text  # type: ignore[return-value]


def _existing(files: Iterable[Path]) -> list[Path]:
    from cauce.errors import NotFound

    found = list(files)
    for path in found:
        if not path.is_file():
            raise NotFound(f"no file {path}.\nName files that are there.")
    return found


def _print(rows: Iterable[Mapping[str, Any] | Refusal]) -> None:
    """Rows to stdout; what was refused to stderr, with file, place and reason."""
    from cauce.records import Refusal

    for row in rows:
        if isinstance(row, Refusal):
            tell(f"refused {row.file}, {row.position}: {row.reason}")
        else:
            print(json.dumps(row, ensure_ascii=False), flush=True)
