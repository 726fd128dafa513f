"""The worker's end of the control socket: a thread that reads, and writes that any thread may do."""

import os
import queue
import socket
import threading
from collections.abc import Callable

from app.core.logging import get_logger
from app.schemas.frames import FrameError, encode_frame, read_for_worker
from app.schemas.jobs import FromWorker, Ping, Pong, ToWorker

ORPHANED_STATUS = 3
_RECEIVE_BYTES = 65536

_log = get_logger(__name__)


class ControlChannel:
    """Messages from and to the service; pings are answered while the device computes.

    Args:
        connection: The worker's end of the socket pair.
        end: Ends the process at once, with a status; called when the service is gone.
    """

    def __init__(self, connection: socket.socket, end: Callable[[int], object] = os._exit) -> None:
        self._connection = connection
        self._end = end
        self._inbox: queue.SimpleQueue[ToWorker] = queue.SimpleQueue()
        self._send_lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, name="control", daemon=True)

    def start(self) -> None:
        """Begin to read, in a thread that does not keep the process alive."""
        self._thread.start()

    def join(self) -> None:
        """Wait until the service has closed its end."""
        self._thread.join()

    def next(self, *, wait_s: float | None = None) -> ToWorker | None:
        """Return the next message; None when there is none within so many seconds, or wait for ever."""
        try:
            return self._inbox.get(timeout=wait_s) if wait_s != 0 else self._inbox.get_nowait()
        except queue.Empty:
            return None

    def put_back(self, message: ToWorker) -> None:
        """Have a message come next, or after those that came meanwhile."""
        self._inbox.put(message)

    def send(self, message: FromWorker) -> None:
        """Send one message."""
        frame = encode_frame(message)
        with self._send_lock:
            self._connection.sendall(frame)

    def _read(self) -> None:
        reader = read_for_worker()
        try:
            while data := self._connection.recv(_RECEIVE_BYTES):
                for message in reader.feed(data):
                    if isinstance(message, Ping):
                        self.send(Pong(message.number))
                    else:
                        self._inbox.put(message)
        except (OSError, FrameError):
            _log.exception("control-broken")
        # The service is gone: nobody wants what is being computed, and nothing here needs to be put away.
        self._end(ORPHANED_STATUS)
