import numpy as np
import pytest
from page import MAX_PICTURE_BYTES, PAGE, write_picture, write_section
from PIL import Image

from app.imaging.codec import encode_png


def test_a_section_is_written_between_its_comments(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A\n\n<!-- a: begin -->\nold\n<!-- a: end -->\n\n<!-- b: begin -->\nkept\n<!-- b: end -->\n")

    write_section(page, "a", "new\n")
    write_section(page, "a", "newer\n")

    text = "# A\n\n<!-- a: begin -->\n\nnewer\n\n<!-- a: end -->\n\n<!-- b: begin -->\nkept\n<!-- b: end -->\n"
    assert text == page.read_text()


def test_a_page_without_the_section_is_left_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A\n\n<!-- a: begin -->\n")

    with pytest.raises(ValueError, match="no section"):
        write_section(page, "a", "new\n")

    assert "# A\n\n<!-- a: begin -->\n" == page.read_text()


@pytest.mark.parametrize("name", ["serving", "training"])
def test_the_page_has_a_place_for_each_benchmark(name):
    text = PAGE.read_text("utf-8")

    assert 1 == text.count(f"<!-- {name}: begin -->")
    assert 1 == text.count(f"<!-- {name}: end -->")


@pytest.mark.parametrize("channels", [1, 3])
def test_a_large_picture_is_halved_until_it_is_small(tmp_path, channels):
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, channels), np.uint8)

    write_picture(tmp_path / "kept" / "a.png", encode_png(noise, "{}"))

    with Image.open(tmp_path / "kept" / "a.png") as image:
        assert {1: (256, 256), 3: (128, 128)}[channels] == image.size
    assert MAX_PICTURE_BYTES >= (tmp_path / "kept" / "a.png").stat().st_size


def test_a_small_picture_is_kept_as_it_is(tmp_path):
    picture = encode_png(np.zeros((8, 8, 1), np.uint8), "{}")

    write_picture(tmp_path / "a.png", picture)

    assert picture == (tmp_path / "a.png").read_bytes()
