"""PNG files per second and their size: the writer of this project beside Pillow's, on the same pixels and marks.

Turn and turn about, in CPU time of one thread, so that a busy neighbour disturbs all alike; medians of ratios within a
round go to the section `Encoding` of docs/benchmarks.md. Ours are written one by one and many at once, as archives are.
"""

import argparse
import dataclasses
import datetime as dt
import functools
import io
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from machine import look_at_machine
from page import PAGE, write_section
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app.data.sources import open_dataset
from app.imaging.codec import Pixels
from app.imaging.mark import TEXT_KEYWORD, XMP, Origin, describe_sample
from app.imaging.png import XMP_KEYWORD, write_png, write_pngs
from app.imaging.png_deflate import COMPRESSOR

FILE = Path(__file__).parent / "results" / "encoding.json"
MARK = describe_sample(Origin("mnist-gan", 3, "ab" * 32, 42), 7, "7")
BARS = {"digits 28": 4, "photographs 32": 5, "photographs 224": 20}  # times as fast as Pillow's default
MAX_BYTES_SHARE = 1.13  # of Pillow's default, without marks
IMAGES = 240  # of the smallest size; of larger ones as many as take about as long

Encode = Callable[[Pixels], Iterable[bytes]]
"""Takes images, shape (n, h, w, c), returns a file of each."""


@dataclasses.dataclass(frozen=True)
class Content:
    """Images of one kind and size."""

    name: str
    images: Pixels


def main() -> None:
    """Measure, keep the result, write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", default=[], help="a data set to measure as well, at its own size")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    rows = [measure(content, arguments.rounds) for content in _collect(arguments.data)]
    document = {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "machine": look_at_machine().describe(),
        "pillow": PIL.__version__,
        "compressor": COMPRESSOR.name,
        "rows": rows,
    }
    FILE.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    section = render(document)
    print(section)
    write_section(PAGE, "encoding", section)


def draw_photographs(size: int, count: int) -> Iterator[Pixels]:
    """Cut squares out of scikit-learn's two photographs, of random place and extent, and reduce them to a size."""
    from sklearn.datasets import load_sample_images  # noqa: PLC0415 - an extra, and slow to import

    rng, photographs = np.random.default_rng(0), load_sample_images().images
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        height, width, _ = photograph.shape
        side = rng.integers(min(224, height), height + 1)
        top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
        square = Image.fromarray(photograph[top : top + side, left : left + side])
        yield np.asarray(square.resize((size, size), Image.Resampling.LANCZOS))


def measure(content: Content, rounds: int) -> dict[str, Any]:
    """Time all encoders on the same images, and weigh their files.

    Returns:
        The content's name, the number of images, and of each encoder the microseconds per image of every round and the
        mean bytes.
    """
    text = (TEXT_KEYWORD, MARK)
    encoders: dict[str, Encode] = {
        "pillow": functools.partial(map, functools.partial(save, marked=False)),
        "pillow-1": functools.partial(map, functools.partial(save, marked=False, compress_level=1)),
        "pillow-marked": functools.partial(map, functools.partial(save, marked=True)),
        "fount": functools.partial(map, write_png),
        "fount-many": write_pngs,
        "fount-marked": lambda images: write_pngs(images, xmp=XMP, texts=itertools.repeat(text)),
    }
    sizes = {name: statistics.mean(map(len, encode(content.images))) for name, encode in encoders.items()}
    times: dict[str, list[float]] = {name: [] for name in encoders}
    for _ in range(rounds):
        for name, encode in encoders.items():
            times[name].append(round(_time(encode, content.images), 2))
    return {"content": content.name, "images": len(content.images), "us": times, "bytes": sizes}


def save(pixels: Pixels, *, marked: bool, **parameters: int) -> bytes:
    """Encode by Pillow."""
    file = io.BytesIO()
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    image.save(file, "png", pnginfo=_describe() if marked else None, **parameters)
    return file.getvalue()


def _describe() -> PngInfo:
    info = PngInfo()
    info.add_itxt(XMP_KEYWORD.decode(), XMP.decode())
    info.add_text(TEXT_KEYWORD, MARK)
    return info


def render(document: dict[str, Any]) -> str:
    """Write the section from a result."""
    lines = [
        "| images | Pillow, µs | one, µs | many, µs | one | many | with marks | than level 1 | bytes | bar |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
        *(_render_row(row) for row in document["rows"]),
    ]
    about = (
        "How fast are PNG files written, and how large are they? Each row is one thread on the same pixels, by"
        f" `app/imaging/png.py` ({document['compressor']}) and by Pillow {document['pillow']} with its defaults, in"
        f" {len(document['rows'][0]['us']['fount'])} rounds on {document['machine']}, {document['date']}. Microseconds"
        " are per file, the four columns after them how many times as fast as Pillow: *one* by one, as for a request of"
        " one sample, and *many* at once, as archives are written. *With marks*, many at once, compares files that also"
        " say that they are synthetic and which sample they are, as all that Fount sends do; *than level 1* is many"
        " beside Pillow at that level; *bytes* are without marks, as a share of Pillow's. Where one form"
        " alone meets a bar, it is named."
    )
    command = "`python benchmarks/encoding.py`; `--data` adds data sets."
    return "\n".join([about, "", *lines, "", command])


def _render_row(row: dict[str, Any]) -> str:
    times, sizes = row["us"], row["bytes"]
    one, many = (_compare(times["pillow"], times[name]) for name in ("fount", "fount-many"))
    share = sizes["fount"] / sizes["pillow"]
    cells = [
        row["content"],
        *(f"{statistics.median(times[name]):,.0f}" for name in ("pillow", "fount", "fount-many")),
        f"{one:.1f}",
        f"{many:.1f}",
        f"{_compare(times['pillow-marked'], times['fount-marked']):.1f}",
        f"{_compare(times['pillow-1'], times['fount-many']):.1f}",
        f"{100 * share:.0f} %",
        _judge(row["content"], one, many, share),
    ]
    return f"| {' | '.join(cells)} |"


def _judge(content: str, one: float, many: float, share: float) -> str:
    bar = BARS.get(content)
    if bar is None:
        return "-"
    verdict = "missed" if max(one, many) < bar or share > MAX_BYTES_SHARE else "met" if one >= bar else "met by many"
    return f"{verdict}: ≥ {bar}, ≤ {100 * MAX_BYTES_SHARE:.0f} %"


def _compare(slow: Iterable[float], fast: Iterable[float]) -> float:
    return statistics.median(one / other for one, other in zip(slow, fast, strict=True))


def _collect(sources: Iterable[str]) -> Iterator[Content]:
    digits = open_dataset("digits", image_size=28, channels=1, limit=IMAGES).images
    yield Content("digits 28", digits)
    for size, count in ((32, IMAGES), (64, IMAGES // 4), (224, IMAGES // 30)):
        yield Content(f"photographs {size}", np.stack(list(draw_photographs(size, count))))
    for source in sources:
        dataset = open_dataset(source, limit=IMAGES)
        yield Content(f"{dataset.name} {dataset.images.shape[1]}", dataset.images)


def _time(encode: Encode, images: Pixels) -> float:
    """Return the microseconds of CPU per image."""
    started = time.process_time()
    for _ in encode(images):
        pass
    return (time.process_time() - started) / len(images) * 1e6


if __name__ == "__main__":
    main()
