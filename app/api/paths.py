"""Which route a path would reach, without asking the route."""

from functools import cached_property
from re import Pattern

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from app.api.monitoring.answered import UNMATCHED


class RouteTemplates:
    """Names templates of routes without calling them, for requests that are refused before.

    Args:
        owner: Has the routes; all of them when the first path is named.
    """

    def __init__(self, owner: FastAPI) -> None:
        self._owner = owner

    def name(self, path: str) -> str:
        """Return the template that a path would reach, whatever the method; ``unmatched`` if there is none."""
        if path in self._whole:
            return path
        return next((template for pattern, template in self._patterned if pattern.match(path)), UNMATCHED)

    @cached_property
    def _templates(self) -> dict[str, Pattern[str]]:
        routes = iter_route_contexts(self._owner.routes)
        return {route.path_format: route.path_regex for route in routes if route.path_format is not None}

    @cached_property
    def _whole(self) -> frozenset[str]:
        return frozenset(template for template in self._templates if "{" not in template)

    @cached_property
    def _patterned(self) -> list[tuple[Pattern[str], str]]:
        return [(pattern, template) for template, pattern in self._templates.items() if template not in self._whole]
