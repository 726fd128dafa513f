"""A process that publishes copies of a version: one that is killed while it does, or some that race.

``python -m reliability.publisher ROOT SOURCE NAME VERSION`` reads commands on standard input: ``start`` begins a child
that publishes for ever, ``kill`` ends it with ``kill -9``, ``race N NUMBER`` lets N children publish at the same time,
``once`` publishes one version. Each is answered with a line.
"""

import os
import signal
import sys
from collections.abc import Mapping

from app.core.errors import ServiceError
from app.repository.manifest import Manifest
from app.repository.store import ModelRepository

KEPT = 3


def read_version(source: str, name: str, version: int) -> tuple[Manifest, dict[str, bytes]]:
    """Read a published version as a draft of another."""
    repository = ModelRepository(source)
    manifest = repository.verify(name, version)
    return manifest, {str(file): repository.read_file(name, version, file) for file in manifest.files}


def main() -> None:
    """Do what standard input says."""
    root, source, name, version = sys.argv[1:]
    repository = ModelRepository(root)
    draft, files = read_version(source, name, int(version))
    child = 0
    print("ready", flush=True)
    for line in sys.stdin:
        match line.split():
            case ["start"]:
                child = _begin(repository, draft, files)
                print(child, flush=True)
            case ["kill"]:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                print("killed", flush=True)
            case ["race", count, number]:
                print(*_race(repository, draft, files, int(count), int(number)), flush=True)
            case _:
                print(_publish(repository, draft, files), flush=True)


def _begin(repository: ModelRepository, draft: Manifest, files: Mapping[str, bytes]) -> int:
    child = os.fork()
    if child == 0:
        while True:
            published = repository.publish(draft, files).version
            if published > KEPT:
                repository.remove(draft.name, published - KEPT)
    return child


def _publish(
    repository: ModelRepository, draft: Manifest, files: Mapping[str, bytes], version: int | None = None
) -> str:
    try:
        return str(repository.publish(draft, files, version).version)
    except ServiceError as error:
        return error.code
    except OSError as error:
        return f"OSError-{error.errno}"


def _race(
    repository: ModelRepository, draft: Manifest, files: Mapping[str, bytes], count: int, number: int
) -> list[str]:
    """Let children publish at once; 0: each any number. Returns what each got."""
    start, starter = os.pipe()
    tells = []
    for _ in range(count):
        told, tell = os.pipe()
        if os.fork() == 0:
            os.close(starter)
            os.read(start, 1)  # ends for all when the parent closes its end
            os.write(tell, _publish(repository, draft, files, number).encode())
            os._exit(0)
        os.close(tell)
        tells.append(told)
    os.close(start)
    os.close(starter)
    won = [os.read(told, 100).decode() for told in tells]
    for told in tells:
        os.close(told)
        os.wait()
    return won


if __name__ == "__main__":
    main()
