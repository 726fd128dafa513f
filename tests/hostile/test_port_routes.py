"""Every operation of the interface, with bodies and parameters that it cannot mean; and operations on pictures that
leave nothing of them: table rows 1 to 8, 22 and 75.
"""

import json
import re

import pytest

from tests.pictures import encode, make_pixels
from tests.rig.forms import form_type, write_form, write_part
from tests.rig.kit import CANARY, IS_LONG, JSON, expect
from tests.rig.wire import Answer

METHODS = ["get", "post", "put", "patch", "delete"]
REAL = {"name": "tiny", "version": "1", "alias": "production", "seed": "1", "index": "1", "ext": "png", "token": "d1"}
REAL |= {"code": "not-found"}
HUGE = "9" * 4000
BODIES = {
    "empty": (b"", JSON),
    "none": (None, None),
    "wrong-type": (json.dumps(CANARY).encode(), JSON),
    "array": (json.dumps([{CANARY: 1}]).encode(), JSON),
    "huge-number": (HUGE.encode(), JSON),
    "nan": (b'{"seed": NaN, "version": NaN, "model": NaN}', JSON),
    "numbers": (json.dumps(dict.fromkeys(("version", "seed", "model", "samples", "policy"), 10**30)).encode(), JSON),
    "nulls": (json.dumps(dict.fromkeys(("version", "seed", "model", "samples", "policy", "images"))).encode(), JSON),
    "form": (write_form(write_part(CANARY, b"x")), form_type()),
    "image": (encode(make_pixels()), "image/png"),
    "text": (CANARY.encode(), "text/plain"),
}


@pytest.fixture(scope="module")
def operations(running_kit):
    document = running_kit.ask("GET", "/openapi.json").json()
    return [
        (method.upper(), path, item[method].get("requestBody"), item[method].get("parameters", []))
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


def fill(path, **values):
    return re.sub(r"{(\w+)}", lambda part: (REAL | values).get(part[1], "x"), path)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_no_operation_fails_on_a_body_that_is_none(kit, operations, body):
    content, kind = body
    for method, path, has_body, _ in operations:
        answer = kit.ask(method, fill(path, alias="hostile"), content, kind)  # an alias that nobody uses
        takes_any_file = "verifications" in path
        expect(answer, [400, 404, 413, 415, 422] + ([200] if takes_any_file or not has_body else []))


@pytest.mark.parametrize("value", [CANARY, HUGE, "NaN", "-1", "%00", "1.5", "%ED%A0%80", "%F0%9F%92%A9", "null", "[]"])
def test_no_operation_fails_on_a_part_of_its_path_that_is_none(kit, operations, value):
    for method, path, _, _ in operations:
        for name in re.findall(r"{(\w+)}", path):
            if (name, value) not in {("alias", "null"), ("alias", CANARY)}:  # which are names
                answer = kit.ask(method, fill(path, **{name: value}), b"{}", JSON)
                expect(answer, [404, 415, 422])


@pytest.mark.parametrize("filler", [".", "..%2f", "a."])
def test_no_path_takes_long_to_match(kit, operations, filler):
    """The service is silent while it matches: see how long that was, which each case here is measured by."""
    for path in sorted({path for _, path, _, _ in operations}):
        target = fill(path)
        expect(kit.ask("GET", f"{target}{filler * (50_000 // len(filler))}/x"), [404])


@pytest.mark.parametrize("value", ["", CANARY, HUGE, "NaN", "-1", "%00", "1e400", "%ED%A0%80", "[]", "true"])
def test_no_operation_fails_on_a_parameter_that_is_none(kit, operations, value):
    for method, path, _, parameters in operations:
        for one in parameters:
            if one["in"] == "query":
                expect(kit.ask(method, f"{fill(path)}?{one['name']}={value}"), [200, 404, 415, 422])
            elif one["in"] == "header" and not value.startswith("%"):
                more = [(one["name"], value)]
                expect(kit.ask(method, fill(path, alias="hostile"), more=more), [200, 400, 404, 412, 415, 422])


def test_no_address_answers_a_method_that_it_does_not_have(kit, operations):
    by_path = {}
    for method, path, _, _ in operations:
        by_path.setdefault(path, set()).add(method)

    for path, methods in by_path.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "LOCK"} - methods:
            answer = kit.ask(method, fill(path), b"", JSON)
            assert answer.status in {400, 405, 501}, (method, path, answer)
            if answer.status == 405:
                assert methods <= set(answer.headers["allow"].split(", "))


def extremes(schema):
    """List values at the bounds of a parameter, and beside them."""
    found = []
    for one in schema.get("anyOf", [schema]):
        found += one.get("enum", [])
        if one.get("type") in {"integer", "number"}:
            bounds = [one.get("minimum", one.get("exclusiveMinimum", 0)), one.get("maximum", 0)]
            found += [bound + change for bound in bounds for change in (-1, 0, 1)] + [1e308, -1e308, 1e-300]
        elif one.get("type") == "array":
            numbers = [value for value in extremes(one.get("items", {})) if isinstance(value, int | float)]
            found += [[value] * min(one.get("minItems", 1), 8) for value in numbers]
    return found


def cases(kit):
    listed = kit.ask("GET", "/v1/augmentations/operations").json()["operations"]
    for one in listed:
        properties = one["schema"]["properties"]
        for name, schema in properties.items():
            if name not in {"op", "p", "ops", "weights"}:
                for value in extremes(schema):
                    yield {"op": one["op"], name: value}


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 300), (7, 5)] if IS_LONG else [(1, 9)], ids=str)
def test_no_operation_on_pictures_degenerates_into_a_failure(kit, height, width):
    """Each parameter of each operation at its bounds, and beyond: pixels, or a refusal."""
    picture = write_part("images", encode(make_pixels(height=height, width=width)))
    tried = accepted = 0

    for operation in cases(kit):
        request = json.dumps({"policy": {"ops": [operation]}, "seed": 1, "format": "npy"}).encode()
        answer = kit.upload("/v1/augmentations", write_form(picture, write_part("request", request)))
        expect(answer, [200, 413, 422])
        tried, accepted = tried + 1, accepted + is_picture(answer)

    assert tried > 400
    assert accepted > tried // 8


def is_picture(answer: Answer) -> bool:
    """Tell whether an answer holds pixels; those that it holds are some."""
    if answer.status != 200:
        return False
    assert answer.body.startswith(b"\x93NUMPY")
    assert len(answer.body) > 128
    return True


def test_a_policy_as_deep_and_as_long_as_may_be_sent_is_refused_or_planned(kit):
    deep = {"op": "flip"}
    for _ in range(200):
        deep = {"op": "sequence", "ops": [deep]}
    wide = [{"op": "sequence", "ops": [{"op": "flip"}] * 64}] * 64
    nested = {"op": "some_of", "num": [64, 64], "replace": True, "ops": [{"op": "elastic"}] * 64}
    for ops in ([deep], wide, [nested] * 60, [{"op": "some_of", "num": [10**9, 10**9], "ops": [{"op": "flip"}]}]):
        for copies in (1, 10**6):
            plan = {"policy": {"ops": ops}, "images": [{"height": 64, "width": 64}], "copies": copies, "seed": 1}
            expect(kit.post("/v1/augmentations/plan", plan), [200, 400, 413, 422])
    many = {"policy": {"ops": [{"op": "flip"}]}, "images": [{"height": 2**31, "width": 2**31}] * 2000, "copies": 9999}
    expect(kit.post("/v1/augmentations/plan", many), [400, 413, 422])


def test_boxes_and_points_that_are_nowhere_are_refused_or_followed(kit):
    picture = write_part("images", encode(make_pixels()))
    for target in (
        {"boxes": [[-1e300, 0, 1e300, 5]]},
        {"boxes": [[5, 5, 1, 1]]},
        {"boxes": [[0, 0, 0, 0]] * 5000},
        {"boxes": [[0, 0, 5]]},
        {"keypoints": [[1e308, -1e308]]},
        {"labels": [CANARY * 100]},
        {"boxes": [[1, 1, 3, 3]], "labels": [f"<script>{'x' * 200}"]},
        {CANARY: 1},
    ):
        request = {"policy": {"ops": [{"op": "rotate"}]}, "seed": 1, "format": "npz", "targets": [target]}
        form = write_form(picture, write_part("request", json.dumps(request).encode()))
        answer = kit.upload("/v1/augmentations", form)
        expect(answer, [200, 413, 422])
