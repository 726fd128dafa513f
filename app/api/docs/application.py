"""Which page an application has now: rendered once, and again when what its commands ask for is gone."""

from collections.abc import Iterator
from dataclasses import replace

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
    services: Services = app.state.services
    has_keys = services.settings.has_keys
    reader = Reader(USUAL if has_keys else choose_subject(services.engine.catalog), has_keys)
    page: Page | None = getattr(app.state, "docs_page", None)
    if page is None or page.reader != reader:
        page = app.state.docs_page = render_page(read_outline(app.openapi(), dict(_find_scopes(app))), reader)
    return page


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
