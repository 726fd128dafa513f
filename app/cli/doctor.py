"""``fount doctor``: what this machine can do, and what is wrong with it, in words."""

from __future__ import annotations

import dataclasses
import platform
import socket
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from app.cli.console import console, plain, print_json
from app.core.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.core.settings import Settings

WORTHWHILE = 1.2  # times as fast; less is not worth other pixels


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``advice`` says what to do when it is not well."""

    name: str
    is_well: bool
    detail: str
    advice: str = ""


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Look at this machine, the settings and the models; exit status 1 if anything keeps Fount from serving."""
    findings = [finding for check in _CHECKS for finding in _run(check)]
    if as_json:
        print_json({"findings": [dataclasses.asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            _print(finding)
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


def _run(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Run a check; one that breaks is itself a finding."""
    name = check.__name__.removeprefix("_check_")
    try:
        yield from check()
    except ServiceError as error:
        yield Finding(name, is_well=False, detail=error.detail)
    except ImportError as error:
        yield Finding(name, is_well=False, detail=str(error), advice="install Fount again: `make run` does")


def _print(finding: Finding) -> None:
    mark = Text("ok    ", style="green") if finding.is_well else Text("wrong ", style="red")
    console.print(Text.assemble(mark, f"{finding.name:<12}", plain(finding.detail)), soft_wrap=True)
    if finding.advice:
        console.print(Text.assemble(" " * 18, ("hint: ", "cyan"), plain(finding.advice)), soft_wrap=True)


def _check_python() -> Iterator[Finding]:
    from app.serving.cores import count_cores

    yield Finding("python", is_well=True, detail=f"{platform.python_version()} on {platform.machine()}")
    yield Finding("cores", is_well=True, detail=str(count_cores()))


def _check_torch() -> Iterator[Finding]:
    import torch

    from app.training.compute.runtime import fastest_precision

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    yield Finding("torch", is_well=True, detail=f"{torch.__version__} on {device.type} ({name})")
    yield Finding("training", is_well=True, detail=f"fastest in {fastest_precision(device)} here, as measured now")


def _check_serving() -> Iterator[Finding]:
    import torch

    from app.worker.device import open_device
    from app.worker.trial import time_bfloat16

    settings = _load_settings().worker
    device = open_device(settings.device, settings.threads or torch.get_num_threads())
    ratio = time_bfloat16(device)
    detail = f"computes in {settings.precision} on {device.type}; bfloat16 is {ratio:.2f} times as fast as float32 here"
    yield Finding("serving", is_well=True, detail=detail, advice=advise_precision(settings.precision, ratio))


def advise_precision(precision: str, ratio: float) -> str:
    """Say what to do about a precision, where bfloat16 is so many times as fast as float32; empty for nothing."""
    if precision == "float32" and ratio > WORTHWHILE:
        return "`FOUNT_WORKER__PRECISION=bfloat16` is faster; it moves pixels by some grey levels"
    if precision == "bfloat16" and ratio < 1:
        return "`FOUNT_WORKER__PRECISION=float32` is faster here, and exact"
    return ""


def _check_digits() -> Iterator[Finding]:
    try:
        import sklearn
    except ImportError:
        advice = "`pip install 'fount[train]'` brings them; everything else works without"
        yield Finding("digits", is_well=True, detail="the built-in digits are not installed", advice=advice)
    else:
        yield Finding(
            "digits", is_well=True, detail=f"the built-in digits come from scikit-learn {sklearn.__version__}"
        )


def _check_settings() -> Iterator[Finding]:
    from app.core.settings import check_exposure

    settings = _load_settings()
    check_exposure(settings)
    door = "keys are required" if settings.has_keys else "no keys, open to this machine only"
    if settings.http.insecure and not settings.has_keys:
        door = "no keys, open to everybody who reaches it (insecure)"
    yield Finding("settings", is_well=True, detail=f"{settings.http.host}:{settings.http.port}, {door}")
    with socket.socket() as probe:
        is_taken = probe.connect_ex((settings.http.host, settings.http.port)) == 0
    detail = f"something answers on {settings.http.port} already" if is_taken else f"{settings.http.port} is free"
    yield Finding("port", is_well=True, detail=detail, advice="serve on another --port" if is_taken else "")


def _check_models() -> Iterator[Finding]:
    from app.repository.store import ModelRepository

    repository = ModelRepository(_load_settings().repository.url)
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


def _load_settings() -> Settings:
    from app.core.settings import load_settings

    return load_settings()


_CHECKS = (_check_python, _check_torch, _check_serving, _check_digits, _check_settings, _check_models)
