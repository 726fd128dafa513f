"""Sends attempts over several connections at once, and judges what comes back."""

import asyncio
import collections
import time
from dataclasses import dataclass, field
from random import Random

from tests.fuzz.web.client import BrokenError, Connection, Reply, connect
from tests.fuzz.web.corpus import Corpus
from tests.fuzz.web.documents import CANARY
from tests.fuzz.web.mutation import Attempt, make_attempt

HANG_S = 5.0
FRAMING_S = 0.3
"""How long to wait for an answer to bytes that may not be a whole request."""
MAX_FINDINGS = 20
_SHED, _PROTOCOL = 503, {501, 505}
_SEEDS = 2**40


@dataclass
class Outcome:
    """What came of a run.

    Attributes:
        sent: Attempts that were sent.
        statuses: How many answers had each status.
        kinds: How many attempts there were of each kind, and how many of them were answered below 400.
        unanswered: Attempts of broken framing that were left without an answer.
        findings: What must not be, with the number of the attempt; the first few.
        seconds: How long it took.
    """

    sent: int = 0
    statuses: collections.Counter[int] = field(default_factory=collections.Counter)
    kinds: collections.Counter[str] = field(default_factory=collections.Counter)
    accepted: collections.Counter[str] = field(default_factory=collections.Counter)
    unanswered: int = 0
    findings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def note(self, number: int, attempt: Attempt, what: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(f"attempt {number} ({attempt.kind}): {what}\n    {attempt.data[:3000]!r}")


@dataclass(frozen=True)
class Attack:
    """A run against a service.

    Attributes:
        host: Where it is.
        port: Of it.
        corpus: What it can be asked for.
        seed: Of all that is drawn: attempt ``i`` of a seed is the same bytes in each run.
        hang_s: How long an answer may take.
    """

    host: str
    port: int
    corpus: Corpus
    seed: int
    hang_s: float = HANG_S

    def draw(self, number: int) -> Attempt:
        """Return an attempt by its number."""
        weights = [one.weight for one in self.corpus.asked]
        return make_attempt(self.corpus.asked, weights, Random(self.seed * _SEEDS + number))

    async def run(self, first: int, count: int, connections: int) -> Outcome:
        """Send attempts, each once.

        Args:
            first: Number of the first one.
            count: How many.
            connections: How many are used at once.
        """
        outcome = Outcome()
        started = time.monotonic()
        numbers = iter(range(first, first + count))
        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(self._use_connection(numbers, outcome))
        outcome.seconds = time.monotonic() - started
        return outcome

    async def _use_connection(self, numbers, outcome: Outcome) -> None:
        connection: Connection | None = None
        for number in numbers:
            attempt = self.draw(number)
            outcome.sent += 1
            outcome.kinds[attempt.kind] += 1
            connection = await self._try(number, attempt, connection, outcome)
            if len(outcome.findings) >= MAX_FINDINGS:
                break
        if connection is not None:
            connection.close()

    async def _try(
        self, number: int, attempt: Attempt, connection: Connection | None, outcome: Outcome
    ) -> Connection | None:
        """Send one attempt; return the connection where it may be used again."""
        if not attempt.due:
            await self._try_framing(number, attempt, outcome)
            return connection
        for is_last in (False, True):  # a connection may end between two requests: those are sent again, once
            if connection is None or connection.is_lost:
                connection = await connect(self.host, self.port)
            is_used = connection.answered > 0
            try:
                return await self._exchange(number, attempt, connection, outcome)
            except TimeoutError:
                connection.close()
                outcome.note(number, attempt, f"no answer within {self.hang_s:g} s")
                return None
            except (BrokenError, ValueError) as error:
                connection.close()
                if is_last or not is_used:
                    outcome.note(number, attempt, str(error))
                    return None
                connection = None
        return None

    async def _exchange(
        self, number: int, attempt: Attempt, connection: Connection, outcome: Outcome
    ) -> Connection | None:
        connection.send(attempt.data)
        for is_head in attempt.due:
            async with asyncio.timeout(self.hang_s):
                reply = await connection.read_reply(is_head=is_head)
            self._judge(number, attempt, reply, outcome)
            if reply.closes:
                connection.close()
                return None
        return connection

    async def _try_framing(self, number: int, attempt: Attempt, outcome: Outcome) -> None:
        connection = await connect(self.host, self.port)
        connection.send(attempt.data)
        try:
            async with asyncio.timeout(FRAMING_S):
                self._judge(number, attempt, await connection.read_reply(is_head=False), outcome)
        except (TimeoutError, BrokenError, ValueError):
            outcome.unanswered += 1
        finally:
            connection.close()

    def _judge(self, number: int, attempt: Attempt, reply: Reply, outcome: Outcome) -> None:
        status = reply.status
        outcome.statuses[status] += 1
        outcome.accepted[attempt.kind] += status < 400
        is_shed = status == _SHED and b"\r\nretry-after: " in reply.head
        if status >= 500 and not is_shed and status not in _PROTOCOL:
            outcome.note(number, attempt, f"answered {status}: {reply.body[:300]!r}")
        is_echo = CANARY.encode() in reply.head or (status >= 400 and CANARY.encode() in reply.body)
        if is_echo:
            outcome.note(number, attempt, f"repeats what was sent: {reply.head[-300:]!r} {reply.body[:300]!r}")
