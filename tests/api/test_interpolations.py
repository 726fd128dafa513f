import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from app.imaging.mark import TEXT_KEYWORD
from tests.drafts import make_draft, make_files
from tests.problems import assert_problem

URL = "/v1/interpolations"
START, END = {"seed": 1, "index": 3}, {"seed": 2**40, "index": 9}


async def ask(client, **body):
    return await client.post(URL, json={"model": "tiny", "start": START, "end": END, **body})


def load(response):
    return np.load(io.BytesIO(response.content), allow_pickle=False)


async def test_a_path_has_as_many_frames_as_asked_for(client):
    response = await ask(client, num_frames=5, class_label="b", format="npz")

    assert 200 == response.status_code
    arrays = load(response)
    assert (5, 8, 8, 1) == arrays["images"].shape
    assert 1 == len(set(arrays["labels"].tolist()))
    assert [0, 1, 2, 3, 4] == arrays["indices"].tolist()
    assert ("1", "0", "5") == tuple(
        response.headers[f"fount-{name}"] for name in ("seed", "first-index", "num-samples")
    )


async def test_frames_are_a_zip_by_default_and_say_how_they_were_made(client):
    response = await ask(client, num_frames=3, truncation=0.5)

    archive = zipfile.ZipFile(io.BytesIO(response.content))
    names = [name for name in archive.namelist() if name.endswith(".png")]
    mark = json.loads(Image.open(io.BytesIO(archive.read(names[1]))).info[TEXT_KEYWORD])
    path = {"start_index": 3, "end_seed": 2**40, "end_index": 9, "num_frames": 3, "method": "spherical"}
    assert (3, 1, 1, 0.5, path) == (len(names), mark["seed"], mark["index"], mark["truncation"], mark["path"])
    described = json.loads(archive.read("metadata.jsonl").splitlines()[1])
    assert path == described["path"]
    assert "-path-seed1-" in response.headers["content-disposition"]


async def test_the_class_is_that_of_the_first_sample_unless_asked_for(client):
    body = {"model": "tiny", "num_samples": 1, "seed": 1, "first_index": 3, "format": "npz"}
    first = load(await client.post("/v1/samples", json=body))

    frames = load(await ask(client, num_frames=2, format="npz"))

    assert [first["labels"][0]] * 2 == frames["labels"].tolist()


async def test_a_model_without_classes_has_paths_too(client):
    response = await ask(client, model="plain", num_frames=2, format="npz")

    assert [-1, -1] == load(response)["labels"].tolist()


@pytest.mark.parametrize(("prior", "method"), [("normal", "spherical"), ("uniform", "linear"), ("truncated", "linear")])
async def test_the_way_suits_the_latents_of_the_model(open_client, make_settings, repository, prior, method):
    repository.publish(make_draft("other", latent_prior=prior), make_files())
    client = await open_client(make_settings())

    response = await ask(client, model="other", num_frames=2)

    archive = zipfile.ZipFile(io.BytesIO(response.content))
    assert method == json.loads(archive.read("metadata.jsonl").splitlines()[0])["path"]["method"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"num_frames": 1}, "/num_frames"),
        ({"start": {"seed": -1}}, "/start/seed"),
        ({"end": {"seed": 2**63}}, "/end/seed"),
        ({"end": {"index": 1}}, "/end/seed"),
        ({"method": "cubic"}, "/method"),
        ({"truncation": 0}, "/truncation"),
        ({"steps": 3}, ""),
        ({"format": "png"}, "/format"),
    ],
    ids=str,
)
async def test_what_is_wrong_is_pointed_at(client, change, pointer):
    body = assert_problem(await ask(client, **{"num_frames": 4} | change), 422, "invalid-parameter")

    assert pointer in {body.get("pointer"), *(error["pointer"] for error in body.get("errors", []))}


async def test_an_unknown_class_and_too_many_frames_are_refused(client):
    assert_problem(await ask(client, class_label="zebra"), 422, "unknown-class")
    assert_problem(await ask(client, num_frames=10**9), 422, "limit-exceeded")
    assert_problem(await ask(client, model="nobody"), 404, "model-not-found")
