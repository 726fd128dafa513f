"""Runs one target, counts, and bounds the time of each input and the memory of all."""

import resource
import time

MAX_INPUT_S = 1.0
MAX_GROWTH_MIB = 256
_CHECK_EVERY = 5000


class Watch:
    """A target under watch; called with one input after the other.

    Attributes:
        runs: Inputs so far.
        worst_s: Longest processor time of one of them.
    """

    def __init__(self, target) -> None:
        self._target = target
        self.runs = 0
        self.worst_s = 0.0
        self._started = time.monotonic()
        self._base_mib = 0.0

    def __call__(self, data: bytes) -> None:
        before = time.process_time()
        self._target.run(data)
        seconds = time.process_time() - before
        self.runs += 1
        if seconds > self.worst_s:
            self.worst_s = seconds
            assert seconds < MAX_INPUT_S, f"one input took {seconds:.2f} s"
        if self.runs % _CHECK_EVERY == 0:
            self._check_memory()

    def report(self, name: str, engine: str) -> str:
        """Say what was done, in one line."""
        seconds = time.monotonic() - self._started
        return (
            f"{name}: {self.runs} runs by {engine} in {seconds:.1f} s, {self.runs / max(seconds, 1e-9):.0f} per s; "
            f"worst {self.worst_s * 1000:.0f} ms, {_peak_mib():.0f} MiB; no finding\n"
        )

    def _check_memory(self) -> None:
        self._base_mib = self._base_mib or _peak_mib()
        grown = _peak_mib() - self._base_mib
        assert grown < MAX_GROWTH_MIB, f"memory grew by {grown:.0f} MiB"


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
