"""API keys: who a bearer is and what they may do; stored as hashes, re-read when the file changes. Knows no HTTP."""

import enum
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.core.errors import ConfigurationError
from app.core.logging import get_logger
from app.core.settings import Settings

KEY_PREFIX = "fount_"
MAX_KEY_LENGTH = 512
MAX_FILE_BYTES = 2**20

_log = get_logger("keys")

Stamp: TypeAlias = tuple[int, int, int]


class AccessScope(enum.StrEnum):
    """What a key may be allowed to do."""

    READ = "read"
    SAMPLE = "sample"
    AUGMENT = "augment"
    ADMIN = "admin"


class StoredKey(BaseModel):
    """One key as the file has it; the key itself is nowhere. Rates that are left out are those of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    scopes: list[AccessScope] = Field(min_length=1)
    created: AwareDatetime
    note: str = Field("", max_length=200)
    requests_per_minute: int | None = Field(None, ge=0, le=10_000_000)
    device_seconds_per_minute: float | None = Field(None, ge=0, le=1_000_000, allow_inf_nan=False)


_FILE = TypeAdapter(list[StoredKey])


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request.

    Attributes:
        id: Of the key.
        scopes: What the key may do.
        requests_per_minute: Of its own; 0: any number, None: as the settings say.
        device_seconds_per_minute: Of its own, likewise.
    """

    id: str
    scopes: frozenset[AccessScope]
    requests_per_minute: int | None = None
    device_seconds_per_minute: float | None = None


ANYBODY = Caller("anybody", frozenset(AccessScope))


def hash_key(key: str) -> str:
    """Return what is stored of a key; keys are long and random, so that one round of SHA-256 is enough."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def draw_key() -> str:
    """Draw a new key of 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def read_keys_file(path: Path) -> list[StoredKey]:
    """Read a keys file.

    Raises:
        ConfigurationError: If it cannot be read, or is not a list of keys.
    """
    try:
        data = path.read_bytes()
        if len(data) > MAX_FILE_BYTES:
            raise ConfigurationError("the keys file is larger than 1 MiB", setting="keys_file")
        keys = _FILE.validate_json(data)
    except OSError as error:
        raise ConfigurationError(f"cannot read the keys file: {error.strerror}", setting="keys_file") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "document"
        raise ConfigurationError(f"the keys file is not valid: {where}: {first['msg']}", setting="keys_file") from error
    if len({key.id for key in keys}) != len(keys):
        raise ConfigurationError("the keys file has the same id twice", setting="keys_file")
    return keys


def write_keys_file(path: Path, keys: list[StoredKey]) -> None:
    """Replace a keys file in one step, readable by its owner only."""
    document = json.dumps(_FILE.dump_python(keys, mode="json", exclude_none=True), indent=2, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # created with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class KeyRing:
    """Knows the keys of the settings; a changed keys file counts from the next request on.

    Args:
        settings: Where the keys come from; without any, everybody may do everything.

    Raises:
        ConfigurationError: If the keys file is not usable now. A file that becomes unusable later is logged, and the
            keys that were read last stay in force.
    """

    def __init__(self, settings: Settings) -> None:
        self._path = settings.keys_file
        self._fixed: list[tuple[str, Caller]] = []
        if settings.api_key is not None:
            caller = Caller("environment", frozenset(AccessScope))
            self._fixed.append((hash_key(settings.api_key.get_secret_value()), caller))
        self._is_open = not settings.has_keys
        self._stamp: Stamp | None = None
        self._stored: list[tuple[str, Caller]] = []
        if self._path is not None:
            self._load(self._path)

    @property
    def is_open(self) -> bool:
        """Whether callers need no key."""
        return self._is_open

    def identify(self, key: str) -> Caller | None:
        """Find the caller with this key, in time that does not depend on which key is nearest."""
        self._refresh()
        if len(key) > MAX_KEY_LENGTH:
            return None
        digest = hash_key(key)
        found = None
        for known, caller in (*self._fixed, *self._stored):
            if hmac.compare_digest(known, digest):
                found = caller
        return found

    def _refresh(self) -> None:
        if self._path is None:
            return
        try:
            if _stamp(self._path) != self._stamp:
                self._load(self._path)
        except ConfigurationError as error:
            _log.warning("keys_file_unusable", reason=error.detail)
        except OSError as error:
            _log.warning("keys_file_unusable", reason=error.strerror)

    def _load(self, path: Path) -> None:
        try:
            stamp = _stamp(path)
        except OSError as error:
            raise ConfigurationError(f"cannot read the keys file: {error.strerror}", setting="keys_file") from error
        self._stamp = stamp  # also of an unusable file, which is read again only when it changes
        self._stored = [(key.sha256, _caller_of(key)) for key in read_keys_file(path)]


def _caller_of(key: StoredKey) -> Caller:
    return Caller(key.id, frozenset(key.scopes), key.requests_per_minute, key.device_seconds_per_minute)


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return (status.st_mtime_ns, status.st_size, status.st_ino)
