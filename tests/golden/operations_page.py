"""Renders ``docs/augmentation-operations.md`` from the operations' own descriptions, bounds and defaults."""

import json
from typing import Any

from app.augmentation.presets import PRESETS
from tests.golden.families import TITLES, name_of, operations_of

INTRODUCTION = """\
# Operations of augmentation

What a [policy](augmentation.md) is made of: the name in `op`, and parameters, here with their defaults. Ranges are
`[lo, hi]`; each output draws its own value. Every operation has `p`, the chance that it is applied, by default 1.
`GET /v1/augmentations/operations` gives the JSON Schema of each, with what parameters mean and their bounds.

Where what lies outside of the picture is seen, `fill` says what that is: `"constant"` (of `value`, black 0 to white 1),
`"edge"`, `"reflect"` or `"wrap"`. `interpolation` is `"linear"`, `"nearest"` or `"cubic"`.

The pictures show each operation once, with ranges at the end that does more, on the picture that comes first. This page
and its pictures are rendered from `app/augmentation/` by `make golden`.
"""
PRESETS_HEAD = """\
## Presets

`{"preset": "light"}` stands for a policy. `GET /v1/augmentations/presets` tells each in full, with all parameters.

![Presets](images/augmentation/presets.webp)

| preset | what it is for | operations |
|---|---|---|"""
_EXPLAINED = {"op", "p"}
_COMMON = ("fill", "value", "interpolation")


def render_operations() -> str:
    """Render the whole page: a section per family, in the order of the registry, then the presets."""
    sections = [_section(family) for family in TITLES]
    presets = [f"| `{one.name}` | {one.description} | {_list_operations(one.document)} |" for one in PRESETS.values()]
    return "\n".join([INTRODUCTION, *sections, PRESETS_HEAD, *presets, ""])


def _section(family: str) -> str:
    rows = [_row(node) for node in operations_of(family)]
    picture = f"![{TITLES[family]}](images/augmentation/{family}.webp)"
    head = "| `op` | what it does | parameters |\n|---|---|---|"
    return "\n".join([f"## {TITLES[family]}", "", picture, "", head, *rows, ""])


def _row(node: type) -> str:
    fields = {name: info for name, info in node.model_fields.items() if name not in _EXPLAINED}
    common = [f"`{name}`" for name in _COMMON if name in fields]
    parameters = [_parameter(name, info) for name, info in fields.items() if name not in _COMMON] + common
    return f"| `{name_of(node)}` | {_first_line(node)} | {' · '.join(parameters) or 'none'} |"


def _first_line(node: type) -> str:
    return " ".join((node.__doc__ or "").split("\n\n")[0].split()).replace("|", "\\|")


def _parameter(name: str, info: Any) -> str:
    if info.is_required():
        return f"`{name}`, required"
    return f"`{name}`" if info.default is None else f"`{name}` {_write(info.default)}"


def _write(value: Any) -> str:
    return f"[{', '.join(map(_write, value))}]" if isinstance(value, list) else _write_one(value)


def _write_one(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)


def _list_operations(document: dict[str, Any]) -> str:
    names = [_name(one) for one in document["ops"]]
    return ", ".join(names) or "none"


def _name(one: dict[str, Any]) -> str:
    held = ", ".join(_name(held) for held in one.get("ops", []))
    return f"{one['op']} ({held})" if held else f"`{one['op']}`"
