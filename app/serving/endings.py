"""How a worker came to its end, in one word."""

import signal

NOT_STARTED = "not-started"
START_TIMED_OUT = "start-timed-out"
HUNG = "hung"
KILLED = "killed"
CRASHED = "crashed"
EXITED = "exited"
ENDS = (NOT_STARTED, START_TIMED_OUT, HUNG, KILLED, CRASHED, EXITED)


def name_end(status: int | None) -> str:
    """Name the end of a worker that was not ended by us.

    Args:
        status: Its exit status, or minus the signal that ended it; None where that is not known.

    Returns:
        ``killed`` for the signal that no process survives, which the kernel sends when memory runs out; ``crashed``
        for any other; ``exited`` where it left by itself, as it does when its device answers nothing any more.
    """
    if status is None or status == -signal.SIGKILL:
        return KILLED
    return CRASHED if status < 0 else EXITED
