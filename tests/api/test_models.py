import pytest

from app.repository.evaluation import dump_evaluation
from app.schemas.jobs import PixelDifferences, RefusedRewrite
from tests.drafts import make_draft, make_files, make_record
from tests.fakes import FAKE_NUMERICS
from tests.problems import assert_problem

ALIAS = "/v1/models/tiny/aliases/production"


async def test_the_list_says_what_can_be_asked_for(client):
    models = (await client.get("/v1/models")).json()["models"]

    assert ["plain", "tiny"] == [model["name"] for model in models]
    tiny = models[1]
    assert (1, {"production": 1}, ["a", "b", "7"]) == (tiny["default_version"], tiny["aliases"], tiny["class_names"])
    assert {"height": 8, "width": 8, "channels": 1} == tiny["image"]
    assert [1, 2] == [one["version"] for one in tiny["versions"]]
    assert "ready" == tiny["versions"][0]["state"]


async def test_one_model_is_described_as_in_the_list(client):
    listed = (await client.get("/v1/models")).json()["models"][1]

    assert listed == (await client.get("/v1/models/tiny")).json()


async def test_the_list_shows_figures_where_somebody_measured(open_client, make_settings, repository):
    evaluation = dump_evaluation(make_record())
    repository.publish(make_draft("plain", class_names=[], evaluation=evaluation), make_files(4))
    client = await open_client(make_settings())

    versions = (await client.get("/v1/models/plain")).json()["versions"]

    assert [{}, {"fid_10k_test": 2.5}] == [one["metrics"] for one in versions]


@pytest.mark.parametrize("selector", ["1", "production"])
async def test_a_version_shows_its_manifest_and_state(client, repository, selector):
    body = (await client.get(f"/v1/models/tiny/versions/{selector}")).json()

    assert (1, "ready", ["production"], [4, 16], FAKE_NUMERICS) == tuple(
        body[key] for key in ("version", "state", "aliases", "batch_sizes", "numerics")
    )
    assert repository.read_manifest("tiny", 1).digest == body["manifest"]["digest"]


async def test_a_version_as_it_was_published_has_no_differences(client):
    body = (await client.get("/v1/models/tiny/versions/1")).json()

    assert (None, []) == (body["pixel_differences"], body["refused_rewrites"])


async def test_a_version_shows_what_its_numerics_do_to_pixels(open_client, make_settings, workers):
    workers.load_facts = {
        "numerics": "float32+folded",
        "differences": PixelDifferences((90, 8, 1, 1), 7, 0.17),
        "refused": (RefusedRewrite("precision", "a value differs by 30 grey levels; 24 are allowed"),),
    }
    client = await open_client(make_settings())

    body = (await client.get("/v1/models/tiny/versions/1")).json()

    assert "fake-1/cpu/float32+folded" == body["numerics"]
    shares = {"share_0": 0.9, "share_1": 0.08, "share_2": 0.01, "share_more": 0.01}
    assert {"num_values": 100, **shares, "largest": 7, "mean": 0.17} == body["pixel_differences"]
    assert ["precision"] == [refusal["name"] for refusal in body["refused_rewrites"]]


async def test_a_version_that_is_not_loaded_has_no_numerics_yet(client):
    assert (await client.get("/v1/models/tiny/versions/2")).json()["numerics"] is None


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/models/absent", "model-not-found"),
        ("/v1/models/absent/versions/1", "model-not-found"),
        ("/v1/models/absent/aliases/production", "model-not-found"),
        ("/v1/models/tiny/versions/3", "version-not-found"),
        ("/v1/models/tiny/versions/candidate", "version-not-found"),
        ("/v1/models/tiny/aliases/candidate", "alias-not-found"),
        ("/v1/models/plain/versions/1/grid.png", "not-found"),
        ("/v1/models/Tiny", "not-found"),
        ("/v1/models/", "not-found"),
    ],
)
async def test_what_does_not_exist_is_a_404(client, path, code):
    assert_problem(await client.get(path), 404, code)


@pytest.mark.parametrize(
    ("file", "media_type", "content"),
    [("grid.png", "image/png", b"\x89PNG\x01"), ("card", "text/markdown; charset=utf-8", b"# tiny\n")],
)
async def test_published_files_are_shown_and_cached(client, file, media_type, content):
    response = await client.get(f"/v1/models/tiny/versions/1/{file}")
    again = await client.get(f"/v1/models/tiny/versions/1/{file}", headers={"If-None-Match": response.headers["etag"]})

    assert (media_type, content) == (response.headers["content-type"], response.content)
    assert "immutable" in response.headers["cache-control"]
    assert (304, b"") == (again.status_code, again.content)


async def test_a_changed_file_is_not_shown(client, repository, tmp_path):
    (tmp_path / "models/tiny/1/README.md").write_bytes(b"other\n")

    assert_problem(await client.get("/v1/models/tiny/versions/1/card"), 500, "digest-mismatch")


async def test_an_alias_is_moved_and_read(client):
    moved = await client.put(ALIAS, json={"version": 2})
    read = await client.get(ALIAS)

    assert (200, {"model": "tiny", "alias": "production", "version": 2}) == (moved.status_code, moved.json())
    assert (moved.json(), '"2"') == (read.json(), read.headers["etag"])


async def test_a_new_alias_is_created(client):
    response = await client.put("/v1/models/tiny/aliases/candidate", json={"version": 2})

    assert (201, '"2"') == (response.status_code, response.headers["etag"])


async def test_a_moved_alias_answers_with_its_new_version(client):
    await client.put(ALIAS, json={"version": 2})

    response = await client.post("/v1/samples", json={"model": "tiny", "num_samples": 1})

    assert "tiny@2" == response.headers["fount-model"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Match": '"1"'}, 200),
        ({"If-Match": '"7", "1"'}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"2"'}, 412),
        ({"If-Match": 'W/"1"'}, 412),
        ({"If-None-Match": "*"}, 412),
        ({"If-None-Match": '"2"'}, 200),
    ],
)
async def test_conditions_guard_a_move(client, headers, status):
    response = await client.put(ALIAS, json={"version": 2}, headers=headers)

    assert status == response.status_code
    assert (2 if status == 200 else 1) == (await client.get(ALIAS)).json()["version"]
    if status == 412:
        assert_problem(response, 412, "precondition-failed")


async def test_a_condition_on_an_alias_that_is_not_there_fails(client):
    url = "/v1/models/tiny/aliases/candidate"

    assert_problem(await client.put(url, json={"version": 2}, headers={"If-Match": "*"}), 412, "precondition-failed")
    assert 201 == (await client.put(url, json={"version": 2}, headers={"If-None-Match": "*"})).status_code


async def test_an_alias_is_not_pointed_to_nothing(client):
    assert_problem(await client.put(ALIAS, json={"version": 9}), 404, "version-not-found")


@pytest.mark.parametrize("body", [{}, {"version": 0}, {"version": "1"}, {"version": True}, {"version": 1, "x": 1}])
async def test_a_move_must_be_well_formed(client, body):
    assert_problem(await client.put(ALIAS, json=body), 422, "invalid-parameter")


async def test_a_number_is_no_alias(client):
    assert_problem(await client.put("/v1/models/tiny/aliases/3", json={"version": 1}), 404, "not-found")


async def test_an_alias_is_deleted(client):
    response = await client.delete(ALIAS, headers={"If-Match": '"1"'})

    assert (204, b"") == (response.status_code, response.content)
    assert_problem(await client.get(ALIAS), 404, "alias-not-found")
    assert_problem(await client.delete(ALIAS), 404, "alias-not-found")


async def test_a_deletion_is_guarded_too(client):
    assert_problem(await client.delete(ALIAS, headers={"If-Match": '"2"'}), 412, "precondition-failed")
