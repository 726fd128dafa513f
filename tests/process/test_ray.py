"""Two Ray nodes on this machine: ``fount export --ray``, and the service on Ray Serve; each loses a node."""

import asyncio
import collections
import concurrent.futures
import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import httpx
import pytest

from app.exporting.export import ExportOrder
from app.exporting.folder import Folder
from app.exporting.local import LocalSite
from app.exporting.run import run_export
from app.main import create_app
from app.schemas.datasets import DatasetRequest
from tests.factories import publish_tiny_model
from tests.fakes import make_settings
from tests.process.ray_nodes import Nodes, find_port, wait_for

DEADLINE_S = 300
NUM_SHARDS, SHARD_SIZE = 60, 20
RECIPE = {
    "samples": [{"model": "tiny@1", "num_samples": SHARD_SIZE * NUM_SHARDS, "seed": 5}],
    "shard_size": SHARD_SIZE,
    "format": "tar",
}
KEY = "a-key-of-this-test"
BODIES = [{"model": "tiny", "num_samples": 300, "seed": seed, "format": "npz"} for seed in range(6)]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("models")
    publish_tiny_model(path)
    return path


@pytest.fixture(scope="module")
def single(root, tmp_path_factory):
    """What one machine answers, and the tree that it exports."""

    async def ask():
        settings = make_settings(root, pool={"samples": 0})
        app, folder = create_app(settings), Folder(str(tmp_path_factory.mktemp("local")))
        services = app.state.services
        order = ExportOrder(DatasetRequest.model_validate(RECIPE), None, folder)
        site = LocalSite([services.engine], settings.limits, services.encoder)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://fount") as client,
        ):
            answers = [(await client.post("/v1/samples", json=body)).content for body in BODIES]
            await run_export(order, contextlib.nullcontext(site), settings.limits, Silent(), reads=True)
        return answers, read_tree(Path(folder.url))

    return asyncio.run(ask())


class Silent:
    """A watcher that is told and says nothing."""

    def begin(self, count):
        pass

    find = write = begin


@pytest.fixture(scope="module")
def nodes():
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        cluster = Nodes(Path(folder), FOUNT_API_KEY=KEY)
        try:
            cluster.start_head()
            yield cluster
        finally:
            left = cluster.stop()
        assert [] == left


@pytest.fixture(scope="module")
def service(root, nodes, tmp_path_factory):
    """The service on two nodes, one replica each: its port, and the second node."""
    folder, port = tmp_path_factory.mktemp("serve"), find_port()
    config, log = folder / "config.yaml", folder / "log"
    config.write_text(json.dumps(make_config(root, port)))
    second = nodes.start_node()
    command = [sys.executable, "-m", "ray.serve.scripts", "run", str(config)]
    with (
        log.open("wb") as output,
        subprocess.Popen(command, env=nodes.environment, stdout=output, stderr=output) as run,
    ):
        try:
            with open_client(port) as client:
                seen = collections.Counter()
                wait_for(lambda: count_replicas(client, seen) == 2, run, log)
            yield port, second
        finally:
            run.kill()


def make_config(root, port):
    arguments = {"replicas": 2, "per_node": 1, "repository": str(root)}
    return {
        "proxy_location": "HeadOnly",
        "http_options": {"host": "127.0.0.1", "port": port},
        "applications": [
            {"name": "fount", "route_prefix": "/", "import_path": "app.deploy.ray_serve:app", "args": arguments}
        ],
    }


def open_client(port):
    headers, url = {"Authorization": f"Bearer {KEY}"}, f"http://127.0.0.1:{port}"
    return httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=DEADLINE_S)


def count_replicas(client, seen):
    """Ask without a seed. A replica's pool keeps one; while it is empty, a seed comes once and never again."""
    with contextlib.suppress(httpx.TransportError):
        answer = client.post("/v1/samples", json={"model": "tiny", "num_samples": 1, "format": "npy"})
        if answer.status_code == 200:
            seen[answer.headers["fount-seed"]] += 1
    return sum(times > 1 for times in seen.values())


@pytest.fixture
def client(service):
    with open_client(service[0]) as one:
        yield one


def read_tree(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def ask(client, body):
    """Ask until there is an answer, as a client that retries does."""
    retries, pause = 200, threading.Event()
    for _ in range(retries):
        with contextlib.suppress(httpx.TransportError):
            answer = client.post("/v1/samples", json=body)
            if answer.status_code < 500:
                return answer
        pause.wait(0.1)
    raise AssertionError("no answer")


def test_an_export_that_loses_a_node_has_the_tree_of_one_machine(nodes, root, single, tmp_path):
    output, log = tmp_path / "out", tmp_path / "log"
    (tmp_path / "recipe.json").write_text(json.dumps(RECIPE))
    second = nodes.start_node()
    command = [sys.executable, "-m", "app", "export", str(tmp_path / "recipe.json"), "--repository", str(root), "--ray"]

    with log.open("wb") as said:
        export = subprocess.Popen([*command, "-o", str(output)], env=nodes.environment, stdout=said, stderr=said)
    with export:
        wait_for(lambda: len(list(output.glob("*.tar"))) >= 2, export, log)
        nodes.kill(second)
        done = len(list(output.glob("*.tar")))
        status = export.wait(DEADLINE_S)

    assert 0 == status, log.read_text()
    assert done < NUM_SHARDS
    assert single[1] == read_tree(output)


def test_two_replicas_answer_with_the_bytes_of_one_machine(client, single):
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda body: ask(client, body).content, BODIES * 2))

    assert single[0] * 2 == answers


def test_replicas_never_give_the_same_sample_where_no_seed_is_given(client):
    body = {"model": "tiny", "num_samples": 1, "format": "npy"}

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(client, body), range(40)))

    assert len(answers) == len({answer.content for answer in answers})


def test_strangers_are_refused_by_replicas(client):
    answers = [
        client.get(path, headers={"Authorization": ""}).status_code for path in ("/readyz", "/v1/models", "/metrics")
    ]

    assert [200, 401, 401] == answers


def test_a_node_that_is_killed_costs_a_client_that_retries_nothing(nodes, service, client, single):
    bodies = BODIES * 10

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        running = [pool.submit(ask, client, body) for body in bodies]
        running[3].result()
        nodes.kill(service[1])
        answers = [one.result().content for one in running]

    assert single[0] * 10 == answers
