"""Requests of every kind that the service has, as a soak asks them."""

import json
from collections.abc import Sequence

from reliability.asks import Ask, answer_calmly, ask_address, ask_samples
from reliability.caller import Caller
from reliability.hostile import make_png, make_upload

_JSON = (("Content-Type", "application/json"),)
_SINGLE = ("png", "jpeg", "webp")
_MANY = ("grid", "zip", "tar", "npy", "npz", "safetensors", "arrow", "parquet", "json", "jsonl")
_SIZES = (2, 7, 16, 40)


def mix_all(port: int, model: str, autoencoder: str) -> list[Ask]:
    """List requests of all kinds; those with only one right answer know it.

    Args:
        port: Of a service that nobody else asks now.
        model: With classes; its version 1 is asked for.
        autoencoder: A model with an encoder and the same classes.
    """
    fixed = [*_list_samples(model), *_list_uploads(autoencoder), *_list_shards(port, model)]
    return [*answer_calmly(port, fixed), *_list_free(model)]


def _list_samples(model: str) -> list[Ask]:
    reference = f"{model}@1"
    asks = [ask_samples(reference, 1, seed, name) for seed, name in enumerate(_SINGLE)]
    asks += [
        ask_samples(reference, size, 10 + seed, name) for seed, name in enumerate(_MANY) for size in _SIZES[seed % 2 :]
    ]
    asks += [ask_address(model, 1, 5, index) for index in range(8)]
    augmented = {"model": reference, "num_samples": 12, "seed": 3, "format": "npz", "augment": {"preset": "light"}}
    counted = {"model": reference, "class_counts": {"0": 3, "7": 5}, "seed": 4, "format": "zip"}
    path = {"model": reference, "start": {"seed": 1}, "end": {"seed": 2}, "num_frames": 9, "format": "zip"}
    return [*asks, _post("augmented", augmented), _post("counted", counted), _post("path", path, "/v1/interpolations")]


def _list_uploads(autoencoder: str) -> list[Ask]:
    picture, large = make_png(28, 28, 90), make_png(300, 400, 200)
    policy = {"policy": {"preset": "light"}, "copies": 3, "seed": 6, "format": "zip"}
    variation = {"model": f"{autoencoder}@1", "class_label": "3", "copies": 4, "seed": 8, "format": "npz"}
    return [
        make_upload("augmentation", "/v1/augmentations", [("images", picture), ("images", large)], policy),
        make_upload("variation", "/v1/variations", [("images", picture)], variation),
        make_upload("verification", "/v1/verifications", [("image", picture)]),
    ]


def _list_shards(port: int, model: str) -> list[Ask]:
    """Make a dataset and list its shards."""
    block = {"model": f"{model}@1", "num_samples": 60, "seed": 9}
    body = {"samples": [block], "shard_size": 20, "format": "tar", "splits": {"train": 0.7, "test": 0.3}}
    with Caller(port) as caller:
        answer = caller.ask(_post("dataset", body, "/v1/datasets"), keep=True)
    shards: Sequence[str] = json.loads(answer.body)["shards"]
    return [Ask("shard", "GET", shard) for shard in shards]


def _list_free(model: str) -> list[Ask]:
    """List requests whose answers are another each time."""
    unseeded = [ask_samples(model, size, None, name) for size in (1, 4, 64) for name in ("npy", "zip")]
    dataset = {"samples": [{"model": f"{model}@1", "num_samples": 10, "seed": 2}], "format": "tar"}
    paths = ("/metrics", "/readyz", "/v1/models", f"/v1/models/{model}/versions/1", "/openapi.json")
    made = _post("dataset", dataset, "/v1/datasets", (200, 201))
    return [*unseeded, made, *(Ask(path, "GET", path) for path in paths)]


def _post(name: str, body: object, path: str = "/v1/samples", statuses: tuple[int, ...] = (200,)) -> Ask:
    return Ask(name, "POST", path, json.dumps(body).encode(), _JSON, statuses=statuses)
