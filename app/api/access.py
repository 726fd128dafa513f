"""Which scope each route needs: declared where the route is, checked before the body of a request is read."""

from collections.abc import Iterable, Sequence
from typing import Any

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer as BearerModel
from fastapi.params import Depends as Dependency
from fastapi.security.base import SecurityBase

from app.api.keys import AccessScope, Caller
from app.core.errors import MissingScopeError


class ScopeCheck(SecurityBase):
    """Dependency of a route: refuses callers without its scope."""

    scheme_name = "bearer"

    def __init__(self, scope: AccessScope) -> None:
        self.scope = scope
        self.model = BearerModel(description="A key from `fount keys create`; not needed while none is configured.")

    async def __call__(self, request: Request) -> None:
        """Check the caller as a dependency of a route; see ``check``."""
        self.check(request)

    def check(self, request: Request) -> None:
        """Check the caller that the gate identified.

        Raises:
            MissingScopeError: If its key lacks the scope.
        """
        caller: Caller = request.scope["state"]["caller"]
        if self.scope not in caller.scopes:
            raise MissingScopeError(f"this route needs a key with the scope `{self.scope}`", scope=self.scope.value)


def requires(scope: AccessScope) -> Dependency:
    """Declare the scope that a route needs."""
    dependency: Dependency = Depends(ScopeCheck(scope))
    return dependency


def find_checks(dependencies: Iterable[Any]) -> list[ScopeCheck]:
    """Find what a route declares with ``requires``."""
    return [one.dependency for one in dependencies if isinstance(one.dependency, ScopeCheck)]


def check_any(request: Request, checks: Sequence[ScopeCheck]) -> None:
    """Refuse a caller who may use none of the methods of an address, whatever method it is asked with.

    Args:
        request: The request.
        checks: Of all routes at the address; none for a public one.

    Raises:
        MissingScopeError: If its key has none of their scopes; names one of them.
    """
    caller: Caller = request.scope["state"]["caller"]
    if checks and not any(one.scope in caller.scopes for one in checks):
        checks[0].check(request)
