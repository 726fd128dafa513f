"""Work that Ctrl-C and SIGTERM break off in order."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, TypeVar

import typer

from app.cli.console import err_console

if TYPE_CHECKING:
    from collections.abc import Coroutine

Result = TypeVar("Result")


def run_until_stopped(
    work: Coroutine[None, None, Result], farewell: str = "broken off; the same command goes on from there"
) -> Result:
    """Run work; the first signal breaks it off in order, a second one at once.

    Args:
        work: What is done.
        farewell: What is said when it was broken off.

    Raises:
        typer.Exit: With 128 and the number of the signal, if one came.
    """
    import asyncio

    received: list[signal.Signals] = []

    async def run() -> Result:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)

        def stop(number: signal.Signals) -> None:
            received.append(number)
            loop.remove_signal_handler(number)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, number)
        return await task

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        err_console.print(farewell)
        raise typer.Exit(128 + received[0] if received else 1) from None
