import fcntl
import os
import uuid

import fsspec
import pytest

from app.core.errors import ConfigurationError, ExportError
from app.exporting.destination import write_whole
from app.exporting.folder import PART_PREFIX, Folder
from app.exporting.objects import Objects
from app.exporting.opening import open_destination


@pytest.fixture(params=["folder", "memory"])
def destination(request, tmp_path):
    url = str(tmp_path / "deep" / "out") if request.param == "folder" else f"memory://{uuid.uuid4()}/out"
    destination = open_destination(url)
    with destination.claim():
        yield destination


def test_what_was_committed_is_there_whole(destination):
    write_whole(destination, "a.tar", b"one")
    write_whole(destination, "a.tar", b"three")

    assert {"a.tar": 5} == destination.sizes()
    assert (5, None) == (destination.size("a.tar"), destination.size("b.tar"))
    with destination.open("a.tar") as file:
        assert b"three" == file.read()


def test_what_was_not_committed_is_not_there(destination):
    with destination.stage("a.tar") as staged:
        staged.file.write(b"half")

    assert {} == destination.sizes()


@pytest.mark.parametrize(
    ("url", "kind"),
    [("out", Folder), ("file:///tmp/out", Folder), ("local://out", Folder), ("memory://out", Objects)],
)
def test_the_scheme_chooses_the_destination(url, kind):
    assert isinstance(open_destination(url), kind)


def test_a_scheme_that_nobody_knows_is_told():
    with pytest.raises(ConfigurationError, match="cannot write"):
        open_destination("nowhere://out")


def test_a_folder_is_named_in_full_so_that_other_processes_find_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert str(tmp_path / "out") == open_destination("out").url


def test_one_export_at_a_time_writes_to_a_folder(tmp_path):
    holder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)

    with pytest.raises(ExportError, match="another export"), Folder(str(tmp_path)).claim():
        pass

    os.close(holder)
    with Folder(str(tmp_path)).claim():
        assert {} == Folder(str(tmp_path)).sizes()


def test_what_a_killed_export_wrote_aside_is_deleted(tmp_path):
    (tmp_path / f"{PART_PREFIX}1").write_bytes(b"half")
    (tmp_path / "other").write_bytes(b"kept")

    with Folder(str(tmp_path)).claim():
        assert ["other"] == [path.name for path in tmp_path.iterdir()]


def test_a_place_that_cannot_be_made_is_told_in_words(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ExportError, match="the folder"), Folder(str(tmp_path / "file" / "out")).claim():
        pass


def test_an_object_that_did_not_arrive_whole_is_told(monkeypatch):
    destination = Objects(f"memory://{uuid.uuid4()}")
    store = fsspec.filesystem("memory")
    monkeypatch.setattr(type(store), "put_file", lambda self, source, path: self.pipe_file(path, b"ha"))

    with pytest.raises(ExportError, match="another size"):
        write_whole(destination, "a.tar", b"half")
