"""The models that a service under test has, and the keys that it knows."""

import datetime as dt
from pathlib import Path

from app.api.keys import AccessScope, StoredKey, hash_key, write_keys_file
from app.generators.checkpoint import dump_weights
from app.repository.manifest import WEIGHTS_FILE
from app.repository.store import ModelRepository
from tests.factories import make_manifest, make_networks, make_space, publish_tiny_model

CODER = "coder"
KEYS = {
    "reader": [AccessScope.READ],
    "sampler": [AccessScope.READ, AccessScope.SAMPLE],
    "augmenter": [AccessScope.AUGMENT],
    "operator": list(AccessScope),
}


def publish_models(root: Path) -> None:
    """Publish `tiny`, with three classes and two versions, and `coder`, which reads images as well."""
    for seed in (0, 1):
        publish_tiny_model(root, height=16, width=16, seed=seed)
    space = make_space(num_classes=0, height=16, width=16, channels=3)
    generator, encoder = make_networks("vae", space)
    draft = make_manifest(CODER, architecture="vae", space=space).model_copy(update={"parts": ["generator", "encoder"]})
    weights = dump_weights({"generator": generator, "encoder": encoder})
    ModelRepository(str(root)).publish(draft, {WEIGHTS_FILE: weights, "README.md": b"# coder\n"})


def make_key(name: str) -> str:
    """Return the key of one of ``KEYS``; known to everybody, so for tests only."""
    return f"fount_{name}-key-of-the-kit-secret"


def write_keys(path: Path) -> None:
    """Write the keys file of a service under test."""
    created = dt.datetime.now(dt.UTC)
    write_keys_file(
        path,
        [
            StoredKey(id=name, sha256=hash_key(make_key(name)), scopes=scopes, created=created)
            for name, scopes in KEYS.items()
        ],
    )
