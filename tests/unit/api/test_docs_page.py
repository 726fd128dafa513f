import html
import itertools
import re
from html.parser import HTMLParser

import pytest

from app.api.docs.application import find_page
from app.api.docs.article import Reader
from app.api.docs.commands import Subject
from app.api.docs.outline import read_outline
from app.api.docs.page import FALLBACK_URL, render_page
from app.api.problems import describe_codes
from app.core.settings import Settings
from app.main import create_app

APP = create_app(Settings())
DOCUMENT = APP.openapi()
PAGE = find_page(APP).at("http://fount.test")
OPERATIONS = [
    (path, method, operation) for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
]
HOSTILE = "</style><script>alert('x')</script> & \"<b>\" `<i>`"
VOID = {"meta", "wbr"}
FORBIDDEN = {"src", "srcset", "style", "action", "background"}


class Tree(HTMLParser):
    """Reads a page: elements with their attributes; every one that is opened must be closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.text = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == self.open.pop()

    def handle_data(self, data):
        self.text.append(data)

    def attributes(self, name):
        return [attributes[name] for _, attributes in self.elements if name in attributes]


TREE = Tree(PAGE)


def read_article(name):
    """Return the text of one operation's article."""
    article = re.search(rf'<article aria-labelledby="{name}">.*?</article>', PAGE, re.DOTALL)[0]
    return "".join(Tree(article).text)


@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=lambda one: one if isinstance(one, str) else ""
)
def test_every_operation_is_on_the_page_with_all_it_takes_and_answers(path, method, operation):
    article = read_article(operation["operationId"])

    assert f"{method.upper()} {path}" in article
    assert operation["summary"] in article
    assert operation["description"].replace("`", "") in article
    for parameter in operation.get("parameters", ()):
        assert parameter["name"] in article
        assert parameter.get("description", "").replace("`", "") in article
    for status, answer in operation["responses"].items():
        assert status in article
        assert all(media_type in article for media_type in answer.get("content", {}) if "problem" not in media_type)


def test_every_field_of_the_body_is_on_the_page():
    article = read_article("create_samples")

    for name, field in DOCUMENT["components"]["schemas"]["SampleRequest"]["properties"].items():
        assert name in article
        assert field["description"].replace("`", "") in article
    assert "truncation number" in article
    assert "Above 0, at most 1; default 1.0" in article
    assert 'String: length 1 to 100; integer: 0 to 99,999; example "7"' in article


def test_an_operation_says_which_scope_it_needs():
    assert "Scope sample" in read_article("create_samples")
    assert "Scope admin" in read_article("put_alias")
    assert "No key needed" in read_article("get_liveness")


def test_problems_lead_to_their_pages():
    links = {link.removeprefix("/problems/") for link in TREE.attributes("href") if link.startswith("/problems/")}

    assert {"invalid-parameter", "queue-full", "precondition-failed"} <= links <= describe_codes().keys()


def test_the_page_loads_nothing_and_runs_nothing():
    loaders = {"script", "link", "img", "iframe", "object", "embed", "form", "base", "audio", "video", "svg"}

    assert set() == loaders & {name for name, _ in TREE.elements}
    assert not [name for _, attributes in TREE.elements for name in attributes if name in FORBIDDEN or name[:2] == "on"]
    assert {"/openapi.json"} == {link for link in TREE.attributes("href") if not link.startswith(("#", "/problems/"))}
    assert not re.search(r"url\(|@import", PAGE)


def test_links_within_the_page_lead_somewhere():
    identifiers = TREE.attributes("id")
    targets = [link[1:] for link in TREE.attributes("href") if link.startswith("#")]

    assert len(identifiers) == len(set(identifiers))
    assert set(targets) | set(TREE.attributes("aria-labelledby")) == set(identifiers)


def test_headings_leave_no_level_out():
    levels = [int(name[1]) for name, _ in TREE.elements if re.fullmatch(r"h[1-6]", name)]

    assert 1 == levels[0]
    assert 1 == levels.count(1)
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_text_of_the_document_is_escaped():
    hostile = hostile_document()
    page = render_page(read_outline(hostile, {"it": HOSTILE}), Reader(Subject(HOSTILE, 1, HOSTILE), has_keys=True))

    names = {name for name, _ in Tree(page.at("http://fount.test")).elements}

    assert not names & {"script", "b", "i"}


def hostile_document():
    schema = {"type": "string", "description": HOSTILE, "default": HOSTILE, "pattern": HOSTILE, "enum": [HOSTILE]}
    parameters = [{"name": HOSTILE, "in": HOSTILE, "schema": schema}]
    body = {"type": "object", "properties": {HOSTILE: schema}, "examples": [{HOSTILE: HOSTILE}], "description": HOSTILE}
    answer = {
        "description": HOSTILE,
        "headers": {HOSTILE: {"description": HOSTILE}},
        "content": {HOSTILE: {}, "application/json": {"schema": body}},
    }
    operation = {
        "tags": [HOSTILE],
        "operationId": "it",
        "summary": HOSTILE,
        "description": HOSTILE,
        "parameters": parameters,
        "requestBody": {"content": {HOSTILE: {"schema": body}}},
        "responses": {"200": answer},
    }
    return {
        "info": {"title": HOSTILE, "version": HOSTILE, "summary": HOSTILE, "description": HOSTILE},
        "tags": [{"name": HOSTILE, "description": HOSTILE}],
        "paths": {f"/{HOSTILE}": {"post": operation}},
    }


def test_the_page_is_rendered_once():
    assert find_page(APP) is find_page(APP)


@pytest.mark.parametrize(
    "url", ["http://a'b/", "javascript:1", "http://a.test/?q", "http://a.test/<", "http://a:b/", ""]
)
def test_an_address_that_is_not_plain_is_replaced(url):
    assert f"curl '{FALLBACK_URL}/livez'" in html.unescape(find_page(APP).at(url))


def test_an_address_may_have_a_path():
    assert "curl 'https://a.test/fount/livez'" in html.unescape(find_page(APP).at("https://a.test/fount/"))
