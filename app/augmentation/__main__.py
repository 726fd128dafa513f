"""Entry point of an augmenter; the service starts it, it is of no use alone."""

import sys
from collections.abc import Sequence

from app.decoding.entry import run_child
from app.decoding.limits import ChildLimits, Handler
from app.decoding.wire import Chunk


def main() -> int:
    """Augment until the service is gone; returns the exit status."""
    return run_child("app.augmentation", _load)


def _load() -> Handler:
    import cv2  # noqa: PLC0415 - after the guard that ``run_child`` sets

    from app.augmentation.service import handle  # noqa: PLC0415 - as above

    cv2.setNumThreads(1)

    def augment(_: bytes, files: Sequence[bytes], limits: ChildLimits) -> tuple[bytes, Sequence[Chunk]]:
        document, *images = files
        try:
            return b"", handle(document, images, limits)
        except cv2.error as error:
            if error.code == cv2.Error.StsNoMem:
                raise MemoryError from None
            raise

    return augment


if __name__ == "__main__":
    sys.exit(main())
