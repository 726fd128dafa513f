"""Augmented images per second: this project beside albumentations, kornia and Pillow, on the same pictures.

Turn and turn about, in CPU time of one thread, so that a busy neighbour disturbs all alike; medians of ratios within a
round go to the section `Augmentation` of docs/benchmarks.md. Peers that are not installed are left out. What is done:
a random resized crop, a rotation of up to 15 degrees, a flip, brightness, contrast, saturation and hue, Gaussian noise.
"""

import argparse
import datetime as dt
import importlib.util
import io
import itertools
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # noqa: TID251 - it would ask the network at import

import cv2
import numpy as np
import simplejpeg
from machine import look_at_machine
from page import PAGE, write_section
from PIL import Image, ImageEnhance

from app.augmentation.draws import key_of
from app.augmentation.engine import Source, augment
from app.augmentation.files import encode_file
from app.augmentation.frames import Pixels
from app.augmentation.orders import Order
from app.augmentation.policy import Policy
from app.augmentation.traces import dump_trace
from app.decoding.messages import DecodeOptions
from app.decoding.reading import read_image
from app.decoding.sniffing import UploadFormat
from app.imaging.codec import ImageFormat

FILE = Path(__file__).parent / "results" / "augmentation.json"
QUALITY = 90
VARIANTS = 16
AT_ONCE = 8
"""Files that the service puts into one job, where there are many."""
DEGREES, DEVIATION = 15.0, 10.0
BARS = {
    ("512 to 224", "albumentations"): 2.0,
    ("32 to 32, batches", "albumentations"): 4.0,
    ("32 to 32, batches", "kornia"): 1.5,
    ("JPEG to JPEG", "albumentations"): 1.5,
    ("JPEG to JPEG", "Pillow"): 4.0,
    ("one JPEG to 16", "albumentations"): 2.0,
}

Pictures = list[Pixels]
Work = Callable[[], int]
"""Does a round; returns how many images came out."""


class Task(NamedTuple):
    """One row: what each contender does."""

    name: str
    contenders: dict[str, Work]


def main() -> None:
    """Measure, keep the result, write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="*", type=Path, help="pictures of 512 x 512; by default some are painted")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    photos = [np.asarray(Image.open(path).convert("RGB")) for path in arguments.photos] or paint(8)
    rows = [measure(task, arguments.rounds) for task in make_tasks(photos)]
    document = {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "machine": look_at_machine().describe(),
        "opencv": cv2.__version__,
        "pictures": f"{len(photos)} {'files' if arguments.photos else 'painted'}",
        "rows": rows,
    }
    FILE.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    text = render(document)
    print(text)
    if arguments.write:
        write_section(PAGE, "Augmentation", text)


def measure(task: Task, rounds: int) -> dict[str, Any]:
    """Let contenders take turns; returns images/s of each, and how many times as fast as each peer ours is."""
    speeds: dict[str, list[float]] = {name: [] for name in task.contenders}
    for work in task.contenders.values():
        work()
    for _ in range(rounds):
        for name, work in task.contenders.items():
            began = time.process_time()
            speeds[name].append(work() / (time.process_time() - began))
    ratios = {
        name: statistics.median(ours / theirs for ours, theirs in zip(speeds["Fount"], speeds[name], strict=True))
        for name in speeds
        if name != "Fount"
    }
    return {
        "task": task.name,
        "per_s": {name: statistics.median(all_) for name, all_ in speeds.items()},
        "times": ratios,
    }


def make_tasks(photos: Pictures) -> list[Task]:
    """Say what each contender does in each row."""
    small = [cv2.resize(photo, (32, 32), interpolation=cv2.INTER_AREA) for photo in photos]
    batch = [np.roll(small[number % len(small)], number, axis=1) for number in range(512)]
    many = [np.roll(photos[number % len(photos)], number, axis=1) for number in range(32)]
    files = [simplejpeg.encode_jpeg(photo, quality=QUALITY, colorsubsampling="420") for photo in many]
    return [
        Task("512 to 224", {"Fount": ours(many, 224), "Pillow": pillow(photos, 224)} | peers(many, 224)),
        Task("32 to 32, batches", {"Fount": ours(batch, 32), "Pillow": pillow(batch[:128], 32)} | peers(batch, 32)),
        Task("JPEG to JPEG", {"Fount": our_files(files, 1), "Pillow": pillow_files(files[:8])} | peer_files(files, 1)),
        Task("one JPEG to 16", {"Fount": our_files(files[:1], VARIANTS)} | peer_files(files[:1], VARIANTS)),
    ]


def make_policy(size: int) -> Policy:
    """Return the pipeline as this project says it."""
    return Policy.model_validate(
        {
            "ops": [
                {"op": "random_resized_crop", "height": size, "width": size},
                {"op": "rotate", "degrees": [-DEGREES, DEGREES]},
                {"op": "flip", "axis": "horizontal", "p": 0.5},
                {
                    "op": "colour_jitter",
                    "brightness_factor": [0.8, 1.2],
                    "contrast_factor": [0.8, 1.2],
                    "saturation_factor": [0.8, 1.2],
                    "hue_degrees": [-18, 18],
                },
                {"op": "gaussian_noise", "deviation": [DEVIATION / 255, DEVIATION / 255]},
            ]
        }
    )


def ours(pictures: Pictures, size: int) -> Work:
    """Arrays to arrays, with the traces that a service tells."""
    nodes, seeds = make_policy(size).ops, itertools.count()
    sources = [Source(picture, number) for number, picture in enumerate(pictures)]

    def work() -> int:
        for output in augment(sources, Order(nodes, next(seeds))):
            dump_trace(output.plan, output.row)
        return len(sources)

    return work


def our_files(files: Sequence[bytes], copies: int) -> Work:
    """Files to files, as an augmenter of the service does it."""
    nodes, seeds = make_policy(224).ops, itertools.count()

    def work() -> int:
        seed = next(seeds)
        for start in range(0, len(files), AT_ONCE):
            some = files[start : start + AT_ONCE]
            pixels = [read_image(file, UploadFormat.JPEG, DecodeOptions(), 2**25).pixels for file in some]
            sources = [Source(one, key_of(file)) for one, file in zip(pixels, some, strict=True)]
            for output in augment(sources, Order(nodes, seed, copies)):
                facts = {"trace": dump_trace(output.plan, output.row)}
                encode_file(output.pixels, ImageFormat.JPEG, QUALITY, facts)
        return len(files) * copies

    return work


def peers(pictures: Pictures, size: int) -> dict[str, Work]:
    """Arrays to arrays, by what is installed."""
    found: dict[str, Work] = {}
    if importlib.util.find_spec("albumentations"):
        transform = make_albumentations(size)

        def work() -> int:
            for picture in pictures:
                transform(image=picture)
            return len(pictures)

        found["albumentations"] = work
    if importlib.util.find_spec("kornia"):
        found["kornia"] = kornia(pictures, size)
    return found


def peer_files(files: Sequence[bytes], copies: int) -> dict[str, Work]:
    """Files to files, by the best mix of libraries."""
    if not importlib.util.find_spec("albumentations"):
        return {}
    transform = make_albumentations(224)

    def work() -> int:
        for file in files:
            pixels = simplejpeg.decode_jpeg(file)
            for _ in range(copies):
                image = transform(image=pixels)["image"]
                simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=QUALITY, colorsubsampling="420")
        return len(files) * copies

    return {"albumentations": work}


def make_albumentations(size: int) -> Any:
    """Return the pipeline as albumentations says it; it is not seeded anew for each image, which would cost more."""
    import albumentations as a  # noqa: PLC0415 - a peer, where it is installed

    return a.Compose(
        [
            a.RandomResizedCrop(size=(size, size)),
            a.Rotate(limit=DEGREES, p=1.0),
            a.HorizontalFlip(p=0.5),
            a.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05, p=1.0),
            a.GaussNoise(std_range=(DEVIATION / 255, DEVIATION / 255), p=1.0),
        ]
    )


def kornia(pictures: Pictures, size: int) -> Work:
    """Let kornia take all pictures as one batch of floats, each with parameters of its own."""
    import kornia.augmentation as k  # noqa: PLC0415 - a peer, where it is installed
    import torch  # noqa: PLC0415 - as above

    torch.set_num_threads(1)
    pipeline = k.AugmentationSequential(
        k.RandomResizedCrop((size, size), p=1.0),
        k.RandomRotation(DEGREES, p=1.0),
        k.RandomHorizontalFlip(p=0.5),
        k.ColorJitter(0.2, 0.2, 0.2, 0.05, p=1.0),
        k.RandomGaussianNoise(std=DEVIATION / 255, p=1.0),
        same_on_batch=False,
    )

    def work() -> int:
        with torch.inference_mode():
            images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
            (pipeline(images).clamp(0, 1) * 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
        return len(pictures)

    return work


def pillow(pictures: Pictures, size: int) -> Work:
    """Let Pillow and NumPy do it, one picture after the other."""
    random = np.random.default_rng(0)

    def work() -> int:
        for picture in pictures:
            np.asarray(augment_by_pillow(Image.fromarray(picture), size, random))
        return len(pictures)

    return work


def pillow_files(files: Sequence[bytes]) -> Work:
    """Let Pillow decode, augment and encode."""
    random = np.random.default_rng(0)

    def work() -> int:
        for file in files:
            image = augment_by_pillow(Image.open(io.BytesIO(file)).convert("RGB"), 224, random)
            image.save(io.BytesIO(), "jpeg", quality=QUALITY)
        return len(files)

    return work


def augment_by_pillow(image: Image.Image, size: int, random: np.random.Generator) -> Image.Image:
    """Do the pipeline by Pillow and NumPy."""
    side = min(image.width, int(image.width * random.uniform(0.08, 1) ** 0.5))
    left, top = (int(random.integers(0, most - side + 1)) for most in image.size)
    image = image.resize((size, size), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
    image = image.rotate(random.uniform(-DEGREES, DEGREES), Image.Resampling.BILINEAR)
    if random.random() < 0.5:  # noqa: PLR2004 - a coin
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(random.uniform(0.8, 1.2))
    hsv = np.array(image.convert("HSV"))
    hsv[:, :, 0] += np.uint8(random.integers(-12, 13) % 256)
    pixels = np.asarray(Image.fromarray(hsv, "HSV").convert("RGB"), np.float32)
    noisy = pixels + random.standard_normal(pixels.shape, np.float32) * np.float32(DEVIATION)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def paint(count: int) -> Pictures:
    """Paint pictures with edges, gradients and some grain, so that they compress as photographs do."""
    random = np.random.default_rng(7)
    pictures = []
    for _ in range(count):
        small = random.integers(0, 256, (12, 12, 3), dtype=np.uint8)
        picture = cv2.resize(small, (512, 512), interpolation=cv2.INTER_CUBIC)
        for _ in range(40):
            centre, radius = random.integers(0, 512, 2), int(random.integers(5, 60))
            cv2.circle(picture, centre.tolist(), radius, random.integers(0, 256, 3).tolist(), -1, cv2.LINE_AA)
        grain = random.normal(0, 4, picture.shape)
        pictures.append(np.clip(picture + grain, 0, 255).astype(np.uint8))
    return pictures


def render(document: dict[str, Any]) -> str:
    """Write the section."""
    head = (
        f"`python benchmarks/augmentation.py` · {document['date']} · {document['machine']}"
        f" · OpenCV {document['opencv']}"
        f" · pictures: {document['pictures']}. Images per second of one thread, in CPU time; times as fast, median of"
        " rounds."
    )
    names = ["Fount", *dict.fromkeys(name for row in document["rows"] for name in row["times"])]
    lines = ["| task | " + " | ".join(names) + " |", "| --- |" + " ---: |" * len(names)]
    for row in document["rows"]:
        cells = [f"{row['per_s']['Fount']:,.0f}", *(_cell(row, name) for name in names[1:])]
        lines.append(f"| {row['task']} | " + " | ".join(cells) + " |")
    return head + "\n\n" + "\n".join(lines)


def _cell(row: dict[str, Any], name: str) -> str:
    if name not in row["times"]:
        return ""
    bar = BARS.get((row["task"], name))
    verdict = "" if bar is None else f", bar {bar:g}: {'met' if row['times'][name] >= bar else 'missed'}"
    return f"{row['per_s'][name]:,.0f} (x {row['times'][name]:.2f}{verdict})"


if __name__ == "__main__":
    main()
