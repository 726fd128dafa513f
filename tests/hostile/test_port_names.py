"""Names, versions, ids and addresses that nobody has given, at the bare port: table rows 19, 20 and 80."""

import contextlib
import json
import re
import socket
from pathlib import Path

import pytest

from tests.rig.forms import write_augmentation
from tests.rig.kit import CANARY, SECRET, expect
from tests.rig.processes import find_peers

SAMPLES = "/v1/samples"
NAMES = [
    "..",
    "../..",
    "..%2f..%2fsecret.txt",
    "%2e%2e%2fsecret.txt",
    "..%252f..%252fsecret.txt",
    "..%5c..%5csecret.txt",
    "....//....//secret.txt",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "file:%2f%2f%2fetc%2fpasswd",
    "http:%2f%2f127.0.0.1:1%2f",
    "s3:%2f%2fbucket%2fkey",
    "tiny%00",
    "tiny%00.png",
    "tiny%0a",
    "tiny%0d%0aSet-Cookie:%20a=b",
    "tiny%20",
    "tiny.",
    ".tiny",
    "TINY",
    "%EF%BD%94iny",
    "t%C4%B1ny",
    "ti%E2%80%8Bny",
    "%FF%FE",
    "%ED%A0%80",
    "%C0%AE%C0%AE%2fsecret.txt",
    "%",
    "%zz",
    "*",
    "~root",
    "$(id)",
    "`id`",
    "{model}",
    "-rf",
    "nul",
    "b" * 65,
    "a" * 8000,
    f"<script>{CANARY}<%2fscript>",
    CANARY,
    "tiny@1",
    "tiny;1",
    "tiny,1",
]
VERSIONS = [
    "0", "01", "+1", "-1", "1_0", "1.0", "1e0", "0x1", "%D9%A1", "%EF%BC%91", "1%20", "%201", "1%0a", "9" * 4999,
    "1000000000", str(2**63), "latest", "..", CANARY, "Production", "1%00", "NaN",
]  # fmt: skip
NOWHERE = [
    "/", "//", "/v1", "/v1/", "/v3/models", "/.git/config", "/.env", "/static/../secret.txt", "/docs/../v1", "/;a=b",
    "/openapi.json/", "/v1/models/", "/metrics/", "/v1//models", "/%2e%2e/secret.txt", "/v1/%6d/../../secret.txt",
]  # fmt: skip
PATHS = [
    "/v1/models/{}",
    "/v1/models/{}/versions/1",
    "/v1/models/{}/versions/1/grid.png",
    "/v1/models/{}/versions/1/card",
    "/v1/models/{}/versions/1/samples/1/1.png",
    "/v1/models/{}/aliases/production",
    "/v1/models/tiny/aliases/{}",
    "/v1/datasets/{}",
    "/problems/{}",
]


def snapshot(place):
    """List all that lies in the folder that the service may know, and what is behind each name."""
    return {path: path.stat().st_size for path in place.rglob("*") if "tmp" not in path.relative_to(place).parts}


@pytest.fixture
def untouched(place, kit):
    """Nothing may have been written, in no folder that a name could lead to."""
    before, strays = snapshot(place), find_strays()
    yield
    if kit.is_ours:
        assert before == snapshot(place)
        assert strays == find_strays()


def find_strays():
    folders = [Path.home(), *map(Path, ("/", "/tmp", "/etc", "/var/tmp", "/home"))]  # noqa: S108 - looked at only
    found = set()
    for folder in folders:
        with contextlib.suppress(OSError):
            found |= {path for path in folder.iterdir() if CANARY in path.name or path.name == "secret.txt"}
    return found


@pytest.mark.parametrize("name", NAMES, ids=lambda name: f"{name[:40]}-{len(name)}")
def test_a_name_that_is_none_is_not_found_and_touches_no_file(kit, untouched, name):
    for path in PATHS:
        expect(kit.ask("GET", path.format(name)), [404])
    for method, body in (("PUT", b'{"version": 1}'), ("DELETE", None)):
        for path in ("/v1/models/{}/aliases/candidate", "/v1/models/tiny/aliases/{}"):
            is_alias = re.fullmatch(r"[a-z][a-z0-9_-]{0,31}", name) and "tiny" in path
            if not is_alias:
                expect(kit.ask(method, path.format(name), body, "application/json"), [404])


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: f"{version[:30]}-{len(version)}")
def test_a_version_that_is_none_is_not_found(kit, untouched, version):
    for path in ("", "/grid.png", "/card", "/samples/1/1.png"):
        expect(kit.ask("GET", f"/v1/models/tiny/versions/{version}{path}"), [404])
    answer = kit.post(SAMPLES, {"model": f"tiny@{version}", "num_samples": 1, "seed": 1})
    expect(answer, [404, 422])


@pytest.mark.parametrize(
    "part",
    ["1/1.exe", "1/1.png/", "1/-1.png", "-1/1.png", "1/9223372036854775808.png", "9" * 30 + "/1.png", "1/1e3.png",
     "01/1.png", "1/%D9%A1.png", "1/1.PNG", "1/.png", "1/1..png", "1/1.png%00", "1/1.png%0a", "1//1.png", "1/1.svg"],
)  # fmt: skip
def test_an_address_that_no_sample_has_is_not_found(kit, untouched, part):
    expect(kit.ask("GET", f"/v1/models/tiny/versions/1/samples/{part}"), [404, 422])


@pytest.mark.parametrize(
    "query",
    [f"?{CANARY}=1", "?class_label=0&class_label=1", "?truncation=nan", "?truncation=inf", "?truncation=1e400",
     "?truncation=", f"?class_label={CANARY}", f"?preset={CANARY}", "?class_label=%00", "?" + "a=1&" * 2000,
     "?class_label=" + "9" * 5000, "?truncation=%EF%BC%91", "?%ED%A0%80=1", "?preset=../../secret.txt"],
    ids=lambda query: f"{query[:30]}-{len(query)}",
)  # fmt: skip
def test_a_query_that_nobody_reads_is_refused(kit, untouched, query):
    expect(kit.ask("GET", f"/v1/models/tiny/versions/1/samples/1/1.png{query}"), [404, 422])


@pytest.mark.parametrize(
    "value",
    [
        b"<script>" + CANARY.encode(),
        b"a" * 65,
        b"a" * 8000 + CANARY.encode(),
        b"a b",
        b"\xff\xfe" + CANARY.encode(),
        b"",
        b"a;" + CANARY.encode(),
        b"%0d%0aSet-Cookie: a=" + CANARY.encode(),
        b'"' + CANARY.encode() + b'"',
        "\u0661".encode(),
    ],
    ids=lambda value: f"{value[:20]!r}-{len(value)}",
)
@pytest.mark.parametrize("name", ["X-Request-ID", "traceparent", "tracestate", "baggage", "Fount-Timeout"])
def test_an_id_that_could_harm_is_not_taken_over(kit, name, value):
    for path in ("/livez", "/v1/models", "/nowhere"):
        answer = kit.ask("GET", path, more=[(name, value)])
        expect(answer, [200, 404])
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", answer.headers["x-request-id"])
        assert "set-cookie" not in answer.headers


def test_an_id_that_harms_nobody_is_kept(kit):
    answer = kit.ask("GET", "/nowhere", more=[("X-Request-ID", "my-id.1_2")])

    assert "my-id.1_2" == expect(answer, [404]).headers["x-request-id"] == answer.json()["request_id"]


@pytest.mark.parametrize("version", ["00", "01", "ff", "cc"])
def test_a_trace_of_any_version_changes_no_answer(kit, version):
    for trace in (
        f"{version}-{'a' * 32}-{'b' * 16}-01",
        f"{version}-{'0' * 32}-{'0' * 16}-00",
        f"{version}-",
        "-" * 55,
    ):
        answer = kit.ask("GET", "/v1/models", more=[("traceparent", trace), ("tracestate", "a=1," * 40)])
        expect(answer, [200])


def test_what_nobody_serves_is_not_found(kit, untouched):
    for path in NOWHERE:
        answer = kit.ask("GET", path)
        assert SECRET.encode() not in answer.raw
        expect(answer, [200, 404] if path.strip("/") in {"", "v1"} else [400, 404])


def test_no_address_that_is_sent_is_fetched(kit):
    """Addresses of a listener of ours, in every text that there is: nobody comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/{CANARY}"
        fields = {"model": url, "class_label": url, "format": url, "augment": {"preset": url}, "image_url": url}
        for name, value in fields.items():
            body = {"model": "tiny", "num_samples": 1, "seed": 1} | {name: value}
            expect(kit.post(SAMPLES, body), [422])
        for data in (url.encode(), f'<svg><image href="{url}"/></svg>'.encode(), json.dumps({"url": url}).encode()):
            expect(kit.upload("/v1/augmentations", write_augmentation(data)), [415, 422])
        for name in ("Referer", "Origin", "X-Forwarded-Host", "Forwarded", "X-Callback-URL", "Link", "Destination"):
            expect(kit.ask("GET", "/v1/models", more=[(name, url)]), [200])

        with pytest.raises(TimeoutError):
            listener.accept()

    if kit.is_ours:
        assert [] == find_peers(kit.target.pid)
