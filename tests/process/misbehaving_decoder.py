"""A decoder that does to itself what a file could: the first bytes behind a PNG's signature say what."""

import os
import signal
import sys

from app.decoding import __main__, process
from app.decoding.messages import ImageDecoded

START = len(b"\x89PNG\r\n\x1a\n")
decode = process.decode


def misbehave(job, data, max_pixels):
    deed = data[START : START + 4]
    if deed == b"CRSH":
        os.kill(os.getpid(), signal.SIGSEGV)
    if deed == b"HANG":
        signal.pause()
    while deed == b"BUSY":
        pass
    if deed == b"EXIT":
        os._exit(0)
    if deed == b"LIES":
        return ImageDecoded(2**20, 2**20, 3, 8, "RGB", 1, False), memoryview(b"")
    return decode(job, data, max_pixels)


if __name__ == "__main__":
    process.decode = misbehave
    sys.exit(__main__.main())
