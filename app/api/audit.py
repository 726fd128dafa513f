"""Routes that change something leave a line: who changed what, or was kept from it."""

import re
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final

from fastapi import Request
from starlette.responses import Response

from app.api.keys import Caller
from app.api.strict import Handler, StrictRoute
from app.core.audit import Change, record_change
from app.schemas.names import ALIAS_PATTERN, NAME_PATTERN

_ACTIONS: Final[Mapping[str, str]] = {"PUT": "alias-moved", "DELETE": "alias-deleted"}
_TARGET = re.compile(rf"{NAME_PATTERN}@{ALIAS_PATTERN}", re.ASCII)
_present: ContextVar[Change] = ContextVar("change")


class AuditedRoute(StrictRoute):
    """A route that writes a line for each request that would change an alias, whatever becomes of it."""

    def get_route_handler(self) -> Handler:
        """Wrap the handler, scope check included: who was refused is written, too."""
        handle = super().get_route_handler()
        action = next((_ACTIONS[method] for method in self.methods or () if method in _ACTIONS), None)
        if action is None:
            return handle

        async def handle_audited(request: Request) -> Response:
            caller: Caller = request.scope["state"]["caller"]
            with record_change(Change(action, caller.id, _name_target(request))) as change:
                token = _present.set(change)
                try:
                    return await handle(request)
                finally:
                    _present.reset(token)

        return handle_audited


def note_change(before: int | None, after: int | None = None) -> None:
    """Note what the present request would change, as soon as that is known."""
    change = _present.get()
    change.before, change.after = before, after


def _name_target(request: Request) -> str:
    """Name the alias; what is no name is not written."""
    target = "{name}@{alias}".format(**request.path_params)
    return target if _TARGET.fullmatch(target) else "invalid"
