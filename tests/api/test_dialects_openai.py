"""Details of OpenAI's interface; its own client is in ``tests/clients``."""

import base64
import json

import pytest

from tests.drafts import make_draft, make_files
from tests.pictures import encode, make_pixels
from tests.problems import assert_problem

IMAGES = "/openai/v1/images/generations"
CANARY = "canary7f3a"
MASTER = "master-key-of-tests"


async def ask(client, path=IMAGES, headers=None, **body):
    return await client.post(path, json={"model": "tiny", "prompt": "", **body}, headers=headers)


def assert_error(response, status, code):
    assert (status, "application/json") == (response.status_code, response.headers["content-type"])
    error = response.json()["error"]
    assert ({"message", "type", "param", "code"}, code) == (error.keys(), error["code"])
    assert int(response.headers["content-length"]) == len(response.content)
    return error


async def test_an_answer_has_the_headers_of_our_own(client):
    response = await ask(client, n=3, seed=5, quality="high")

    headers = response.headers
    assert ("tiny@1", "5", "3", "quality") == tuple(
        headers[f"fount-{name}"] for name in ("model", "seed", "num-samples", "ignored")
    )
    assert headers["server-timing"]
    assert headers["x-request-id"]
    assert "content-disposition" not in headers


async def test_what_is_null_is_as_good_as_left_out(client):
    names = ("n", "size", "response_format", "output_format", "stream", "seed", "truncation", "class_label", "quality")

    response = await ask(client, **dict.fromkeys(names))

    assert (1, []) == (len(response.json()["data"]), response.json()["ignored"])


async def test_names_that_nobody_has_are_not_repeated(client):
    response = await ask(client, **{CANARY: 1, "style": "vivid"})

    assert ["style", "unknown"] == response.json()["ignored"]
    assert CANARY not in response.text + str(response.headers)


@pytest.mark.parametrize("prompt", [CANARY, "class:", "class:zebra", "class:07", "-1", "3"])
async def test_a_prompt_that_is_no_class_is_refused_without_an_echo(client, prompt):
    error = assert_error(await ask(client, prompt=prompt), 400, "unknown_class")

    assert "prompt" == error["param"]
    assert "a, b, 7" in error["message"]
    assert CANARY not in error["message"]


async def test_a_name_goes_before_a_number(client):
    data = (await ask(client, prompt="7")).json()["data"] + (await ask(client, prompt="2")).json()["data"]

    assert ["7", "7"] == [one["label"] for one in data]


async def test_a_model_without_classes_takes_no_prompt(client):
    error = assert_error(await ask(client, model="plain", prompt="a cat"), 400, "unknown_class")

    assert "no classes" in error["message"]
    assert None is (await ask(client, model="plain", prompt="any")).json()["data"][0]["label"]


async def test_addresses_lead_to_the_same_bytes(client):
    answers = [
        await ask(client, n=2, seed=5, **options)
        for options in ({}, {"prompt": "b", "truncation": 0.5}, {"output_format": "webp"}, {"model": "tiny@2"})
    ]

    for answer in answers:
        for one in answer.json()["data"]:
            assert (await client.get(one["address"])).content == base64.b64decode(one["b64_json"])


async def test_addresses_are_told_without_computing_anything(client, workers):
    response = await ask(client, n=64, response_format="url")

    data = response.json()["data"]
    assert (64, []) == (len({one["url"] for one in data}), workers.batches)
    assert data[0]["url"] == f"http://fount{data[0]['address']}"
    assert data[0]["label"] in {"a", "b", "7"}


async def test_addresses_begin_as_the_operator_says(open_client, make_settings):
    settings = make_settings(dialects={"public_url": "https://images.example/fount"})
    client = await open_client(settings)

    response = await ask(client, response_format="url", headers={"Host": "evil.example"})

    assert response.json()["data"][0]["url"].startswith("https://images.example/fount/v1/models/tiny/")


async def test_the_default_is_the_one_that_the_operator_says(open_client, make_settings):
    client = await open_client(make_settings(dialects={"default_model": "tiny@2"}))

    for model in ("gpt-image-1", None):
        assert "tiny@2" == (await ask(client, model=model)).json()["model"]
    assert "plain@1" == (await ask(client, model="plain")).json()["model"]
    assert_error(await ask(client, model="stable-diffusion"), 404, "model_not_found")


async def test_without_a_seed_nobody_gets_the_same_picture(client):
    first, second = (await ask(client, n=2)).json(), (await ask(client, n=2)).json()

    assert (first["seed"], [0, 1, 2, 3]) == (
        second["seed"],
        [one["index"] for one in first["data"] + second["data"]],
    )


async def test_events_are_one_for_each_picture(client):
    response = await ask(client, n=3, seed=5, stream=True, partial_images=2)

    assert ("text/event-stream", "partial_images") == (
        response.headers["content-type"],
        response.headers["fount-ignored"],
    )
    events = [block.split("\n") for block in response.text.strip().split("\n\n")]
    assert ["event: image_generation.completed"] * 3 == [lines[0] for lines in events]
    assert [0, 1, 2] == [json.loads(lines[1].removeprefix("data: "))["index"] for lines in events]


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_body"),
        (b"[]", "application/json", 400, "invalid_parameter"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b" " * 70_000, "application/json", 413, "body_too_large"),
        (b'{"prompt": 7}', "application/json", 400, "invalid_parameter"),
        (b'{"n": "two"}', "application/json", 400, "invalid_parameter"),
        (b'{"n": 1.5}', "application/json", 400, "invalid_parameter"),
        (b'{"model": ["tiny"]}', "application/json", 400, "invalid_parameter"),
        (b'{"model": "../../etc"}', "application/json", 404, "model_not_found"),
        (b'{"seed": 1e400}', "application/json", 400, "invalid_parameter"),
    ],
)
async def test_bodies_that_are_none_are_refused_in_its_words(client, content, kind, status, code):
    assert_error(await client.post(IMAGES, content=content, headers={"Content-Type": kind}), status, code)


async def test_errors_of_the_gate_are_in_its_words_and_others_are_not(open_client, make_settings):
    client = await open_client(make_settings(api_key=MASTER))

    error = assert_error(await ask(client), 401, "invalid_api_key")
    assert "authentication_error" == error["type"]
    assert_error(await client.get("/openai/v1/models"), 401, "invalid_api_key")
    assert_error(await ask(client, "/v1/images/generations"), 401, "invalid_api_key")
    assert_problem(await client.get("/v1/models"), 401, "missing-key")


@pytest.mark.parametrize("path", ["/openai/v1/absent", "/openai/v1/models/absent", "/openai/v1/models/%2e%2e"])
async def test_what_there_is_not_is_told_in_its_words(client, path):
    response = await client.get(path)

    assert 404 == response.status_code
    assert "invalid_request_error" == response.json()["error"]["type"]
    assert b"" == (await client.head(path)).content


async def test_a_method_that_there_is_not_names_those_that_there_are(client):
    response = await client.get(IMAGES)

    assert_error(response, 405, "method_not_allowed")
    assert "POST" == response.headers["allow"]


async def test_a_body_that_is_coded_is_refused(client):
    assert_error(await ask(client, headers={"Content-Encoding": "gzip"}), 415, "unsupported_media_type")


async def test_a_request_that_ends_workers_is_not_sent_again(client, workers):
    workers.kills_on = lambda batch: True

    response = await ask(client, seed=5)

    error = assert_error(response, 500, "poison_request")
    assert ("server_error", "false") == (error["type"], response.headers["x-should-retry"])


async def test_what_nobody_foresaw_is_in_its_words(client, monkeypatch):
    monkeypatch.setattr("app.api.dialects.openai.routes.choose_reference", lambda *_: 1 / 0)

    error = assert_error(await ask(client), 500, "service_failed")

    assert "ZeroDivision" not in error["message"]


async def test_models_are_listed_and_described(client, workers):
    listed = (await client.get("/openai/v1/models")).json()
    one = (await client.get("/openai/v1/models/tiny@2")).json()

    assert ("list", ["plain", "tiny"]) == (listed["object"], [model["id"] for model in listed["data"]])
    assert ("model", "tiny@2", 2, "8x8") == (one["object"], one["id"], one["version"], one["size"])


async def test_a_class_beside_the_prompt_goes_first(client):
    answer = (await ask(client, prompt="a", class_label="b")).json()

    assert (["prompt"], "b") == (answer["ignored"], answer["data"][0]["label"])


async def test_a_stream_carries_no_addresses(client):
    error = assert_error(await ask(client, stream=True, response_format="url"), 400, "invalid_parameter")

    assert "response_format" == error["param"]


async def test_a_service_with_keys_gives_no_addresses(open_client, make_settings):
    client = await open_client(make_settings(api_key=MASTER), headers={"Authorization": f"Bearer {MASTER}"})

    error = assert_error(await ask(client, response_format="url"), 400, "invalid_parameter")

    assert "b64_json" in error["message"]


async def test_no_picture_is_changed_by_words(client):
    error = assert_error(await client.post("/openai/v1/images/edits"), 400, "invalid_parameter")

    assert "prompt" == error["param"]


FORM = {"image": ("a.png", b"\x89PNG")}
PICTURE = encode(make_pixels(height=8, width=8, channels=1, seed=1))


@pytest.fixture
def reader(repository):
    repository.publish(make_draft("reader", parts=["generator", "encoder"], class_names=["a", "b", "7"]), make_files(4))


async def vary(client, file=PICTURE, **fields):
    form = {name: (None, str(value)) for name, value in {"model": "reader", "class_label": "b", **fields}.items()}
    return await client.post("/openai/v1/images/variations", files=form | {"image": ("a.png", file)})


async def test_variations_are_those_of_our_own_interface(reader, client):
    answer = (await vary(client, n=2, seed=5, strength=0.5)).json()

    request = {"model": "reader", "class_label": "b", "copies": 2, "seed": 5, "strength": 0.5, "format": "json"}
    form = [("images", ("a.png", PICTURE)), ("request", (None, json.dumps(request)))]
    ours = (await client.post("/v1/variations", files=form)).json()
    assert [one["png"] for one in ours["samples"]] == [one["b64_json"] for one in answer["data"]]
    assert "address" not in answer["data"][0]


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"file": b"no picture"}, "unsupported_image", "image"),
        ({"class_label": "zebra"}, "unknown_class", "class_label"),
        ({"model": "tiny"}, "no_encoder", None),
        ({"model": "reader@9"}, "version_not_found", None),
        ({"first_index": 2**40}, "invalid_parameter", "first_index"),
        ({"seed": 2**64}, "invalid_parameter", "seed"),
        ({"class_label": ""}, "invalid_parameter", "class_label"),
    ],
)
async def test_what_is_wrong_with_a_variation_is_named_as_in_its_form(reader, client, fields, code, param):
    response = await vary(client, **fields)

    error = response.json()["error"]
    assert (code, param) == (error["code"], error["param"])


async def test_a_form_has_each_name_once(client):
    files = [("image", ("a.png", PICTURE)), ("n", (None, "1")), ("n", (None, "2"))]

    assert_error(await client.post("/openai/v1/images/variations", files=files), 400, "malformed_body")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"image": (None, b"")}, None),
        ({"n": (None, b"65")}, "n"),
        ({"n": (None, b"many")}, "n"),
        ({"response_format": (None, b"url")}, "response_format"),
        ({"strength": (None, b"2")}, "strength"),
        ({"other": ("a.png", b"\x89PNG")}, None),
    ],
)
async def test_forms_that_are_none_are_refused(client, fields, param):
    response = await client.post("/openai/v1/images/variations", files=FORM | fields)

    assert 400 == response.status_code
    assert param in {None, response.json()["error"]["param"]}


async def test_the_form_needs_one_picture(client):
    response = await client.post("/openai/v1/images/variations", files={"n": (None, b"1")})

    assert "image" == response.json()["error"]["param"]
