"""`fairway` and `python -m fairway`."""

from fairway.cli import cli


def main() -> None:
    """Run the command line; an error of ours ends in one line and an exit code, never in a traceback."""
    cli(prog_name="fairway")


if __name__ == "__main__":
    main()
