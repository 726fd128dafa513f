import msgspec
import pytest

from app.core.errors import ExportError
from app.exporting.destination import write_whole
from app.exporting.folder import Folder
from app.exporting.state import STATE_FILE, ExportState, ShardFile, is_intact, load_state, save_state

SHARD = ShardFile(3, "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")  # of "foo"


def make_state(**changes):
    facts = {"token": "d1", "format": "tar", "numerics": "n", "encoding": "e", "request": None, "shards": {}}
    return ExportState(schema="fount-export/1", **facts | changes)


TORN = msgspec.json.encode(make_state())[:-5]
OTHER = msgspec.json.encode(msgspec.structs.replace(make_state(), schema="other"))


@pytest.fixture
def folder(tmp_path):
    return Folder(str(tmp_path))


def test_what_was_saved_is_loaded(folder):
    state = make_state(request={"samples": []}, shards={"a": SHARD})

    save_state(folder, state, ["a", "b"])

    assert state == load_state(folder)


def test_the_file_does_not_tell_in_which_order_shards_were_finished(folder):
    save_state(folder, make_state(shards={"b": SHARD, "a": SHARD}), ["a", "b"])

    assert ["a", "b"] == list(load_state(folder).shards)


def test_nothing_is_loaded_where_nothing_was_done(folder):
    assert load_state(folder) is None


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"schema": "fount-export/1"}', TORN, OTHER],
    ids=["empty", "torn", "list", "incomplete", "cut off", "other schema"],
)
def test_a_damaged_file_is_told_and_not_replaced(folder, data):
    write_whole(folder, STATE_FILE, data)

    with pytest.raises(ExportError, match="damaged"):
        load_state(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"token": "d2"}, "another dataset"),
        ({"format": "npz"}, "another dataset or format"),
        ({"numerics": "gpu"}, "another device"),
        ({"encoding": "new"}, "release"),
    ],
)
def test_what_differs_is_not_mixed(changes, words):
    with pytest.raises(ExportError, match=words):
        make_state().check_like(make_state(**changes))


@pytest.mark.parametrize(
    ("data", "reads", "expected"),
    [(b"foo", True, True), (b"fox", True, False), (b"fox", False, True), (b"f", False, False), (None, True, False)],
    ids=["same", "altered", "altered, not read", "torn", "gone"],
)
def test_a_shard_counts_if_it_is_what_was_written(folder, data, reads, expected):
    if data is not None:
        write_whole(folder, "a", data)

    assert expected is is_intact(folder, "a", SHARD, reads=reads)
