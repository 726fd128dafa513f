"""JSON documents with something wrong: by their grammar, then by their bytes."""

import copy
import json
import re
from random import Random
from typing import Any

from app.augmentation.policy import describe_operations

CANARY = "canary~7f3a91"  # no alias may be called so: those are told
"""In what is sent; no refusal may repeat it."""
_RAW = re.compile(r'"@raw(\d+)@"')
_RAW_TOKENS = [
    "NaN",
    "-Infinity",
    "1e400",
    "-0",
    "01",
    "1.0",
    "1e2",
    "9" * 5000,
    "-" + "9" * 400,
    "0." + "1" * 300,
    '"\\ud800"',
    '"\\u0000"',
    "[" * 200 + "]" * 200,
    "[" * 20_000,
    "'x'",
    "",
    "/*x*/1",
    "tr",
    '{"a":1,"a":2}',
    "\ufeff1",
]
_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2, 3, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63), 0.5, -0.5, 1e-300, 1e300,
    "", "0", "1", "max", "tiny", "tiny@2", "tiny@production", CANARY, f"../{CANARY}", f"{CANARY}\0", f"\u202e{CANARY}",
    CANARY * 400, "\u0661", "png", "zip", "npz", "light", "reflect", [], {}, [[]], [None], [0] * 100, [[0, 0], [1, 1]],
    [CANARY] * 30, {"op": "flip"}, {"op": CANARY}, {CANARY: 1}, {"seed": 1, "index": 2}, {"preset": "light"},
    {"preset": CANARY}, {"ops": []}, {"a": {"b": {"c": {"d": {}}}}}, [1e9, 1e9], [-180, 180],
]  # fmt: skip
_OPERATIONS = {one["op"]: [*one["schema"]["properties"], "p"] for one in describe_operations()}
_BYTES = [b"\x00", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\n"]


def spoil_document(document: Any, chance: Random) -> bytes:
    """Write a JSON document with one to three things changed in it."""
    changed = copy.deepcopy(document)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        changed = _change(changed, chance)
    text = json.dumps(changed, ensure_ascii=chance.random() < 0.5)
    text = _RAW.sub(lambda found: _RAW_TOKENS[int(found[1])], text)
    return text.encode("utf-8", "surrogatepass")


def spoil_bytes(data: bytes, chance: Random) -> bytes:
    """Change, add, drop or repeat some bytes."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(6):
            case 0 if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(changed):
                changed[at] = chance.randrange(256)
            case 2:
                changed[at:at] = chance.choice(_BYTES) * chance.choice((1, 1, 3, 100))
            case 3:
                del changed[at : at + chance.choice((1, 2, 8, 64))]
            case 4:
                changed[at:at] = changed[at : at + chance.choice((1, 8, 64))]
            case _:
                if chance.random() < 0.3:
                    del changed[at:]
    return bytes(changed)


def _change(document: Any, chance: Random) -> Any:
    places = list(_places(document))
    if not places or chance.random() < 0.03:
        return _draw_value(chance)
    holder, key = chance.choice(places)
    match chance.randrange(8):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[chance.choice([CANARY, f"{key} ", str(key).upper(), "", "seed", "policy", "__class__"])] = (
                holder.pop(key)
            )
        case 2 if isinstance(holder, dict):
            holder[chance.choice([CANARY, "class_label", "first_index", "balance", "traces"])] = _draw_value(chance)
        case 3 | 4 if key == "op":
            holder.update(_draw_operation(chance))
        case 4 if isinstance(holder[key], list):
            holder[key] = holder[key] * chance.choice((2, 3, 65))
        case 5 if isinstance(holder[key], int | float):
            holder[key] = -holder[key] if chance.random() < 0.5 else holder[key] * chance.choice((0.5, 2, 1000))
        case _:
            holder[key] = _draw_value(chance)
    return document


def _draw_operation(chance: Random) -> dict[str, Any]:
    name = chance.choice(list(_OPERATIONS))
    parameter = chance.choice(_OPERATIONS[name])
    return {"op": name} if parameter == "op" else {"op": name, parameter: _draw_value(chance)}


def _draw_value(chance: Random) -> Any:
    if chance.random() < 0.15:
        return f"@raw{chance.randrange(len(_RAW_TOKENS))}@"
    return copy.deepcopy(chance.choice(_VALUES))


def _places(document: Any) -> Any:
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in items:
        yield document, key
        yield from _places(value)
