"""Pictures. Nothing here reads one: that is the worker's world."""

from __future__ import annotations

import base64
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from shared.job import Job

LARGEST = 16 * 1024 * 1024  # bytes; the body limit of the deployment is usually less


def _decoded(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except ValueError as error:
        raise ValueError(f"is no base64: {error}") from None


# Bytes in Python, a string of plain base64 in JSON. (pydantic's own setting for it writes the URL-safe
# alphabet, which `base64 -d` and browsers don't read.)
Picture = Annotated[
    bytes,
    BeforeValidator(_decoded),
    Field(min_length=1, max_length=LARGEST),
    PlainSerializer(lambda value: base64.b64encode(value).decode(), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "minLength": 1}),
]


class Thumbnail(BaseModel):
    """The smaller picture."""

    image: Picture = Field(description="the picture, as base64")
    format: Literal["png", "jpeg", "webp"]
    width: int = Field(description="in pixels")
    height: int = Field(description="in pixels")


class MakeThumbnail(Job[Thumbnail], name="image.thumbnail", queue="cpu"):
    """Make a picture smaller, its proportions kept; one that fits already keeps its size."""

    image: Picture = Field(description="a PNG, JPEG, WebP, GIF, BMP or TIFF of at most 50 megapixels")
    width: int = Field(default=256, ge=1, le=2048, description="the most it may be wide, in pixels")
    height: int = Field(default=256, ge=1, le=2048, description="the most it may be high, in pixels")
    format: Literal["png", "jpeg", "webp"] = Field(default="png", description="format of the result; jpeg puts transparency on white")
