"""The thumbnails: size, formats, orientation, transparency, and what is refused. The pictures are made here."""

from __future__ import annotations

import base64
import io
import itertools
import json
import struct
import zlib
from typing import Any, Literal

import pytest
from PIL import ExifTags, Image
from pydantic import ValidationError

from shared.errors import Reject
from shared.jobs.image import MakeThumbnail, Thumbnail
from worker.handler import MARK, Handler
from worker.handlers.image import make_thumbnail

HANDLER: Handler = getattr(make_thumbnail, MARK)


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def made(image: bytes, **arguments: Any) -> tuple[Thumbnail, Image.Image]:
    thumbnail = make_thumbnail(MakeThumbnail(image=image, **arguments))
    picture = Image.open(io.BytesIO(thumbnail.image))
    picture.load()
    assert picture.size == (thumbnail.width, thumbnail.height)
    return thumbnail, picture


def png_that_claims(width: int, height: int) -> bytes:
    """A valid head and nothing behind it: a bomb costs its sender some fifty bytes."""
    head = struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_smaller_in_each_format(format: Literal["png", "jpeg", "webp"]) -> None:
    thumbnail, picture = made(encoded(Image.linear_gradient("L").resize((800, 600))), width=100, height=100, format=format)
    assert (thumbnail.width, thumbnail.height) == (100, 75)
    assert (thumbnail.format, picture.format) == (format, format.upper())


@pytest.mark.parametrize(
    ("source", "modes"),
    [
        ("PNG", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"]),
        ("JPEG", ["L", "RGB", "CMYK"]),
        ("WEBP", ["RGB", "RGBA"]),
        ("GIF", ["1", "L", "P"]),
        ("BMP", ["1", "L", "P", "RGB", "RGBA"]),
        ("TIFF", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "F", "I;16"]),
    ],
)
def test_whatever_a_picture_is_made_of(source: str, modes: list[str]) -> None:
    for mode, format in itertools.product(modes, ("png", "jpeg", "webp")):
        data = encoded(Image.new(mode, (40, 30)), source)
        assert made(data, width=20, height=20, format=format)[0].height == 15


def test_a_16_bit_scan_keeps_its_brightness() -> None:
    _, picture = made(encoded(Image.new("I;16", (40, 30), 128 * 256)), width=20, height=20)
    assert picture.getpixel((0, 0)) == 128


def test_what_fits_keeps_its_size() -> None:
    assert made(encoded(Image.new("RGB", (30, 20))), width=100, height=100)[1].size == (30, 20)


def test_a_picture_on_its_side_is_put_upright() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    thumbnail, picture = made(encoded(Image.new("RGB", (400, 200)), "JPEG", exif=exif), width=50, height=400, format="jpeg")
    assert (thumbnail.width, thumbnail.height) == (50, 100)
    assert not picture.getexif()  # nor where it was taken


def test_transparency_is_kept_or_put_on_white() -> None:
    clear = encoded(Image.new("RGBA", (40, 40), (255, 0, 0, 0)))
    assert made(clear, format="png")[1].getpixel((0, 0)) == (255, 0, 0, 0)
    assert made(clear, format="jpeg")[1].getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    "data",
    [
        b"no picture at all",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        encoded(Image.effect_noise((64, 64), 50))[:-500],
        encoded(Image.effect_noise((64, 64), 50), "JPEG")[:200],
    ],
    ids=["text", "postscript", "cut png", "cut jpeg"],
)
def test_what_is_no_picture_is_rejected(data: bytes) -> None:
    with pytest.raises(Reject, match=r"image: (none of the formats PNG, JPEG|not a picture that can be read)"):
        make_thumbnail(MakeThumbnail(image=data))


@pytest.mark.parametrize("side", [7_072, 12_000, 60_000])
def test_bombs_are_rejected_unread(side: int) -> None:
    with pytest.raises(Reject, match=r"image: .*(over the limit of 50000000 pixels|decompression bomb)"):
        make_thumbnail(MakeThumbnail(image=png_that_claims(side, side)))


def test_on_the_wire_a_picture_is_plain_base64() -> None:
    data = encoded(Image.effect_noise((64, 64), 50))
    args = json.dumps({"image": base64.b64encode(data).decode(), "width": 16, "height": 16}).encode()
    reply = json.loads(HANDLER.invoke(args))
    assert Image.open(io.BytesIO(base64.b64decode(reply["image"], validate=True))).size == (16, 16)
    assert MakeThumbnail.model_validate_json(MakeThumbnail(image=data).model_dump_json()).image == data


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"image": "not base64!"}, "image\n.*is no base64"),
        ({"image": ""}, "image"),
        ({"image": b"x", "width": 0}, "width"),
        ({"image": b"x", "height": 2049}, "height"),
        ({"image": b"x", "format": "gif"}, "format"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        MakeThumbnail(**arguments)
