import json

import numpy as np
import PIL
import pytest
import torch

from app.core.errors import DigestMismatchError, ModelUnhealthyError
from app.generators.checkpoint import dump_weights
from app.imaging.codec import encode_png
from app.repository.manifest import GRID_FILE, WEIGHTS_FILE
from app.repository.store import ModelRepository
from app.training.monitoring.preview import draw_preview
from app.training.publishing.template import load_template, publish_template
from app.worker.differences import ROUNDING
from app.worker.golden import COARSE, EQUAL, check_golden, choose_bound
from app.worker.probes import draw_probes
from tests.factories import make_manifest, make_networks, make_space


def publish(root, *, num_classes=3, channels=1, change=lambda sheet: sheet, grid=None, device="cpu, 1 threads, AVX2"):
    """Publish a tiny model with its contact sheet, and return its probes too."""
    space = make_space(num_classes=num_classes, channels=channels)
    generator = make_networks(space=space)[0].eval()
    draft = make_manifest(space=space)
    draft = draft.model_copy(update={"training": draft.training.model_copy(update={"device": device})})
    sheet = change(draw_preview(generator, seed=0))
    files = {
        WEIGHTS_FILE: dump_weights({"generator": generator}),
        GRID_FILE: encode_png(sheet, json.dumps({})) if grid is None else grid,
    }
    repository = ModelRepository(str(root))
    return repository, repository.publish(draft, files), draw_probes(generator).clone()


def shift(levels):
    def change(sheet):
        return np.where(sheet < 128, sheet + levels, sheet - levels).astype(np.uint8)

    return change


@pytest.mark.parametrize(("num_classes", "cells"), [(0, 64), (3, 30), (10, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_samples_are_those_on_the_contact_sheet(tmp_path, num_classes, cells, channels):
    repository, manifest, probes = publish(tmp_path, num_classes=num_classes, channels=channels)

    assert f"{cells} samples equal to the bit" == check_golden(repository, manifest, probes, "float32")


def test_a_grey_level_is_rounding(tmp_path):
    repository, manifest, probes = publish(tmp_path)
    probes[0, 0, 0, 0] ^= 1

    assert "30 samples within 1 grey levels" == check_golden(repository, manifest, probes, "float32+folded")


@pytest.mark.parametrize(
    ("numerics", "device", "levels"),
    [
        ("float32", "cpu, 1 threads, AVX2", 2),
        ("bfloat16+folded", "cpu, 1 threads, AVX2", 26),
        ("float32", "NVIDIA", 26),
    ],
)
def test_other_samples_are_refused_with_the_difference(tmp_path, numerics, device, levels):
    repository, manifest, probes = publish(tmp_path, change=shift(levels), device=device)

    with pytest.raises(ModelUnhealthyError, match=f"golden samples differ by up to {levels} grey levels"):
        check_golden(repository, manifest, probes, numerics)


def test_many_values_that_are_a_level_off_are_refused(tmp_path):
    repository, manifest, probes = publish(tmp_path, change=shift(1))

    with pytest.raises(ModelUnhealthyError, match="on average"):
        check_golden(repository, manifest, probes, "float32")


def test_a_version_without_a_sheet_is_not_compared(tmp_path):
    repository, manifest, probes = publish(tmp_path)
    bare = manifest.model_copy(update={"files": {WEIGHTS_FILE: manifest.files[WEIGHTS_FILE]}})

    assert "not compared: it was published without grid.png" == check_golden(repository, bare, probes, "float32")


@pytest.mark.parametrize(
    "grid",
    [
        b"\x89PNG",
        b"no picture",
        encode_png(np.zeros((9, 9, 1), np.uint8), ""),
        encode_png(np.zeros((1, 6000, 1), np.uint8), "").replace((6000).to_bytes(4), (2**31).to_bytes(4)),
        encode_png(np.zeros((9, 9, 3), np.uint8), ""),
    ],
    ids=["torn", "text", "another size", "a bomb", "in colour"],
)
def test_what_is_no_sheet_of_the_model_is_not_compared(tmp_path, grid):
    repository, manifest, probes = publish(tmp_path, grid=grid)

    assert check_golden(repository, manifest, probes, "float32").startswith("not compared: grid.png")


def test_a_sheet_that_was_exchanged_is_refused(tmp_path):
    repository, manifest, probes = publish(tmp_path)
    (tmp_path / "tiny" / "1" / GRID_FILE).write_bytes(b"another")

    with pytest.raises(DigestMismatchError):
        check_golden(repository, manifest, probes, "float32")


def test_pictures_that_are_drawn_are_the_same_where_the_same_libraries_draw(tmp_path):
    generator = load_template("shapes")
    repository = ModelRepository(str(tmp_path))
    manifest = publish_template(repository, "shapes", generator)
    probes = draw_probes(generator).clone()

    found = check_golden(repository, manifest, probes, "float32")
    probes[0, 0, 0, 0] ^= 1

    assert "64 samples equal to the bit" == found
    with pytest.raises(ModelUnhealthyError, match="1 grey levels"):
        check_golden(repository, manifest, probes, "float32")


def test_the_bound_follows_from_where_a_version_was_made_and_how_it_is_computed():
    manifest = make_manifest()

    def bound(device, numerics="float32", **versions):
        changed = manifest.training.model_copy(update={"device": device, "versions": versions})
        return choose_bound(manifest.model_copy(update={"training": changed}), numerics)

    assert ROUNDING == bound("cpu, 4 threads, AVX512") == bound("cpu", "float32+folded+channels_last")
    assert COARSE == bound("cpu", "bfloat16") == bound("NVIDIA H200")
    assert EQUAL == bound("none", numpy=np.__version__, pillow=PIL.__version__)
    assert None is bound("none", numpy=np.__version__, pillow="1.0")


def test_probes_of_another_seed_are_not_golden(tmp_path):
    repository, manifest, _ = publish(tmp_path)
    other = draw_probes(make_networks(seed=1)[0].eval())

    assert not torch.equal(other, draw_probes(make_networks()[0].eval()))
    with pytest.raises(ModelUnhealthyError):
        check_golden(repository, manifest, other, "float32")
