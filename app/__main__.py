"""``python -m app`` is ``fount``."""

import importlib.util
import sys


def main() -> None:
    """Run the command line; say what to install where there is the client alone."""
    if importlib.util.find_spec("typer") is None:
        sys.exit(
            "error: this is the client alone, which has no commands; the rest comes by `pip install 'fount[serve]'`"
        )
    try:
        from app.cli import main as run  # noqa: PLC0415 - only where it is installed

        run()
    except KeyboardInterrupt:
        sys.exit(130)  # while it is imported; later, a verb says that it was stopped


if __name__ == "__main__":
    main()
