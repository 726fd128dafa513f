"""Images that no honest caller sends, and honest ones of every kind, at the bare port: table rows 12 to 18."""

import concurrent.futures
import io
import json
import struct
import time

import numpy as np
import pytest
from PIL import Image

from tests import bombs
from tests.pictures import encode, encode_image, make_pixels
from tests.rig.forms import write_augmentation, write_form, write_part
from tests.rig.kit import CANARY, IS_LONG, expect
from tests.rig.processes import MIB, find_descendants, read_command

AUGMENTATIONS, VARIATIONS, VERIFICATIONS = "/v1/augmentations", "/v1/variations", "/v1/verifications"
REFUSED = [413, 415, 422]
BUSY = [429, 503]
MAX_REFUSAL_S = 5.0
FLIPS = 120 if not IS_LONG else 5000
CUTS = 45
HIDDEN = f"<script>{CANARY}</script>"


def write_variation(*images):
    files = [write_part("images", image) for image in images]
    document = {"model": "coder", "seed": 1, "format": "npz"}
    return write_form(*files, write_part("request", json.dumps(document).encode()))


def ask_everybody(kit, data):
    """Send an image to all who read images; return what they say, the one who may know nothing of it last."""
    asked = [kit.upload(AUGMENTATIONS, write_augmentation(data))]
    if kit.is_ours:  # another service may have no model that reads images
        asked.append(kit.upload(VARIATIONS, write_variation(data)))
    return [*asked, kit.ask("POST", VERIFICATIONS, data, "image/png")]


@pytest.fixture(scope="module")
def warm(running_kit):
    """Have all children started, so that what they need at first is not taken for growth."""
    good = encode(make_pixels())
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask_everybody(running_kit, good), range(8)))
    assert {200} == {answer.status for some in answers for answer in some}


BOMBS = {
    "png-80-mpx": lambda: bombs.black_png(10_000, 8_000),
    "png-170-mpx": lambda: bombs.black_png(13_000, 13_000),
    "png-900-mpx": lambda: bombs.black_png(30_000, 30_000, bits=8 if IS_LONG else 1),
    "png-170-mpx-colour": lambda: bombs.black_png(13_000, 13_000, colour=bombs.RGBA if IS_LONG else bombs.RGB),
    "png-head": lambda: bombs.write_png(2**31 - 1, 2**31 - 1, 16, bombs.RGBA, bombs.chunk(b"IDAT", b"")),
    "png-no-size": lambda: bombs.write_png(0, 0, 8, bombs.RGB),
    "png-wide": lambda: bombs.write_png(2**31 - 1, 1, 1, bombs.GREY, bombs.chunk(b"IDAT", b"")),
    "png-size-twice": lambda: bombs.twice_sized_png((8, 8), (13_000, 13_000)),
    "jpeg-4-gpx": lambda: bombs.claim_jpeg(65_535, 65_535),
    "gif-4-gpx": bombs.claim_gif,
    "bmp": lambda: bombs.claim_bmp(2**31 - 1, 2**31 - 1),
    "bmp-negative": lambda: bombs.claim_bmp(2**31 - 1, -(2**31)),
    "tiff": lambda: bombs.claim_tiff(2**31, 2**31),
    "webp": lambda: bombs.claim_webp(2**24, 2**8),
}
TRICKS = {
    "tiff-loop": bombs.looping_tiff,
    "text": bombs.text_png,
    "texts": lambda: bombs.text_png(count=40, num_bytes=4 * MIB),
    "international-text": bombs.international_text_png,
    "profile": bombs.profile_png,
    "data-overrun": bombs.overrun_png,
    "200k-chunks": bombs.crumbled_png,
    "200k-chunks-behind": lambda: bombs.crumbled_png(behind=True),
    "split-data": bombs.split_png,
    "animated-png": bombs.animated_png,
    "animated-png-3": lambda: bombs.animated_png(count=3, width=1, height=1),
    "animated-gif": bombs.animated_gif,
    "jpeg-scans": lambda: bombs.scanned_jpeg(scans=50_000) if IS_LONG else bombs.scanned_jpeg(scans=300, size=1024),
}


@pytest.mark.parametrize("make", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_refused_before_it_is_decoded(kit, warm, make):
    data = make()
    started = time.monotonic()

    with kit.watch_memory():
        *refusals, verdict = ask_everybody(kit, data)

    assert time.monotonic() - started < MAX_REFUSAL_S
    assert "unmarked" == expect(verdict, [200]).json()["verdict"]
    for answer in refusals:
        expect(answer, REFUSED)


@pytest.mark.parametrize("make", TRICKS.values(), ids=TRICKS.keys())
def test_a_small_picture_that_costs_much_is_refused_or_read_within_bounds(kit, warm, make):
    data = make()

    with kit.watch_memory():
        for ask in (
            lambda: kit.upload(AUGMENTATIONS, write_augmentation(data)),
            lambda: kit.ask("POST", VERIFICATIONS, data, "image/png"),
        ):
            started = time.monotonic()
            answer = ask()
            seconds = time.monotonic() - started
            expect(answer, [200, *REFUSED])
            assert seconds < MAX_REFUSAL_S or b"decoding-timeout" in answer.body


def test_sixteen_bombs_at_once_are_refused(kit, warm):
    makers = [*BOMBS.values(), *TRICKS.values()]
    chosen = [make() for make in makers[:10]] + [TRICKS[name]() for name in ("text", "profile", "data-overrun")] * 2
    forms = [write_augmentation(data) for data in chosen[:16]]
    assert 16 == len(forms)

    for _ in range(20 if IS_LONG else 1):
        with kit.watch_memory(128 * MIB), concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda form: kit.upload(AUGMENTATIONS, form), forms))

    for answer in answers:
        expect(answer, [200, *REFUSED, *BUSY])


def mark_of(kit):
    """Return the part of a sample's file that says which sample it is."""
    data = kit.ask("GET", "/v1/models/tiny/versions/1/samples/1/7.png").body
    position, chunks = 8, []
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        chunks.append(data[position : position + 12 + length])
        position += 12 + length
    size = struct.unpack_from(">II", data, 16)
    return size, [one for one in chunks if one[4:8] in {b"tEXt", b"iTXt", b"zTXt"}]


@pytest.mark.parametrize("side", [1000, 13_000], ids=["small", "large"])
def test_a_file_with_our_mark_and_another_size_behind_it_is_not_decoded(kit, warm, side):
    size, texts = mark_of(kit)
    data = bombs.twice_sized_png(size, (side, side), *texts, colour=bombs.RGBA)

    with kit.watch_memory():
        answer = kit.ask("POST", VERIFICATIONS, data, "image/png")

    assert "differs" == expect(answer, [200]).json()["verdict"]


@pytest.mark.parametrize("extra", [bombs.overrun_png, bombs.profile_png, bombs.crumbled_png, bombs.text_png])
def test_a_file_with_our_mark_and_a_bomb_behind_it_is_decoded_within_bounds(kit, warm, extra):
    size, texts = mark_of(kit)
    row = zlib_rows(size)
    data = bombs.write_png(*size, 8, bombs.GREY, *texts, bombs.chunk(b"IDAT", row), extra()[33:-12])

    with kit.watch_memory():
        answer = kit.ask("POST", VERIFICATIONS, data, "image/png")

    assert "differs" == expect(answer, [200]).json()["verdict"]


def zlib_rows(size):
    width, height = size
    return bombs.deflate_zeros(height * (1 + width))


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
def test_a_file_that_is_cut_anywhere_is_refused_or_read(kit, warm, image_format):
    data = encode(make_pixels(height=24, width=24), image_format)
    cuts = sorted({len(data) * part // CUTS for part in range(CUTS)})

    answers = [kit.upload(AUGMENTATIONS, write_augmentation(data[:cut])) for cut in cuts]

    for answer in answers:
        expect(answer, [200, 422])
    assert {422} == {answer.status for answer in answers[: CUTS // 2]}


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
def test_a_wrong_bit_is_refused_or_gives_some_picture(kit, warm, image_format):
    data = np.frombuffer(encode(make_pixels(height=24, width=24), image_format), np.uint8)

    for position in np.random.default_rng(5).integers(0, len(data) * 8, FLIPS):
        flipped = data.copy()
        flipped[position // 8] ^= 1 << (position % 8)
        expect(kit.upload(AUGMENTATIONS, write_augmentation(flipped.tobytes())), [200, 422])


PICKLE = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94."


def write_array_head(dtype, shape):
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 246) + text.ljust(245) + b"\n"


PROGRAMS = {
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
    "svg": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><svg>&b;</svg>',
    "svg-url": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:1/"/></svg>',
    "html": f"<html><script>{CANARY}</script></html>".encode(),
    "mvg": b"push graphic-context\nimage over 0,0 0,0 'https://127.0.0.1/'\npop graphic-context",
    "pickle": PICKLE,
    "pickled-array": write_array_head("|O", "(1, 8, 8, 1)") + PICKLE,
    "computed-shape": write_array_head("|u1", "(9**9**9, 8, 8, 1)"),
    "huge-array": write_array_head("|u1", "(1000000, 4096, 4096, 1)"),
    "negative-array": write_array_head("|u1", "(-1, 8, 8, 1)"),
    "nested-shape": write_array_head("|u1", "(" * 60 + ")" * 60),
    "pdf": b"%PDF-1.7\n",
    "zip": b"PK\3\4" + bytes(64),
    "psd": b"8BPS\0\1" + bytes(64),
    "fits": b"SIMPLE  =                    T".ljust(2880),
    "jpeg-2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(64),
    "heif": b"\0\0\0\x18ftypheic" + bytes(64),
    "ppm": b"P6\n99999 99999\n255\n",
    "text": CANARY.encode(),
    "nothing": b"",
}


@pytest.mark.parametrize("data", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_what_is_no_picture_is_refused_and_starts_nothing(kit, warm, data):
    *refusals, verdict = ask_everybody(kit, data)

    for answer in refusals:
        expect(answer, [415, 422])
    expect(verdict, [200, 422])
    if kit.is_ours:
        commands = {read_command(pid) for pid in find_descendants(kit.target.pid)}
        assert [] == [command for command in commands if command and " app." not in command]


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


GREY = Image.linear_gradient("L")
KINDS = {
    "1x1": encode(make_pixels(height=1, width=1)),
    "1x9000": encode(make_pixels(height=1, width=9000)),
    "9000x1": encode(make_pixels(height=9000, width=1)),
    "16-bit": encode_image(Image.fromarray(np.arange(256, dtype=np.uint16).reshape(16, 16) * 257)),
    "cmyk": encode_image(Image.new("CMYK", (8, 8), (0, 255, 0, 0)), "JPEG"),
    "palette": encode_image(GREY.convert("P"), "PNG"),
    "grey-alpha": encode_image(GREY.convert("LA")),
    "1-bit": encode_image(GREY.convert("1")),
    "float": encode_image(GREY.convert("F"), "TIFF"),
    "lab": encode_image(GREY.convert("RGB").convert("YCbCr"), "JPEG"),
    "animated-gif": encode_image(GREY, "GIF", save_all=True, append_images=[GREY.rotate(90)]),
    "animated-webp": encode_image(GREY.convert("RGB"), "WEBP", save_all=True, append_images=[GREY.convert("RGB")]),
    "pages": encode_image(GREY, "TIFF", save_all=True, append_images=[GREY]),
    "exif-corrupt": encode_image(GREY, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + CANARY.encode()),
    "comment": encode_image(GREY, "JPEG", comment=HIDDEN.encode()),
    "trailing": encode_image(GREY) + HIDDEN.encode(),
    **{f"exif-{number}": encode_image(GREY, "JPEG", exif=exif(number)) for number in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)},
}


@pytest.mark.parametrize("data", KINDS.values(), ids=KINDS.keys())
@pytest.mark.parametrize("kind", ["image/png", "text/html", CANARY])
def test_a_picture_of_any_kind_is_read_or_refused_whatever_it_is_called(kit, warm, data, kind):
    form = write_form(
        write_part("images", data, file_name="a.html", kind=kind),
        write_part("request", b'{"policy": {"ops": [{"op": "flip"}]}, "seed": 1, "format": "npz"}'),
    )

    answer = expect(kit.upload(AUGMENTATIONS, form), [200, 422])

    if answer.status == 200:
        assert "application/x-npz" == answer.headers["content-type"]
        images = np.load(io.BytesIO(answer.body))["images"]
        assert images.size > 0


def test_an_image_as_the_whole_body_is_named_by_its_first_bytes(kit, warm):
    data = encode(make_pixels())

    for kind in ("image/png", "image/jpeg", "image/svg+xml", "image/x-" + CANARY):
        expect(kit.ask("POST", VERIFICATIONS, data, kind), [200])
    expect(kit.ask("POST", VERIFICATIONS, data, "text/html"), [415])
