"""File descriptors: how many this process may open, and how many connections fit into that."""

import resource

OTHER_DESCRIPTORS = 96
"""For all that is no connection: worker, children, files that are read, logs."""
MAX_RESERVE = 64
RESERVES = 3


def fit_connections(wanted: int) -> tuple[int, int]:
    """Raise the limit of descriptors as far as needed and allowed, and see what fits below it.

    Args:
        wanted: Connections.

    Returns:
        Connections, at least 1 and at most ``wanted``; and a reserve, at least 1, for which there is room three times.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + RESERVES * MAX_RESERVE + OTHER_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return _share(wanted, needed if soft == resource.RLIM_INFINITY else soft)


def _share(wanted: int, limit: int) -> tuple[int, int]:
    room = max(limit - OTHER_DESCRIPTORS, RESERVES + 1)
    reserve = min(MAX_RESERVE, max(room // (2 * RESERVES), 1))
    return min(wanted, room - RESERVES * reserve), reserve
