"""The pages behind every problem's ``type``, one by one over HTTP and together as ``docs/errors.md``."""

from collections.abc import Iterator

from app.api.problems import Row, describe_codes, explain_error
from app.core.errors import iter_errors

_INTRODUCTION = """\
# Errors

Every error answer is an RFC 9457 problem (`application/problem+json`) with `type`, `title`, `status`, `detail`, `code`,
`request_id` and, where single values are wrong, `errors`: a list of `{pointer, code, detail}` with JSON pointers into
the body (`/class_label`) or the address (`/query/truncation`, `/path/seed`). Nothing that was sent is repeated. `type`
is the path of a page of the running service with the same text as here. `code` is stable; sentences may change.

This page is generated: `make golden`.
"""

_LOCAL = """\
# Errors that no request meets

Commands end with these, or the service does not start; they have a sentence and no status.
"""


def render_page(code: str) -> str | None:
    """Write the page of one code as Markdown; None if there is no such code."""
    entry = describe_codes().get(code)
    return None if entry is None else _render(code, *entry, heading="#")


def render_catalogue() -> str:
    """Write all pages as one Markdown document, and below them what only commands say."""
    sections = [_render(code, row, meaning, heading="##") for code, (row, meaning) in describe_codes().items()]
    local = sorted(
        f"## {error.code}\n\n{explain_error(error)}\n" for error in iter_errors() if error.code not in describe_codes()
    )
    return "\n".join([_INTRODUCTION, *_index(), *sections, _LOCAL, *local])


def _index() -> Iterator[str]:
    """Write the codes by status, each with a link to its section."""
    by_status: dict[int, list[str]] = {}
    for code, (row, _) in describe_codes().items():
        by_status.setdefault(row.status.value, []).append(f"[`{code}`](#{code})")
    yield "| status | codes |\n|---|---|"
    yield from (f"| {status} | {', '.join(codes)} |" for status, codes in sorted(by_status.items()))
    yield ""


def _render(code: str, row: Row, meaning: str, *, heading: str) -> str:
    return f"{heading} {code}\n\n**{row.status.value} {row.title}**\n\n{meaning}\n\n{row.advice}\n"
