import io
import json
import zipfile

import numpy as np
import pytest

from app.imaging.formats.zip_records import (
    Entry,
    measure_header,
    write_descriptor,
    write_end,
    write_header,
    write_listing,
)
from tests.contents import LABELS, MANIFEST, make_contents, write_file

BIG = 2**32 + 5


def open_zip(**options) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(write_file("zip", **options)))


def test_a_zip_is_an_image_folder_with_metadata():
    archive = open_zip()

    assert archive.testzip() is None
    names = archive.namelist()
    assert ["cat/100.png", "dog/101.png"] == names[:2]
    assert ["metadata.jsonl", "manifest.json"] == names[-2:]
    lines = [json.loads(line) for line in archive.read("metadata.jsonl").splitlines()]
    assert [name for name in names if name.endswith(".png")] == [line["file_name"] for line in lines]
    assert {
        "file_name": "cat/100.png",
        "index": 100,
        "seed": 5,
        "class_label": "cat",
        "model": "tiny@2",
        "digest": "cd" * 32,
        "truncation": 1.0,
    } == lines[0]
    assert MANIFEST == archive.read("manifest.json")
    assert make_contents().mark.encode() == archive.comment


def test_class_names_never_lead_out_of_the_folder():
    names = open_zip().namelist()

    assert not [name for name in names if ".." in name or ":" in name or name.count("/") > 1]


def test_a_class_made_safe_does_not_take_the_folder_of_another():
    names = open_zip(class_names=["a/", "a__0", "b"]).namelist()

    assert ["a__0_/100.png", "a__0/101.png", "b/102.png"] == names[:3]


def test_names_may_have_any_letters():
    archive = open_zip(class_names=["Füße", "猫", "b"])

    assert ["Füße/100.png", "猫/101.png", "b/102.png"] == archive.namelist()[:3]


def test_without_classes_images_lie_in_samples():
    archive = open_zip(labels=None)

    assert "samples/100.png" == archive.namelist()[0]
    assert json.loads(archive.read("metadata.jsonl").splitlines()[0])["class_label"] is None


def test_readers_that_stream_find_sizes_in_front_of_each_file():
    assert {0} == {entry.flag_bits & 0x08 for entry in open_zip().infolist()}


def test_entries_say_nothing_about_when_or_where_they_were_written():
    facts = {(entry.date_time, entry.create_system, entry.external_attr) for entry in open_zip().infolist()}

    assert {((1980, 1, 1, 0, 0, 0), 3, 0o100644 << 16)} == facts


def test_more_entries_than_the_plain_format_counts_are_read():
    count = 65_600
    listing = [write_listing(Entry(f"{number}", 0, 0), 31 * number) for number in range(10)]
    headers = b"".join(write_header(Entry(f"{number}", 0, 0)) for number in range(10))
    directory = b"".join(listing) * (count // 10)

    file = headers + directory + write_end(count, len(headers), len(directory), b"")

    assert count == len(zipfile.ZipFile(io.BytesIO(file)).infolist())


@pytest.mark.parametrize(("size", "position"), [(BIG, 7), (7, BIG), (BIG, BIG), (7, 7)])
def test_numbers_over_four_gigabytes_are_listed(size, position):
    directory = write_listing(Entry("a", size, 9), position)
    start = position + 100
    file = _Sparse(start, directory + write_end(1, start, len(directory), b"c"))

    [entry] = zipfile.ZipFile(file).infolist()

    assert (size, size, 9, position) == (entry.file_size, entry.compress_size, entry.CRC, entry.header_offset)


def test_headers_of_big_entries_say_so():
    entries = [Entry("Füße", size, 0, crc_follows=True) for size in (5, BIG)]
    small, big = (len(write_header(entry)) for entry in entries)

    assert 20 == big - small
    assert [small, big] == [measure_header(entry) for entry in entries]
    assert (16, 24) == tuple(len(write_descriptor(Entry("a", size, 0))) for size in (5, BIG))


class _Sparse(io.RawIOBase):
    """A file of zeros with some bytes at its end."""

    def __init__(self, start: int, tail: bytes) -> None:
        super().__init__()
        self._start, self._tail, self._position = start, tail, 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def tell(self):
        return self._position

    def seek(self, offset, whence=io.SEEK_SET):
        self._position = offset + {0: 0, 1: self._position, 2: self._start + len(self._tail)}[whence]
        return self._position

    def readinto(self, buffer):
        part = self._tail[self._position - self._start :][: len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)


def test_a_directory_of_many_blocks_is_whole():
    images = np.zeros((5000, 1, 1, 1), dtype=np.uint8)
    labels = np.resize(LABELS, 5000)

    archive = open_zip(images=images, labels=labels, split=(1234, 3766), first_index=0)

    assert 5002 == len(archive.namelist())
    assert archive.testzip() is None
    assert list(range(5000)) == [json.loads(line)["index"] for line in archive.read("metadata.jsonl").splitlines()]
