"""``fount keys``: make, list and revoke API keys; a running service takes changes up by itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from app.cli.console import console, err_console, fail, plain, print_json
from app.cli.recording import recording
from app.core.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from pydantic import ValidationError

    from app.api.keys import AccessScope, StoredKey

DEFAULT_FILE = Path("keys.json")

keys_app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode="rich", help="Make, list and revoke API keys."
)

KeysFile = Annotated[
    Path | None,
    typer.Option("--keys-file", help="By default `FOUNT_KEYS_FILE`, else keys.json in this folder."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@keys_app.command("create", epilog="Example: `fount keys create --scopes read,sample --note trainer`")
def create_key(
    scopes: Annotated[str, typer.Option(help="Comma-separated: read, sample, augment, admin.")] = "read,sample",
    note: Annotated[str, typer.Option(help="What the key is for.")] = "",
    requests_per_minute: Annotated[
        int | None, typer.Option(min=0, help="Requests in a minute; 0: any number. Else as the service is set.")
    ] = None,
    device_seconds_per_minute: Annotated[
        float | None, typer.Option(min=0, help="Device time in a minute; 0: any. Else as the service is set.")
    ] = None,
    keys_file: KeysFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, once: only its hash is stored."""
    import secrets

    from pydantic import ValidationError

    from app.api.keys import StoredKey, draw_key, hash_key, write_keys_file
    from app.repository.manifest import utc_now

    path = _choose_file(keys_file)
    keys = _read(path)
    key = draw_key()
    try:
        entry = StoredKey(
            id=secrets.token_hex(4),
            sha256=hash_key(key),
            scopes=_parse_scopes(scopes),
            created=utc_now(),
            note=note,
            requests_per_minute=requests_per_minute,
            device_seconds_per_minute=device_seconds_per_minute,
        )
    except ValidationError as error:
        raise _explain(error) from None
    with recording("key-created", entry.id, after=" ".join(entry.scopes)):
        write_keys_file(path, [*keys, entry])
    if as_json:
        print_json({"id": entry.id, "key": key, "scopes": entry.scopes, "keys_file": str(path)})
        return
    typer.echo(key)
    err_console.print(f"key {entry.id} with {scopes}, hash stored in {path}; it is not shown again", markup=False)


@keys_app.command("list", epilog="Example: `fount keys list --json`")
def list_keys(keys_file: KeysFile = None, as_json: AsJson = False) -> None:
    """List the keys: ids, scopes and notes."""
    keys = _read(_choose_file(keys_file))
    if as_json:
        print_json({"keys": [key.model_dump(mode="json", exclude={"sha256"}, exclude_none=True) for key in keys]})
        return
    table = Table("id", "scopes", "rates", "created", "note", box=SIMPLE, padding=(0, 1, 0, 0))
    for key in keys:
        table.add_row(plain(key.id), ", ".join(key.scopes), _show_rates(key), key.created.isoformat(), plain(key.note))
    console.print(table)


@keys_app.command("revoke", epilog="Example: `fount keys revoke 1a2b3c4d`")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the key, from `fount keys list`.")],
    keys_file: KeysFile = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a key; a running service refuses it from the next request on."""
    from app.api.keys import write_keys_file

    path = _choose_file(keys_file)
    keys = _read(path)
    revoked = next((key for key in keys if key.id == key_id), None)
    if revoked is None:
        raise NotFoundError(f"no key has the id {key_id}", ids=[key.id for key in keys])
    with recording("key-revoked", key_id, before=" ".join(revoked.scopes)):
        write_keys_file(path, [key for key in keys if key is not revoked])
    if as_json:
        print_json({"id": key_id, "revoked": True})
        return
    err_console.print(f"revoked {key_id}", markup=False)


def _explain(error: ValidationError) -> typer.BadParameter:
    """Say which option a new key cannot be made with."""
    field = str(error.errors(include_url=False, include_input=False)[0]["loc"][0])
    rule = "a note has at most 200 characters" if field == "note" else "more than a key may be given"
    return typer.BadParameter(rule, param_hint=f"--{field.replace('_', '-')}")


def _show_rates(key: StoredKey) -> str:
    rates = {"requests": key.requests_per_minute, "device s": key.device_seconds_per_minute}
    return ", ".join(f"{rate or 'any'} {name}/min" for name, rate in rates.items() if rate is not None)


def _choose_file(given: Path | None) -> Path:
    from app.core.settings import load_settings

    if given is not None:
        return given
    try:
        return load_settings().keys_file or DEFAULT_FILE
    except ConfigurationError as error:
        fail(error)


def _read(path: Path) -> list[StoredKey]:
    from app.api.keys import read_keys_file

    if not path.exists():
        return []
    try:
        return read_keys_file(path)
    except ConfigurationError as error:
        fail(error)


def _parse_scopes(text: str) -> list[AccessScope]:
    from app.api.keys import AccessScope

    try:
        scopes = [AccessScope(part.strip()) for part in text.split(",")]
    except ValueError:
        known = ", ".join(AccessScope)
        raise typer.BadParameter(f"scopes are {known}", param_hint="--scopes") from None
    return list(dict.fromkeys(scopes))
