"""Entry point of the worker process; the service starts it, it is of no use alone."""

import argparse
import sys

from app.core.children import follow_parent


def main() -> int:
    """Serve batches until told to stop; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m app.worker", description="Started by the service, not by people.")
    parser.add_argument("--control-fd", type=int, required=True)
    parser.add_argument("--memory-fd", type=int, required=True)
    arguments = parser.parse_args()
    follow_parent()
    from app.worker.loop import serve  # noqa: PLC0415 - torch takes a second: the guards above must stand before

    return serve(arguments.control_fd, arguments.memory_fd)


if __name__ == "__main__":
    sys.exit(main())
