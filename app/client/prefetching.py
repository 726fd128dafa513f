"""A thread that is some items ahead of who takes them."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_LOOK_S = 0.1


class Prefetched(Generic[T]):
    """Takes items from an iterator in a thread of its own; what that raises is raised where they are taken.

    Args:
        items: What is taken, begun and ended in that thread.
        ahead: Most items that wait, at least 1.
    """

    def __init__(self, items: Iterable[T], ahead: int) -> None:
        self._items = items
        self._waiting: queue.Queue[tuple[T] | BaseException | None] = queue.Queue(max(ahead, 1))
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fount-prefetch", daemon=True)

    def __iter__(self) -> Iterator[T]:
        """Yield the items; the thread ends with the last one, or when nobody takes more."""
        self._thread.start()
        try:
            while True:
                item = self._waiting.get()
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item[0]
        finally:
            self._is_over.set()

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put((item,)):
                    return
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - raised again where items are taken
            self._put(error)

    def _put(self, item: tuple[T] | BaseException | None) -> bool:
        """Wait for room; tell whether anybody still takes items."""
        while not self._is_over.is_set():
            try:
                self._waiting.put(item, timeout=_LOOK_S)
            except queue.Full:
                continue
            return True
        return False
