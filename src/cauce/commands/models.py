"""`cauce models`: fetched, found and exported."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cauce.commands.telling import tell

models_app = typer.Typer(rich_markup_mode=None)

Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@models_app.command("pull")
def models_pull(
    model: Annotated[str, typer.Argument(help="A hub id such as google/flan-t5-small.")],
) -> None:
    """Fetch a model (safetensors) from the hub; only this and fetch use the network."""
    from cauce.models.finding import pull

    print(pull(model))


@models_app.command("path")
def models_path(
    model: Annotated[str, typer.Argument(help="A hub id or cauce-mini.")],
) -> None:
    """Where a model is."""
    from cauce.models.finding import resolve

    print(resolve(model))


@models_app.command("export")
def models_export(
    model: Annotated[str, typer.Argument(help="A folder, a hub id or cauce-mini.")],
    out: Annotated[Path, typer.Option(help="The file, such as model.onnx.")],
    json: Json = False,
) -> None:
    """Write a decoder as one ONNX file, and check it against the model."""
    from json import dumps

    from cauce.models.export import export_onnx
    from cauce.models.settings import ModelSettings
    from cauce.models.tuned import load_base

    made = export_onnx(load_base(ModelSettings(base=model)), out)
    print(dumps({"path": str(out), **made._asdict()}) if json else out)
    tell(f"{made.bytes:,} bytes; logits differ by up to {made.largest_difference:.1g}")
    tell("Next: run it with onnxruntime: input_ids (rows, tokens) to logits, without a cache")
