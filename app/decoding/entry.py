"""Entry point of every child that works on uploads: guarded against outliving its parent before it imports anything."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

from app.core.children import follow_parent
from app.decoding.wire import Chunk


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What a child may take, for as long as it lives.

    Attributes:
        max_pixels: Most pixels of one image.
        memory_bytes: Address space of the process.
        answer_bytes: Most bytes that follow one answer.
    """

    max_pixels: int
    memory_bytes: int
    answer_bytes: int


Handler: TypeAlias = Callable[[bytes, Sequence[bytes], ChildLimits], tuple[bytes, Sequence[Chunk]]]
"""Does a job: takes its head, its files and the limits; returns the answer's head and the bytes that follow it."""


def write_arguments(limits: ChildLimits, control_fd: int) -> list[str]:
    """Write the command line that ``run_child`` reads."""
    options = [(f"--{field.name.replace('_', '-')}", getattr(limits, field.name)) for field in fields(limits)]
    return [str(part) for option in [("--control-fd", control_fd), *options] for part in option]


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
    from app.decoding.process import serve  # noqa: PLC0415 - codecs take a moment: the guard above must stand before

    control_fd = arguments.pop("control_fd")
    return serve(control_fd, load(), ChildLimits(**arguments))
