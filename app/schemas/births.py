"""Messages between the API process and the nursery of its workers: msgpack, one tagged object per packet."""

from typing import TypeAlias

import msgspec

MAX_PACKET_BYTES = 256


class BearWorker(msgspec.Struct, frozen=True, tag="bear"):
    """Fork a worker; with its end of the control socket, and the file of the pixel buffers."""

    number: int


class NurseryReady(msgspec.Struct, frozen=True, tag="ready"):
    """First message from a nursery: all is imported, births take milliseconds from now on."""


class WorkerBorn(msgspec.Struct, frozen=True, tag="born"):
    """A worker was forked; with a descriptor of its process."""

    number: int
    pid: int


class WorkerStillborn(msgspec.Struct, frozen=True, tag="stillborn"):
    """A worker could not be forked; ``error`` is the system's number of the reason."""

    number: int
    error: int


class WorkerDied(msgspec.Struct, frozen=True, tag="died"):
    """A worker ended and is reaped; ``status`` is its exit status, or minus the signal that ended it."""

    number: int
    status: int


FromNursery: TypeAlias = NurseryReady | WorkerBorn | WorkerStillborn | WorkerDied

_encoder = msgspec.msgpack.Encoder()
_request_decoder = msgspec.msgpack.Decoder(BearWorker)
_report_decoder: msgspec.msgpack.Decoder[FromNursery] = msgspec.msgpack.Decoder(FromNursery)


def write_packet(message: BearWorker | FromNursery) -> bytes:
    """Write one message."""
    return _encoder.encode(message)


def read_request(packet: bytes) -> BearWorker:
    """Read what a nursery receives.

    Raises:
        ValueError: If no service of this build sends it.
    """
    return _request_decoder.decode(packet)


def read_report(packet: bytes) -> FromNursery:
    """Read what a nursery sends.

    Raises:
        ValueError: If no nursery of this build sends it.
    """
    return _report_decoder.decode(packet)
