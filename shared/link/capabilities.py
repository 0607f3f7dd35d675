"""What a broker can do, by its version: read once at connect, decided here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`version` is (major, minor, patch), zeros where the broker doesn't say."""

    version: tuple[int, int, int]

    @classmethod
    def of(cls, server_properties: Mapping[str, Any]) -> Self:
        """From the `server_properties` of `connection.start`."""
        version = server_properties.get("version", "")
        text = version.decode("ascii", "replace") if isinstance(version, bytes) else str(version)
        found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
        major, minor, patch = found.groups(default="0") if found else ("0", "0", "0")
        return cls((int(major), int(minor), int(patch)))

    @property
    def unlimited_delivery(self) -> bool:
        """Delivery limit -1 means no limit (before 4.0 it drops a message at its first return)."""
        return self.version >= (4, 0, 0)

    def __str__(self) -> str:
        return ".".join(map(str, self.version))
