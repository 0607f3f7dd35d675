"""On every answer, of success or failure: which replica gave it, and that its type is meant."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Served:
    """Wraps `app`; `replica` is the name of this one."""

    def __init__(self, app: ASGIApp, replica: str) -> None:
        self._app = app
        self._headers = [(b"x-served-by", replica.encode("latin-1")), (b"x-content-type-options", b"nosniff")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, signed if scope["type"] == "http" else send)
