"""Forms that no browser sends, at the bare port: table rows 9 to 11."""

import json

import pytest

from tests.pictures import encode, make_pixels
from tests.rig.forms import BOUNDARY, form_type, write_augmentation, write_form, write_part
from tests.rig.kit import CANARY, JSON, expect
from tests.rig.processes import read_cpu_s

URL = "/v1/augmentations"
ROUTES = [URL, "/v1/augmentations/preview", "/v1/variations", "/v1/verifications"]
PICTURE = encode(make_pixels())
WHOLE = write_augmentation(PICTURE)
IMAGE = write_part("images", PICTURE, file_name="a.png")
REQUEST = write_part("request", json.dumps({"policy": {"ops": [{"op": "flip"}]}, "format": "npz"}).encode())
MAX_CPU_S = 0.5

FORMS = {
    "nothing": b"",
    "only-the-end": f"--{BOUNDARY}--\r\n".encode(),
    "unterminated": WHOLE[: -len(f"--{BOUNDARY}--\r\n")],
    "cut-in-a-head": WHOLE[:60],
    "cut-in-a-boundary": WHOLE[:-10],
    "no-heads": write_form(b"\r\nbody\r\n"),
    "no-colon": write_form(b"Content-Disposition form-data\r\n\r\nbody\r\n"),
    "no-name": write_form(b"Content-Disposition: form-data\r\n\r\nbody\r\n"),
    "another-disposition": write_form(b'Content-Disposition: attachment; name="images"\r\n\r\nbody\r\n'),
    "long-name": write_form(write_part(CANARY * 400, b"x")),
    "unknown-name": write_form(IMAGE, REQUEST, write_part(CANARY, b"x")),
    "unquoted": write_form(b'Content-Disposition: form-data; name="images; filename=a\r\n\r\nbody\r\n'),
    "no-request": write_form(IMAGE),
    "no-image": write_form(REQUEST),
    "empty-image": write_form(write_part("images", b""), REQUEST),
    "two-requests": write_form(IMAGE, REQUEST, REQUEST),
    "request-no-json": write_form(IMAGE, write_part("request", CANARY.encode())),
    "request-nan": write_form(IMAGE, write_part("request", b'{"seed": NaN}')),
    "request-too-long": write_form(IMAGE, write_part("request", b" " * 70_000 + b"{}")),
    "nul-in-head": write_form(b'Content-Disposition: form-data; name="images\0"\r\n\r\nbody\r\n'),
    "bare-newlines": WHOLE.replace(b"\r\n", b"\n"),
    "5000-parts": write_form(*[write_part("images", b"x")] * 5000),
    "20000-heads": write_form(b"A: b\r\n" * 20_000 + IMAGE),
    "4-mb-head": write_form(b"A: " + b"b" * 4_000_000 + b"\r\n" + IMAGE),
    "4-mb-head-name": write_form(b"A" * 4_000_000 + b": b\r\n" + IMAGE),
    "preamble": CANARY.encode() * 100_000 + b"\r\n" + WHOLE,
    "4-mb-of-dashes": b"-" * 4_000_000 + WHOLE,
    "4-mb-of-newlines": b"\r\n" * 2_000_000 + WHOLE,
    "nearly-boundaries": write_form(write_part("images", f"\r\n--{BOUNDARY[:-1]}".encode() * 100_000), REQUEST),
    "4-mb-of-carriage-returns": write_form(write_part("images", b"\r" * 4_000_000), REQUEST),
    "many-parameters": write_form(
        b"Content-Disposition: form-data" + b'; a="b"' * 100_000 + b'; name="images"\r\n\r\nbody\r\n'
    ),
    "escapes": write_form(b'Content-Disposition: form-data; name="' + b"\\" * 200_000 + b'"\r\n\r\nbody\r\n'),
    "extended-name": write_form(b"Content-Disposition: form-data; name*=utf-8''images%00\r\n\r\nbody\r\n"),
}
NAMES = {
    "traversal": f"../../../../../../tmp/{CANARY}.png",
    "absolute": f"/{CANARY}",
    "windows": f"..\\..\\{CANARY}",
    "nul": f"{CANARY}\0.png",
    "long": CANARY * 10_000,
    "right-to-left": f"{CANARY}\u202egnp.exe",
    "surrogates": f"{CANARY}\udcff\udcfe",
    "reserved": "CON",
    "nothing": "",
    "url": f"http://127.0.0.1:1/{CANARY}",
    "format": "%s%n{0}${HOME}`id`",
}


def refuses(route, body):
    """Tell whether nothing but a refusal is right: of verifications the first part may be any file."""
    return route != "/v1/verifications" and body.strip(b"\r\n") != WHOLE.strip(b"\r\n")


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS.keys())
def test_a_form_that_is_none_is_refused_and_costs_little(kit, body):
    started = read_cpu_s(kit.target.pid) if kit.is_ours else 0.0

    for route in ROUTES:
        expect(kit.upload(route, body), [400, 422] if refuses(route, body) else [200, 400, 422])

    assert not kit.is_ours or read_cpu_s(kit.target.pid) - started < MAX_CPU_S * len(ROUTES)


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        f"multipart/form-data; boundary={'b' * 60_000}",
        f"multipart/form-data; boundary={CANARY}",
        "multipart/form-data; boundary=\xff\xfe",
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary*=utf-8''a%00",
        f"multipart/form-data{'; a=b' * 10_000}; boundary=a",
        "multipart/mixed; boundary=" + BOUNDARY,
        "multipart/" + CANARY,
    ],
    ids=lambda kind: kind[:60],
)
@pytest.mark.parametrize("route", ROUTES)
def test_a_boundary_that_is_none_is_refused(kit, route, kind):
    answer = kit.ask("POST", route, WHOLE, kind.encode("latin-1").decode("latin-1"))

    expect(answer, [400, 415, 422])


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_the_name_of_a_file_is_looked_at_by_nobody(kit, name):
    expected = expect(kit.upload(URL, WHOLE), [200])
    form = write_form(write_part("images", PICTURE, file_name=name, kind=CANARY), *_rest())

    answer = kit.upload(URL, form)

    assert len(name) > 1000 or expected.body == answer.body
    expect(answer, [200] if len(name) <= 1000 else [200, 400])


def _rest():
    document = {"policy": {"ops": [{"op": "flip"}]}, "seed": 1, "format": "npz"}
    return [write_part("request", json.dumps(document).encode(), kind=JSON)]


def test_what_stands_behind_a_form_is_not_read(kit):
    expected = expect(kit.upload(URL, WHOLE), [200])

    answer = kit.upload(URL, WHOLE + CANARY.encode() * 100_000)

    assert 400 == answer.status or expected.body == answer.body
    expect(answer, [200, 400])


def test_a_form_under_another_type_is_not_read(kit):
    for kind in ("text/plain", "application/x-www-form-urlencoded", JSON):
        expect(kit.ask("POST", URL, WHOLE, kind), [415], "unsupported-media-type")


def test_a_form_that_says_it_is_too_long_is_refused_unread(kit):
    with kit.connect() as wire:
        head = kit.write("POST", URL, kind=form_type(), more=[("Content-Length", str(10 * 2**30))])

        expect(wire.send(head).read_answer(), [413], "body-too-large")
