"""A decoder that does to itself what a file could: the first bytes behind a PNG's signature say what."""

import os
import signal
import sys

from app.decoding.entry import run_child
from app.decoding.messages import ImageDecoded
from app.decoding.service import decode
from app.decoding.wire import write_head

START = len(b"\x89PNG\r\n\x1a\n")


def misbehave(head, files, limits):
    deed = files[0][START : START + 4]
    if deed == b"CRSH":
        os.kill(os.getpid(), signal.SIGSEGV)
    if deed == b"HANG":
        signal.pause()
    while deed == b"BUSY":
        pass
    if deed == b"EXIT":
        os._exit(0)
    if deed == b"FAIL":
        raise KeyError(files[0].decode("latin-1"))
    if deed == b"LIES":
        return write_head(ImageDecoded(2**20, 2**20, 3, 8, "RGB", 1, False, 1, (2**20, 2**20))), [b"few"]
    return decode(head, files, limits)


if __name__ == "__main__":
    sys.exit(run_child("tests.process.misbehaving_decoder", lambda: misbehave))
