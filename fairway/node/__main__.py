"""`python -m fairway.node start|stop|env`: a private node by hand.

`eval "$(python -m fairway.node start)"` gives a shell its `FAIRWAY_AMQP_URL`.
"""

from __future__ import annotations

from pathlib import Path

import click

from fairway.node.config import NodeConfig
from fairway.node.installation import installed
from fairway.node.node import Node
from shared.errors import FairwayError


@click.command()
@click.argument("verb", type=click.Choice(["start", "stop", "env"]))
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), default=Path(".fairway/node"), show_default=True, help="folder of its data")
def main(verb: str, home: Path) -> None:
    """Start or stop the private RabbitMQ node in HOME, or print the environment of the running one."""
    installation = installed()
    if installation is None:
        raise click.ClickException("no rabbitmq-server is installed here; `fairway up` fetches one")
    node = Node(installation, home)
    try:
        if verb == "stop":
            return node.stop()
        config = node.start() if verb == "start" else node.running()
    except FairwayError as error:
        raise click.ClickException(str(error)) from error
    if config is None:
        raise click.ClickException(f"no node runs in {home}; `python -m fairway.node start --home {home}` starts one")
    click.echo(exports(config))


def exports(config: NodeConfig) -> str:
    return f"export FAIRWAY_AMQP_URL='{config.amqp_url}'\nexport FAIRWAY_MANAGEMENT_URL='{config.management_url}'"


if __name__ == "__main__":
    main()
