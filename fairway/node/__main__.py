"""`python -m fairway.node start|stop|env`: a private node by hand.

`eval "$(python -m fairway.node start)"` gives a shell its `FAIRWAY_AMQP_URL`.
"""

from __future__ import annotations

from pathlib import Path

import click

from fairway.node.config import NodeConfig
from fairway.node.node import Node
from shared.errors import BrokerDown, FairwayError


@click.command()
@click.argument("verb", type=click.Choice(["start", "stop", "env"]))
@click.option(
    "--home", type=click.Path(path_type=Path, file_okay=False), default=Path(".fairway/node"), show_default=True, help="folder of its data"
)
def main(verb: str, home: Path) -> None:
    """Start or stop the private RabbitMQ node in HOME, or print the environment of the running one."""
    node = Node(home)
    try:
        match verb:
            case "start":
                _print_exports(node.start())
            case "stop":
                node.stop()
            case _:
                _print_exports(node.running())
    except FairwayError as error:
        raise click.ClickException(str(error)) from error


def _print_exports(config: NodeConfig | None) -> None:
    if config is None:
        raise BrokerDown("no node runs there; `python -m fairway.node start` starts one")
    click.echo(f"export FAIRWAY_AMQP_URL='{config.amqp_url}'")
    click.echo(f"export FAIRWAY_MANAGEMENT_URL='{config.management_url}'")


if __name__ == "__main__":
    main()
