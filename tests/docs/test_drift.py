"""What the code has, the documentation names; what the documentation has, its site shows."""

import re
import tomllib

import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path

from app.api.keys import AccessScope
from app.augmentation.presets import PRESETS
from app.augmentation.registry import COMBINATORS, OPERATIONS
from app.cli.verbs import VERBS, load_verb
from app.core.settings import Settings
from app.generators.registry import ARCHITECTURES
from app.imaging.formats.registry import FORMATS
from app.main import create_app
from app.repository.evaluation import _READING_ORDER
from app.training.objectives.registry import OBJECTIVES
from tests.docs.pages import PAGES, ROOT, read

RECIPES = [path.stem for path in (ROOT / "app/training/recipes").glob("*.toml")]
FRAMEWORK = {"/docs", "/openapi.json"}
CODE = re.compile(r"`+([^`\n]+)`+")
KINDS = {
    "operations": (
        [node.model_fields["op"].default for node in (*OPERATIONS, *COMBINATORS)],
        "augmentation-operations",
    ),
    "presets": (list(PRESETS), "augmentation-operations"),
    "formats": ([one.value for one in FORMATS], "formats"),
    "architectures": (list(ARCHITECTURES), "families"),
    "objectives": (list(OBJECTIVES), "training"),
    "recipes": (RECIPES, "training"),
    "figures": (list(_READING_ORDER), "evaluation"),
    "scopes": ([scope.value for scope in AccessScope], "operations"),
}


def undocumented(names, text):
    """List the names that do not stand as code, or as a part of it, in a text."""
    known = {word for piece in CODE.findall(text) for word in re.findall(r"[\w.-]+", piece)}
    return sorted(set(names) - known)


def verbs():
    for verb in VERBS:
        command = load_verb(verb)
        inner = getattr(command, "commands", None)
        yield from ([f"fount {verb} {name}" for name in inner] if inner else [f"fount {verb}"])


def listed(entry):
    """Yield the pages of a part of the navigation."""
    if isinstance(entry, str):
        yield entry
    for inner in entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ():
        yield from listed(inner)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_code_has_is_documented(kind):
    names, page = KINDS[kind]

    assert names != []
    assert [] == undocumented(names, read(f"docs/{page}.md"))


def test_every_verb_has_its_section():
    headings = re.findall(r"^## (fount .+)$", read("docs/command-line.md"), re.MULTILINE)

    assert set() == set(verbs()) - set(headings)


def test_every_route_stands_on_a_page():
    app = create_app(Settings())
    paths = {compile_path(route.path)[1] for route in iter_route_contexts(app.routes) if route.path} - FRAMEWORK
    text = "\n".join(map(read, PAGES))

    assert "/v1/samples" in paths
    assert [] == sorted(path for path in paths if path not in text)


def test_a_name_that_is_nowhere_is_missed():
    assert ["flop"] == undocumented(["flip", "flop", "flap"], "`flip` and `{flap: 1}`, flop")


def test_every_page_is_in_the_navigation_of_the_site_once():
    navigation = tomllib.loads(read("docs/zensical.toml"))["project"]["nav"]
    pages = list(listed(navigation))

    assert sorted(PAGES) == sorted(set(pages))
    assert len(pages) == len(set(pages))
