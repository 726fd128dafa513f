import gzip
import os
import struct
import tarfile
import zipfile
import zlib

import numpy as np
import pytest

from app.core.errors import DatasetError
from app.data import decoding
from app.data.sources import open_dataset
from tests.pictures import encode, idx_bytes, make_files, make_pixels, write_folder, write_tar, write_zip

GOOD = make_files(["cat/1.png", "cat/2.png", "dog/1.png"])
WRITERS = [
    pytest.param(write_folder, "x", id="folder"),
    pytest.param(write_zip, "x.zip", id="zip"),
    pytest.param(write_tar, "x.tar.gz", id="tar.gz"),
]


def png_of(width, height):
    """Make a PNG whose header promises a size and whose data is empty."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"")),
        (b"IEND", b""),
    ]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


BROKEN = {
    "empty": b"",
    "text": b"this is not an image",
    "executable": b"\x7fELF" + bytes(100),
    "truncated-png": encode(make_pixels(height=64, width=64))[:2000],
    "truncated-jpeg": encode(make_pixels(height=64, width=64), "JPEG")[:1500],
    "bomb": png_of(60_000, 60_000),
    "large": png_of(10_000, 8_000),
    "no-pixels": png_of(8, 6),
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 6\n",
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize(("write", "file"), WRITERS)
def test_a_broken_image_is_named_and_can_be_skipped(tmp_path, write, file, kind):
    source = write(tmp_path / file, {**GOOD, "dog/2.png": BROKEN[kind]})

    with pytest.raises(DatasetError, match=r"1 of 4 images cannot be read: dog/2\.png \(.+\); repair"):
        open_dataset(source)
    assert 1 == open_dataset(source, skip_broken=True).num_skipped


def test_of_many_broken_images_three_are_named(tmp_path):
    source = write_folder(tmp_path, {**GOOD, **{f"dog/b{n}.png": b"x" for n in range(5)}})

    with pytest.raises(DatasetError, match=r"5 of 8 .*dog/b0\.png .*dog/b1\.png .*dog/b2\.png .* and 2 more") as caught:
        open_dataset(source)
    assert "b3" not in caught.value.detail
    assert caught.value.fields == {"broken": 5}


def test_skipping_does_not_make_a_data_set_of_nothing(tmp_path):
    with pytest.raises(DatasetError, match="2 of 2 images cannot be read"):
        open_dataset(write_folder(tmp_path, {"a.png": b"x", "b.png": b"y"}), skip_broken=True)


@pytest.mark.parametrize(("write", "file"), WRITERS[1:])
def test_an_image_file_over_the_limit_is_not_read_whole(tmp_path, monkeypatch, write, file):
    monkeypatch.setattr(decoding, "MAX_FILE_BYTES", 1000)
    source = write(tmp_path / file, {**GOOD, "dog/2.png": encode(make_pixels(height=64, width=64))})

    with pytest.raises(DatasetError, match=r"1 of 4 .*larger than"):
        open_dataset(source)


@pytest.mark.parametrize("name", ["../../escaped/1.png", "cat/../../escaped.png"])
@pytest.mark.parametrize(("write", "file"), WRITERS[1:])
def test_a_member_that_climbs_out_of_its_archive_is_refused(tmp_path, write, file, name):
    source = write(tmp_path / file, {**GOOD, name: GOOD["cat/1.png"]})

    with pytest.raises(DatasetError, match="climbs out"):
        open_dataset(source)
    assert [tmp_path / file] == list(tmp_path.iterdir())


@pytest.mark.parametrize(("write", "file"), WRITERS[1:])
def test_absolute_member_names_are_only_names(tmp_path, write, file):
    source = write(tmp_path / file, {f"/etc/{name}": data for name, data in GOOD.items()})

    assert ["cat", "dog"] == open_dataset(source).class_names
    assert [tmp_path / file] == list(tmp_path.iterdir())


def test_links_and_devices_in_a_tar_are_passed_over(tmp_path):
    source = write_tar(tmp_path / "x.tar", GOOD)
    with tarfile.open(source, "a") as archive:
        for number, kind in enumerate([tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]):
            member = tarfile.TarInfo(f"cat/link{number}.png")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)

    assert 3 == open_dataset(source).num_images


@pytest.mark.parametrize(
    ("file", "cut"), [("x.zip", 0.5), ("x.tar", 0.5), ("x.tar.gz", 0.5), ("x.tar.gz", 0.9), ("x.tgz", 0.02)]
)
def test_a_truncated_archive_is_refused(tmp_path, file, cut):
    path = tmp_path / file
    (write_zip if path.suffix == ".zip" else write_tar)(path, make_files([f"{n % 2}/{n}.png" for n in range(40)]))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * cut)])

    with pytest.raises(DatasetError, match="is damaged"):
        open_dataset(str(path))


def test_a_damaged_header_in_the_middle_does_not_lose_the_rest_in_silence(tmp_path):
    path = tmp_path / "x.tar"
    write_tar(path, GOOD)
    data = bytearray(path.read_bytes())
    at = data.index(b"cat/2.png")
    data[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)

    with pytest.raises(DatasetError, match="header in the middle is damaged"):
        open_dataset(str(path))


@pytest.mark.parametrize("file", ["x.zip", "x.tar", "x.tar.gz", "x.npz"])
@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", b"\x1f\x8b\x08", b"x" * 2000, gzip.compress(b"x" * 2000, mtime=0)],
    ids=["empty", "zip-begun", "gzip-begun", "text", "gzip-of-text"],  # gzip holds the time: no name for a test
)
def test_an_archive_that_is_none_is_refused(tmp_path, file, content):
    (tmp_path / file).write_bytes(content)

    with pytest.raises(DatasetError):
        open_dataset(str(tmp_path / file))


def test_a_zip_member_with_a_wrong_checksum_is_a_broken_image(tmp_path):
    path = tmp_path / "x.zip"
    write_zip(path, GOOD)
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 6] ^= 1
    path.write_bytes(data)

    with pytest.raises(DatasetError, match=r"1 of 3 images cannot be read: cat/1\.png"):
        open_dataset(str(path))


def test_an_encrypted_zip_is_refused(tmp_path):
    path = tmp_path / "x.zip"
    write_zip(path, GOOD)
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(signature, at + 4)
    path.write_bytes(data)

    with pytest.raises(DatasetError, match=r"3 of 3 images cannot be read.*encrypted"):
        open_dataset(str(path))


def test_a_pickle_in_a_numpy_file_is_not_opened(tmp_path):
    ran = tmp_path / "ran"

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(ran),)

    np.savez(tmp_path / "x.npz", images=np.array([Trap(), Trap()], dtype=object))

    with pytest.raises(DatasetError, match="Object arrays cannot be loaded"):
        open_dataset(str(tmp_path / "x.npz"))
    assert not ran.exists()


@pytest.mark.parametrize("shape", ["(2, 9, 9)", "(99999999999, 9, 9)", "(-2, 4, 4)", "__import__('os')"])
def test_a_numpy_header_that_lies_is_refused(tmp_path, shape):
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("images.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(32))

    with pytest.raises(DatasetError):
        open_dataset(str(tmp_path / "x.npz"))


IDX = idx_bytes(make_pixels(height=3))
WRONG_IDX = {
    "empty": (b"", "ends after 0 of the 4 bytes"),
    "magic": (b"\x01" + IDX[1:], "not an IDX file"),
    "floats": (IDX[:2] + b"\x0d" + IDX[3:], "not an IDX file"),
    "axes": (IDX[:3] + b"\x09" + IDX[4:], "not an IDX file"),
    "no-axes": (IDX[:3] + b"\x00" + IDX[4:], "not an IDX file"),
    "half-header": (IDX[:9], "ends after 5 of the 12 bytes"),
    "short": (IDX[:-1], "ends after 71 of the 72 bytes"),
    "long": (IDX + b"\0", "goes on after the 72 bytes"),
    "huge": (IDX[:4] + b"\xff" * 12 + IDX[16:], "GiB"),
    "none": (idx_bytes(np.zeros((0, 4, 4), np.uint8)), "empty"),
    "labels": (idx_bytes(np.zeros(9, np.uint8)), "1 axes; images have 3"),
}


@pytest.mark.parametrize("kind", WRONG_IDX)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_damaged_idx_file_is_refused_in_words(tmp_path, kind, suffix):
    data, message = WRONG_IDX[kind]
    path = tmp_path / f"train-images-idx3-ubyte{suffix}"
    path.write_bytes(gzip.compress(data) if suffix else data)

    with pytest.raises(DatasetError, match=message):
        open_dataset(str(path))


def test_a_torn_gzip_is_refused(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(IDX)[:-9])

    with pytest.raises(DatasetError, match="cannot be read"):
        open_dataset(str(path))


def test_idx_labels_must_be_as_many_as_the_images(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(IDX)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros(4, np.uint8)))

    with pytest.raises(DatasetError, match="3 images and 4 labels"):
        open_dataset(str(tmp_path))


def test_links_that_lead_in_circles_end(tmp_path):
    source = write_folder(tmp_path / "x", GOOD)
    (tmp_path / "x" / "cat" / "up").symlink_to(tmp_path / "x", target_is_directory=True)
    (tmp_path / "x" / "dog" / "self").symlink_to("self")

    dataset = open_dataset(source)

    assert {"cat": 2, "dog": 1} == dataset.class_counts


def test_links_to_images_and_class_folders_are_followed(tmp_path):
    write_folder(tmp_path / "store", GOOD)
    (tmp_path / "x" / "dog").mkdir(parents=True)
    (tmp_path / "x" / "cat").symlink_to(tmp_path / "store" / "cat", target_is_directory=True)
    (tmp_path / "x" / "dog" / "1.png").symlink_to(tmp_path / "store" / "dog" / "1.png")

    assert open_dataset(str(tmp_path / "store")).sha256 == open_dataset(str(tmp_path / "x")).sha256


def test_a_link_that_leads_nowhere_is_a_broken_image(tmp_path):
    source = write_folder(tmp_path, GOOD)
    (tmp_path / "cat" / "9.png").symlink_to(tmp_path / "gone.png")

    with pytest.raises(DatasetError, match=r"cat/9\.png \(no such file or directory\)"):
        open_dataset(source)


def test_pipes_do_not_hang_the_reader(tmp_path):
    source = write_folder(tmp_path / "x", GOOD)
    os.mkfifo(tmp_path / "x" / "cat" / "pipe.png")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "x" / "cat" / "link.png").symlink_to(tmp_path / "pipe")

    assert 3 == open_dataset(source).num_images


def test_a_class_name_that_is_not_text_is_refused_in_text(tmp_path):
    source = write_folder(tmp_path, GOOD)
    (tmp_path / os.fsdecode(b"chat\xe9")).mkdir()
    (tmp_path / os.fsdecode(b"chat\xe9") / "1.png").write_bytes(GOOD["cat/1.png"])

    with pytest.raises(DatasetError, match="printable") as caught:
        open_dataset(source)
    assert caught.value.detail.encode()


def test_more_pixels_than_memory_is_refused_before_they_are_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sysconf", lambda name: {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": 100}[name])

    with pytest.raises(DatasetError, match="smaller image size"):
        open_dataset(write_folder(tmp_path, GOOD))
