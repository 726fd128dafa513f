"""NVIDIA's own client of the Open Inference Protocol, over HTTP."""

import io

import numpy as np
import pytest
import tritonclient.http as triton
from PIL import Image
from tritonclient.utils import InferenceServerException


@pytest.fixture
def open_client():
    opened = []

    def open_one(service):
        opened.append(triton.InferenceServerClient(service.url.removeprefix("http://")))
        return opened[-1]

    yield open_one
    for client in opened:
        client.close()


@pytest.fixture
def client(service, open_client):
    return open_client(service)


@pytest.fixture
def own(service):
    """The arrays of our own interface."""

    def ask(**body):
        with service.open_client() as client:
            answer = client.post("/v1/samples", json={"model": "tiny", "seed": 5, "format": "npz", **body})
        with np.load(io.BytesIO(answer.raise_for_status().content)) as arrays:
            return dict(arrays)

    return ask


def tensor(name, values, datatype="INT64", **options):
    array = np.array(values, dtype=np.object_ if datatype == "BYTES" else np.int64)
    one = triton.InferInput(name, list(array.shape), datatype)
    one.set_data_from_numpy(array, **options)
    return one


def infer(client, inputs=(), model="tiny", **options):
    return client.infer(model, list(inputs), **options)


def read_pixels(file):
    return np.asarray(Image.open(io.BytesIO(file)))[..., None]


def test_the_service_lives_and_is_ready(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert {"binary_tensor_data", "model_repository"} <= set(client.get_server_metadata()["extensions"])


def test_a_model_is_ready_by_name_version_and_alias(client):
    assert client.is_model_ready("tiny")
    assert client.is_model_ready("tiny", "1")
    assert not client.is_model_ready("tiny", "9")
    assert not client.is_model_ready("absent")


def test_a_model_is_described_as_it_answers(client):
    described = client.get_model_metadata("tiny")
    answer = infer(client, parameters={"n": 3})

    assert ["1", "2"] == described["versions"]
    assert {"N", "SEED", "LABELS"} == {one["name"] for one in described["inputs"]}
    for one in described["outputs"]:
        if one["name"] != "PNG":
            sent = answer.get_output(one["name"])
            assert one["datatype"] == sent["datatype"]
            assert all(known in {-1, size} for known, size in zip(one["shape"], sent["shape"], strict=True))


def test_without_any_input_there_is_one_sample(client):
    answer = infer(client)

    assert (1, 16, 16, 1) == answer.as_numpy("IMAGES").shape
    assert ("tiny", "2") == (answer.get_response()["model_name"], answer.get_response()["model_version"])


@pytest.mark.parametrize("is_binary", [True, False], ids=["binary", "json"])
def test_samples_are_those_of_our_own_interface(client, own, is_binary):
    inputs = [tensor("N", [40], binary_data=is_binary), tensor("SEED", [5], binary_data=is_binary)]
    outputs = [
        triton.InferRequestedOutput(name, binary_data=is_binary) for name in ("LABELS", "IMAGES", "INDICES", "SEED")
    ]

    answer = infer(client, inputs, outputs=outputs)

    expected = own(num_samples=40)
    assert np.array_equal(expected["images"], answer.as_numpy("IMAGES"))
    assert np.array_equal(expected["labels"], answer.as_numpy("LABELS"))
    assert np.array_equal(expected["indices"], answer.as_numpy("INDICES"))
    assert [5] == answer.as_numpy("SEED").tolist()


def test_parameters_say_the_same_as_inputs(client, own):
    parameters = {"n": 3, "seed": 5, "labels": "class-1", "truncation": 0.5, "first_index": 2}

    answer = infer(client, parameters=parameters, model_version="2")

    expected = own(num_samples=3, class_label=1, truncation=0.5, first_index=2)
    assert np.array_equal(expected["images"], answer.as_numpy("IMAGES"))


@pytest.mark.parametrize(
    "labels",
    [
        tensor("LABELS", [2, 2, 0, 1, 1, 2]),
        tensor("LABELS", ["class-2", "2", "class-0", "1", "class-1", "2"], "BYTES"),
        tensor("LABELS", ["class-2", "2", "class-0", "1", "class-1", "2"], "BYTES", binary_data=False),
    ],
    ids=["numbers", "names", "names-json"],
)
def test_each_sample_may_have_a_class_of_its_own(client, own, labels):
    answer = infer(client, [labels, tensor("SEED", [5])])

    by_class = [own(num_samples=6, class_label=label)["images"] for label in range(3)]
    expected = [by_class[label][index] for index, label in enumerate([2, 2, 0, 1, 1, 2])]
    assert np.array_equal(np.stack(expected), answer.as_numpy("IMAGES"))
    assert [2, 2, 0, 1, 1, 2] == answer.as_numpy("LABELS").tolist()


@pytest.mark.parametrize("is_binary", [True, False], ids=["binary", "json"])
def test_samples_come_as_files_too(client, own, native, is_binary):
    outputs = [triton.InferRequestedOutput("PNG", binary_data=is_binary)]

    answer = infer(client, parameters={"n": 2, "seed": 5}, outputs=outputs)

    if is_binary:
        assert [native(0), native(1)] == answer.as_numpy("PNG").tolist()
    assert 2 == len(answer.as_numpy("PNG"))


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_bodies_are_coded_both_ways(client, own, coding):
    inputs = [tensor("N", [300]), tensor("SEED", [5])]

    answer = infer(client, inputs, request_compression_algorithm=coding, response_compression_algorithm=coding)

    assert np.array_equal(own(num_samples=300)["images"], answer.as_numpy("IMAGES"))


def test_an_answer_may_be_larger_than_one_that_is_held_whole(client):
    answer = infer(client, parameters={"n": 5000, "seed": 5})

    assert (5000, 16, 16, 1) == answer.as_numpy("IMAGES").shape
    assert list(range(5000)) == answer.as_numpy("INDICES").tolist()


def test_the_id_of_a_request_comes_back(client):
    assert "run-7" == infer(client, request_id="run-7").get_response()["id"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"parameters": {"labels": "zebra"}}, "class-0, class-1, class-2"),
        ({"parameters": {"n": 0}}, "greater than"),
        ({"parameters": {"n": 10**9}}, "at most"),
        ({"parameters": {"colour": "red"}}, "the parameters are"),
        ({"outputs": [triton.InferRequestedOutput("LATENTS")]}, "the outputs are"),
        ({"outputs": [triton.InferRequestedOutput("IMAGES", class_count=3)]}, "binary_data"),
        ({"inputs": [tensor("LATENTS", [1])]}, "the inputs are"),
        ({"inputs": [tensor("LABELS", [1, 2]), tensor("N", [3])]}, "one for each"),
        ({"inputs": [tensor("LABELS", [-1])]}, "no such class"),
        ({"inputs": [tensor("N", [1, 2])]}, "one number"),
    ],
)
def test_what_is_wrong_is_said(client, options, text):
    with pytest.raises(InferenceServerException, match=text) as caught:
        infer(client, **options)

    assert "400" == caught.value.status()


def test_an_unknown_model_is_not_found(client):
    with pytest.raises(InferenceServerException, match="coder, tiny") as caught:
        infer(client, model="absent")

    assert "404" == caught.value.status()


def states(client):
    return {(one["name"], one["version"]): one for one in client.get_model_repository_index()}


def test_the_repository_is_listed(client):
    found = states(client)

    assert {("coder", "1"), ("tiny", "1"), ("tiny", "2")} == found.keys()
    assert {"READY"} == {one["state"] for one in found.values()}


def test_a_version_is_loaded_and_let_go_and_answers_all_the_same(client, own):
    before = own(num_samples=3)["images"]

    client.load_model("tiny@1")
    assert "" == states(client)["tiny", "1"]["reason"]
    client.unload_model("tiny")
    assert {True} == {bool(states(client)["tiny", version]["reason"]) for version in "12"}

    assert np.array_equal(before, infer(client, parameters={"n": 3, "seed": 5}).as_numpy("IMAGES"))
    assert "" == states(client)["tiny", "2"]["reason"]


def test_models_are_loaded_as_they_were_published(client):
    with pytest.raises(InferenceServerException, match="without parameters"):
        client.load_model("tiny", config="{}")
    with pytest.raises(InferenceServerException, match="coder, tiny"):
        client.load_model("absent")
    with pytest.raises(InferenceServerException, match="coder, tiny"):
        client.unload_model("absent")


def test_a_key_is_needed_for_all_but_probes(guarded, open_client, key_of):
    client, key = open_client(guarded), {"Authorization": f"Bearer {key_of('sampler')}"}

    assert client.is_server_live()
    assert client.is_server_ready()
    with pytest.raises(InferenceServerException, match="needs a valid key") as caught:
        infer(client)
    assert "401" == caught.value.status()
    assert (1, 16, 16, 1) == infer(client, headers=key).as_numpy("IMAGES").shape


def test_the_repository_is_changed_by_operators_only(guarded, open_client, key_of):
    client = open_client(guarded)

    for change in (client.load_model, client.unload_model):
        with pytest.raises(InferenceServerException, match="scope `admin`"):
            change("tiny", headers={"Authorization": f"Bearer {key_of('sampler')}"})
        change("tiny", headers={"Authorization": f"Bearer {key_of('operator')}"})
