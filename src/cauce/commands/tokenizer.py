"""`cauce tokenizer`: made of texts, and looked into."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cauce.commands.telling import tell

tokenizer_app = typer.Typer(rich_markup_mode=None)

Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@tokenizer_app.command("train")
def tokenizer_train(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Text files, or documents.jsonl.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the tokenizer.")],
    vocabulary: Annotated[int, typer.Option(help="Most tokens, special ones included.")] = 4096,
    json: Json = False,
) -> None:
    """Make a tokenizer from texts: byte-level BPE, each digit a token, with chat turns."""
    from json import dumps

    from cauce.corpus.tokenizer import train_tokenizer

    made = train_tokenizer(paths, out, vocabulary=vocabulary)
    if json:
        print(dumps({"path": str(out), **made._asdict()}))
    else:
        print(out)
    rate = (
        "not measured, there is too little text"
        if made.bytes_per_token is None
        else (f"{made.bytes_per_token:.2f} on the tenth held back ({made.held_back_bytes:,} bytes)")
    )
    tell(f"{made.vocabulary} tokens from {made.learned_bytes:,} bytes; bytes per token: {rate}")
    tell(f"Next: name it in a recipe: model.new.tokenizer={out}")


@tokenizer_app.command("audit")
def tokenizer_audit(
    model: Annotated[str, typer.Argument(help="A folder, a hub id or cauce-mini.")],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Text files; else the embedded Spanish news."),
    ] = None,
    json: Json = False,
) -> None:
    """Tell what a tokenizer makes of Spanish: pieces per word, unknown tokens, lost letters."""
    from json import dumps

    from cauce.corpus.audit import audit_tokenizer, texts_to_audit
    from cauce.models.loading import load_tokenizer
    from cauce.models.new import tokenizer_folder

    audit = audit_tokenizer(load_tokenizer(tokenizer_folder(model)), texts_to_audit(paths or ()))
    print(dumps(audit.figures(), ensure_ascii=False) if json else audit.table())
