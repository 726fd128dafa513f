"""Details of Hugging Face Inference; its own client is in ``tests/clients``."""

import pytest

CANARY = "canary7f3a"


async def ask(client, path="/hf/tiny", accept="image/png", **body):
    return await client.post(path, json=body, headers={"Accept": accept})


async def test_the_answer_is_the_file_and_says_what_it_is(client):
    response = await ask(client, inputs="b", parameters={"seed": 5, "guidance_scale": 7, CANARY: 1})

    address = "/v1/models/tiny/versions/1/samples/5/0.png?class_label=b"
    assert (await client.get(address)).content == response.content
    assert ("image/png", "tiny@1", "guidance_scale, unknown") == tuple(
        response.headers[name] for name in ("content-type", "fount-model", "fount-ignored")
    )


@pytest.mark.parametrize("kind", ["image/jpeg", "image/webp"])
async def test_the_caller_chooses_the_file(client, kind):
    assert kind == (await ask(client, inputs="", accept=kind)).headers["content-type"]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"inputs": CANARY}, 400, "`/inputs`"),
        ({"inputs": 7}, 400, "`/inputs`"),
        ({"parameters": []}, 400, "`/parameters`"),
        ({"parameters": {"seed": -1}}, 400, "`/parameters/seed`"),
        ({"parameters": {"class_label": CANARY}}, 400, "`/parameters/class_label`"),
    ],
)
async def test_what_is_wrong_is_one_sentence_without_an_echo(client, body, status, text):
    response = await ask(client, **body)

    assert (status, ["error"]) == (response.status_code, list(response.json()))
    assert text in response.json()["error"]
    assert CANARY not in response.text


@pytest.mark.parametrize("path", ["/hf/absent", "/hf/Tiny", "/hf/a%2fb", "/hf/tiny/x", "/hf/"])
async def test_what_there_is_not_is_not_found(client, path):
    response = await ask(client, path)

    assert (404, ["error"]) == (response.status_code, list(response.json()))


async def test_a_class_beside_the_text_goes_first(client):
    response = await ask(client, inputs="a", parameters={"seed": 5, "class_label": "7"})

    address = "/v1/models/tiny/versions/1/samples/5/0.png?class_label=7"
    assert (await client.get(address)).content == response.content
