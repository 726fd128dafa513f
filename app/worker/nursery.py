"""Where workers are born: a process that has imported what they need, computes nothing, and forks one when asked.

It has one thread and never touches a device: locks, thread pools and contexts of a device do not survive a fork. What
it has imported is shared with its workers, page by page, until one of them writes to it.
"""

import errno
import gc
import os
import select
import signal
import socket
from typing import NamedTuple

from app.core.children import Expendability, be_expendable, follow_parent
from app.core.heap import give_back_memory
from app.schemas.births import (
    MAX_PACKET_BYTES,
    FromNursery,
    NurseryReady,
    WorkerBorn,
    WorkerDied,
    WorkerStillborn,
    read_request,
    write_packet,
)

_ORPHANED_STATUS = 3


class Birth(NamedTuple):
    """What a new worker is given: its end of the control socket, and the file of the pixel buffers."""

    control_fd: int
    memory_fd: int


def tend(connection_fd: int) -> Birth | None:
    """Fork workers until the service is gone.

    Args:
        connection_fd: This side of a pair of sockets that keep packets apart.

    Returns:
        In each worker, what it was given; in the nursery, in the end, None.

    Raises:
        ValueError: If the service is of another build.
    """
    be_expendable(Expendability.NURSERY)
    gc.disable()  # a collection between here and the freeze would leave holes that workers fill, and so unshare
    import app.worker.loop  # noqa: F401, PLC0415 - torch takes a second: the nursery is guarded before

    give_back_memory()
    gc.freeze()  # a collection in a worker leaves these objects alone, and so the pages they lie on shared
    with socket.socket(fileno=connection_fd) as connection:
        birth = _Nursery(connection).run()
    gc.enable()
    return birth


class _Nursery:
    """Forks, and reaps what it forked.

    Args:
        connection: To the service; closed in workers.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._poll = select.poll()
        self._workers: dict[int, tuple[int, int]] = {}  # by descriptor of the process: number and process id

    def run(self) -> Birth | None:
        """Answer requests; returns in each worker, and when the service is gone."""
        self._poll.register(self._connection, select.POLLIN)
        self._say(NurseryReady())
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._workers:
                    self._bury(descriptor)
                    continue
                packet, given, _, _ = socket.recv_fds(
                    self._connection, MAX_PACKET_BYTES, len(Birth._fields), socket.MSG_CMSG_CLOEXEC
                )
                if not packet:
                    return None
                if self._bear(read_request(packet).number, given):
                    return Birth(*given)

    def _bear(self, number: int, given: list[int]) -> bool:
        """Fork; returns whether this is the worker now."""
        nursery = os.getpid()
        try:
            if len(given) != len(Birth._fields):  # there was no room for more
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))  # noqa: TRY301 - one path for all reasons
            pid = os.fork()
            if pid == 0:
                self._leave(nursery)
                return True
            self._announce(number, pid)
        except OSError as error:
            self._say(WorkerStillborn(number, error.errno or errno.EAGAIN))
        for descriptor in given:
            os.close(descriptor)
        return False

    def _announce(self, number: int, pid: int) -> None:
        try:
            process = os.pidfd_open(pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        self._workers[process] = number, pid
        self._poll.register(process, select.POLLIN)
        self._say(WorkerBorn(number, pid), process)

    def _bury(self, process: int) -> None:
        number, pid = self._workers.pop(process)
        self._poll.unregister(process)
        os.close(process)
        _, status = os.waitpid(pid, 0)
        self._say(WorkerDied(number, os.waitstatus_to_exitcode(status)))

    def _leave(self, nursery: int) -> None:
        """Become a worker: keep nothing that is the nursery's, and end with it."""
        for process in self._workers:
            os.close(process)
        follow_parent()
        if os.getppid() != nursery:  # which ended before it could be followed
            os._exit(_ORPHANED_STATUS)
        be_expendable(Expendability.WORKER)

    def _say(self, message: FromNursery, *descriptors: int) -> None:
        socket.send_fds(self._connection, [write_packet(message)], descriptors)
