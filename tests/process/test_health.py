"""Versions that do harm, in a service as it is run: what callers get, and what operators see."""

import contextlib
import io
import os
import signal
import threading

import numpy as np
import torch

from app.generators.checkpoint import dump_weights
from app.imaging.codec import encode_png
from app.repository.manifest import GRID_FILE, WEIGHTS_FILE
from app.repository.store import ModelRepository
from app.training.monitoring.preview import draw_preview
from tests.factories import make_manifest, make_networks, make_space
from tests.rig.server import find_worker, serve, wait_until

URL = "/v1/samples"
CLASSES = 20
ROTTEN = 17  # beyond the classes that a contact sheet shows, so that nobody sees it at load
SWAPS = 50


def publish(root, *, seed=0, rotten=False, sheet_of=None):
    """Publish a tiny generator with its contact sheet, or with that of other weights."""
    space = make_space(num_classes=CLASSES)
    generator = make_networks(space=space, seed=seed)[0].eval()
    pictured = make_networks(space=space, seed=seed if sheet_of is None else sheet_of)[0].eval()
    grid = encode_png(draw_preview(pictured, seed=0), "{}")
    if rotten:
        with torch.no_grad():
            generator.input.embedding.weight[ROTTEN] = float("nan")
    files = {WEIGHTS_FILE: dump_weights({"generator": generator}), GRID_FILE: grid}
    return ModelRepository(str(root)).publish(make_manifest(space=space), files)


def promote(root, *versions):
    for version in versions:
        ModelRepository(str(root)).set_alias("tiny", "production", version)


def ask(client, model="tiny", label=0, seed=1):
    body = {"model": model, "num_samples": 4, "seed": seed, "class_label": label, "format": "npy"}
    return client.post(URL, json=body)


def read(response):
    assert 200 == response.status_code, response.text
    return np.load(io.BytesIO(response.content))


def describe(client, version):
    return client.get(f"/v1/models/tiny/versions/{version}").json()


@contextlib.contextmanager
def serving(root, **variables):
    with serve(root, FOUNT_WORKER__BATCH_SIZES="[16]", **variables) as service, service.open_client() as client:
        service.wait_ready()
        yield service, client


def test_a_version_with_rotten_weights_is_never_a_picture_and_goes_after_three_tries(tmp_path):
    publish(tmp_path)
    publish(tmp_path, seed=1, rotten=True)
    promote(tmp_path, 1, 2)

    with serving(tmp_path) as (service, client):
        first = ask(client)
        bad = [ask(client, label=ROTTEN, seed=seed) for seed in range(3)]
        after = ask(client, label=ROTTEN)
        numbered = ask(client, model="tiny@2")
        detail, summary = describe(client, 2), client.get("/v1/models/tiny").json()
        ready = client.get("/readyz").status_code
        line = service.wait_for(r".*version-ejected.*")

    assert ("tiny@2", 200) == (first.headers["fount-model"], first.status_code)
    for response in bad:
        assert (503, "model-unhealthy") == (response.status_code, response.json()["code"])
        assert 1 <= int(response.headers["retry-after"])
    assert "tiny@1" == after.headers["fount-model"]
    assert read(after).std() > 0
    assert (404, "version-not-found") == (numbered.status_code, numbered.json()["code"])
    assert ("failed", True) == (detail["state"], "not finite" in detail["reason"])
    assert (1, {"production": 1}) == (summary["default_version"], summary["aliases"])
    assert {"production": 2} == ModelRepository(str(tmp_path)).read_aliases("tiny")
    assert 200 == ready
    assert '"error"' in line


def test_a_version_that_is_not_what_its_sheet_shows_never_goes_into_service(tmp_path):
    publish(tmp_path)
    promote(tmp_path, 1)

    with serving(tmp_path) as (_, client):
        before = describe(client, 1)
        publish(tmp_path, seed=1, sheet_of=2)
        promote(tmp_path, 2)
        assert wait_until(lambda: describe(client, 2).get("state") == "failed")
        answer, detail = ask(client), describe(client, 2)

    assert "64 samples equal to the bit" == before["golden_samples"]
    assert "tiny@1" == answer.headers["fount-model"]
    assert detail["reason"].startswith("golden samples differ by up to ")


def test_a_bad_version_that_is_there_at_the_start_leaves_its_name_to_the_one_before(tmp_path):
    publish(tmp_path)
    publish(tmp_path, seed=1, sheet_of=2)
    promote(tmp_path, 1, 2)

    with serving(tmp_path) as (_, client):
        answer = ask(client)

    assert "tiny@1" == answer.headers["fount-model"]


def test_a_worker_that_is_killed_again_and_again_costs_no_version(tmp_path):
    publish(tmp_path)
    done = threading.Event()
    statuses = []

    def load(service):
        with service.open_client() as client:
            while not done.is_set():
                statuses.append(ask(client, seed=len(statuses)).status_code)

    with serving(tmp_path, FOUNT_HEALTH__CRASHES="2") as (service, client):
        askers = [threading.Thread(target=load, args=(service,)) for _ in range(4)]
        for asker in askers:
            asker.start()
        for _ in range(4):
            seen = len(statuses)
            assert wait_until(lambda before=seen: len(statuses) > before + 8)
            os.kill(find_worker(service), signal.SIGKILL)
        seen = len(statuses)
        assert wait_until(lambda: len(statuses) > seen + 8)
        done.set()
        for asker in askers:
            asker.join()
        state = describe(client, 1)["state"]

    assert {200} == set(statuses)
    assert "ready" == state


def test_fifty_moves_of_an_alias_fail_nobody_and_mix_nothing(tmp_path):
    for seed in range(2):
        publish(tmp_path, seed=seed)
    promote(tmp_path, 1)
    done = threading.Event()
    answers = []

    def load(service):
        with service.open_client() as client:
            while not done.is_set():
                response = ask(client, model="tiny@production")
                answers.append((response.headers.get("fount-model"), response.content))

    with serving(tmp_path) as (service, client):
        expected = {f"tiny@{version}": ask(client, model=f"tiny@{version}").content for version in (1, 2)}
        askers = [threading.Thread(target=load, args=(service,)) for _ in range(4)]
        for asker in askers:
            asker.start()
        for number in range(SWAPS):
            moved = client.put("/v1/models/tiny/aliases/production", json={"version": 2 - number % 2})
            assert 200 == moved.status_code
            seen = len(answers)
            assert wait_until(lambda before=seen: len(answers) > before)
        done.set()
        for asker in askers:
            asker.join()

    assert {"tiny@1", "tiny@2"} == {name for name, _ in answers}
    assert all(expected[name] == content for name, content in answers)
    assert SWAPS <= len(answers)
