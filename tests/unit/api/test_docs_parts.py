import shlex

import pytest

from app.api.docs.commands import USUAL, Subject, fill_body, write_command
from app.api.docs.fields import SchemaReader
from app.api.docs.markup import element, inline, paragraphs
from app.api.docs.outline import read_outline
from app.core.settings import Settings
from app.main import create_app

OUTLINE = read_outline(create_app(Settings()).openapi(), {"create_samples": "sample"})
ALL = {operation.name: operation for section in OUTLINE.sections for operation in section.operations}


def describe(schema, place="body", **components):
    reader = SchemaReader({"components": {"schemas": components}})
    field = reader.describe("it", place, schema, is_required=False)
    return field.kind, field.bounds


@pytest.mark.parametrize("name", ALL)
def test_a_command_is_one_call_for_a_shell_with_every_placeholder_filled(name):
    command = write_command(ALL[name], USUAL, with_key=True)

    words = shlex.split(command.replace("\\\n", ""))
    assert "curl" == words[0]
    assert [] == [word for word in words if word.startswith("http") and "{" in word]


def test_commands_keep_files_off_the_screen():
    assert write_command(ALL["create_samples"], USUAL, with_key=False).endswith("-o samples.png")
    assert write_command(ALL["get_version_grid"], USUAL, with_key=False).endswith("-o grid.png")
    assert "-o" not in shlex.split(write_command(ALL["get_version_card"], USUAL, with_key=False))


def test_a_command_sends_a_key_only_where_one_is_needed():
    with_key = [name for name, one in ALL.items() if "Bearer" in write_command(one, USUAL, with_key=True)]

    assert ["create_samples"] == with_key


def test_a_body_asks_for_the_subject():
    example = {"model": "mnist-gan", "class_label": "7", "format": "grid"}

    assert {"model": "faces", "format": "grid"} == fill_body(example, Subject("faces", 2, None))
    assert {"version": 2} == fill_body({"version": 1}, Subject("faces", 2, None))


@pytest.mark.parametrize(
    ("schema", "kind", "bounds"),
    [
        ({}, "any", ""),
        ({"type": "integer", "minimum": 0.0, "exclusiveMaximum": 2.0**63}, "integer", "at least 0, below 2**63"),
        ({"type": "integer", "minimum": 1, "maximum": 1000}, "integer", "1 to 1,000"),
        ({"type": "number", "maximum": 0.5}, "number", "at most 0.5"),
        ({"type": "string", "pattern": "^a$", "maxLength": 9}, "string", "length at most 9, matches `^a$`"),
        ({"type": "string", "const": "max"}, "string", "`max`"),
        ({"$ref": "#/components/schemas/Color"}, "string", "one of `red`, `blue`"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, "list of string", "items: at least 1"),
        (
            {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}, "minProperties": 1},
            "object of integer",
            "entries: at least 1, each at least 0",
        ),
        ({"type": "object", "additionalProperties": False}, "object", ""),
        ({"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}]}, "string", "length at least 1"),
        (
            {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer", "minimum": 0}, {"type": "boolean"}]},
            "string or integer or boolean",
            "string: length at least 1; integer: at least 0",
        ),
    ],
    ids=lambda one: "" if isinstance(one, dict) else one,
)
def test_a_schema_in_words(schema, kind, bounds):
    assert (kind, bounds) == describe(schema, Color={"type": "string", "enum": ["red", "blue"]})


def test_null_is_named_in_answers_only():
    schema = {"anyOf": [{"type": "string"}, {"type": "null"}]}

    assert "string" == describe(schema, "body")[0]
    assert "string or null" == describe(schema, "answer")[0]


def test_nested_fields_go_by_their_path_and_an_endless_schema_ends():
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    tree = {"type": "object", "properties": {"items": {"type": "array", "items": node}}, "required": ["items"]}

    fields = SchemaReader({"components": {"schemas": {"Node": node}}}).fields(tree, "body")

    assert ["items", "items[].next", "items[].next.next", "items[].next.next.next"] == [one.name for one in fields]
    assert [True, False, False, False] == [one.is_required for one in fields]


def test_markup_escapes_what_is_not_markup():
    assert '<p class="a&quot;b">&lt;i&gt;<b>c</b></p>' == element("p", "<i>", element("b", "c"), class_='a"b').text


def test_text_between_backticks_is_code():
    assert "a <code>b`c</code> &lt; <code>d</code>`" == inline("a ``b`c`` < `d``").text.replace("`</code>", "</code>`")


def test_blank_lines_part_paragraphs():
    assert "<p>a\nb</p><p>c</p>" == paragraphs("a\nb\n\n \n\nc\n").text
