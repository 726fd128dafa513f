"""The short way to a route that is called thousands of times a second.

The framework's matching, middleware and dependencies cost such a request more than its samples do. What they promise is
kept here by the same functions that they would call: query, body, scope, problems.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.api.access import ScopeCheck
from app.api.keys import AccessScope
from app.api.problems import answer_error, answer_http_exception
from app.api.services import Services
from app.api.strict import check_query, read_document
from app.api.validation import explain_errors
from app.core.errors import ServiceError


@dataclass(frozen=True, slots=True)
class ExpressRoute:
    """A `POST` route with a JSON body, no query and no parts in its path.

    Attributes:
        path: The whole of it.
        model: Of the body.
        scope: That a key needs.
        check: Refuses what can be refused before the body is read.
        answer: The function of the route.
    """

    path: str
    model: type[BaseModel]
    scope: AccessScope
    check: Callable[[Services, Request], None]
    answer: Callable[[Any, Services, Request], Awaitable[Response]]

    @property
    def path_format(self) -> str:
        """Its template, as routes of the framework have it."""
        return self.path

    async def handle(self, request: Request) -> Response:
        """Answer a request as the framework would.

        Raises:
            ServiceError: The reason why it is refused.
            HTTPException: If its body is too large or too slow.
        """
        ScopeCheck(self.scope).check(request)
        check_query(request, [])
        services: Services = request.app.state.services
        self.check(services, request)
        document = await read_document(request)
        try:
            body = self.model.model_validate(document)
        except ValidationError as error:
            items = [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)]
            raise explain_errors(items, self.model) from None
        return await self.answer(body, services, request)


class Express:
    """An ASGI application of some routes, which another one has as well.

    Args:
        owner: The application that has the routes.
        routes: Which are answered here.
    """

    def __init__(self, *, owner: FastAPI, routes: Sequence[ExpressRoute]) -> None:
        self._owner = owner
        self._routes = {route.path: route for route in routes}

    def has(self, scope: Scope) -> bool:
        """Tell whether a request is answered here."""
        return scope["type"] == "http" and scope["path"] in self._routes and scope["method"] == "POST"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        route = self._routes[scope["path"]]
        scope["app"], scope["route"] = self._owner, route
        request = Request(scope, receive)
        try:
            response = await route.handle(request)
        except ServiceError as error:
            response = answer_error(scope, error)
        except HTTPException as error:
            response = await answer_http_exception(request, error)
        await response(scope, receive, send)
