import pytest

from tests.problems import assert_problem

URL = "/v1/models/tiny/versions/1/samples/5/7.png"


async def test_a_version_number_makes_the_address_permanent(client):
    response = await client.get(URL)

    assert "public, max-age=31536000, immutable" == response.headers["cache-control"]


async def test_an_alias_must_be_asked_again(client):
    numbered = await client.get(URL)
    aliased = await client.get(URL.replace("/1/", "/production/", 1))

    assert "public, no-cache" == aliased.headers["cache-control"]
    assert numbered.headers["etag"] == aliased.headers["etag"]
    assert numbered.content == aliased.content


async def test_a_known_tag_costs_nothing(client, workers):
    tag = (await client.get(URL)).headers["etag"]
    workers.batches.clear()

    response = await client.get(URL, headers={"If-None-Match": f'"other", W/{tag}'})

    assert (304, b"", tag) == (response.status_code, response.content, response.headers["etag"])
    assert [] == workers.batches


@pytest.mark.parametrize(
    "other",
    [
        "/v1/models/tiny/versions/2/samples/5/7.png",
        "/v1/models/tiny/versions/1/samples/6/7.png",
        "/v1/models/tiny/versions/1/samples/5/8.png",
        "/v1/models/tiny/versions/1/samples/5/7.webp",
        f"{URL}?truncation=0.5",
        f"{URL}?class_label=a",
    ],
)
async def test_another_sample_has_another_tag(client, other):
    tags = [(await client.get(url)).headers["etag"] for url in (URL, other)]

    assert 2 == len(set(tags))


async def test_another_build_or_device_gives_another_tag(client, workers):
    before = (await client.get(URL)).headers
    workers.build = "fake-2/cuda"
    workers.kill()
    await workers.wait_for(lambda: len(workers.configs) == 2)

    after = (await client.get(URL, headers={"If-None-Match": before["etag"]})).headers

    assert ["fake-1/cpu/float32", "fake-2/cuda/float32"] == [one["fount-numerics"] for one in (before, after)]
    assert before["etag"] != after["etag"]


async def test_the_first_sample_of_a_version_has_the_tag_that_it_keeps(client, workers):
    url = URL.replace("/1/", "/2/", 1)
    workers.load_facts = {"numerics": "bfloat16"}

    first, second = await client.get(url), await client.get(url)

    assert "fake-1/cpu/bfloat16" == first.headers["fount-numerics"]
    assert first.headers["etag"] == second.headers["etag"]


async def test_naming_the_class_that_a_sample_has_anyway_changes_nothing(client):
    body = {"model": "tiny@1", "seed": 5, "first_index": 7, "num_samples": 1, "format": "json"}
    label = (await client.post("/v1/samples", json=body)).json()["samples"][0]["class_label"]

    own, named = await client.get(URL), await client.get(URL, params={"class_label": label})

    assert (own.headers["etag"], own.content) == (named.headers["etag"], named.content)


async def test_head_tells_all_but_the_body(client):
    get, head = await client.get(URL), await client.head(URL)

    assert (200, b"") == (head.status_code, head.content)
    ignored = {"x-request-id", "server-timing"}
    assert {k: v for k, v in get.headers.items() if k not in ignored} == {
        k: v for k, v in head.headers.items() if k not in ignored
    }


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/tiny/versions/01/samples/5/7.png",
        "/v1/models/tiny/versions/+1/samples/5/7.png",
        "/v1/models/tiny/versions/1_0/samples/5/7.png",
        "/v1/models/tiny/versions/\u0661/samples/5/7.png",
        "/v1/models/tiny/versions/1/samples/05/7.png",
        "/v1/models/tiny/versions/1/samples/\u0665/7.png",
        "/v1/models/tiny/versions/1/samples/-5/7.png",
        "/v1/models/tiny/versions/1/samples/5/7.gif",
        "/v1/models/tiny/versions/1/samples/5/7",
        "/v1/models/tiny/versions/1/samples/5/9223372036854775808.png",
        "/v1/models/tiny/versions/1/samples/9999999999999999999/7.png",
        f"/v1/models/tiny/versions/1/samples/{'9' * 4999}/7.png",
        "/v1/models/TINY/versions/1/samples/5/7.png",
        "/v1/models/..%2f..%2fetc/versions/1/samples/5/7.png",
        "/v1/models/%2e%2e/versions/1/samples/5/7.png",
    ],
)
async def test_an_address_that_is_not_well_formed_is_a_404(client, workers, path):
    assert_problem(await client.get(path), 404, "not-found")
    assert [] == workers.batches


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("truncation=0", "invalid-parameter"),
        ("truncation=nan", "invalid-parameter"),
        ("truncation=1e400", "invalid-parameter"),
        ("class_label=", "invalid-parameter"),
        ("class_label=zebra", "unknown-class"),
        ("class_label=\u0662", "unknown-class"),
        ("truncate=1", "invalid-parameter"),
        ("truncation=1&truncation=1", "invalid-parameter"),
    ],
)
async def test_a_query_that_is_not_valid_is_a_422(client, query, code):
    body = assert_problem(await client.get(f"{URL}?{query}"), 422, code)

    assert "zebra" not in str(body)


async def test_an_unknown_query_parameter_gets_a_hint(client):
    body = assert_problem(await client.get(f"{URL}?truncatoin=1"), 422, "invalid-parameter")

    assert "did you mean `truncation`?" in body["detail"]
    assert "truncatoin" not in str(body)


async def test_with_keys_in_force_answers_are_private(open_client, make_settings):
    client = await open_client(make_settings(api_key="k" * 20), headers={"Authorization": f"Bearer {'k' * 20}"})

    response = await client.get(URL)

    assert "private, max-age=31536000, immutable" == response.headers["cache-control"]
