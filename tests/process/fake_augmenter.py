"""An augmenter whose service does what its document says, in place of augmenting."""

import json
import os
import signal
import sys
import types

import cv2
import numpy as np

from app.core.errors import InvalidInputError


def join(order, document, files):
    return [document, *files, memoryview(np.arange(order.get("numbers", 0), dtype=np.uint8))]


def refuse(order, document, files):
    raise InvalidInputError("no", pointer="/images/3", operations=["rotate"], limit=1)


def spin(order, document, files):
    while True:
        pass


DEEDS = {
    "join": join,
    "refuse": refuse,
    "spin": spin,
    "threads": lambda *_: [str(cv2.getNumThreads()).encode()],
    "fill": lambda order, *_: [bytes(1000)] * order["times"],
    "hoard": lambda *_: [np.ones(2**33, np.uint8)],
    "hoard-in-opencv": lambda *_: [cv2.resize(np.ones((1, 1), np.uint8), (2**15, 2**18))],
    "fail-in-opencv": lambda *_: [cv2.resize(np.ones((1, 1), np.uint8), (0, 0))],
    "crash": lambda *_: os.kill(os.getpid(), signal.SIGSEGV),
}


def handle(document, files, limits):
    if limits.max_pixels != 1024:
        raise ValueError("other limits than those of the test")
    order = json.loads(document)
    return DEEDS[order["do"]](order, document, files)


if __name__ == "__main__":
    service = types.ModuleType("app.augmentation.service")
    service.handle = handle
    sys.modules[service.__name__] = service
    from app.augmentation.__main__ import main

    sys.exit(main())
