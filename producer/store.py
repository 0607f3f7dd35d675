"""The records of a client: only where FAIRWAY_RECORDS_URL was given, never by the default."""

from __future__ import annotations

from shared.records import Records, open_records
from shared.settings import Settings


def open_given_records(settings: Settings) -> Records | None:
    """The store that the settings name, or None where they name none (or `off`).

    Raises `NotConfigured` where the address is none.
    """
    return open_records(settings.records_url) if "records_url" in settings.model_fields_set else None
