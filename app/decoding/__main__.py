"""Entry point of a decoder; the service starts it, it is of no use alone."""

import sys

from app.decoding.entry import run_child
from app.decoding.limits import Handler


def _load() -> Handler:
    from app.decoding.service import decode  # noqa: PLC0415 - after the guard that ``run_child`` sets

    return decode


if __name__ == "__main__":
    sys.exit(run_child("app.decoding", _load))
