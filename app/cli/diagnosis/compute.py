"""What samples and training are computed with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.diagnosis.finding import Case, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

WORTHWHILE = 1.2  # times as fast; less is not worth other pixels


def check_torch(_: Case) -> Iterator[Finding]:
    """Tell what torch sees, and what it is fastest in."""
    import torch

    from app.training.compute.runtime import fastest_precision

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    yield Finding("torch", is_well=True, detail=f"{torch.__version__} on {device.type} ({name})")
    yield Finding("training", is_well=True, detail=f"fastest in {fastest_precision(device)} here, as measured now")


def check_serving(case: Case) -> Iterator[Finding]:
    """Open the device that a worker would, and compare the precisions on it."""
    import torch

    from app.worker.device import open_device
    from app.worker.trial import time_bfloat16

    settings = case.settings.worker
    try:
        device = open_device(settings.device, settings.threads or torch.get_num_threads())
    except (RuntimeError, AssertionError) as error:  # what torch raises for a device that is not there
        advice = "`FOUNT_WORKER__DEVICE=cpu` serves without it; else install its driver, and torch built for it"
        detail = f"the device `{settings.device}` cannot be used: {str(error).splitlines()[0]}"
        yield Finding("serving", is_well=False, detail=detail, advice=advice)
        return
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


def check_digits(_: Case) -> Iterator[Finding]:
    """Tell whether the built-in digits can be trained on."""
    try:
        import sklearn
    except ImportError:
        advice = "`pip install 'fount[train]'` brings them; everything else works without"
        yield Finding("digits", is_well=True, detail="the built-in digits are not installed", advice=advice)
    else:
        yield Finding(
            "digits", is_well=True, detail=f"the built-in digits come from scikit-learn {sklearn.__version__}"
        )
