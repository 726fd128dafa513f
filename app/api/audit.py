"""Routes that change something leave a line: who changed what, or was kept from it."""

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

from fastapi import Depends, Request
from fastapi.params import Depends as Dependency
from starlette.responses import Response

from app.api.keys import Caller
from app.api.strict import Handler, StrictRoute
from app.core.audit import Change, record_change
from app.schemas.names import split_reference

_present: ContextVar[Change] = ContextVar("change")


class AuditedAction:
    """Dependency of a route: says what its requests do, and to what; ``AuditedRoute`` writes it."""

    def __init__(self, action: str, target: str) -> None:
        self.action = action
        self._target = target

    async def __call__(self) -> None:
        """Do nothing: the line is written around the whole request."""

    def name_target(self, request: Request) -> str:
        """Name what is changed; what is no name is not written."""
        target = self._target.format(**request.path_params)
        try:
            split_reference(target)
        except ValueError:
            return "invalid"
        return target


def audits(action: str, target: str) -> Dependency:
    """Declare that requests for a route are written.

    Args:
        action: What they do: ``alias-moved``.
        target: What to, with names of parts of the path: ``{name}@{alias}``.
    """
    dependency: Dependency = Depends(AuditedAction(action, target))
    return dependency


class AuditedRoute(StrictRoute):
    """A route that writes a line for each request, whatever becomes of it, where it declares ``audits``."""

    def get_route_handler(self) -> Handler:
        """Wrap the handler, scope check included: who was refused is written, too."""
        handle = super().get_route_handler()
        audited = _find_action(self.dependencies)
        if audited is None:
            return handle

        async def handle_audited(request: Request) -> Response:
            caller: Caller = request.scope["state"]["caller"]
            with record_change(Change(audited.action, caller.id, audited.name_target(request))) as change:
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


def _find_action(dependencies: Iterable[Any]) -> AuditedAction | None:
    return next((one.dependency for one in dependencies if isinstance(one.dependency, AuditedAction)), None)
