"""`cauce drugs`: what the documents say of a medicine, of two, and what changed in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cauce.commands.telling import tell

if TYPE_CHECKING:
    from cauce.assistant.assistant import Assistant
    from cauce.knowledge.labels.overview import KeyPassage
    from cauce.knowledge.labels.revisions import Edition, Revision
    from cauce.knowledge.labels.shelf import Shelf
    from cauce.knowledge.sections.store import DocumentEntry
    from cauce.records import Language

drugs_app = typer.Typer(rich_markup_mode=None)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A brand, a generic name or a code, es or en.")
]
RunOption = Annotated[
    str | None,
    typer.Option("--run", help="A run's name or path; the newest with an index when left out."),
]
LanguageOption = Annotated[str | None, typer.Option("--language", help="es or en.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def _language(text: str | None) -> Language | None:
    from cauce.errors import UserError

    if text not in (None, "en", "es"):
        raise UserError(f"--language {text} is not spoken here.\nThere are: en, es")
    return text  # type: ignore[return-value]


@drugs_app.command()
def show(
    name: Name,
    section: Annotated[
        str | None, typer.Option("--section", metavar="KIND", help="Print one kind of section.")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="In plain language.")] = False,
    run: RunOption = None,
    language: LanguageOption = None,
    json: Json = False,
) -> None:
    """Names, codes, documents and sections of a medicine, and what its key sections open with."""
    from cauce.knowledge.labels.overview import overview
    from cauce.knowledge.labels.shelf import open_shelf
    from cauce.report.drugs import overview_text

    with open_shelf(run, tell) as shelf:
        documents = shelf.documents(name, _language(language))
        if section is not None:
            print(_section(shelf, documents, section, as_json=json))
        elif plain:
            print(_plain(shelf, documents[0], as_json=json))
        else:
            found = overview(shelf.store, documents)
            print(found.model_dump_json() if json else overview_text(found))
    if section is None and not plain:
        tell(f"Next: cauce drugs show {name} --section dose   or   --plain")


def _section(shelf: Shelf, documents: Sequence[DocumentEntry], kind: str, *, as_json: bool) -> str:
    """The sections of that kind, or with that id, of the first document that has any."""
    import json

    from cauce.errors import NotFound
    from cauce.report.drugs import reference

    for document in documents:
        parts = shelf.store.all_sections(document)
        told = [part for part in parts if kind in (part.kind, part.id)]
        if told and as_json:
            rows = (part.cite(part.body).model_dump() for part in told)
            return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        if told:
            cited = ((part, part.cite(part.body)) for part in told)
            return "\n\n".join(f"{part.title}\n{part.body}\n{reference(c)}" for part, c in cited)
    kinds = sorted({part.kind for one in documents[:1] for part in shelf.store.all_sections(one)})
    raise NotFound(f"no section of kind {kind!r}.\nThere are: {', '.join(kinds)}")


def _plain(shelf: Shelf, document: DocumentEntry, *, as_json: bool) -> str:
    import json

    from cauce.assistant.plain import plain_view

    sections = shelf.store.all_sections(document)
    view = plain_view(sections, document.language, medicines_of=shelf.resolver.medicines_of)
    if not as_json:
        return view.text
    lines = (
        {"kind": part.kind, "text": line.text, "citation": line.citation.model_dump()}
        for part in view.parts
        for line in part.lines
    )
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)


@drugs_app.command()
def describe(
    name: Name,
    run: RunOption = None,
    language: LanguageOption = None,
    json: Json = False,
) -> None:
    """A monograph written from the medicine's record, checked, each sentence with its source."""
    from cauce.assistant.monograph import monograph
    from cauce.knowledge.labels.shelf import open_shelf

    with open_shelf(run, tell) as shelf:
        spoken = _language(language) or shelf.documents(name)[0].language
        found = monograph(_assistant(shelf), shelf.mention(name), spoken)
        print(found.model_dump_json() if json else found.markdown())


def _assistant(shelf: Shelf) -> Assistant:
    """The assistant of the shelf's run; one that quotes where there is no trained model."""
    from cauce.assistant.assistant import Assistant
    from cauce.assistant.settings import AssistantSettings

    if shelf.run and "train" in shelf.run.manifest["stages"]:
        return Assistant.load(shelf.run)
    tell("there is no trained model: the sections are quoted")
    return Assistant(None, shelf.store, AssistantSettings())


@drugs_app.command()
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A medicine.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    run: RunOption = None,
    language: LanguageOption = None,
    json: Json = False,
) -> None:
    """Two medicines kind by kind, and what their texts say of taking them together."""
    from json import dumps

    from cauce.knowledge.labels.interactions import interactions
    from cauce.knowledge.labels.overview import key_passages
    from cauce.knowledge.labels.shelf import open_shelf
    from cauce.report.drugs import interaction_row, side_by_side_text

    with open_shelf(run, tell) as shelf:
        sides = [shelf.documents(name, _language(language))[0] for name in (a, b)]
        spoken = _language(language) or sides[0].language
        passages: list[tuple[str, dict[str, KeyPassage]]] = [
            (side.title, {one.kind: one for one in key_passages(shelf.store.all_sections(side))})
            for side in sides
        ]
        mentions = [shelf.mention(name) for name in (a, b)]
        together = interactions(shelf.store, shelf.resolver, mentions, spoken)
        if not json:
            print(side_by_side_text(passages, together, _headings(spoken), spoken))
            return
        for title, by_kind in passages:
            rows = {kind: one.model_dump() for kind, one in by_kind.items()}
            print(dumps({"title": title, "passages": rows}, ensure_ascii=False))
        for one in together:
            print(dumps(interaction_row(one), ensure_ascii=False))


def _headings(language: Language) -> dict[str, str]:
    from cauce.assistant.wording import SECTION_NAMES

    return {kind: names[language] for kind, names in SECTION_NAMES.items()}


@drugs_app.command("interactions")
def interactions_between(
    names: Annotated[list[str], typer.Argument(metavar="A B [C]...", help="Two or more.")],
    run: RunOption = None,
    language: LanguageOption = None,
    json: Json = False,
) -> None:
    """What the texts of each medicine say of the others, in both directions."""
    from json import dumps

    from cauce.errors import UserError
    from cauce.knowledge.labels.interactions import interactions
    from cauce.knowledge.labels.shelf import open_shelf
    from cauce.report.drugs import interaction_row, interactions_text

    if len(names) < 2:
        raise UserError(f"{names[0]} alone has nothing to interact with.\nName two medicines.")
    with open_shelf(run, tell) as shelf:
        mentions = [shelf.mention(name) for name in names]
        spoken = _language(language) or shelf.documents(names[0])[0].language
        found = interactions(shelf.store, shelf.resolver, mentions, spoken)
        if not json:
            print(interactions_text(found, spoken))
        for one in found if json else ():
            print(dumps(interaction_row(one), ensure_ascii=False))


@drugs_app.command()
def changes(
    name: Name,
    older: Annotated[str | None, typer.Option("--from", metavar="VERSION")] = None,
    newer: Annotated[str | None, typer.Option("--to", metavar="VERSION")] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Every version from that ISO date on.")
    ] = None,
    run: RunOption = None,
    json: Json = False,
) -> None:
    """What changed between two versions of a label: the last two, or as --from, --to, --since."""
    from json import dumps
    from re import fullmatch

    from cauce.errors import UserError
    from cauce.knowledge.labels.shelf import open_shelf
    from cauce.report.drugs import revision_rows, revision_text

    if since and (older or newer):
        raise UserError(f"--since {since} goes without --from and --to.\nGive one or the other.")
    if since and not fullmatch(r"\d{4}-\d\d-\d\d", since):
        raise UserError(f"--since {since} is no date.\nWrite it as 2024-05-31.")
    with open_shelf(run, tell) as shelf:
        document, editions = shelf.editions(name)
        title = document.title
        for found in _revisions(title, editions, older, newer, since):
            if not json:
                print(revision_text(title, found))
            for row in revision_rows(title, found) if json else ():
                print(dumps(row, ensure_ascii=False))


def _revisions(
    title: str, editions: Sequence[Edition], older: str | None, newer: str | None, since: str | None
) -> Iterator[Revision]:
    """Each version from `since` on with the one before it; else the two that are named."""
    from itertools import pairwise

    from cauce.errors import NotFound
    from cauce.knowledge.labels.revisions import revision

    if since:
        for before, after in pairwise(editions):
            if after.effective >= since:
                yield revision(before, after)
        return
    last = _edition(title, editions, newer) if newer else editions[-1]
    place = editions.index(last)
    if not older and place == 0:
        raise NotFound(f"version {newer} of {title} is the oldest kept.\nName a later one in --to.")
    yield revision(_edition(title, editions, older) if older else editions[place - 1], last)


def _edition(title: str, editions: Sequence[Edition], version: str) -> Edition:
    from cauce.errors import NotFound

    found = [edition for edition in editions if edition.version == version]
    if not found:
        kept = ", ".join(f"{one.version} ({one.effective})" for one in editions)
        raise NotFound(f"no version {version} of {title} is kept.\nThere are: {kept}")
    return found[0]
