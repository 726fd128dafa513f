"""Details of the Open Inference Protocol; a client of it is in ``tests/clients``."""

import base64
import gzip
import json
import struct
import zlib

import numpy as np
import pytest

from app.api.dialects.inference import planning
from tests.problems import assert_problem

INFER = "/v2/models/tiny/infer"
HEAD_LENGTH = "Inference-Header-Content-Length"
CANARY = "canary7f3a"
MASTER = "master-key-of-tests"


def write(document, rest=b"", *, head_length=None):
    head = json.dumps(document).encode()
    return head + rest, {HEAD_LENGTH: str(len(head) if head_length is None else head_length)}


def describe(name, values, size=None, **fields):
    own = {"data": values} if size is None else {"parameters": {"binary_data_size": size}}
    return {"name": name, "datatype": "INT64", "shape": [len(values)], **own, **fields}


async def ask(client, document, headers=None, path=INFER):
    return await client.post(path, content=json.dumps(document), headers=headers)


def assert_error(response, status=400):
    assert (status, "application/json") == (response.status_code, response.headers["content-type"])
    assert ["error"] == list(response.json())
    assert int(response.headers["content-length"]) == len(response.content)
    return response.json()["error"]


async def test_an_empty_body_asks_for_one_sample(client):
    response = await client.post(INFER, headers={"Accept-Encoding": "identity"})

    outputs = {one["name"]: one for one in response.json()["outputs"]}
    assert [1, 8, 8, 1] == outputs["IMAGES"]["shape"]
    assert 64 == len(outputs["IMAGES"]["data"])
    assert HEAD_LENGTH.lower() not in response.headers
    assert ["IMAGES", "LABELS", "INDICES", "SEED"] == list(outputs)


async def test_labels_of_a_model_without_classes_are_as_in_our_own_arrays(client):
    response = await ask(client, {"parameters": {"n": 2}}, path="/v2/models/plain/infer")

    assert [-1, -1] == next(one["data"] for one in response.json()["outputs"] if one["name"] == "LABELS")


async def test_tensors_stand_behind_the_head_in_their_order(client):
    names = ["SEED", "LABELS", "IMAGES", "INDICES"]
    document = {"parameters": {"n": 40, "seed": 5, "binary_data_output": True}, "outputs": [{"name": n} for n in names]}

    response = await ask(client, document, {"Accept-Encoding": "identity"})

    head_length = int(response.headers[HEAD_LENGTH])
    outputs = json.loads(response.content[:head_length])["outputs"]
    sizes = [one["parameters"]["binary_data_size"] for one in outputs]
    assert (names, [8, 320, 2560, 320]) == ([one["name"] for one in outputs], sizes)
    assert len(response.content) == head_length + sum(sizes) == int(response.headers["content-length"])
    assert [5] == np.frombuffer(response.content[head_length:][:8], "<i8").tolist()
    assert list(range(40)) == np.frombuffer(response.content[-320:], "<i8").tolist()


async def test_numbers_and_files_may_be_in_one_answer(client):
    outputs = [{"name": "PNG", "parameters": {"binary_data": True}}, {"name": "IMAGES"}]

    response = await ask(client, {"parameters": {"n": 2, "seed": 5}, "outputs": outputs})

    head_length = int(response.headers[HEAD_LENGTH])
    rest = response.content[head_length:]
    (length,) = struct.unpack_from("<I", rest)
    address = "/v1/models/tiny/versions/1/samples/5/0.png"
    assert (await client.get(address)).content == rest[4 : 4 + length]


@pytest.mark.parametrize("shape", [[2], [2, 1], [1, 2]])
async def test_data_may_be_nested_as_their_shape(client, shape):
    data = np.array([1, 0]).reshape(shape).tolist()

    response = await ask(client, {"inputs": [describe("LABELS", [0], data=data, shape=shape)]})

    assert [1, 0] == next(one["data"] for one in response.json()["outputs"] if one["name"] == "LABELS")


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ([], "one JSON object"),
        ({"inputs": {}}, "a list"),
        ({"outputs": "IMAGES"}, "a list"),
        ({"parameters": []}, "an object"),
        ({"inputs": ["N"]}, "an object with name"),
        ({"inputs": [{"name": ["N"]}]}, "the inputs are"),
        ({"inputs": [describe("N", [1], datatype="FP32")]}, "its type is"),
        ({"inputs": [describe("N", [1], shape=[])]}, "a shape is"),
        ({"inputs": [describe("N", [1], shape=[0])]}, "a shape is"),
        ({"inputs": [describe("N", [1], shape=[True])]}, "a shape is"),
        ({"inputs": [describe("N", [1], shape=[10**9] * 8)]}, "not what datatype"),
        ({"inputs": [describe("N", ["1"])]}, "not what datatype"),
        ({"inputs": [describe("N", [1.5])]}, "not what datatype"),
        ({"inputs": [describe("N", [1], data={"a": 1})]}, "not what datatype"),
        ({"inputs": [describe("N", [1], parameters=7)]}, "an object with name"),
        ({"inputs": [describe("N", [1]), describe("N", [1])]}, "twice"),
        ({"inputs": [describe("SEED", [2**63])]}, "`/seed`"),
        ({"parameters": {"seed": -1}}, "`/seed`"),
        ({"parameters": {"truncation": 0}}, "`/truncation`"),
        ({"parameters": {"n": "3"}}, "`/n`"),
        ({"parameters": {"labels": [1]}}, "a class"),
        ({"parameters": {"labels": "a,,b"}}, "no such class"),
        ({"parameters": {CANARY: 1}}, "the parameters are"),
        ({"outputs": [{"name": CANARY}]}, "the outputs are"),
        ({"outputs": [{"name": "IMAGES"}, {"name": "IMAGES"}]}, "at most once"),
        ({"outputs": [{"name": "IMAGES", "parameters": {"shared_memory_region": CANARY}}]}, "one parameter"),
        ({"parameters": {"n": 65}}, "at most 64"),
    ],
)
async def test_bodies_that_are_none_are_refused_without_an_echo(client, document, text):
    error = assert_error(await ask(client, document))

    assert text in error
    assert CANARY not in error


@pytest.mark.parametrize(
    "inputs",
    [
        ([describe("N", [1], 8)], b""),
        ([describe("N", [1], 8)], b"1234567"),
        ([describe("N", [1], 4)], b"1234"),
        ([describe("N", [1], -8)], b""),
        ([describe("N", [1], 2**70)], b""),
        ([describe("N", [1], "8")], b"12345678"),
        ([describe("N", [1], 8)], b"123456781"),
        ([describe("LABELS", [1], 4, datatype="BYTES")], struct.pack("<I", 2**31)),
        ([describe("LABELS", [1], 3, datatype="BYTES")], b"\0\0\0"),
        ([describe("LABELS", [1], 8, datatype="BYTES")], struct.pack("<II", 0, 0)),
        ([describe("LABELS", [1] * 3, 4, datatype="BYTES")], struct.pack("<I", 0)),
    ],
)
async def test_bytes_that_do_not_fit_their_head_are_refused(client, inputs):
    body, headers = write({"inputs": inputs[0]}, inputs[1])

    assert_error(await client.post(INFER, content=body, headers=headers))


@pytest.mark.parametrize("length", ["9999", "-1", "1e3", "9" * 400, "٣", ""])
async def test_a_head_longer_than_its_body_is_refused(client, length):
    headers = [(HEAD_LENGTH, length.encode())]

    assert_error(await client.post(INFER, content=b"{}", headers=headers))


async def test_an_id_that_is_a_plain_word_comes_back(client):
    assert "run-7" == (await ask(client, {"id": "run-7"})).json()["id"]


async def test_numbers_behind_the_head_and_files_in_it_may_be_in_one_answer(client):
    binary = {"parameters": {"binary_data": True}}
    outputs = [{"name": "PNG"}, {"name": "LABELS", **binary}, {"name": "IMAGES", **binary}]

    response = await ask(client, {"parameters": {"n": 2, "seed": 5}, "outputs": outputs})

    head_length = int(response.headers[HEAD_LENGTH])
    described = json.loads(response.content[:head_length])["outputs"]
    assert [True, False, False] == ["data" in one for one in described]
    assert 2 * 8 + 2 * 64 == len(response.content) - head_length


@pytest.mark.parametrize("value", ["a" * 65, "<script>", "a b", 7, "ключ"])
async def test_an_id_that_is_no_plain_word_is_not_repeated(client, value):
    assert "id" not in (await ask(client, {"id": value})).json()


@pytest.mark.parametrize(
    ("coding", "code"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("GZIP", gzip.compress)]
)
async def test_a_coded_body_is_read(client, coding, code):
    body = code(b'{"parameters": {"n": 3}}')

    response = await client.post(INFER, content=body, headers={"Content-Encoding": coding})

    assert [3, 8, 8, 1] == response.json()["outputs"][0]["shape"]


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("gzip", gzip.compress(b" " * 2**26, 9, mtime=0), 413),
        ("deflate", zlib.compress(b" " * 2**26, 9), 413),
        ("gzip", gzip.compress(b" " * 65_537, mtime=0), 413),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-1], 400),
        ("gzip", gzip.compress(b"{}", mtime=0) + b"x", 400),
        ("gzip", gzip.compress(b"{}", mtime=0) * 2, 400),
        ("gzip", b"{}", 400),
        ("gzip", b"", 400),
        ("deflate", gzip.compress(b"{}", mtime=0), 400),
        ("br", b"{}", 415),
        ("gzip, gzip", gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0), 415),
    ],
)
async def test_a_coded_body_that_is_none_is_refused(client, coding, body, status):
    assert_error(await client.post(INFER, content=body, headers={"Content-Encoding": coding}), status)


@pytest.mark.parametrize(
    "path", ["/v2/repository/index", "/v2/models/tiny", "/v2/models/a/b/infer", "/v2/models//infer"]
)
async def test_coded_bodies_are_read_nowhere_else(client, path):
    response = await client.post(path, content=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"})

    assert_error(response, 415)


async def test_our_own_routes_read_no_coded_bodies(client):
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}

    assert_problem(await client.post("/v1/samples", content=b"", headers=headers), 415, "unsupported-media-type")


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip", "gzip"),
        ("br, deflate", "deflate"),
        ("gzip;q=0", None),
        ("gzip; q=0.5", "gzip"),
        ("*", None),
        ("", None),
    ],
)
async def test_an_answer_is_coded_when_that_is_asked_for(client, accept, coding):
    for document in ({"parameters": {"n": 2}}, {"parameters": {"n": 40, "binary_data_output": True}}):
        response = await ask(client, document, {"Accept-Encoding": accept})

        assert coding == response.headers.get("content-encoding")
        assert response.content.startswith(b'{"model_name":"tiny"')


async def test_json_is_for_few_pixels(client, monkeypatch):
    monkeypatch.setattr(planning, "MAX_JSON_NUMBERS", 128)

    assert "binary data" in assert_error(await ask(client, {"parameters": {"n": 3}}))
    assert 200 == (await ask(client, {"parameters": {"n": 2}})).status_code


async def test_parameters_for_other_servers_are_told(client):
    response = await ask(client, {"parameters": {"priority": 1, "timeout": 5, "sequence_id": 3}})

    assert "priority, sequence_id, timeout" == response.headers["fount-ignored"]


async def test_labels_may_stand_behind_each_other(client):
    response = await ask(client, {"parameters": {"labels": "b, 7,0"}})

    assert [1, 2, 0] == next(one["data"] for one in response.json()["outputs"] if one["name"] == "LABELS")


async def test_a_version_is_forgotten_by_the_worker_and_loaded_again(client, workers):
    loads = len(workers.loads)

    assert 200 == (await ask(client, {}, path="/v2/repository/models/tiny/unload")).status_code
    await workers.wait_for(lambda: workers.unloads)
    assert [("tiny", 1)] == [(one.name, one.version) for one in workers.unloads]
    assert 200 == (await ask(client, {"parameters": {"seed": 5}})).status_code
    assert loads + 1 == len(workers.loads)


async def test_a_version_that_cannot_be_loaded_is_told(client, workers):
    workers.fail_model("tiny", 2)

    error = assert_error(await ask(client, {}, path="/v2/repository/models/tiny@2/load"), 404)

    assert "it fails" in error
    found = (await ask(client, {}, path="/v2/repository/index")).json()
    assert {("tiny", "2", "UNAVAILABLE")} == {
        (one["name"], one["version"], one["state"]) for one in found if one["state"] != "READY"
    }
    ready = (await ask(client, {"ready": True}, path="/v2/repository/index")).json()
    assert {"READY"} == {one["state"] for one in ready}


@pytest.mark.parametrize("path", ["/v2/repository/models/a@b@3/unload", "/v2/repository/models/../unload"])
async def test_what_is_no_name_is_not_found(client, path):
    assert_error(await ask(client, {}, path=path), 404)


async def test_one_version_may_be_let_go(client, workers):
    for model in ("tiny@1", "tiny@production"):
        assert 200 == (await ask(client, {}, path=f"/v2/repository/models/{model}/unload")).status_code

    await workers.wait_for(lambda: workers.unloads)
    assert [("tiny", 1)] == [(one.name, one.version) for one in workers.unloads]


@pytest.mark.parametrize("body", [b"[]", b"{", b"7"])
async def test_the_repository_reads_objects(client, body):
    assert_error(await client.post("/v2/repository/index", content=body))


async def test_probes_need_no_key(open_client, make_settings):
    client = await open_client(make_settings(api_key=MASTER))

    assert [200, 200] == [(await client.get(f"/v2/health/{name}")).status_code for name in ("live", "ready")]
    for path in ("/v2", "/v2/models/tiny", "/v2/models/tiny/ready"):
        assert "needs a valid key" in assert_error(await client.get(path), 401)


async def test_a_service_that_is_leaving_is_not_ready(client, engine):
    engine.leave()

    assert_error(await client.get("/v2/health/ready"), 503)
    assert 200 == (await client.get("/v2/health/live")).status_code


async def test_the_service_and_its_models_are_described(client):
    assert "fount" == (await client.get("/v2")).json()["name"]
    described = (await client.get("/v2/models/tiny/versions/2")).json()

    assert ("tiny", ["1", "2"], ["a", "b", "7"]) == tuple(described[key] for key in ("name", "versions", "class_names"))
    assert 200 == (await client.get("/v2/models/tiny@production/ready")).status_code
    assert_error(await client.get("/v2/models/tiny/versions/9/ready"), 404)


async def test_inputs_may_stand_in_the_json(client):
    inputs = [describe("N", [2]), describe("SEED", [5]), describe("LABELS", ["b"], datatype="BYTES")]

    outputs = (await ask(client, {"inputs": inputs, "outputs": [{"name": "PNG"}, {"name": "SEED"}]})).json()["outputs"]

    address = "/v1/models/tiny/versions/1/samples/5/0.png?class_label=b"
    assert base64.b64encode((await client.get(address)).content).decode() == outputs[0]["data"][0]
    assert [5] == outputs[1]["data"]


async def test_inputs_may_stand_behind_the_json(client):
    names = b"".join(struct.pack("<I", 1) + name for name in (b"b", b"7"))
    inputs = [describe("SEED", [5], 8), describe("LABELS", [0, 0], len(names), datatype="BYTES")]
    outputs = [{"name": name, "parameters": {"binary_data": True}} for name in ("LABELS", "INDICES", "SEED")]
    body, headers = write({"inputs": inputs, "outputs": outputs}, struct.pack("<q", 5) + names)

    response = await client.post(INFER, content=body, headers=headers)

    rest = response.content[int(response.headers[HEAD_LENGTH]) :]
    assert [1, 2, 0, 1, 5] == np.frombuffer(rest, "<i8").tolist()


@pytest.mark.parametrize(
    "inputs",
    [
        [describe("N", [3]), describe("LABELS", [0, 1])],
        [describe("N", [1, 2])],
        [describe("N", [1], data=[[[[[[[[[[1]]]]]]]]]])],
        [describe("LABELS", [-1])],
    ],
)
async def test_numbers_that_contradict_each_other_are_refused(client, inputs):
    assert_error(await ask(client, {"inputs": inputs}))


async def test_one_class_may_be_a_number(client):
    response = await ask(client, {"parameters": {"labels": 2, "n": 2}})

    assert [2, 2] == response.json()["outputs"][1]["data"]


async def test_models_are_loaded_without_parameters(client, workers):
    path = "/v2/repository/models/tiny@2/load"

    assert 200 == (await client.post(path)).status_code
    assert ("tiny", 2) in [(one.name, one.version) for one in workers.loads]
    assert "without parameters" in assert_error(await ask(client, {"parameters": {"config": "{}"}}, path=path))
