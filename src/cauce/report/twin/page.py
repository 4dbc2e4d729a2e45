"""The page of a twin as text: alone in a file, or with its style beside it in the app."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cauce.records import Spoken
from cauce.report.twin.content import content
from cauce.report.twin.guess import Guess
from cauce.runs import atomic_write
from cauce.twin.store import Twin

HERE = Path(__file__).parent


def style() -> str:
    """The page's own style sheet."""
    return (HERE / "twin.css").read_text("utf-8")


def render(
    twin: Twin,
    language: Spoken = "es",
    guess: Guess | None = None,
    *,
    when: datetime | None = None,
    style_at: str = "",
) -> str:
    """The page; its style is within it, or read from the address `style_at`.

    The page in the app also has links to its other languages and to the conversation.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = content(twin, language, when or datetime.now(UTC), guess)
    return pages.get_template("twin.html.j2").render(**shown, style_at=style_at)


def write_page(path: Path, twin: Twin, language: Spoken, guess: Guess | None = None) -> Path:
    """The page in a file that its owner alone can read; nothing else is needed to show it."""
    with atomic_write(path, private=True) as stream:
        stream.write(render(twin, language, guess).encode())
    return path
