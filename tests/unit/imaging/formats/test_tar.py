import io
import json
import tarfile

import pytest

from tests.contents import LABELS, make_contents, write_file


def open_tar(**options) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(write_file("tar", **options)))


def read(archive: tarfile.TarFile, name: str) -> bytes:
    return archive.extractfile(name).read()


def test_each_sample_is_a_picture_a_class_and_a_description():
    archive = open_tar()

    assert ["000100.png", "000100.cls", "000100.json", "000101.png"] == archive.getnames()[:4]
    assert 30 == len(archive.getnames())
    assert b"1" == read(archive, "000101.cls")
    facts = json.loads(read(archive, "000101.json"))
    assert (101, "dog", 5, "tiny@2") == tuple(facts[name] for name in ("index", "class_label", "seed", "model"))
    assert read(archive, "000101.png").startswith(b"\x89PNG")


def test_a_model_without_classes_has_no_class_files():
    assert ["000100.png", "000100.json"] == open_tar(labels=None).getnames()[:2]


def test_an_archive_says_what_it_is_in_a_comment():
    assert {"comment": make_contents().mark} == open_tar().pax_headers


def test_members_say_nothing_about_when_or_where_they_were_written():
    members = open_tar().getmembers()

    facts = {(one.mtime, one.mode, one.uid, one.gid, one.uname, one.gname, one.type) for one in members}
    assert {(0, 0o644, 0, 0, "", "", tarfile.REGTYPE)} == facts


@pytest.mark.parametrize(("first_index", "digits"), [(0, 6), (999_990, 6), (999_995, 7), (2**63 - 10, 19)])
def test_names_sort_like_numbers(first_index, digits):
    names = open_tar(first_index=first_index, labels=LABELS).getnames()

    assert sorted(names[::3]) == names[::3]
    assert {digits} == {len(name.split(".")[0]) for name in names}


def test_pieces_are_whole_records():
    assert 0 == len(write_file("tar")) % 512
