"""What pages say of code holds: it runs, and gives what is on the screen."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.web.conftest import MODELS
from tests.web.reading import digest_all, read_code, read_grid
from tests.web.running import run_fount, run_python, run_shell
from tests.web.scenes import wait_for

CLIPBOARD = ["clipboard-read", "clipboard-write"]
TWO_CLASSES = "/generate?model=mnist-gan@2&n=5&seed=9007199254740993&class=3&class=8&truncation=0.8"


@pytest.fixture
def open_page(visitor):
    def open_one(path, count):
        page = visitor.open(path, permissions=CLIPBOARD)
        expect(page.locator("#grid img")).to_have_count(count)
        return page

    return open_one


def read_archive(path):
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in archive.namelist() if name.endswith(".png")]


def read_pixels(files):
    return np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files])


def test_curl_gives_the_files_that_are_shown(open_page, tmp_path):
    page = open_page(TWO_CLASSES, 5)

    run_shell(read_code(page, "#copies", "curl"), tmp_path)

    [saved] = tmp_path.iterdir()
    assert sorted(digest_all(read_grid(page))) == sorted(digest_all(read_archive(saved)))


def test_python_gives_the_images_that_are_shown(open_page, tmp_path):
    page = open_page(TWO_CLASSES, 5)
    text = read_code(page, "#copies", "Python")

    run_python(f"{text}\nimport numpy\nnumpy.save('shown.npy', samples.images)", tmp_path)

    np.testing.assert_array_equal(read_pixels(read_grid(page)), np.load(tmp_path / "shown.npy").squeeze(-1))


def test_the_command_line_gives_the_files_that_are_shown(open_page, tmp_path):
    page = open_page("/generate?model=mnist-gan@2&n=3&seed=4&class=6", 3)

    run_fount(read_code(page, "#copies", "Command line"), tmp_path, FOUNT_REPOSITORY__URL=str(MODELS))

    [saved] = tmp_path.iterdir()
    assert sorted(digest_all(read_grid(page))) == sorted(digest_all(read_archive(saved)))


def test_code_of_a_walk_gives_its_frames(open_page, tmp_path):
    page = open_page("/generate?model=mnist-gan@2&n=2&walk=1.0-2.5x6&walk-class=4", 2)
    page.locator("#walk-view").scroll_into_view_if_needed()
    expect(page.locator("#film img")).to_have_count(6)

    run_shell(read_code(page, "#walk-copies", "curl"), tmp_path)
    text = read_code(page, "#walk-copies", "Python")
    run_python(f"{text}\nimport numpy\nnumpy.save('shown.npy', frames.images)", tmp_path)

    assert (tmp_path / "walk.png").read_bytes().startswith(b"\x89PNG")
    np.testing.assert_array_equal(
        read_pixels(read_grid(page, "#film img")), np.load(tmp_path / "shown.npy").squeeze(-1)
    )


def test_code_of_a_plan_gives_its_numbers(visitor, tmp_path):
    page = visitor.open("/balance?model=mnist-gan@2&have=0:6~1:2~7:5", permissions=CLIPBOARD)
    wait_for("#copies pre")(page)

    run_shell(read_code(page, "#copies", "curl"), tmp_path)
    run_python(read_code(page, "#copies", "Python"), tmp_path)

    assert 5 == len(read_archive(tmp_path / "balanced.zip"))
    assert {"1": 4, "7": 1} == {
        folder.name: len(list(folder.glob("*.png"))) for folder in (tmp_path / "balanced").iterdir() if folder.is_dir()
    }


def test_code_of_a_verification_says_what_the_page_says(visitor, service, tmp_path):
    with service.open_client() as client:
        sample = client.get("/v1/models/mnist-gan/versions/2/samples/3/5.png").content
    (tmp_path / "image.png").write_bytes(sample)
    page = visitor.open("/verify", permissions=CLIPBOARD)
    wait_for("#copies pre")(page)

    by_curl = json.loads(run_shell(read_code(page, "#copies", "curl"), tmp_path))
    by_python = run_python(read_code(page, "#copies", "Python"), tmp_path)

    assert "identical" == by_curl["verdict"]
    assert by_python.startswith("identical ")


def test_code_of_a_comparison_gives_the_samples_of_b(visitor, tmp_path):
    page = visitor.open("/compare?a=mnist-gan@1&b=mnist-gan@2&n=4&seed=5&class=2", permissions=CLIPBOARD)
    wait_for("#pairs button.cell")(page)

    run_shell(read_code(page, "#copies", "curl"), tmp_path)

    shown = read_grid(page, "#pairs img")[4:]
    assert sorted(digest_all(shown)) == sorted(digest_all(read_archive(tmp_path / "b.zip")))
