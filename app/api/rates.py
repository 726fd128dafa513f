"""How much a key may ask for in a minute: requests, and predicted device time; and how answers tell what is left."""

import math
from dataclasses import dataclass
from typing import Final, TypeAlias

from limits import RateLimitItemPerMinute
from limits.strategies import MovingWindowRateLimiter

from app.api.keys import Caller
from app.api.windows import MovingWindows
from app.core.clock import Clock, monotonic
from app.core.errors import LimitExceededError, RateLimitedError
from app.core.settings import RateSettings

WINDOW_S: Final = 60
REQUESTS: Final = "requests"
DEVICE: Final = "device"
POLICY_HEADER: Final = b"ratelimit-policy"
LEFT_HEADER: Final = b"ratelimit"

_MICROS = 1_000_000
_PER_MILLI = 1000

Header: TypeAlias = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a key may ask for in a minute; 0 for as much as it likes."""

    requests_per_minute: int
    device_s_per_minute: float

    @property
    def is_any(self) -> bool:
        """Whether there is a bound at all."""
        return bool(self.requests_per_minute or self.device_s_per_minute)


class Rates:
    """Remembers what keys asked for within the last minute.

    Args:
        settings: Bounds of keys that have none of their own.
        clock: Monotonic time: the clock of the day may jump.
    """

    def __init__(self, settings: RateSettings, clock: Clock = monotonic) -> None:
        self._settings = settings
        self._windows = MovingWindows(clock)
        self._limiter = MovingWindowRateLimiter(self._windows)
        self._items: dict[tuple[str, int], RateLimitItemPerMinute] = {}

    def bounds(self, caller: Caller) -> Bounds:
        """Return the bounds of a caller's key: its own, else those of the settings."""
        requests, device_s = caller.requests_per_minute, caller.device_seconds_per_minute
        return Bounds(
            self._settings.requests_per_minute if requests is None else requests,
            self._settings.device_s_per_minute if device_s is None else device_s,
        )

    def allow(self, caller: Caller) -> "Allowance | None":
        """Return what a caller's key may still ask for; None where it has no bounds."""
        bounds = self.bounds(caller)
        return Allowance(self, caller.id, bounds) if bounds.is_any else None

    def take(self, policy: str, key: str, limit: int, amount: int) -> float | None:
        """Take so much for a key.

        Returns:
            None if it is taken; else in how many seconds it may be, if nothing else is taken: above 0, at most 60.
        """
        item = self._item(policy, limit)
        if self._limiter.hit(item, key, cost=amount):
            return None
        return self._windows.seconds_until(item.key_for(key), limit, WINDOW_S, amount)

    def left(self, policy: str, key: str, limit: int) -> tuple[int, int]:
        """Return how much a key may still take, and in how many whole seconds more will be there."""
        item = self._item(policy, limit)
        taken = self._windows.get_moving_window(item.key_for(key), limit, WINDOW_S)[1]
        more_s = self._windows.seconds_until(item.key_for(key), limit, WINDOW_S, min(limit, limit - taken + 1))
        return max(0, limit - taken), math.ceil(more_s)

    def _item(self, policy: str, limit: int) -> RateLimitItemPerMinute:
        item = self._items.get((policy, limit))
        if item is None:
            if len(self._items) >= _MAX_ITEMS:
                self._items.clear()
            item = self._items[policy, limit] = RateLimitItemPerMinute(limit, namespace=policy)
        return item


_MAX_ITEMS = 1024  # bounds that differ; made anew when they are needed


class Allowance:
    """What one request may take of its key's rates; the ``Budget`` of its samples.

    Args:
        rates: What keys have taken.
        key: Id of the key.
        bounds: Of the key; at least one.
    """

    __slots__ = ("_bounds", "_key", "_rates")

    def __init__(self, rates: Rates, key: str, bounds: Bounds) -> None:
        self._rates = rates
        self._key = key
        self._bounds = bounds

    def count_request(self) -> None:
        """Take one request.

        Raises:
            RateLimitedError: If there is none left.
        """
        limit = self._bounds.requests_per_minute
        if not limit:
            return
        wait_s = self._rates.take(REQUESTS, self._key, limit, 1)
        if wait_s is not None:
            raise RateLimitedError(
                f"this key may send {limit} requests in a minute",
                retry_after_s=_whole(wait_s),
                policy=REQUESTS,
                limit=limit,
            )

    def spend(self, seconds: float, count: int) -> None:
        """Take device time.

        Args:
            seconds: Predicted, at least 0.
            count: Samples, or outputs, that it is for.

        Raises:
            RateLimitedError: If there is not so much left now.
            LimitExceededError: If there never is; ``limit`` says how many samples would do.
        """
        bound_s = self._bounds.device_s_per_minute
        if not bound_s:
            return
        limit, amount = round(bound_s * _MICROS), math.ceil(seconds * _MICROS)
        if amount > limit:
            fits = int(count * limit / amount)
            raise LimitExceededError(
                f"this would take {seconds:.1f} seconds of device time, and this key may take {bound_s:g} in a minute:"
                f" ask for about {fits} at a time",
                limit=fits,
            )
        wait_s = self._rates.take(DEVICE, self._key, limit, amount) if amount else None
        if wait_s is not None:
            raise RateLimitedError(
                f"this key may take {bound_s:g} seconds of device time in a minute",
                retry_after_s=_whole(wait_s),
                policy=DEVICE,
                limit=bound_s,
            )

    def headers(self) -> list[Header]:
        """Tell bounds and what is left, as answers carry them.

        Source:
            IETF draft-ietf-httpapi-ratelimit-headers-11, sections "RateLimit-Policy Field" and "RateLimit Field".
        """
        policies, left = [], []
        if self._bounds.requests_per_minute:
            limit = self._bounds.requests_per_minute
            remaining, more_s = self._rates.left(REQUESTS, self._key, limit)
            policies.append(f'"{REQUESTS}";q={limit};w={WINDOW_S}')
            left.append(f'"{REQUESTS}";r={remaining};t={more_s}')
        if self._bounds.device_s_per_minute:
            limit = round(self._bounds.device_s_per_minute * _MICROS)
            remaining, more_s = self._rates.left(DEVICE, self._key, limit)
            policies.append(f'"{DEVICE}";q={limit // _PER_MILLI};qu="device-milliseconds";w={WINDOW_S}')
            left.append(f'"{DEVICE}";r={remaining // _PER_MILLI};t={more_s}')
        return [(POLICY_HEADER, ", ".join(policies).encode()), (LEFT_HEADER, ", ".join(left).encode())]


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))
