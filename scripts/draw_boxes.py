"""Draws medicine boxes with the names of the embedded vademecum, for recipes/boxes.yaml.

    python scripts/draw_boxes.py --out runs/drawn-boxes

Each name is printed several times in each typeface, in other places, sizes, colours and slants; a
line of `boxes.jsonl` holds the file, what is asked, the name and the typeface. The typeface is the
group: a split by groups keeps some of them for the test. Typefaces that are not installed are left
out; one that comes with Pillow is always there, in three weights. Needs the extra `images`.
"""

from __future__ import annotations

import argparse
import json
import random
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from cauce.assistant.seeing import ASKED
from cauce.records import Document
from cauce.sources.vademecum import VademecumSource

WIDTH, HEIGHT = 128, 64
TYPEFACES = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansCondensed",
    "DejaVuSansCondensed-Bold", "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic",
    "LiberationSans-Regular", "LiberationSans-Bold", "LiberationSans-Italic",
    "LiberationSansNarrow-Regular", "LiberationSansNarrow-Bold", "LiberationSerif-Regular",
    "LiberationSerif-Bold", "LiberationSerif-Italic",
)  # fmt: skip
OWN = ("own", "own-semibold", "own-bold")
"""Pillow's typeface, and the same with a stroke of one and of two sizes around it."""
PAPER = ("white", "#f8fafc", "#fdfaf3")
INK = ("#111111", "#0b2a5b", "#4a0b14")
BANDS = ("#c8102e", "#00539b", "#00843d")
FORMS = ("comprimidos", "sobres", "jarabe", "comprimidos recubiertos", "granulado")


def names() -> list[str]:
    """The Spanish names of the embedded medicines."""
    documents = VademecumSource(languages=("es",)).documents()
    return [it.title.lower() for it in documents if isinstance(it, Document)]


def installed() -> list[str]:
    """The typefaces that can be drawn with here."""
    return [*OWN, *filter(_is_there, TYPEFACES)]


def draw_box(name: str, typeface: str, chance: random.Random) -> Image.Image:
    """A box that bears the name, drawn anew by each `chance`."""
    paper = chance.choice(PAPER)
    box = Image.new("RGB", (WIDTH, HEIGHT), paper)
    pen = ImageDraw.Draw(box)
    pen.rectangle((0, HEIGHT - chance.randrange(4, 8), WIDTH, HEIGHT), fill=chance.choice(BANDS))
    # Pillow's own typeface has no letters with accents.
    spelled = without_accents(name) if typeface in OWN else name
    written = spelled.capitalize()
    font = _fitting(written, typeface, chance.randrange(16, 19))
    stroke = max(OWN.index(typeface), 0) * 0.5 if typeface in OWN else 0
    left, upper, _, lower = font.getbbox(written, stroke_width=stroke)
    x, y = chance.randint(5, 8), chance.randint(17, 20)
    ink = chance.choice(INK)
    pen.text((x - left, y - upper), written, font=font, fill=ink, stroke_width=stroke)
    below = f"{chance.choice((5, 10, 20, 50, 100, 250, 400, 500, 850))} mg {chance.choice(FORMS)}"
    pen.text((x, y + (lower - upper) + 4), below, font=_font("own", 7), fill=ink)
    turned = box.rotate(chance.uniform(-1, 1), Image.Resampling.BICUBIC, fillcolor=paper)
    return turned.filter(ImageFilter.GaussianBlur(chance.uniform(0, 0.7)))


def without_accents(name: str) -> str:
    """The name in letters of English."""
    return unicodedata.normalize("NFD", name).encode("ascii", "ignore").decode()


def rows(folder: Path, *, every: int, times: int, seed: int) -> Iterator[dict[str, str]]:
    """A row for each image, which is written to the folder."""
    chance = random.Random(seed)
    for typeface in installed():
        for number, name in enumerate(names()[::every] * times):
            path = f"images/{typeface}-{number}.png"
            draw_box(name, typeface, chance).save(folder / path)
            yield {"image": path, "question": ASKED, "answer": name, "typeface": typeface}


def _fitting(text: str, typeface: str, size: int) -> ImageFont.FreeTypeFont:
    while _font(typeface, size).getlength(text) > WIDTH - 14:
        size -= 1
    return _font(typeface, size)


def _font(typeface: str, size: int) -> ImageFont.FreeTypeFont:
    if typeface not in OWN:
        return ImageFont.truetype(f"{typeface}.ttf", size)
    own = ImageFont.load_default(size)
    assert isinstance(own, ImageFont.FreeTypeFont), "Pillow is built with FreeType"
    return own


def _is_there(typeface: str) -> bool:
    try:
        _font(typeface, 10)
    except OSError:
        return False
    return True


def main() -> None:
    """Writes the images and `boxes.jsonl`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=4, help="1 draws all names, 4 each fourth")
    parser.add_argument("--times", type=int, default=6, help="boxes of a name in each typeface")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    (asked.out / "images").mkdir(parents=True, exist_ok=True)
    with (asked.out / "boxes.jsonl").open("w", encoding="utf-8") as file:
        for row in rows(asked.out, every=asked.every, times=asked.times, seed=asked.seed):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    drawn = len(names()[:: asked.every])
    print(f"{len(installed())} typefaces, {drawn} names: {asked.out / 'boxes.jsonl'}")


if __name__ == "__main__":
    main()
