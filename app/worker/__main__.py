"""Entry point of worker processes, and of the nursery that forks them; started by the service, of no use alone."""

import argparse
import sys

from app.core.children import Expendability, be_expendable, follow_parent, leave_no_core


def main() -> int:
    """Serve batches until told to stop, or fork workers that do; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m app.worker", description="Started by the service, not by people.")
    parser.add_argument("--nursery-fd", type=int, help="be a nursery; else:")
    parser.add_argument("--control-fd", type=int)
    parser.add_argument("--memory-fd", type=int)
    arguments = parser.parse_args()
    follow_parent()
    leave_no_core()
    control_fd, memory_fd = arguments.control_fd, arguments.memory_fd
    if arguments.nursery_fd is None:
        be_expendable(Expendability.WORKER)
    else:
        from app.worker.nursery import tend  # noqa: PLC0415 - as below

        birth = tend(arguments.nursery_fd)
        if birth is None:
            return 0
        control_fd, memory_fd = birth
    from app.worker.loop import serve  # noqa: PLC0415 - torch takes a second: the guards above must stand before

    return serve(control_fd, memory_fd)


if __name__ == "__main__":
    sys.exit(main())
