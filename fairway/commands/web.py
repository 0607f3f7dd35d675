"""`fairway web`: one replica of the web tier."""

from __future__ import annotations

import sys

import click

from shared.log import configure
from shared.settings import Settings


@click.command
@click.option("--host", help="Address to listen on.")
@click.option("--port", help="Port to listen on; 0 takes a free one.")
@click.option("--name", help="Name of this replica; host:pid where not given.")
def web(**options: str | None) -> None:
    """Run the web tier until SIGTERM or Ctrl-C; it then finishes the requests it has in hand.

    Options win over the environment (FAIRWAY_WEB_HOST, FAIRWAY_WEB_PORT, FAIRWAY_NAME). A second signal stops it at
    once; the exit code is 1 then.
    """
    fields = {"host": "web_host", "port": "web_port", "name": "name"}
    settings = Settings.load(**{fields[option]: value for option, value in options.items() if value is not None})
    configure(settings.log, settings.log_level, replica=settings.own_name)
    from producer.web.server import serve  # noqa: PLC0415 - the HTTP server, only where it runs

    sys.exit(serve(settings))
