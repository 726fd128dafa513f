import base64
import hashlib
import html
import re
import shlex

import pytest

from tests.drafts import make_draft, make_files

FIRST = {"PUT": 0, "GET": 1, "POST": 1, "DELETE": 2}


def read_commands(page):
    """Split every command of the page as a shell does."""
    texts = re.findall(r"<pre><code>(.*?)</code></pre>", page, re.DOTALL)
    return [shlex.split(html.unescape(text).replace("\\\n", "")) for text in texts]


def read_request(command):
    """Read what curl would send: method, address, headers, body."""
    assert "curl" == command[0]
    options, words = {"-H": [], "-F": []}, iter(command[1:])
    for word in words:
        if word == "-H":
            options["-H"].append(next(words).split(": ", 1))
        elif word == "-F":
            options["-F"].append(next(words).split("=", 1))
        elif word in {"-X", "-d", "-o"}:
            options[word] = next(words)
        elif word != "-i":
            options["url"] = word
    method = options.get("-X", "POST" if "-d" in options or options["-F"] else "GET")
    return method, options["url"], dict(options["-H"]), options.get("-d"), options["-F"]


async def send(client, command, variables=None):
    """Send what curl would, with the variables and the file that the page supposes."""
    method, url, headers, body, form = read_request(command)
    for name, value in (variables or {}).items():
        url = url.replace(name, value)
    if not form:
        return await client.request(method, url, headers=headers, content=body)
    sample = await client.get("/v1/models/tiny/versions/1/samples/1/0.png")
    parts = [
        (name, ("sample.png", sample.content) if value == "@sample.png" else (None, value)) for name, value in form
    ]
    return await client.request(method, url, headers=headers, files=parts)


async def test_every_command_of_the_page_works(open_client, make_settings, repository):
    repository.publish(make_draft("reader", parts=["generator", "encoder"], class_names=["a", "b"]), make_files(4))
    client = await open_client(make_settings())
    commands = read_commands((await client.get("/docs")).text)

    recipe = {"samples": [{"model": "tiny", "num_samples": 4, "seed": 1}]}
    token = (await client.post("/v1/datasets", json=recipe)).json()["token"]
    answers = {}
    for command in sorted(commands, key=lambda command: FIRST[read_request(command)[0]]):
        answers[" ".join(command)] = (await send(client, command, {"$TOKEN": token})).status_code

    assert 29 == len(answers)
    assert {} == {command: status for command, status in answers.items() if status not in {200, 201, 204}}


async def test_commands_call_the_service_where_it_was_asked(client):
    page = await client.get("http://[::1]:8001/docs")

    assert "curl 'http://[::1]:8001/livez'" in html.unescape(page.text)


@pytest.mark.parametrize("host", ["a'b", "a b", "<b>", "$(id)", "a\\b", "a/../b?c", "ä"])
async def test_a_host_that_means_something_to_a_shell_is_not_repeated(client, host):
    page = await client.get("/docs", headers={"Host": host.encode()})

    assert "curl 'http://127.0.0.1:8000/livez'" in html.unescape(page.text)
    assert f"http://{host}" not in html.unescape(page.text)


async def test_commands_follow_the_version_in_production(client):
    before = await client.get("/docs")
    await client.put("/v1/models/tiny/aliases/production", json={"version": 2})
    after = await client.get("/docs")

    assert "/v1/models/tiny/versions/1/card" in before.text
    assert "/v1/models/tiny/versions/2/card" in after.text


async def test_with_keys_the_page_names_no_model_and_commands_send_a_key(open_client, make_settings):
    client = await open_client(make_settings(api_key="fount_secret-key-of-sufficient-length"))

    page = await client.get("/docs")

    requests = [read_request(command) for command in read_commands(page.text)]
    keys = {url.removeprefix("http://fount"): headers.get("Authorization") for _, url, headers, *_ in requests}
    assert "tiny" not in page.text
    assert "secret" not in page.text
    assert {"Bearer $FOUNT_API_KEY"} == {key for path, key in keys.items() if path.startswith(("/v1/", "/metrics"))}
    assert {"/livez", "/readyz", "/problems/queue-full"} == {path for path, key in keys.items() if key is None}


async def test_the_page_may_load_its_own_style_and_nothing_else(client):
    page = await client.get("/docs")

    style = re.search(r"<style>(.*?)</style>", page.text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert {
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    } == set(page.headers["content-security-policy"].split("; "))
