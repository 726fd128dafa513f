"""Augmenters: children that decode the files of a request, augment them and encode what comes out."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from app.augmentation.costs import OutputCost
from app.core.settings import LimitSettings
from app.decoding.child import Answer, Child, Task, start_child
from app.decoding.children import IDLE_S, Children, Wording
from app.decoding.limits import ChildLimits

COMMAND: Final = (sys.executable, "-P", "-m", "app.augmentation")

# As for decoders, and what an image is while floats are made of it; OpenCV beside the interpreter.
_BYTES_PER_PIXEL = 64
_BASE_BYTES = 768 * 2**20

_WORDING = Wording(
    child="augmenter",
    crashed="the request ended",
    late="the images were not augmented",
    busy="as many requests wait for augmentation as the service is willing to hold",
    not_ready="the service cannot augment images now",
)


def start_augmenter(limits: ChildLimits, command: Sequence[str] = COMMAND) -> Child:
    """Start an augmenter as ``start_child`` does."""
    return start_child(limits, command)


class Augmenters:
    """Augments uploads outside of this process; lives in one event loop.

    Files that end an augmenter, or do not come to an end in one, cost the request that sent them and no other.

    Args:
        limits: How large an image and all files of a request may be.
        processes: Most augmenters at once; one for each core that is to be busy.
        max_waiting: Most requests that wait for one.
        answer_bytes: Most bytes of one answer.
        seconds: Processor time of a request that says nothing else; by default that of one image's decoding.
        start: Starts an augmenter; by default a child process.
        idle_s: How long the last augmenters are kept when there is nothing to do.

    Attributes:
        processes: Most augmenters at once.
        cost: What outputs took of late; told by those who read answers.
    """

    def __init__(
        self,
        limits: LimitSettings,
        *,
        processes: int,
        max_waiting: int,
        answer_bytes: int,
        seconds: float | None = None,
        start: Callable[[ChildLimits], Child] = start_augmenter,
        idle_s: float = IDLE_S,
    ) -> None:
        self.processes = processes
        self.cost = OutputCost()
        self._seconds = limits.decoding_s if seconds is None else seconds
        max_pixels = limits.upload_pixels
        # Files are there twice for a moment: as they are received, and as they are handed on.
        memory_bytes = _BASE_BYTES + _BYTES_PER_PIXEL * max_pixels + 2 * limits.upload_bytes + answer_bytes
        bounds = ChildLimits(max_pixels, memory_bytes, answer_bytes)
        self._children = Children(
            lambda: start(bounds), _WORDING, processes=processes, max_waiting=max_waiting, idle_s=idle_s
        )

    @property
    def pids(self) -> list[int]:
        """Process ids of the augmenters that wait for work."""
        return self._children.pids

    @property
    def failures(self) -> Mapping[str, int]:
        """How many augmenters failed, by how."""
        return self._children.failures

    async def run(self, document: bytes, files: Sequence[bytes], seconds: float | None = None) -> memoryview:
        """Have one request done.

        A caller that leaves does not stop an augmenter that has begun: it is bounded in time as it is.

        Args:
            document: What is to be done, as ``app.augmentation.service`` reads it.
            files: Images and masks, in the order that the document counts them in.
            seconds: Processor time that it may take; None for the usual.

        Returns:
            What ``app.augmentation.service`` made of them.

        Raises:
            ServiceError: What ``app.augmentation.service`` raises; itself, where it raises anything else.
            UndecodableImageError: If the files end augmenters, or take too long.
            LimitExceededError: If the answer, or the memory that it takes, is too large.
            QueueFullError: If as many requests wait as may.
            NotReadyError: If no augmenter can be started.
        """
        task = Task(b"", [document, *files], self._seconds if seconds is None else seconds)
        return await self._children.run(task, _read)

    async def close(self) -> None:
        """End all augmenters, those at work with what they have begun."""
        await self._children.close()


def _read(answer: Answer) -> memoryview:
    return answer.payload.data
