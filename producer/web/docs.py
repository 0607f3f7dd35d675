"""`/docs`: Swagger UI from this package's own files, so that it works without the internet and under a strict policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

ASSETS = Path(__file__).parent / "assets"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def docs_routes() -> Iterator[BaseRoute]:
    """The page and what it loads."""
    yield Route("/docs", _page, include_in_schema=False)
    yield Mount("/docs/assets", StaticFiles(directory=ASSETS), name="docs-assets")


async def _page(_: Request) -> Response:
    return FileResponse(ASSETS / "docs.html", headers={"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"})
