"""Which scope each route needs: declared where the route is, checked before the route runs."""

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
