"""Images as cauce takes them: PNG, JPEG or WebP of bounded size, upright, without what is not seen.

An image comes as bytes of a file or in a `data:` URI, never by an address: nothing is fetched and
no path of a request is opened. What leaves here holds pixels alone: no EXIF (where and when it was
taken), no profile, no second frame. Errors never repeat the bytes.

Pillow is the extra `images`; importing this module does not need it.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from cauce.errors import DataRefused, MissingExtra

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP")
MOST_BYTES = 8 * 2**20
"""Of one file: a photo of 12 million pixels takes 3 to 6 MB."""
MOST_PIXELS = 40_000_000
"""Of one image, told by its head before a pixel is unpacked: 120 MB in memory."""
LONGEST_SIDE = 1536
"""Pixels of the longer side that a model is shown; larger images are reduced to it."""
SHORTEST_SIDE = 16
MOST_IMAGES = 4
"""Of one conversation."""
MOST_STRETCHED = 20
"""Times that one side may be as long as the other: what models cut into squares has a limit."""
JPEG_QUALITY = 95

_DATA_URI = re.compile(r"data:image/(?:png|jpe?g|webp);base64,", re.IGNORECASE)


class ImageRefused(DataRefused):
    """An image that is not taken, with the `code` that a client is told."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


def decode_image(uri: str) -> Image:
    """The image of a `data:` URI, upright, in RGB, its longer side at most `LONGEST_SIDE`.

    Raises ImageRefused for any other address, of which none is opened, and as `open_image` does.
    """
    head = _DATA_URI.match(uri)
    if head is None and uri[:5].lower() == "data:":
        raise ImageRefused(
            "The data: address is of no PNG, JPEG or WebP image in base64.\n"
            "Send the image as data:image/png;base64,... (png, jpeg or webp).",
            code="invalid_image_url",
        )
    if head is None:
        scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]{0,20}(?=:)", uri)
        found = f"{scheme.group()}:" if scheme else "no scheme"
        raise ImageRefused(
            f"The image's address has {found}, and no address is opened here.\n"
            "Send the image itself, as data:image/png;base64,... (png, jpeg or webp).",
            code="invalid_image_url",
        )
    if len(uri) - head.end() > MOST_BYTES * 4 // 3 + 4:
        raise _too_large((len(uri) - head.end()) * 3 // 4)
    try:
        data = base64.b64decode(uri[head.end() :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageRefused(
            "The image's data are not base64.\nEncode the bytes of the file, without line ends.",
            code="invalid_image_url",
        ) from error
    return open_image(data)


def open_image(data: bytes) -> Image:
    """The image of a file's bytes, upright, in RGB on white, at most `LONGEST_SIDE` long.

    What it is is told by its content, never by a name. Raises ImageRefused for another format, for
    one that cannot be read, and beyond the limits of this module; MissingExtra without Pillow.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise MissingExtra("reading images", "images") from error
    if len(data) > MOST_BYTES:
        raise _too_large(len(data))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
                _refuse_size(*opened.size)
                kind = opened.format
                upright = ImageOps.exif_transpose(opened)
    except ImageRefused:
        raise
    except Exception as error:
        # Decoders raise a dozen kinds of error for what is no image, or is cut off.
        raise ImageRefused(
            "The data are no whole PNG, JPEG or WebP image.\nSave the picture as one of these.",
            code="invalid_image_format",
        ) from error
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    seen = upright.convert("RGBA")
    bare = Image.new("RGB", seen.size, "white")
    bare.paste(seen, mask=seen.getchannel("A"))
    bare.format = kind
    return bare


def image_uri(image: Image) -> str:
    """The image as a `data:` URI: as JPEG what came as one, else as PNG."""
    kind = "JPEG" if image.format == "JPEG" else "PNG"
    file = io.BytesIO()
    image.save(file, kind, quality=JPEG_QUALITY, subsampling=0)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def read_image(name: str, beside: Path) -> str:
    """The image in the file `name`, a path below the folder of the file `beside`, as a `data:` URI.

    Raises ImageRefused for a path that leads elsewhere, and as `open_image` does.
    """
    folder = beside.parent.resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        raise ImageRefused(
            f"there is no image {name!r} below {folder}.\nGive its path relative to the file.",
            code="invalid_image_url",
        )
    if path.stat().st_size > MOST_BYTES:
        raise _too_large(path.stat().st_size)
    return image_uri(open_image(path.read_bytes()))


def _too_large(found: int) -> ImageRefused:
    return ImageRefused(
        f"The image has {found} bytes, and {MOST_BYTES} are taken.\nReduce it.",
        code="image_too_large",
    )


def _refuse_size(width: int, height: int) -> None:
    longer, shorter = max(width, height), min(width, height)
    if width * height > MOST_PIXELS:
        fault = f"more than {MOST_PIXELS} pixels"
    elif shorter < SHORTEST_SIDE:
        fault = f"a side of less than {SHORTEST_SIDE} pixels"
    elif longer > MOST_STRETCHED * shorter:
        fault = f"one side more than {MOST_STRETCHED} times the other"
    else:
        return
    raise ImageRefused(
        f"The image has {width} x {height} pixels: {fault}.\nReduce or cut it.",
        code="image_too_large" if width * height > MOST_PIXELS else "invalid_image_format",
    )
