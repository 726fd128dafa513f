"""Ctrl-C and SIGTERM as a wish to stop: the loop finishes its step and writes a snapshot."""

import signal
from types import FrameType, TracebackType
from typing import final


@final
class InterruptGuard:
    """While entered, the first signal is remembered; a second one ends the process as usual."""

    _WATCHED = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._previous: dict[signal.Signals, signal._HANDLER] = {}

    def is_set(self) -> bool:
        """Tell whether a signal has come."""
        return self.signal is not None

    @property
    def exit_status(self) -> int:
        """The shell's convention for a program ended by a signal: 130 after Ctrl-C, 143 after SIGTERM."""
        return 128 + (self.signal or 0)

    def __enter__(self) -> "InterruptGuard":
        self._previous = {number: signal.signal(number, self._remember) for number in self._WATCHED}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _remember(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        self.signal = signal.Signals(number)
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
