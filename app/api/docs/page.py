"""The page as a whole: its head, its introduction, its contents, and an article per operation."""

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from app.api.docs.article import Reader, render_article, render_method
from app.api.docs.commands import BASE_URL
from app.api.docs.markup import Html, code, element, inline, join, paragraphs
from app.api.docs.outline import Outline, Section

FALLBACK_URL: Final = "http://127.0.0.1:8000"

# The host comes from the caller: it gets into commands only if neither HTML nor a shell sees anything in it.
_PLAIN_URL = re.compile(r"https?://(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?(?:/[\w.~-]+)*/?", re.ASCII | re.IGNORECASE)
_HEAD = Html(
    '<meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark">'
)


@dataclass(frozen=True, slots=True)
class Page:
    """The rendered page; only the address of the service is left open.

    Attributes:
        reader: Whom it was rendered for.
        policy: Its ``Content-Security-Policy``: its own style, and nothing else.
    """

    reader: Reader
    policy: str
    _text: str

    def at(self, base_url: str) -> str:
        """Return the page with commands that call the service at this address."""
        plain = base_url if _PLAIN_URL.fullmatch(base_url) else FALLBACK_URL
        return self._text.replace(BASE_URL, plain.rstrip("/"))


def render_page(outline: Outline, reader: Reader) -> Page:
    """Render the page of an interface."""
    style, digest = _read_style()
    policy = f"default-src 'none'; style-src '{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    document = join(
        Html('<!doctype html>\n<html lang="en">\n'),
        element("head", _HEAD, element("title", f"{outline.title} {outline.version}"), element("style", Html(style))),
        element(
            "body",
            element("a", "Skip to the operations", href="#operations", class_="skip"),
            _header(outline, reader),
            _contents(outline.sections),
            element("main", *(_section(one, reader) for one in outline.sections), id="operations", tabindex="-1"),
        ),
        Html("\n</html>\n"),
    )
    return Page(reader, policy, document.text)


@cache
def _read_style() -> tuple[str, str]:
    """Read the style and its digest as a policy writes it."""
    style = resources.files("app.api.docs").joinpath("docs.css").read_text(encoding="utf-8")
    return style, f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}"


def _header(outline: Outline, reader: Reader) -> Html:
    return element(
        "header",
        element("h1", outline.title, " ", element("span", outline.version, class_="version")),
        element("p", inline(outline.summary), class_="lead"),
        paragraphs(outline.description),
        element("p", element("strong", "Commands"), " ", inline(_explain_commands(reader))),
        element("p", element("strong", "Keys"), " ", inline(_explain_keys(reader))),
        element(
            "p", element("strong", "Machines"), " read ", element("a", code("/openapi.json"), href="/openapi.json")
        ),
    )


def _explain_commands(reader: Reader) -> str:
    model = f"`{reader.subject.model}`"
    which = f"{model}, which is served here" if reader.subject.is_served else f"{model}: put in a model of yours"
    return f"can be pasted into a shell as they are; they ask for {which}."


def _explain_keys(reader: Reader) -> str:
    if reader.has_keys:
        return (
            "are sent as `Authorization: Bearer …` and need the scope that an operation names. "
            "Commands read yours from the variable `FOUNT_API_KEY`."
        )
    return "are not needed, because none is configured. Where one is, it needs the scope that an operation names."


def _contents(sections: tuple[Section, ...]) -> Html:
    groups = [
        element("li", element("a", one.name.capitalize(), href=f"#tag-{one.name}"), _links(one)) for one in sections
    ]
    folded = element("details", element("summary", "Contents"), element("ul", *groups), open="")
    return element("nav", folded, aria_label="Contents")


def _links(section: Section) -> Html:
    links = [
        element("a", element("span", one.summary), " ", render_method(one.method), href=f"#{one.name}")
        for one in section.operations
    ]
    return element("ul", *(element("li", link) for link in links))


def _section(section: Section, reader: Reader) -> Html:
    identifier = f"tag-{section.name}"
    return element(
        "section",
        element("h2", section.name.capitalize(), id=identifier),
        element("p", inline(section.description), class_="lead"),
        *(render_article(one, reader) for one in section.operations),
        aria_labelledby=identifier,
    )
