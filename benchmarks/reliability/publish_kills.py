"""Publishers are killed at random moments, and race: nothing torn is ever visible, and each number has one winner."""

import contextlib
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from serving.servers import BENCHMARKS

from app.core.errors import NotFoundError
from app.repository.store import ModelRepository
from reliability.report import Findings, at_least, at_most
from reliability.setting import ROOT, Setting

_MAX_LIFE_S = 0.15
_RACERS = 2
_STAGING = ".staging-"


class Publisher:
    """The process of ``publisher.py``."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.listen()

    def tell(self, command: str) -> str:
        """Send a command; returns the answer."""
        if self._process.stdin is None:
            raise RuntimeError("the publisher was started without an input")
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self.listen()

    def listen(self) -> str:
        """Read a line."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("the publisher is gone")
        return line.strip()


@contextlib.contextmanager
def run_publisher(
    root: Path, source: Path, name: str, version: int = 1, *, prefix: tuple[str, ...] = ()
) -> Iterator[Publisher]:
    """Start a publisher; end it on the way out.

    Args:
        root: Where it publishes.
        source: Repository of the version that it publishes copies of.
        name: Of the model, in both.
        version: In the source.
        prefix: A command that runs it.
    """
    command = [*prefix, sys.executable, "-m", "reliability.publisher", str(root), str(source), name, str(version)]
    search = [str(BENCHMARKS), str(ROOT)]
    inherited = dict(os.environ)  # noqa: TID251 - passed on, not read
    environment = inherited | {"PYTHONPATH": os.pathsep.join(search)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            yield Publisher(process)
        finally:
            process.kill()


class Reader:
    """Looks at a repository all the time, as a service would, and verifies each version that it sees."""

    def __init__(self, root: Path, name: str) -> None:
        self.torn: list[str] = []
        self.looks = 0
        self._repository = ModelRepository(str(root))
        self._name = name
        self._over = threading.Event()

    @contextlib.contextmanager
    def reading(self) -> Iterator["Reader"]:
        """Look meanwhile."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            for version in self._repository.list_versions(self._name)[-1:]:
                with contextlib.suppress(NotFoundError):  # removed since it was listed
                    check = self._repository.check(self._name, version)
                    if check.error is not None and version in self._repository.list_versions(self._name):
                        self.torn.append(f"{version}: {check.error.detail}")
            self.looks += 1
            time.sleep(0.002)


def kill_publishers(setting: Setting) -> Findings:
    """Kill publishers while a reader looks; then let pairs race for numbers."""
    root, chance = setting.folder / "published", random.Random(setting.seed)
    failed_checks = 0
    with (
        run_publisher(root, setting.repository, setting.model) as publisher,
        Reader(root, setting.model).reading() as reader,
    ):
        repository = ModelRepository(str(root))
        for _ in range(setting.count):
            publisher.tell("start")
            time.sleep(chance.uniform(0, _MAX_LIFE_S))
            publisher.tell("kill")
            failed_checks += sum(check.error is not None for check in repository.verify_all())
        after_kills = publisher.tell("once")
        left = [item.name for item in (root / setting.model).iterdir() if item.name.startswith(_STAGING)]
        races = [_race(publisher, repository, setting.model) for _ in range(max(1, setting.count // 10))]
    verified = _verify_by_command(root)
    return Findings(
        bars=[
            at_most("torn versions seen while publishers ran", len(reader.torn), 0),
            at_most("torn versions after a kill", failed_checks, 0),
            at_least("publishing works after the last kill", float(after_kills.isdigit()), 1),
            at_most("folders left over after that", len(left), 0),
            at_least("races of two for one number with one winner", sum(races), len(races)),
            at_most("exit status of `fount models verify`", verified, 0),
        ],
        figures={
            "kills": setting.count,
            "versions_published": int(after_kills) if after_kills.isdigit() else after_kills,
            "looks_of_the_reader": reader.looks,
            "torn": reader.torn[:10],
        },
    )


def _race(publisher: Publisher, repository: ModelRepository, name: str) -> bool:
    number = str(repository.list_versions(name)[-1] + 1)
    return sorted(publisher.tell(f"race {_RACERS} {number}").split()) == sorted([number, "version-exists"])


def _verify_by_command(root: Path) -> int:
    command: list[Any] = [sys.executable, "-m", "app", "models", "verify", "--repository", root]
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode
