"""As much of HTTP/1.1 as a client needs to know when an answer is over; its body is counted, not kept."""

import re

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_TRAILER_BYTES = 2  # of a line end
MAX_HEAD_BYTES = 65536


class Answer:
    """One answer, read piece by piece; ``clear`` makes it ready for the next on the same connection."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.status = 0
        self.num_bytes = 0
        self._head = b""
        self._left = 0
        self._chunked = False
        self._line = b""
        self._is_last = False

    def feed(self, data: memoryview) -> bool:
        """Take the next bytes of a connection.

        Args:
            data: Any part of one answer, in order.

        Returns:
            Whether the answer is over.

        Raises:
            ValueError: If this is no answer, or one without a length.
        """
        if not self.status:
            rest = self._read_head(bytes(data))
            if rest is None:
                return False
            data = memoryview(rest)
        if self._chunked:
            return self._read_chunks(data)
        self.num_bytes += len(data)
        self._left -= len(data)
        if self._left < 0:
            raise ValueError("more bytes than the answer has")
        return self._left == 0

    def _read_head(self, data: bytes) -> bytes | None:
        """Return what follows the head; None while it is not whole."""
        received = self._head + data if self._head else data
        end = received.find(_HEAD_END)
        if end < 0:
            if len(received) > MAX_HEAD_BYTES:
                raise ValueError("the head of the answer has no end")
            self._head = received
            return None
        if not received.startswith(b"HTTP/1.1 "):
            raise ValueError("this is no answer of HTTP/1.1")
        self.status = int(received[9:12])
        length = _LENGTH.search(received, 0, end + 2)
        if length is not None:
            self._left = int(length[1])
        elif _CHUNKED.search(received, 0, end + 2):
            self._chunked = True
        else:
            raise ValueError("the answer does not say how long it is")
        return received[end + len(_HEAD_END) :]

    def _read_chunks(self, data: memoryview) -> bool:
        """Skip over chunks: a line with the size, so many bytes, a line end; the last one has none."""
        position = 0
        while position < len(data):
            if self._left > _TRAILER_BYTES:
                taken = min(self._left - _TRAILER_BYTES, len(data) - position)
                self.num_bytes += taken
                self._left -= taken
                position += taken
            elif self._left:
                taken = min(self._left, len(data) - position)
                self._left -= taken
                position += taken
            else:
                taken = _find_line_end(data, position)
                self._line += bytes(data[position : position + taken])
                position += taken
                if self._line.endswith(b"\n") and self._end_line():
                    return True
        return False

    def _end_line(self) -> bool:
        """Read a line between chunks; return whether it was the last of the answer."""
        line, self._line = self._line.strip(), b""
        if self._is_last:
            return not line
        size = int(line.partition(b";")[0], 16)
        self._is_last = size == 0
        self._left = size + _TRAILER_BYTES if size else 0
        return False


def _find_line_end(data: memoryview, position: int) -> int:
    """Return how many bytes there are up to the end of the line, or of the data."""
    end = bytes(data[position : position + 256]).find(b"\n")
    return min(256, len(data) - position) if end < 0 else end + 1
