"""One operation as HTML: what it is for, its command, what it takes, and what comes back."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.api.docs.commands import Subject, fill_body, write_command
from app.api.docs.fields import Field
from app.api.docs.markup import NOTHING, Content, Html, code, element, inline, join, paragraphs
from app.api.docs.outline import Answer, Body, Operation
from app.api.problems import describe_codes


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom the page is for.

    Attributes:
        subject: What commands ask for.
        has_keys: Whether the service asks for keys.
    """

    subject: Subject
    has_keys: bool


def render_article(operation: Operation, reader: Reader) -> Html:
    """Render one operation."""
    command = write_command(operation, reader.subject, with_key=reader.has_keys)
    return element(
        "article",
        element("h3", element("a", operation.summary, href=f"#{operation.name}"), id=operation.name),
        element("p", render_method(operation.method), " ", _path(operation.path), class_="route"),
        paragraphs(operation.description),
        element("p", _explain_access(operation.scope), class_="access"),
        element("h4", "Command"),
        element("pre", code(command)),
        _parameters(operation.parameters),
        _body(operation.body, reader.subject),
        _answers(operation.answers),
        _problems(operation.problems),
        aria_labelledby=operation.name,
    )


def render_method(method: str) -> Html:
    """Render the name of a method."""
    return element("span", method, class_=f"method {method.lower()}")


def _path(path: str) -> Html:
    """Write a path that a narrow screen may break after each slash."""
    return element("code", join(*path.split("/"), by=Html("/<wbr>")))


def _explain_access(scope: str | None) -> Html:
    return inline("No key needed" if scope is None else f"Scope `{scope}`")


def _parameters(fields: tuple[Field, ...]) -> Html:
    return join(element("h4", "Parameters"), _fields(fields)) if fields else NOTHING


def _body(body: Body | None, subject: Subject) -> Html:
    if body is None:
        return NOTHING
    title = element("h4", "Body ", code(body.media_type))
    return join(title, paragraphs(body.description), _fields(body.fields, fill_body(body.example, subject)))


def _fields(fields: Iterable[Field], examples: Mapping[str, Any] | None = None) -> Html:
    known = examples or {}
    rows = [(_field_name(field), _field_meaning(field, known.get(field.name))) for field in fields]
    return _definitions("fields", rows)


def _field_name(field: Field) -> Html:
    flags = [] if field.place in {"body", "answer"} else [field.place]
    flags += ["required"] if field.is_required and field.place != "answer" else []
    marks = [element("span", flag, class_=f"flag {flag}") for flag in flags]
    return join(code(field.name), element("span", field.kind, class_="kind"), *marks, by=Html(" "))


def _field_meaning(field: Field, example: Any) -> Html:
    facts = {
        "": field.bounds,
        "default ": field.default and f"`{field.default}`",
        "example ": None if example is None else f"`{json.dumps(example, ensure_ascii=False)}`",
    }
    known = "; ".join(f"{name}{fact}" for name, fact in facts.items() if fact)
    return join(
        element("p", inline(field.description)) if field.description else NOTHING,
        element("p", inline(known[0].upper() + known[1:]), class_="facts") if known else NOTHING,
    )


def _answers(answers: Iterable[Answer]) -> Html:
    rows = [(_status(answer.status), _answer(answer)) for answer in answers]
    return join(element("h4", "Answers"), _definitions("answers", rows))


def _answer(answer: Answer) -> Html:
    types = [element("li", code(media_type)) for media_type in answer.media_types]
    headers = [(code(name), element("p", inline(text))) for name, text in answer.headers.items()]
    return join(
        element("p", inline(answer.description)),
        element("ul", *types, class_="types") if types else NOTHING,
        _folded("Headers", len(headers), _definitions("fields", headers)),
        _folded("JSON fields", len(answer.fields), _fields(answer.fields)),
    )


def _problems(problems: Mapping[int, tuple[str, ...]]) -> Html:
    rows = [(_status(status), join(*(_problem(code) for code in codes))) for status, codes in problems.items()]
    return _folded("Problems", sum(map(len, problems.values())), _definitions("answers", rows))


def _problem(problem: str) -> Html:
    row, _ = describe_codes()[problem]
    return element("p", element("a", code(problem), href=f"/problems/{problem}"), " ", row.title)


def _status(status: int) -> Html:
    return element("span", str(status), class_=f"status s{status // 100}")


def _definitions(kind: str, rows: Iterable[tuple[Content, Content]]) -> Html:
    entries = [element("div", element("dt", term), element("dd", meaning)) for term, meaning in rows]
    return element("dl", *entries, class_=kind)


def _folded(title: str, number: int, content: Html) -> Html:
    """Hide content behind its title and how much it is; nothing if it is empty."""
    if not number:
        return NOTHING
    count = element("span", str(number), class_="count")
    return element("details", element("summary", title, " ", count), content)
