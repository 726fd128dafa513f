"""Single bits of a published version are flipped: each flip is found, and none is ever served."""

import collections
import contextlib
import json
import os
import random
import shutil
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from app.core.errors import ServiceError
from app.repository.manifest import CARD_FILE, GRID_FILE, MANIFEST_FILE
from app.repository.store import ModelRepository
from app.schemas.models import VersionState
from reliability.asks import Ask, answer_calmly, ask_samples
from reliability.caller import Caller
from reliability.publisher import read_version
from reliability.report import Findings, at_least, at_most
from reliability.service import run_service, wait_for
from reliability.setting import Setting

_SERVED = 16
_NUM_SAMPLES = 8
_VERIFIED_S = 30.0
_UNLISTED = "unlisted"


def flip_bits(setting: Setting) -> Findings:
    """Flip one bit at a time and verify; then serve a repository in which most versions have one flipped."""
    version = ModelRepository(str(setting.repository)).list_versions(setting.model)[-1]
    accepted, flips, reasons = _verify_flips(setting, version)
    served = _serve_flips(setting, version)
    return Findings(
        bars=[
            at_least("flips", flips.total(), setting.count),
            at_most("flips that a verification passed", accepted.total(), 0),
            at_most("flipped versions that gave samples", served["answered"], 0),
            at_most("flipped files that were sent", served["sent"], 0),
            at_least("flipped versions listed as failed, or not at all", served["refused"], served["flipped"]),
            at_most("wrong answers of the sound version beside them", served["wrong"], 0),
        ],
        figures={"flips_by_file": dict(flips), "passed_by_file": dict(accepted), "reasons": dict(reasons)} | served,
    )


def _verify_flips(
    setting: Setting, version: int
) -> tuple[collections.Counter[str], collections.Counter[str], collections.Counter[str]]:
    """Flip bits of each file in turn, at any place; returns what passed, all flips, and what was said."""
    root = setting.folder / "flipped"
    shutil.copytree(setting.repository / setting.model, root / setting.model)
    repository, chance = ModelRepository(str(root)), random.Random(setting.seed)
    folder = root / setting.model / str(version)
    files = sorted(path for path in folder.iterdir() if path.is_file())
    accepted: collections.Counter[str] = collections.Counter()
    flips: collections.Counter[str] = collections.Counter()
    reasons: collections.Counter[str] = collections.Counter()
    for number in range(setting.count):
        path = files[number % len(files)]
        with flipped(path, chance.randrange(8 * path.stat().st_size)):
            check = repository.check(setting.model, version)
            passed = check.error is None or _gives_bytes(repository, setting.model, version, path.name)
        flips[path.name] += 1
        accepted[path.name] += passed
        reasons[check.error.code if check.error else "none"] += 1
    repository.verify(setting.model, version)  # all bits are back: it was the flips that were refused
    return +accepted, flips, reasons


@contextlib.contextmanager
def flipped(path: Path, bit: int) -> Iterator[None]:
    """Have one bit of a file be the other one meanwhile."""
    flip(path, bit)
    try:
        yield
    finally:
        flip(path, bit)


def flip(path: Path, bit: int) -> None:
    """Turn one bit of a file over, in place."""
    with path.open("r+b", buffering=0) as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))
        os.utime(path)  # a change on disk is seen by its time


def _gives_bytes(repository: ModelRepository, name: str, version: int, file: str) -> bool:
    """Whether the flipped file can be had in another way than by verifying the whole version."""
    try:
        if file == MANIFEST_FILE:
            repository.read_weights(repository.read_manifest(name, version))
        else:
            repository.read_file(name, version, file)
    except ServiceError:
        return False
    return True


def _serve_flips(setting: Setting, source: int) -> dict[str, int]:
    """Serve many copies of a version, all but the first with one bit flipped."""
    root, chance = setting.folder / "served", random.Random(setting.seed + 1)
    repository = ModelRepository(str(root))
    draft, files = read_version(str(setting.repository), setting.model, source)
    for _ in range(_SERVED + 1):
        repository.publish(draft, files)
    flips: dict[int, str] = {}
    for version in range(2, _SERVED + 2):
        folder = root / setting.model / str(version)
        path = sorted(folder.iterdir())[version % len(files)]
        flip(path, chance.randrange(8 * path.stat().st_size))
        flips[version] = path.name
    repository.set_alias(setting.model, "production", 1)
    with run_service(root, setting.folder, setting.settings) as service:
        ask = answer_calmly(service.port, [ask_samples(f"{setting.model}@1", _NUM_SAMPLES, setting.seed)])[0]
        with Caller(service.port) as caller:
            found = [_ask_flipped(caller, setting.model, version, file) for version, file in flips.items()]
            wrong = sum(caller.ask(ask).judge(ask) != "right" for _ in found)
    return {
        "flipped": len(found),
        "answered": sum(one["answered"] for one in found),
        "sent": sum(one["sent"] for one in found),
        "refused": sum(one["refused"] for one in found),
        "wrong": wrong,
    }


def _ask_flipped(caller: Caller, name: str, version: int, file: str) -> dict[str, bool]:
    """Ask for samples of a version with a flip, for the flipped file, and for what is said of the version."""
    path = f"/v1/models/{name}/versions/{version}"
    samples = caller.ask(ask_samples(f"{name}@{version}", _NUM_SAMPLES, 1))
    public = {GRID_FILE: "grid.png", CARD_FILE: "card"}.get(file)
    sent = caller.ask(Ask(file, "GET", f"{path}/{public}")) if public else None
    states = wait_for(lambda: _read_state(caller, path), "the version is verified", _VERIFIED_S)
    return {
        "answered": samples.status == HTTPStatus.OK,
        "sent": sent is not None and sent.status == HTTPStatus.OK,
        "refused": states <= {VersionState.FAILED, _UNLISTED},
    }


def _read_state(caller: Caller, path: str) -> set[str]:
    """Return the state of a version; nothing while it is not known."""
    answer = caller.ask(Ask("state", "GET", path), keep=True)
    if answer.status == HTTPStatus.NOT_FOUND:
        return {_UNLISTED}
    state: str = json.loads(answer.body)["state"]
    return {state} - {VersionState.VERIFYING, VersionState.WARMING}
