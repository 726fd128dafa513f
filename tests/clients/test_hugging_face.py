"""Hugging Face's own client of its inference service."""

import io

import numpy as np
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError
from PIL import Image


@pytest.fixture
def open_client():
    def open_one(service, model="tiny", key=None):
        return InferenceClient(model=f"{service.url}/hf/{model}", token=key or "any-text-will-do")

    return open_one


@pytest.fixture
def client(service, open_client):
    return open_client(service)


def read(file):
    return np.asarray(Image.open(io.BytesIO(file)))


def test_text_becomes_the_sample_of_our_own_interface(client, native):
    picture = client.text_to_image("class-1", seed=5)

    assert "PNG" == picture.format
    assert np.array_equal(read(native(0, class_label="class-1")), np.asarray(picture))


def test_the_file_is_byte_for_byte_that_of_our_own_interface(service, native):
    with service.open_client() as client:
        body = {"inputs": "class-1", "parameters": {"seed": 5}}
        answer = client.post("/hf/tiny", json=body, headers={"Accept": "image/png"})

    assert native(0, class_label="class-1") == answer.content


def test_parameters_of_other_generators_are_accepted(client, native):
    picture = client.text_to_image(
        "", seed=5, guidance_scale=7.5, num_inference_steps=3, width=1024, height=1024, extra_body={"first_index": 4}
    )

    assert np.array_equal(read(native(4)), np.asarray(picture))


def test_a_version_may_be_named(service, open_client, native):
    picture = open_client(service, "tiny@1").text_to_image("2", seed=5)

    assert np.array_equal(read(native(0, version=1, class_label=2)), np.asarray(picture))


def test_an_unknown_class_is_said(client):
    with pytest.raises(HfHubHTTPError, match="class-0, class-1, class-2") as caught:
        client.text_to_image("a zebra")

    assert 400 == caught.value.response.status_code


def test_an_unknown_model_is_said(service, open_client):
    with pytest.raises(HfHubHTTPError, match="coder, tiny"):
        open_client(service, "absent").text_to_image("1")


def test_a_key_is_a_token(guarded, open_client, key_of):
    with pytest.raises(HfHubHTTPError, match="needs a valid key"):
        open_client(guarded).text_to_image("1")

    assert (16, 16) == open_client(guarded, key=key_of("sampler")).text_to_image("1").size
