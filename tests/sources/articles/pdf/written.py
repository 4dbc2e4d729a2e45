"""A PDF written by hand: lines at given places in the base fonts, and link annotations."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

FONTS = {"plain": "Times-Roman", "bold": "Times-Bold"}


class Text(NamedTuple):
    """What is printed at one place; points from the page's lower left corner."""

    x: float
    y: float
    text: str
    size: float = 10.0
    font: str = "plain"


class Address(NamedTuple):
    """A link annotation on a box of a page."""

    page: int
    box: tuple[float, float, float, float]
    uri: str


def write_pdf(path: Path, pages: list[list[Text]], links: tuple[Address, ...] = ()) -> Path:
    """The path of a PDF of those pages, each 600 x 800 points."""
    fonts = " ".join(f"/{key} {number + 3} 0 R" for number, key in enumerate(FONTS))
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    objects += [
        f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"
        for name in FONTS.values()
    ]
    kids = []
    for number, page in enumerate(pages):
        stream = "\n".join(map(_shown, page))
        objects.append(f"<< /Length {len(stream.encode('cp1252'))} >>\nstream\n{stream}\nendstream")
        content = len(objects)
        annotations = " ".join(_annotation(link) for link in links if link.page == number)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {content} 0 R "
            f"/Resources << /Font << {fonts} >> >> /Annots [{annotations}] >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    path.write_bytes(_file(objects))
    return path


def _shown(text: Text) -> str:
    escaped = text.text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /{text.font} {text.size} Tf 1 0 0 1 {text.x} {text.y} Tm ({escaped}) Tj ET"


def _annotation(link: Address) -> str:
    box = " ".join(map(str, link.box))
    return f"<< /Type /Annot /Subtype /Link /Rect [{box}] /A << /S /URI /URI ({link.uri}) >> >>"


def _file(objects: list[str]) -> bytes:
    data, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj\n{content}\nendobj\n".encode("cp1252")
    start = len(data)
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    return data + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}{trailer}".encode()
