"""Entry point of every child that works on uploads: guarded against outliving its parent before it imports anything."""

import argparse
from collections.abc import Callable
from dataclasses import fields

from app.core.children import Expendability, be_expendable, follow_parent, leave_no_core
from app.decoding.limits import ChildLimits, Handler


def run_child(name: str, load: Callable[[], Handler]) -> int:
    """Serve until the parent is gone.

    Args:
        name: The module that was started.
        load: Imports the handler.

    Returns:
        Exit status.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description="Started by the service, not by people.")
    for option in ("control-fd", *(field.name.replace("_", "-") for field in fields(ChildLimits))):
        parser.add_argument(f"--{option}", type=int, required=True)
    arguments = vars(parser.parse_args())
    follow_parent()
    leave_no_core()
    be_expendable(Expendability.UPLOADS)
    from app.decoding.process import serve  # noqa: PLC0415 - codecs take a moment: the guard above must stand before

    control_fd = arguments.pop("control_fd")
    return serve(control_fd, load(), ChildLimits(**arguments))
