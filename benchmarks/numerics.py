"""What the rewrites of the worker bring, and what they do to pixels: each beside the generator as it was published.

In turns, in CPU time of one thread; medians of ratios within a round go to the section `Numerics` of
docs/benchmarks.md. With `--data` the samples of each form are also judged against the data.
"""

import argparse
import copy
import datetime as dt
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from machine import look_at_machine
from page import PAGE, write_section
from torch import nn

from app.core.seeds import draw_latents
from app.evaluation.frechet_distance import frechet_distance
from app.evaluation.judge import default_cache, open_judge
from app.evaluation.reference import open_reference
from app.evaluation.sampling import draw_samples
from app.generators.base import Generator, Images, Labels, Latents, SampleSpace, Unflatten
from app.generators.checkpoint import load_generator
from app.generators.numerics import settle_numerics
from app.repository.manifest import ImageSpec
from app.repository.store import ModelRepository
from app.schemas.jobs import NumericsConfig
from app.worker.rewriting import Rewritten, rewrite

FILE = Path(__file__).parent / "results" / "numerics.json"
MODEL = ("mnist-gan", 2)
FORMS = {
    "as published": NumericsConfig(fold_batch_norm=False, channels_last=False),
    "folded": NumericsConfig(channels_last=False),
    "channels last": NumericsConfig(fold_batch_norm=False),
    "folded, channels last": NumericsConfig(),
    "bfloat16": NumericsConfig("bfloat16"),
}
PLAIN = "as published"
BATCH_SIZES = (1, 16, 64, 256)
LEAST_S = 0.02  # of one timing
JUDGED = 2000


class CommonDcgan(Generator):
    """The DCGAN of 28 x 28 tutorials: 128 numbers, 256 x 7 x 7, 64 x 14 x 14, pixels; 1.87 million parameters."""

    def __init__(self) -> None:
        super().__init__(SampleSpace(ImageSpec(height=28, width=28, channels=1), latent_dim=128, num_classes=0))
        self.layers = nn.Sequential(
            nn.Linear(128, 256 * 49, bias=False),
            Unflatten(7, 7),
            nn.BatchNorm2d(256),
            nn.ReLU(),
            nn.ConvTranspose2d(256, 64, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, latents: Latents, labels: Labels | None) -> Images:  # noqa: ARG002 - without classes
        """See ``Generator.forward``."""
        images: Images = self.layers(latents)
        return images


def main() -> None:
    """Measure, keep the result, write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", default="models")
    parser.add_argument("--data", help="what the model was trained on, to judge its samples by")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settle_numerics()
    published = load_published(ModelRepository(arguments.repository))
    generators = {f"`{MODEL[0]}@{MODEL[1]}`": published, "DCGAN, random weights": create_dcgan()}
    document = {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "machine": look_at_machine().describe(),
        "torch": torch.__version__,
        "rows": [measure(name, generator, arguments.rounds) for name, generator in generators.items()],
        "fid": judge(published, arguments.data) if arguments.data else read_fid(),
    }
    FILE.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    section = render(document)
    print(section)
    write_section(PAGE, "numerics", section)


def load_published(repository: ModelRepository) -> Generator:
    """Load the model that is measured."""
    manifest = repository.read_manifest(*MODEL)
    return load_generator(manifest, repository.read_weights(manifest))


def create_dcgan() -> Generator:
    """Build the DCGAN with random weights, and norms as training leaves them."""
    torch.manual_seed(0)
    generator = CommonDcgan()
    for norm in generator.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.get_buffer("running_var"), 0.1, 1.0)
            nn.init.normal_(norm.get_buffer("running_mean"), std=0.2)
            nn.init.normal_(norm.weight, 1.0, 0.2)
    return generator.eval().requires_grad_(requires_grad=False)


def measure(name: str, generator: Generator, rounds: int, sizes: Sequence[int] = BATCH_SIZES) -> dict[str, Any]:
    """Time all forms of a generator at each batch size, and count differences of pixels.

    Returns:
        The name, and of each form its numerics, its differences, and the microseconds per sample of every round at each
        batch size.
    """
    forms = {form: rewrite(copy.deepcopy(generator), config) for form, config in FORMS.items()}
    us: dict[str, dict[str, list[float]]] = {form: {str(size): [] for size in sizes} for form in forms}
    for size in sizes:
        repeats = _choose_repeats(forms[PLAIN].generator, size)
        for _ in range(rounds):
            for form, rewritten in forms.items():
                us[form][str(size)].append(round(_time(rewritten.generator, size, repeats), 2))
    return {"name": name, "forms": {form: _describe(forms[form]) | {"us": us[form]} for form in forms}}


def judge(generator: Generator, data: str) -> dict[str, float]:
    """Return the FID of samples of each form, of the same seed."""
    reference = open_reference(data, generator.image)
    eyes = open_judge(reference.train, reference.test, cache=default_cache())
    real = eyes.features(reference.dataset.images)
    return {
        form: round(frechet_distance(real, eyes.features(_draw(generator, config))), 4)
        for form, config in FORMS.items()
    }


def read_fid() -> dict[str, float]:
    """Return what was judged before; empty if nothing was."""
    found: dict[str, float] = json.loads(FILE.read_text("utf-8"))["fid"] if FILE.exists() else {}
    return found


def render(document: Mapping[str, Any]) -> str:
    """Write the section from a result."""
    sizes = list(document["rows"][0]["forms"][PLAIN]["us"])
    about = (
        "What do the forms of a generator that the worker can compute bring, and what do they do to pixels? Times as"
        f" fast as the network as it was published, per batch size, on one thread, medians of rounds in turns, on"
        f" {document['machine']}, torch {document['torch']}, {document['date']}. Pixels are compared on the 64 samples"
        " that the worker compares when it loads a version: shares of 8-bit values that differ by so many grey levels."
        " Where nothing can be folded, the ratio is that of a network to itself: the noise of this machine."
    )
    head = ["generator", "form", *(f"{size} at once" for size in sizes), "0", "1", "2", "more", "largest"]
    lines = [f"| {' | '.join(head)} |", f"| --- | --- |{' ---: |' * (len(head) - 2)}"]
    for row in document["rows"]:
        lines += [_render_form(row, form, sizes) for form in row["forms"]]
    fid = "; ".join(f"{form}: {value:.3f}" for form, value in document["fid"].items())
    judged = f"FID of {JUDGED:,} samples of `{MODEL[0]}@{MODEL[1]}`, of the same seed. {fid}." if fid else ""
    command = "`python benchmarks/numerics.py`; `--data` judges samples."
    return "\n".join([about, "", *lines, "", judged, "", command])


def _render_form(row: Mapping[str, Any], form: str, sizes: Sequence[str]) -> str:
    facts, plain = row["forms"][form], row["forms"][PLAIN]["us"]
    if form == PLAIN:
        speeds = [f"{statistics.median(plain[size]):,.0f} µs" for size in sizes]
    else:
        speeds = [f"{_compare(plain[size], facts['us'][size]):.2f}" for size in sizes]
    pixels = ["-"] * 5
    if facts["differences"]:
        counts = facts["differences"]["counts"]
        pixels = [f"{100 * count / sum(counts):.2f} %" for count in counts] + [str(facts["differences"]["largest"])]
    refused = "".join(f" (refused: {one['reason']})" for one in facts["refused"])
    return f"| {' | '.join([row['name'], form + refused, *speeds, *pixels])} |"


def _compare(slow: Sequence[float], fast: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(slow, fast, strict=True))


def _describe(rewritten: Rewritten) -> dict[str, Any]:
    return {
        "numerics": rewritten.numerics,
        "differences": msgspec.to_builtins(rewritten.differences),
        "refused": msgspec.to_builtins(rewritten.refused),
    }


def _draw(generator: Generator, config: NumericsConfig) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return draw_samples(rewrite(copy.deepcopy(generator), config).generator, JUDGED, seed=0).images


def _choose_repeats(generator: Generator, size: int) -> int:
    """Return how often a batch has to be computed to take long enough; also warms up."""
    _time(generator, size, 1)
    return max(1, int(LEAST_S / (_time(generator, size, 1) * size / 1e6)))


@torch.inference_mode()
def _time(generator: Generator, size: int, repeats: int) -> float:
    """Return the microseconds of CPU per sample."""
    latents = torch.from_numpy(draw_latents(0, np.arange(size), generator.latent_dim))
    labels = torch.arange(size) % generator.num_classes if generator.num_classes else None
    generator(latents, labels)
    started = time.process_time()
    for _ in range(repeats):
        generator(latents, labels)
    return (time.process_time() - started) / (repeats * size) * 1e6


if __name__ == "__main__":
    main()
