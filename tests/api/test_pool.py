import io

import numpy as np
import pytest

from app.serving.engine import Engine

URL = "/v1/samples"


@pytest.fixture
def engine(repository, workers, make_settings):
    return Engine(make_settings(pool={"samples": 32}), repository, worker_factory=workers)


async def ask(client, **body):
    response = await client.post(URL, json={"model": "tiny", "format": "npz", **body})
    assert 200 == response.status_code, response.text
    return response


async def fill(client, workers, **body):
    """Ask once, and wait until samples for the next are finished."""
    await ask(client, num_samples=1, **body)
    await workers.wait_for(lambda: len(workers.batches) > 4)
    await ask(client, num_samples=4, seed=0)


@pytest.mark.parametrize("how", [{}, {"class_label": "b"}], ids=str)
async def test_finished_samples_have_an_address_like_others(client, workers, how):
    await fill(client, workers, **how)

    ready = [await ask(client, num_samples=count, **how) for count in (1, 3)]

    assert ["0", "1"] == [one.headers["fount-first-index"] for one in ready]
    for one in ready:
        address = {"seed": int(one.headers["fount-seed"]), "first_index": int(one.headers["fount-first-index"])}
        again = await ask(client, num_samples=int(one.headers["fount-num-samples"]), **how, **address)
        assert again.content == one.content


async def test_finished_samples_cost_no_batch(client, workers):
    await fill(client, workers)
    batches = len(workers.batches)

    response = await ask(client, num_samples=2)

    assert batches == len(workers.batches)
    assert [0, 1] == np.load(io.BytesIO(response.content))["indices"].tolist()


@pytest.mark.parametrize("how", [{"seed": 1}, {"first_index": 5}, {"truncation": 0.5}], ids=str)
async def test_who_says_which_samples_gets_those(client, workers, how):
    await fill(client, workers)

    first, second = [await ask(client, num_samples=1, **how) for _ in range(2)]

    expected = str(how.get("first_index", 0))
    if "truncation" not in how:
        assert expected == first.headers["fount-first-index"] == second.headers["fount-first-index"]
    assert len(workers.batches) > 5
