"""A worker that does to itself what a driver could: the seed of a batch says what."""

import ctypes
import os
import sys

from app.worker.__main__ import main
from app.worker.session import Session

WRITES_TO_NOWHERE = 2**40
ABORTS = 2**40 + 1

_sample = Session.sample


def misbehave(session, batch):
    seeds = {run.seed for run in batch.runs}
    if WRITES_TO_NOWHERE in seeds:
        ctypes.memset(None, 0, 1)
    if ABORTS in seeds:
        os.abort()
    return _sample(session, batch)


if __name__ == "__main__":
    Session.sample = misbehave
    sys.exit(main())
