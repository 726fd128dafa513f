"""Who would get in: the address, the port, and the keys."""

from __future__ import annotations

import errno
import socket
import stat
from typing import TYPE_CHECKING

from app.cli.diagnosis.finding import Case, Finding
from app.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator


def check_settings(case: Case) -> Iterator[Finding]:
    """Tell who may use the service at its address."""
    from app.core.settings import check_exposure

    settings = case.settings
    address = f"{settings.http.host}:{settings.http.port}"
    try:
        check_exposure(settings)
    except ConfigurationError as error:
        yield Finding("settings", is_well=False, detail=f"{address}: {error.detail}")
        return
    door = "keys are required" if settings.has_keys else "no keys, open to this machine only"
    advice = ""
    if settings.http.insecure and not settings.has_keys:
        door = "no keys, open to everybody who reaches it (insecure)"
        advice = "`fount keys create` makes a key, `FOUNT_KEYS_FILE` asks for it"
    yield Finding("settings", is_well=True, detail=f"{address}, {door}", advice=advice)


def check_port(case: Case) -> Iterator[Finding]:
    """Try whether the port can be taken."""
    host, port = case.settings.http.host, case.settings.http.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            advice = f"serve on another --port, or look at what is there: `fount doctor --url http://{host}:{port}`"
            yield Finding("port", is_well=True, detail=f"something answers on {port} already", advice=advice)
        else:
            advice = "serve on an address of this machine, and a --port above 1023"
            detail = f"{host}:{port} cannot be taken: {error.strerror}"
            yield Finding("port", is_well=False, detail=detail, advice=advice)
    else:
        yield Finding("port", is_well=True, detail=f"{port} is free")


def check_keys(case: Case) -> Iterator[Finding]:
    """Read the keys file, and tell who else may."""
    from app.api.keys import read_keys_file

    path = case.settings.keys_file
    if path is None:
        return
    keys = read_keys_file(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    detail = f"{len(keys)} in {path}, mode {mode:03o}"
    if mode & stat.S_IWOTH:
        yield Finding("keys", is_well=False, detail=f"{detail}: anybody here may add one", advice=f"`chmod 600 {path}`")
    elif mode & (stat.S_IRWXG | stat.S_IRWXO):
        advice = f"`chmod 600 {path}`: hashes of keys are nobody else's concern"
        yield Finding("keys", is_well=True, detail=detail, advice=advice)
    elif not keys:
        yield Finding("keys", is_well=True, detail=detail, advice="nobody gets in: `fount keys create` makes a key")
    else:
        yield Finding("keys", is_well=True, detail=detail)
