import io

import numpy as np
import pytest
from PIL import Image

from app.augmentation.registry import BY_NAME
from tests.golden.documents import DOCUMENTS, ROOT
from tests.golden.families import TITLES, examples, name_of, operations_of
from tests.golden.scene import draw_scene
from tests.golden.sheets import digest_of, read_digest, render_sheet, sheet_paths

MAX_BYTES = 600_000


@pytest.mark.parametrize("name", sheet_paths())
def test_committed_sheet_shows_what_there_is(name):
    data = (ROOT / sheet_paths()[name]).read_bytes()

    assert digest_of(name) == read_digest(data), "run `make golden` and look at the picture"


def test_every_operation_is_in_one_family():
    listed = [name_of(node) for family in TITLES for node in operations_of(family)]

    assert sorted(BY_NAME) == sorted(listed)


def test_the_page_shows_every_sheet():
    page = DOCUMENTS["docs/augmentation-operations.md"]()

    assert all(f"]({path.removeprefix('docs/')})" in page for path in sheet_paths().values())


def test_sheets_are_small_in_all():
    assert MAX_BYTES > sum((ROOT / path).stat().st_size for path in sheet_paths().values())


def test_a_sheet_is_drawn_the_same_again_and_says_what_it_shows():
    first, again = render_sheet("mixing"), render_sheet("mixing")

    assert first == again
    assert digest_of("mixing") == read_digest(first) != digest_of("moves")
    assert 4 == 1 + len(examples()["mixing"])


def test_a_picture_of_others_says_nothing_of_what_it_shows():
    file = io.BytesIO()
    Image.fromarray(draw_scene()).save(file, "webp")

    assert read_digest(file.getvalue()) is None


def test_the_same_place_at_night_has_other_colours():
    assert not np.array_equal(draw_scene(), draw_scene(is_night=True))
