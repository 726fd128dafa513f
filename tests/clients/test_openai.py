"""OpenAI's own client."""

import base64
import io

import httpx
import openai
import pytest
from PIL import Image

from tests.pictures import encode, make_pixels

OPENAI = "/openai/v1"


@pytest.fixture
def open_client():
    opened = []

    def open_one(service, *, path=OPENAI, key="any-text-will-do"):
        opened.append(openai.OpenAI(base_url=service.url + path, api_key=key, max_retries=0))
        return opened[-1]

    yield open_one
    for client in opened:
        client.close()


@pytest.fixture
def client(service, open_client):
    return open_client(service)


def generate(client, prompt="class-1", **options):
    extra = {"seed": 5, **options.pop("extra", {})}
    return client.images.generate(**{"model": "tiny", "prompt": prompt, "extra_body": extra} | options)


def read_file(item):
    return base64.b64decode(item.b64_json)


def test_models_are_listed(client):
    found = {model.id: model for model in client.models.list()}

    assert ["coder", "tiny"] == sorted(found)
    assert ["class-0", "class-1", "class-2"] == found["tiny"].class_names


def test_one_model_is_described(client):
    assert ("tiny@1", 1) == (client.models.retrieve("tiny@1").id, client.models.retrieve("tiny@1").version)


def test_pictures_are_the_samples_of_our_own_interface(client, native):
    answer = generate(client, n=3)

    assert [native(index, class_label="class-1") for index in range(3)] == [read_file(item) for item in answer.data]
    assert [(5, 0, "class-1"), (5, 1, "class-1"), (5, 2, "class-1")] == [
        (item.seed, item.index, item.label) for item in answer.data
    ]


@pytest.mark.parametrize("output_format", ["jpeg", "webp"])
def test_other_files_are_the_same_as_well(client, native, output_format):
    answer = generate(client, output_format=output_format)

    assert native(0, ext=output_format, class_label="class-1") == read_file(answer.data[0])
    assert output_format == answer.output_format


@pytest.mark.parametrize("prompt", ["class-1", "1", "class:1", "class:class-1", " class-1 "])
def test_a_prompt_names_a_class(client, prompt):
    assert "class-1" == generate(client, prompt).data[0].label


@pytest.mark.parametrize("prompt", ["", "any", "Any", "  "])
def test_without_a_class_each_picture_draws_its_own(client, native, prompt):
    answer = generate(client, prompt, n=4)

    assert [native(index) for index in range(4)] == [read_file(item) for item in answer.data]


def test_the_body_may_hold_all_that_our_own_has(client, native):
    extra = {"first_index": 7, "truncation": 0.5, "class_label": 2}

    answer = generate(client, extra=extra, model="tiny@1")

    assert native(7, version=1, class_label=2, truncation=0.5) == read_file(answer.data[0])
    assert ("tiny@1", ["prompt"]) == (answer.model, answer.ignored)


def test_an_answer_says_what_it_is(client):
    answer = generate(client, size="1024x1024", quality="high", user="somebody", extra={"colour": "red"})

    assert ("tiny@2", "16x16", "png", "opaque") == (answer.model, answer.size, answer.output_format, answer.background)
    assert ["size", "quality", "user", "unknown"] == answer.ignored
    assert (0, 0) == (answer.usage.total_tokens, answer.usage.input_tokens_details.text_tokens)


@pytest.mark.parametrize("model", ["gpt-image-1", "dall-e-2", "dall-e-3", openai.omit])
def test_names_of_another_service_stand_for_the_default(client, model):
    answer = generate(client, "", model=model)

    assert ("coder@1", "16x16") == (answer.model, answer.size)
    assert (16, 16) == Image.open(io.BytesIO(read_file(answer.data[0]))).size


def test_a_stream_has_an_event_for_each_picture(client, native):
    with generate(client, n=20, stream=True) as stream:
        events = list(stream)

    assert {"image_generation.completed"} == {event.type for event in events}
    assert [native(index, class_label="class-1") for index in range(20)] == [read_file(event) for event in events]


def test_an_address_needs_no_key_where_none_is_needed(client, native):
    answer = generate(client, n=2, response_format="url")

    with httpx.Client(trust_env=False) as plain:
        files = [plain.get(item.url).content for item in answer.data]
    assert [native(index, class_label="class-1") for index in range(2)] == files
    assert [item.url.removeprefix(str(client.base_url).removesuffix(f"{OPENAI}/")) for item in answer.data] == [
        item.address for item in answer.data
    ]


def test_pictures_are_under_our_own_prefix_as_well(service, open_client, native):
    answer = generate(open_client(service, path="/v1"))

    assert native(0, class_label="class-1") == read_file(answer.data[0])


def test_an_unknown_class_is_an_error_of_the_prompt(client):
    with pytest.raises(openai.BadRequestError, match="class-0, class-1, class-2") as caught:
        generate(client, "a photograph of a zebra")

    assert ("prompt", "unknown_class", "invalid_request_error") == (
        caught.value.param,
        caught.value.code,
        caught.value.type,
    )


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"n": 65}, "n"),
        ({"n": 0}, "n"),
        ({"size": "huge"}, "size"),
        ({"output_format": "tiff"}, "output_format"),
        ({"response_format": "url", "stream": True}, "response_format"),
        ({"extra": {"seed": -1}}, "seed"),
        ({"extra": {"truncation": 2}}, "truncation"),
        ({"extra": {"class_label": "zebra"}}, "class_label"),
    ],
)
def test_what_is_wrong_is_named(client, options, param):
    with pytest.raises(openai.BadRequestError) as caught:
        generate(client, **options)

    assert param == caught.value.param


def test_an_unknown_model_is_not_found(client):
    with pytest.raises(openai.NotFoundError, match="coder, tiny") as caught:
        generate(client, model="absent")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("absent")

    assert ("model_not_found", None) == (caught.value.code, caught.value.param)


def test_what_there_is_not_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "hello"}])

    assert "not_found" == caught.value.code


def test_a_key_is_asked_for(guarded, open_client, key_of):
    with pytest.raises(openai.AuthenticationError) as caught:
        open_client(guarded, key="wrong").models.list()

    assert "invalid_api_key" == caught.value.code
    assert 2 == len(open_client(guarded, key=key_of("reader")).models.list().data)


def test_a_key_needs_the_scope(guarded, open_client, key_of):
    with pytest.raises(openai.PermissionDeniedError) as caught:
        generate(open_client(guarded, key=key_of("reader")))

    assert "missing_scope" == caught.value.code


def test_a_service_with_keys_gives_no_addresses(guarded, open_client, key_of):
    client = open_client(guarded, key=key_of("sampler"))

    with pytest.raises(openai.BadRequestError, match="b64_json") as caught:
        generate(client, response_format="url")

    assert "response_format" == caught.value.param
    assert generate(client).data[0].b64_json


def test_a_key_that_asks_for_too_much_is_told_when_to_come_back(guarded, open_client, key_of):
    client = open_client(guarded, key=key_of("slow"))
    client.models.list()  # as many as it may in a minute

    with pytest.raises(openai.RateLimitError) as caught:
        client.models.list()

    assert ("rate_limit_exceeded", "rate_limit_error") == (caught.value.code, caught.value.type)
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 60


def vary(client, **options):
    options = {"model": "coder", "image": ("a.png", encode(make_pixels())), "extra_body": {"seed": 5}} | options
    with pytest.warns(DeprecationWarning, match="deprecated"):  # as OpenAI calls it
        return client.images.create_variation(**options)


def test_a_picture_is_varied_as_by_our_own_interface(service, client):
    answer = vary(client, n=2)

    form = {"request": (None, '{"model": "coder", "copies": 2, "seed": 5, "format": "json"}', "application/json")}
    with service.open_client() as own:
        ours = own.post("/v1/variations", files=form | {"images": ("a.png", encode(make_pixels()))}).json()
    assert [base64.b64decode(one["png"]) for one in ours["samples"]] == [read_file(item) for item in answer.data]


def test_a_model_that_reads_no_pictures_varies_none(client):
    with pytest.raises(openai.BadRequestError) as caught:
        vary(client, model="tiny")

    assert "no_encoder" == caught.value.code


def test_a_file_that_is_no_picture_is_named(client):
    with pytest.raises(openai.BadRequestError) as caught:
        vary(client, image=("a.png", b"no picture"))

    assert "image" == caught.value.param


def test_no_picture_is_changed_by_words(client):
    with pytest.raises(openai.BadRequestError, match="/v1/augmentations"):
        client.images.edit(model="coder", image=("a.png", encode(make_pixels())), prompt="make it red")
