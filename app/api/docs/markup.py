"""HTML from small parts: whatever is not markup already is escaped on its way into an element."""

import html
import re
from dataclasses import dataclass
from typing import Final, TypeAlias

_CODE = re.compile(r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)", re.DOTALL)
_BLANK_LINE = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Html:
    """Text that is markup already."""

    text: str


Content: TypeAlias = str | Html

NOTHING: Final = Html("")


def element(name: str, *children: Content, **attributes: str) -> Html:
    """Build an element.

    Args:
        name: Its name.
        children: What it holds; strings are escaped.
        attributes: Its attributes, escaped; ``class_`` stands for ``class``, and ``_`` for ``-``.
    """
    written = "".join(f' {_attribute(key)}="{html.escape(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{written}>{join(*children).text}</{name}>")


def join(*children: Content, by: Html = NOTHING) -> Html:
    """Put parts next to each other, with ``by`` between them; strings are escaped."""
    return Html(by.text.join(_escape(child) for child in children))


def code(text: str) -> Html:
    """Mark text as code."""
    return element("code", text)


def inline(text: str) -> Html:
    """Render one run of text; of Markdown it knows what stands between backticks."""
    parts: list[Content] = []
    end = 0
    for match in _CODE.finditer(text):
        parts += [text[end : match.start()], code(match["code"])]
        end = match.end()
    return join(*parts, text[end:])


def paragraphs(text: str) -> Html:
    """Render text whose paragraphs are parted by blank lines."""
    blocks = [block.strip() for block in _BLANK_LINE.split(text)]
    return join(*(element("p", inline(block)) for block in blocks if block))


def _escape(child: Content) -> str:
    return child.text if isinstance(child, Html) else html.escape(child)


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
