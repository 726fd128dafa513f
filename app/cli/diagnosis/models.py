"""The repository: whether it can be read and written, how much room it has, and whether every version is sound."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.diagnosis.finding import Case, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.repository.store import ModelRepository

ROOM_BYTES = 256 * 2**20


def check_repository(case: Case) -> Iterator[Finding]:
    """Tell whether the folder of the models can be read, and be published to."""
    url = case.settings.repository.url
    if "://" in url:
        yield Finding("repository", is_well=True, detail=f"{url} is looked at by the checks of its models")
        return
    folder = Path(url)
    if not folder.exists():
        advice = "set `FOUNT_REPOSITORY__URL`, or publish: the first `fount train … --publish` makes it"
        yield Finding("repository", is_well=True, detail=f"{folder.resolve()} is not there yet", advice=advice)
    elif not (folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)):
        advice = "let the account that serves read it"
        yield Finding("repository", is_well=False, detail=f"{folder.resolve()} cannot be read", advice=advice)
    elif not os.access(folder, os.W_OK):
        advice = "for a service that is right; publish and promote from where it may be written"
        yield Finding("repository", is_well=True, detail=f"{folder.resolve()} may only be read", advice=advice)
    else:
        free = shutil.disk_usage(folder).free
        advice = "" if free >= ROOM_BYTES else "make room: `fount models remove` deletes a version that nobody needs"
        yield Finding("repository", is_well=True, detail=f"{folder.resolve()}, {free // 2**20} MiB free", advice=advice)


def check_models(case: Case) -> Iterator[Finding]:
    """Read every file of every version, and compare it with what was published."""
    repository = _open(case)
    checks = list(repository.verify_all())
    if not checks:
        advice = "`fount train digits --name digits-gan --publish` makes one"
        yield Finding("models", is_well=True, detail=f"there are none in {repository.url}", advice=advice)
    for check in checks:
        reference = f"{check.name}@{check.version}"
        if check.error is None:
            yield Finding("models", is_well=True, detail=f"{reference}: every file is as it was published")
        else:
            advice = f"`fount models remove {reference}`, or restore its files"
            yield Finding("models", is_well=False, detail=f"{reference}: {check.error.detail}", advice=advice)


def check_aliases(case: Case) -> Iterator[Finding]:
    """Look for aliases that point nowhere."""
    repository = _open(case)
    for name in repository.list_names():
        versions = repository.list_versions(name)
        for alias, version in repository.read_aliases(name).items():
            if version not in versions:
                advice = f"`fount models promote {name}@<version> --alias {alias}`"
                detail = f"{name}@{alias} points to version {version}, which is not there"
                yield Finding("aliases", is_well=False, detail=detail, advice=advice)


def _open(case: Case) -> ModelRepository:
    from app.repository.store import ModelRepository

    return ModelRepository(case.settings.repository.url)
