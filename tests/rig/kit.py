"""What every hostile case is measured by: its answer, and what it leaves behind."""

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.rig.canary import Canary
from tests.rig.forms import form_type
from tests.rig.models import make_key
from tests.rig.processes import MIB, MemoryProbe, read_resident_bytes
from tests.rig.server import VARIABLES, Service, Target
from tests.rig.wire import Answer, Wire, write_head

CANARY = "canary7f3a"
"""In whatever is sent; it must not come back."""
SECRET = "secret-beside-the-models"
JSON = "application/json"
MAX_PROBLEM_BYTES = 4096
LIVENESS_HARD_S = 1.0
WORST_LIVENESS = "worst_liveness_s"
MAX_GROWTH_BYTES = 64 * MIB
IS_LONG = bool(VARIABLES.get("FOUNT_TEST_LONG"))
"""Full sizes and many repeats, for hours when nobody waits."""
OWN_KEY = VARIABLES.get("FOUNT_TEST_KEY")


@dataclass
class Kit:
    """A service under test, watched while it is treated badly.

    Attributes:
        target: The service.
        canary: Asks it all the time whether it lives.
        model: A model of it with classes.
    """

    target: Target
    canary: Canary
    model: str = "tiny"
    _good: bytes = b""
    _base_bytes: int = 0

    @property
    def key(self) -> str:
        return OWN_KEY or make_key("operator")

    @property
    def is_ours(self) -> bool:
        return isinstance(self.target, Service)

    def begin(self) -> None:
        """Look once at what must stay as it is."""
        if not self.is_ours:
            listed = self.ask("GET", "/v1/models").json()["models"]
            self.model = next(one["name"] for one in listed if one["class_names"])
        self._good = self._ask_well()
        if self.is_ours:
            self._base_bytes = read_resident_bytes(self.target.pid)
        self.canary.take()

    def connect(self, **options: Any) -> Wire:
        return Wire(self.target.host, self.target.port, **options)

    def fields(self, *more: tuple[str, str | bytes], key: str | None = "") -> list[tuple[str, str | bytes]]:
        """Fields that every honest request has; ``key=None`` leaves the key out."""
        own = [] if key is None else [("Authorization", f"Bearer {key or self.key}")]
        return [("Host", "localhost"), *own, *more]

    def write(
        self, method: str, path: str, body: bytes | None = None, kind: str | None = None, **options: Any
    ) -> bytes:
        """Write a request; a field in ``more`` with the name of one of ours stands beside it."""
        more = list(options.pop("more", ()))
        own: list[tuple[str, str | bytes]] = [("Content-Type", kind)] if kind else []
        if body is not None:
            body = body.replace(b'"tiny', f'"{self.model}'.encode())
            own.append(("Content-Length", str(len(body))))
        path = path.replace("/models/tiny", f"/models/{self.model}")
        return write_head(method, path, self.fields(*own, *more, **options)) + (body or b"")

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str | None = None, **options: Any) -> Answer:
        """Send one request on a connection of its own."""
        with self.connect() as wire:
            return wire.send(self.write(method, path, body, kind, **options)).read_answer(is_head=method == "HEAD")

    def post(self, path: str, document: Any, **options: Any) -> Answer:
        """Post a document, or bytes that are none."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.ask("POST", path, body, JSON, **options)

    def upload(self, path: str, body: bytes, **options: Any) -> Answer:
        """Post a form."""
        return self.ask("POST", path, body, form_type(), **options)

    @contextlib.contextmanager
    def watch_memory(self, limit_bytes: int = MAX_GROWTH_BYTES) -> Iterator[None]:
        """Bound what the service and its children grow by meanwhile; of a service elsewhere nothing is known."""
        if not self.is_ours:
            yield
            return
        with MemoryProbe(self.target.pid) as probe:
            yield
        assert probe.growth < limit_bytes, f"grew by {probe.growth / MIB:.0f} MiB"

    def expect_unharmed(self) -> float:
        """Check that the service lives, has lived all the time, answers as before, and has not grown.

        Returns:
            Longest wait for an answer about liveness since this was asked before, in seconds.
        """
        assert self._good == self._ask_well()
        report = self.canary.take()
        assert [] == report.failures
        assert report.worst_s < LIVENESS_HARD_S, f"it was silent for {report.worst_s:.2f} s"
        if self.is_ours:
            assert self.target.process.poll() is None
            assert read_resident_bytes(self.target.pid) - self._base_bytes < MAX_GROWTH_BYTES
        return report.worst_s

    def _ask_well(self) -> bytes:
        answer = self.post("/v1/samples", {"model": self.model, "num_samples": 3, "seed": 1, "format": "npy"})
        assert 200 == answer.status, answer
        return answer.body


def expect(answer: Answer, statuses: Iterable[int], code: str | None = None) -> Answer:
    """Check an answer: its status is one of those, errors are problems that echo nothing.

    Args:
        answer: What came back.
        statuses: Those that are right.
        code: Of the problem, where there is only one.
    """
    assert answer.status in set(statuses), (answer.status, answer.body[:500])
    assert CANARY.encode() not in answer.raw
    assert SECRET.encode() not in answer.raw
    if answer.status >= 400:
        expect_problem(answer, code)
    assert answer.headers.get("x-request-id")
    return answer


def expect_problem(answer: Answer, code: str | None = None) -> None:
    """Check that an answer is a problem as RFC 9457 has it."""
    headers, problem = answer.headers, answer.json()
    assert "application/problem+json" == headers["content-type"]
    assert len(answer.body) <= MAX_PROBLEM_BYTES
    assert (answer.status, f"/problems/{problem['code']}") == (problem["status"], problem["type"])
    assert headers["x-request-id"] == problem["request_id"]
    assert {"title", "detail"} <= problem.keys()
    assert code in {None, problem["code"]}
    if answer.status in {429, 503}:
        assert 1 <= int(headers["retry-after"]) <= 3600
    if answer.status == 401:
        assert headers["www-authenticate"].startswith("Bearer")
