"""Which page an application has now: rendered once, and again when what its commands ask for is gone."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from app.api.access import ScopeCheck
from app.api.docs.article import Reader
from app.api.docs.commands import USUAL, Subject
from app.api.docs.outline import read_outline
from app.api.docs.page import Page, render_page
from app.api.services import Services
from app.serving.catalog import Catalog


def find_page(app: FastAPI) -> Page:
    """Return the page of an application.

    While the service has keys, it names no model: everybody may read the page.
    """
    return _draw(app, _choose_reader(app))


async def open_page(app: FastAPI) -> Page:
    """Return the page of an application that serves: what takes long is done in a thread, by one caller for all."""
    reader = _choose_reader(app)
    if _is_drawn(app, reader):
        return _draw(app, reader)
    async with _lock_of(app):
        return await asyncio.to_thread(_draw, app, reader)


async def open_document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of an application that serves; it takes half a second to build, once."""
    if app.openapi_schema is None:
        async with _lock_of(app):
            return await asyncio.to_thread(app.openapi)
    return app.openapi_schema


def _choose_reader(app: FastAPI) -> Reader:
    services: Services = app.state.services
    has_keys = services.settings.has_keys
    return Reader(USUAL if has_keys else choose_subject(services.engine.catalog), has_keys)


def _is_drawn(app: FastAPI, reader: Reader) -> bool:
    page: Page | None = getattr(app.state, "docs_page", None)
    return page is not None and page.reader == reader


def _draw(app: FastAPI, reader: Reader) -> Page:
    if not _is_drawn(app, reader):
        page = render_page(read_outline(app.openapi(), dict(_find_scopes(app))), reader)
        app.state.docs_page = page
        return page
    known: Page = app.state.docs_page
    return known


def _lock_of(app: FastAPI) -> asyncio.Lock:
    if not hasattr(app.state, "docs_lock"):
        app.state.docs_lock = asyncio.Lock()
    lock: asyncio.Lock = app.state.docs_lock
    return lock


def choose_subject(catalog: Catalog) -> Subject:
    """Choose a version that is served now and that has the usual class, if there is one; beside it one that reads."""
    served = list(_list_subjects(catalog))
    usual = max((subject for subject, _ in served), key=_rate, default=USUAL)
    reader = max((subject for subject, reads in served if reads), key=_rate, default=None)
    return usual if reader is None else replace(usual, reader=reader)


def _rate(subject: Subject) -> tuple[bool, bool]:
    return subject.model == USUAL.model, subject.class_label == USUAL.class_label


def _list_subjects(catalog: Catalog) -> Iterator[tuple[Subject, bool]]:
    """Yield every version that is served by default, and whether it has an encoder."""
    for name in catalog.names():
        view = catalog.model(name)
        for one in view.versions:
            if one.ref.version == view.default_version:
                labels: list[str | None] = [*one.manifest.class_names]
                label = USUAL.class_label if USUAL.class_label in labels else next(iter(labels), None)
                yield Subject(name, one.ref.version, label, is_served=True), one.manifest.has_encoder


def _find_scopes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield identifier and scope of every route that needs a key."""
    for route in iter_route_contexts(app.routes):
        for dependency in route.dependant.dependencies:
            if isinstance(dependency.call, ScopeCheck):
                yield str(route.name), dependency.call.scope.value
