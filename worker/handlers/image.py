"""The handler of `image.thumbnail`, in a child process: pictures come from strangers, and a decoder
may crash or eat memory.
"""

from __future__ import annotations

import io
import struct
import warnings

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from shared.errors import Reject
from shared.jobs.image import MakeThumbnail, Thumbnail
from worker.handler import Run, handles

READ = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")  # no others: EPS would start Ghostscript
MOST_PIXELS = 50_000_000
_ON_THEIR_SIDE = range(5, 9)  # EXIF orientations in which width and height change places
# What Pillow's decoders raise on broken files (https://pillow.readthedocs.io/en/stable/reference/open_files.html).
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError, Image.DecompressionBombWarning)


@handles(MakeThumbnail, run=Run.PROCESS)
def make_thumbnail(job: MakeThumbnail) -> Thumbnail:
    """The picture, upright and within the box. Raises `Reject` for what is no picture, or too large a one."""
    try:
        small = _within(job.image, job.width, job.height)
    except UnidentifiedImageError:
        raise Reject(f"image: none of the formats {', '.join(READ)}") from None
    except _BROKEN as error:
        raise Reject(f"image: not a picture that can be read: {error}") from error
    file = io.BytesIO()
    _fit_for(job.format, small).save(file, job.format)
    return Thumbnail(image=file.getvalue(), format=job.format, width=small.width, height=small.height)


def _within(data: bytes, width: int, height: int) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image: Image.Image = Image.open(io.BytesIO(data), formats=READ)  # reads the header only
    if image.width * image.height > MOST_PIXELS:
        raise Reject(f"image: {image.width} x {image.height} are over the limit of {MOST_PIXELS} pixels")
    turned = image.getexif().get(ExifTags.Base.Orientation) in _ON_THEIR_SIDE
    image = _blendable(image)
    image.thumbnail((height, width) if turned else (width, height))
    return ImageOps.exif_transpose(image)


def _blendable(image: Image.Image) -> Image.Image:
    if image.mode in {"1", "P", "PA"}:  # colours by number
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode.startswith("I;16"):  # scans
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")  # pyright: ignore[reportUnknownMemberType] - Pillow's
    return image


def _fit_for(format: str, image: Image.Image) -> Image.Image:
    if format != "jpeg":
        return image if image.mode in {"L", "LA", "RGB", "RGBA"} else image.convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
