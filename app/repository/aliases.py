"""Aliases of one model: movable names for versions, and where each pointed before. Pure; knows no storage."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from app.core.errors import AliasNotFoundError, ConflictError, ManifestError
from app.repository.manifest import MAX_VERSION
from app.schemas.names import ALIAS_PATTERN

SCHEMA: Final = "fount-aliases/1"
MAX_ALIASES_BYTES = 2**20
MAX_HISTORY = 100

Alias: TypeAlias = Annotated[str, StringConstraints(pattern=rf"^{ALIAS_PATTERN}$")]
Version: TypeAlias = Annotated[int, Field(ge=1, le=MAX_VERSION)]


class AliasTable(BaseModel):
    """The aliases of a model; every change makes a new table."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    schema_: Literal["fount-aliases/1"] = Field(SCHEMA, alias="schema")
    aliases: dict[Alias, Version] = Field(default_factory=dict)
    history: dict[Alias, Annotated[list[Version], Field(max_length=MAX_HISTORY)]] = Field(default_factory=dict)

    def moved(self, alias: str, version: int) -> "AliasTable":
        """Point an alias to a version and remember where it pointed; nothing changes when it points there already."""
        previous = self.aliases.get(alias)
        if previous == version:
            return self
        trail = [*self.history.get(alias, ()), *([] if previous is None else [previous])]
        return self._with(alias, version, trail[-MAX_HISTORY:])

    def rolled_back(self, alias: str, available: set[int]) -> "AliasTable":
        """Point an alias to where it pointed before its last move.

        Each call goes one step further back; versions that are gone are passed over.

        Raises:
            AliasNotFoundError: If there is no such alias.
            ConflictError: If it never pointed to another version that is still there.
        """
        if alias not in self.aliases:
            raise AliasNotFoundError("the model has no such alias")
        trail = list(self.history.get(alias, ()))
        while trail:
            version = trail.pop()
            if version in available and version != self.aliases[alias]:
                return self._with(alias, version, trail)
        raise ConflictError("there is no earlier version to go back to")

    def without(self, alias: str) -> "AliasTable":
        """Forget an alias and its history."""
        aliases = {key: version for key, version in self.aliases.items() if key != alias}
        history = {key: trail for key, trail in self.history.items() if key != alias}
        return AliasTable(aliases=aliases, history=history)

    def _with(self, alias: str, version: int, trail: list[int]) -> "AliasTable":
        return AliasTable(aliases={**self.aliases, alias: version}, history={**self.history, alias: trail})


def dump_aliases(table: AliasTable) -> bytes:
    """Write a table as the JSON that is stored."""
    return f"{table.model_dump_json(by_alias=True, indent=2)}\n".encode()


def parse_aliases(data: bytes) -> AliasTable:
    """Read a stored table.

    Raises:
        ManifestError: If it is too large, not JSON, or breaks the schema.
    """
    if len(data) > MAX_ALIASES_BYTES:
        raise ManifestError("aliases.json is larger than 1 MiB", limit=MAX_ALIASES_BYTES)
    try:
        return AliasTable.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ManifestError(f"aliases.json: {first['msg']}") from error
