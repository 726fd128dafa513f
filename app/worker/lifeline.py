"""The worker ends with its parent, and only with it: signals meant for the service are the service's to handle."""

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1


def follow_parent() -> None:
    """Ignore the signals that end a service, and have Linux kill this process when the parent's thread ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
