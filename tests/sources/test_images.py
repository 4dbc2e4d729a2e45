"""What is taken as an image, and what is not; nothing is fetched, and no path is opened."""

from __future__ import annotations

import base64
import socket
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cauce.records import Refusal
from cauce.sources import images
from cauce.sources.images import ImageRefused, decode_image, image_uri, open_image, read_image
from cauce.sources.rows import Columns, Origin, document_of_row
from seeing import file_of, picture


def uri(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def refused(found: str | bytes) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        decode_image(found) if isinstance(found, str) else open_image(found)
    return caught.value


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_an_image_is_told_by_its_content(kind):
    image = decode_image(uri(file_of(picture("red", side=40), kind), "png"))
    assert image.size == (40, 40)
    assert image.mode == "RGB"
    red, green, blue = image.getpixel((20, 20))
    assert red > 200 > 60 > max(green, blue)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "ICO"])
def test_other_formats_are_refused_whatever_they_are_called(kind):
    assert refused(uri(file_of(picture("red"), kind))).code == "invalid_image_format"


ADDRESSES = [
    "http://127.0.0.1:9/box.png",
    "https://example.org/box.png",
    "HTTP://example.org/box.png",
    "ftp://example.org/box.png",
    "file:///etc/hostname",
    "/etc/hostname",
    "../box.png",
    "C:\\box.png",
    "//example.org/box.png",
    "data:text/html;base64,aGk=",
    "data:image/svg+xml;base64,PHN2Zy8+",
    "data:image/png,abc",
    "data:,http://example.org",
    " data:image/png;base64,AAAA",
    "",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_is_opened(address, monkeypatch):
    def touched(*_: Any, **__: Any) -> None:
        raise AssertionError("something was opened")

    monkeypatch.setattr(socket.socket, "connect", touched)
    monkeypatch.setattr(socket, "getaddrinfo", touched)
    monkeypatch.setattr("builtins.open", touched)
    monkeypatch.setattr(Path, "open", touched)
    error = refused(address)
    assert error.code == "invalid_image_url"
    assert "data:image/png;base64" in str(error)
    assert "example.org" not in str(error)


def test_an_image_in_another_format_is_not_called_an_address_to_open():
    assert "no PNG, JPEG or WebP" in str(refused("data:image/gif;base64,R0lGODlhAQABAAAAACw="))


def test_what_is_no_base64_or_no_image_is_refused_without_its_bytes():
    secret = base64.b64encode(b"secret" * 50).decode()
    for address in (f"data:image/png;base64,{secret}", f"data:image/png;base64,{secret}*"):
        assert secret[:12] not in str(refused(address))
    half = file_of(picture("red", side=200))
    assert refused(half[: len(half) // 2]).code == "invalid_image_format"


def test_a_bomb_is_refused_by_its_head():
    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    packed = zlib.compress(bytes(7501 * 100), 9)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed)
    assert refused(bomb + chunk(b"IEND", b"")).code in ("image_too_large", "invalid_image_format")
    large = struct.pack(">IIBBBBB", 9_000, 9_000, 1, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", large) + chunk(b"IDAT", packed)
    assert "9000 x 9000" in str(refused(bomb + chunk(b"IEND", b"")))


def test_sizes_have_limits(monkeypatch):
    assert "8 x 8" in str(refused(file_of(picture("red", side=8))))
    assert "times the other" in str(refused(file_of(Image.new("RGB", (1000, 20)))))
    monkeypatch.setattr(images, "MOST_BYTES", 60)
    found = file_of(picture("red"))
    assert refused(found).code == "image_too_large"
    assert refused(uri(found)).code == "image_too_large"


def test_a_photo_stands_upright_and_tells_nothing_of_its_place():
    image = Image.new("RGB", (60, 40), "blue")
    image.paste("red", (0, 0, 60, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Camera of María"
    exif.get_ifd(0x8825)[1] = "N"
    seen = open_image(file_of(image, "JPEG", exif=exif, quality=95))
    assert seen.size == (40, 60)
    assert seen.getpixel((35, 30))[0] > 200, "its top is to the right before it is turned"
    again = image_uri(seen)
    assert again.startswith("data:image/jpeg;base64,")
    data = base64.b64decode(again.partition(",")[2])
    assert b"Exif" not in data
    assert b"Mar" not in data


def test_what_is_transparent_is_white_and_what_is_large_is_reduced():
    clear = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    assert open_image(file_of(clear)).getpixel((3, 3)) == (255, 255, 255)
    assert open_image(file_of(Image.new("L", (3000, 1500)))).size == (1536, 768)


def test_an_image_as_png_is_the_same_again():
    image = open_image(file_of(picture("green", shade=7)))
    assert decode_image(image_uri(image)).tobytes() == image.tobytes()


def row(image: str, folder: Path) -> Any:
    columns = Columns(sections={"q": "question"}, image="image")
    origin = Origin(
        source="files",
        file=str(folder / "rows.jsonl"),
        position="line 1",
        row_id="1",
        language="en",
        licence="",
        retrieved="",
    )
    return document_of_row({"q": "What is it?", "image": image}, columns, origin)


def test_a_row_brings_the_image_beside_its_file(tmp_path):
    (tmp_path / "a.png").write_bytes(file_of(picture("blue")))
    assert row("a.png", tmp_path).images == (read_image("a.png", tmp_path / "rows.jsonl"),)


def test_a_row_reaches_no_file_elsewhere(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "a.png").write_bytes(file_of(picture("blue")))
    for name in ("../a.png", str(tmp_path / "a.png"), "none.png", "http://127.0.0.1/a.png"):
        found = row(name, tmp_path / "below")
        assert isinstance(found, Refusal)
        assert "relative to the file" in found.reason
        assert found.position == "line 1"
