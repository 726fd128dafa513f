"""Every check, in the order in which they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.diagnosis import compute, door, machine, models, service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from app.cli.diagnosis.finding import Case, Finding

CHECKS: Mapping[str, Callable[[Case], Iterator[Finding]]] = {
    "python": machine.check_python,
    "packages": machine.check_packages,
    "cores": machine.check_cores,
    "memory": machine.check_memory,
    "files": machine.check_files,
    "pixels": machine.check_shared_memory,
    "temporary": machine.check_temporary,
    "runs": machine.check_runs,
    "clock": machine.check_clock,
    "torch": compute.check_torch,
    "serving": compute.check_serving,
    "digits": compute.check_digits,
    "settings": door.check_settings,
    "port": door.check_port,
    "keys": door.check_keys,
    "repository": models.check_repository,
    "models": models.check_models,
    "aliases": models.check_aliases,
    "service": service.check_service,
}
