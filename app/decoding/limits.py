"""What a child may take, and what it is made of: agreed between the service and its children."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

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
