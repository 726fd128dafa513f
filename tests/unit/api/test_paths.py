import time

import pytest
from fastapi.routing import iter_route_contexts

from app.api.monitoring.answered import UNMATCHED
from app.api.paths import RouteTemplates
from app.main import create_app

MANY = 30_000


@pytest.fixture
def app(make_settings, engine):
    return create_app(make_settings(), engine)


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/v1/samples", "/v1/samples"),
        ("/v1/models/secret/aliases/secret", "/v1/models/{name}/aliases/{alias}"),
        (
            "/v1/models/tiny/versions/1/samples/1/2.png",
            "/v1/models/{name}/versions/{version}/samples/{seed}/{index}.{ext}",
        ),
        ("/v1/datasets/secret/README.md", "/v1/datasets/{token}/README.md"),
        ("/v2/models/secret/versions/1/infer", "/v2/models/{model}/versions/{version}/infer"),
        ("/v1/samples/", UNMATCHED),
        ("/secret", UNMATCHED),
        ("", UNMATCHED),
        ("/{name}", UNMATCHED),
    ],
)
def test_a_path_has_the_template_that_the_router_would_find(app, path, template):
    assert template == RouteTemplates(app).name(path)


def test_every_route_is_named_by_its_own_template(app):
    templates = RouteTemplates(app)
    found = {route.path_format for route in iter_route_contexts(app.routes)}

    assert found == {templates.name(one) for one in found}


@pytest.mark.parametrize("filler", [".", "a.", "a", "%2e"])
def test_no_path_takes_long_to_match(app, filler):
    """Time must not grow by the square of a path's length: half a second of this is half a second of silence."""
    routes = list(iter_route_contexts(app.routes))
    paths = [f"{route.path_format}{filler * MANY}/{{" for route in routes]
    paths += [path.replace("}.{", f"}}{filler * MANY}{{") for path in paths]
    started = time.perf_counter()

    matched = [route for route in routes for path in paths if route.path_regex.match(path)]

    assert ["/static/{digest}/{path}"] == sorted({route.path_format for route in matched})
    assert time.perf_counter() - started < 3
