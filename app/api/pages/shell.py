"""Pages as they are sent: rendered once, the same for everybody who may ask, and with a strict policy."""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from app import __version__
from app.api.pages.assets import read_assets
from app.api.pages.registry import PAGES, PageEntry

# Own files only, nothing inline, and no text that becomes markup or code.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


@dataclass(frozen=True, slots=True)
class Shell:
    """A page without data."""

    content: bytes
    tag: str


@cache
def render_shell(page: PageEntry, *, is_open: bool) -> Shell:
    """Render a page.

    Args:
        page: Which.
        is_open: Whether callers need no key: then what the page shows first is fetched along with it.
    """
    template = _environment().get_template(page.template)
    text = template.render(page=page, pages=PAGES, assets=read_assets().href, version=__version__, is_open=is_open)
    content = text.encode()
    return Shell(content, f'"{hashlib.sha256(content).hexdigest()[:32]}"')


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("app.api.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
