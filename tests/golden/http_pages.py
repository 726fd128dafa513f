"""Renders ``docs/http/``: a page per tag of the interface, with a command for each operation that runs as it stands."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial

from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path

from app.api.docs.application import _find_scopes
from app.api.docs.commands import BASE_URL, TOKEN, USUAL, write_command
from app.api.docs.fields import Field
from app.api.docs.outline import Answer, Operation, Outline, Section, read_outline
from app.core.settings import Settings
from app.main import create_app

LOCAL = "http://127.0.0.1:8000"
ORDER = {"PUT": 0, "GET": 1, "POST": 1, "DELETE": 2}
INDEX = """\
# HTTP by route

Base address: `http://127.0.0.1:8000` where nothing else was said. Bodies are JSON, UTF-8, of at most
`FOUNT_HTTP__BODY_LIMIT_BYTES`; a field that is unknown is refused. Every error is a [problem](../errors.md). Every
answer has `X-Request-ID`. Where keys are configured, send `Authorization: Bearer KEY`; the scope that each route needs
is beside it.

The same is at `/docs` of a running service, and for machines at `/openapi.json`. Clients of others are spoken to in
[their dialects](../dialects.md).

| route | does | scope |
|---|---|---|"""
HEAD = """\
Commands run as they stand against a service of the models that come with Fount. Where there are keys, add
`-H "Authorization: Bearer $FOUNT_API_KEY"`."""
OTHERS = """\

## Beside the interface

Not in `/openapi.json`: [dialects of others](../dialects.md), the [web page](../web-page.md), and what describes the
interface.

| route | is | scope |
|---|---|---|"""
KINDS = {
    "/openai": "[OpenAI images](../dialects.md)",
    "/v1/images": "[OpenAI images](../dialects.md)",
    "/v2": "[Open Inference Protocol v2](../dialects.md)",
    "/hf": "[Hugging Face Inference](../dialects.md)",
    "/openapi.json": "the interface for machines",
    "/docs": "the interface as a page",
}
GENERATED = "Rendered from the code by `make golden`."
PREPARED = {
    TOKEN: f"""\
Commands name a data set by its token:

```sh
TOKEN=$(curl -s -X POST {LOCAL}/v1/datasets -H 'content-type: application/json' \\
  -d '{{"samples": [{{"model": "mnist-gan", "num_samples": 100, "seed": 3}}]}}' |
  python -c 'import json, sys; print(json.load(sys.stdin)["token"])')
```
""",
    "@sample.png": f"""\
Commands send a picture:

```sh
curl -s '{LOCAL}/v1/models/mnist-gan/versions/1/samples/1/7.png?class_label=7' -o sample.png
```
""",
}


def http_pages() -> dict[str, Callable[[], str]]:
    """Name every page with what renders it."""
    names = ("samples", "augmentations", "datasets", "models", "operations")
    return {"docs/http/README.md": render_index} | {
        f"docs/http/{name}.md": partial(render_section, name) for name in names
    }


@cache
def outline() -> Outline:
    app = create_app(Settings())
    return read_outline(app.openapi(), dict(_find_scopes(app)))


def render_index() -> str:
    """Render the list of all routes."""
    rows = [
        f"| [`{one.method} {one.path}`]({section.name}.md#{anchor(one)}) | {cell(first_sentence(one))} | {scope(one)} |"
        for section in outline().sections
        for one in ordered(section)
    ]
    return "\n".join([INDEX, *rows, OTHERS, *other_rows(), "", GENERATED, ""])


def other_rows() -> Iterator[str]:
    """Write a row for each route that the OpenAPI document leaves out."""
    app = create_app(Settings())
    scopes = dict(_find_scopes(app))
    described = set(app.openapi()["paths"])
    for route in iter_route_contexts(app.routes):
        path = compile_path(route.path or "")[1]  # without the types of its parameters
        if path and path not in described:
            methods = "|".join(sorted(set(route.methods or ()) - {"HEAD"})) or "GET"
            needed = f"`{scopes[route.name]}`" if route.name in scopes else "none"
            yield f"| `{methods} {path}` | {kind_of(path)} | {needed} |"


def kind_of(path: str) -> str:
    """Say what a route outside of the OpenAPI document is part of."""
    return next((text for start, text in KINDS.items() if path.startswith(start)), "the web page")


def render_section(name: str) -> str:
    """Render the page of one tag."""
    section = next(one for one in outline().sections if one.name == name)
    operations = ordered(section)
    commands = [command(one) for one in operations]
    prepared = [text for word, text in PREPARED.items() if any(word in one for one in commands)]
    title = f"# {name.capitalize()} over HTTP"
    return "\n".join(
        [title, "", section.description, "", HEAD, "", *prepared, *map(render_operation, operations), GENERATED, ""]
    )


def ordered(section: Section) -> list[Operation]:
    """Order operations so that commands find what those before them made."""
    paths = list(dict.fromkeys(one.path for one in section.operations))
    return sorted(section.operations, key=lambda one: (paths.index(one.path), ORDER[one.method]))


def title_of(operation: Operation) -> str:
    return operation.summary.capitalize()


def anchor(operation: Operation) -> str:
    return title_of(operation).lower().replace(" ", "-")


def first_sentence(operation: Operation) -> str:
    return operation.description.strip().split("\n\n")[0].split(". ")[0].rstrip(".")


def scope(operation: Operation) -> str:
    return "none" if operation.scope is None else f"`{operation.scope}`"


def command(operation: Operation) -> str:
    return write_command(operation, USUAL, with_key=False).replace(BASE_URL, LOCAL)


def render_operation(operation: Operation) -> str:
    """Render one operation: its command, what it takes, what comes back, what can go wrong."""
    parts = [f"## {title_of(operation)}", "", f"`{operation.method} {operation.path}` · scope: {scope(operation)}", ""]
    parts += [operation.description.strip(), "", "```sh", command(operation), "```", ""]
    if operation.parameters:
        parts += [*fields("parameter", operation.parameters), ""]
    if operation.body is not None:
        text = operation.body.description.strip()
        parts += [f"Body, `{operation.body.media_type}`." + (f" {text}" if text else ""), ""]
        parts += [*fields("field", operation.body.fields), ""]
    for answer in operation.answers:
        parts += [*render_answer(answer), ""]
    return "\n".join([*parts, *problems(operation)])


def render_answer(answer: Answer) -> Iterator[str]:
    kinds = ", ".join(f"`{one}`" for one in answer.media_types)
    yield f"**{answer.status}** {answer.description.strip()}" + (f" As {kinds}." if kinds else "")
    if answer.headers:
        yield from ("", "| header | meaning |", "|---|---|")
        yield from (f"| `{name}` | {cell(text)} |" for name, text in answer.headers.items())
    if answer.fields:
        yield ""
        yield from fields("field of the answer", answer.fields)


def fields(title: str, listed: Iterable[Field]) -> Iterator[str]:
    yield f"| {title} | type | meaning |"
    yield "|---|---|---|"
    for one in listed:
        place = f", in {one.place}" if one.place in {"path", "query", "header"} else ""
        required = ", required" if one.is_required and one.place not in {"answer", "path"} else ""
        facts = [
            one.bounds[:1].upper() + one.bounds[1:] if one.bounds else "",
            f"Default `{one.default}`" if one.default else "",
        ]
        text = " ".join([one.description, *(f"{fact}." for fact in facts if fact)])
        yield f"| `{one.name}` | {cell(one.kind)}{place}{required} | {cell(text)} |"


def problems(operation: Operation) -> Iterator[str]:
    if not operation.problems:
        return
    yield "| status | problems |"
    yield "|---|---|"
    for status, codes in operation.problems.items():
        yield f"| {status} | {', '.join(f'[`{code}`](../errors.md#{code})' for code in codes)} |"
    yield ""


def cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
