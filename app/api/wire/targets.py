"""Where a request goes: its target and its ``Host`` field, as RFC 9112, section 3.2, has them."""

import functools
import re

_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
_ABSOLUTE = re.compile(rb"https?://(?P<host>[^/?#]*)(?P<path>[^?#]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)

MAX_HOST_BYTES = 300


@functools.lru_cache(maxsize=64)  # callers use few names, and a look takes less than a match
def is_host(value: bytes) -> bool:
    """Tell whether a value names a host, with or without a port; without anybody's name and password."""
    return len(value) <= MAX_HOST_BYTES and _HOST.fullmatch(value) is not None


def split_target(target: bytes) -> tuple[bytes, bytes] | None:
    """Take an absolute target apart.

    Args:
        target: Of the request line, as it was sent; not one that begins with a slash.

    Returns:
        Its host, which goes before the ``Host`` field, and its path with the query; None for what is no address of
        HTTP, such as the targets of ``CONNECT`` and ``OPTIONS *``.
    """
    found = _ABSOLUTE.fullmatch(target)
    if found is None or not is_host(found["host"]):
        return None
    return found["host"], (found["path"] or b"/") + found["rest"]
