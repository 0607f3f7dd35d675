"""The image runs the versions that the tests ran with."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))


def test_the_image_has_the_versions_of_the_tests() -> None:
    image, tests = pins("deploy/requirements.lock"), pins("requirements.lock")
    assert {"pika", "pydantic", "uvicorn"} <= image.keys()
    assert image.items() <= tests.items()
    assert "pytest" not in image
