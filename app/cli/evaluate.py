"""``fount evaluate``: how good a published generator is, with the floor of real images beside every figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.console import console, err_console, fail, plain, print_json
from app.cli.progress import create_bar
from app.cli.recording import record_publication
from app.cli.references import complete_models, find_version, open_repository

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from rich.progress import Progress

    from app.evaluation.inception import Inception
    from app.evaluation.judge import Judge
    from app.evaluation.reference import Reference
    from app.generators.base import Encoder, Generator
    from app.repository.evaluation import EvaluationRecord
    from app.repository.manifest import Manifest
    from app.repository.store import ModelRepository

EPILOG = """Examples:

`fount evaluate digits-gan --data digits --protocol quick`

`fount evaluate mnist-gan@2 --data ./mnist --record`

`fount evaluate cifar-gan --data ./cifar --inception inception.safetensors` (figures to hold against published ones)

`fount evaluate stacked-mnist --data ./mnist` (a thousand modes, told by the three channels)

The first evaluation on some data trains a judge, a small classifier, and measures the floor; both are kept."""

Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="`name`, `name@3` or `name@candidate`.", autocompletion=complete_models)
]
Data = Annotated[
    str, typer.Option("--data", metavar="SOURCE", help="What it was trained on, with a test split where there is one.")
]
ProtocolName = Annotated[
    Literal["quick", "full"],
    typer.Option("--protocol", help="`quick`: 2,000 samples. `full`: 10,000, each class, copies, and trained on."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, max=2**63 - 1, help="Of the samples.")]
Channels = Annotated[
    str | None,
    typer.Option("--channels", metavar="SOURCE", help="Grey images with classes: tell modes by the three channels."),
]
InceptionFile = Annotated[
    Path | None,
    typer.Option(
        "--inception",
        metavar="FILE",
        help="Weights of FID's Inception network: FID, KID and Inception Score through it, too.",
        show_default=False,
    ),
]
Record = Annotated[bool, typer.Option("--record", help="Publish the same weights with the figures, as next version.")]
Cache = Annotated[
    Path | None,
    typer.Option("--cache", help="Folder of judges; by default `~/.cache/fount/judges`.", show_default=False),
]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option("--device", help="Where to compute.")]
Threads = Annotated[int, typer.Option("--threads", min=0, help="Compute threads; 0: one per core.")]
RepositoryUrl = Annotated[str | None, typer.Option("--repository", metavar="URL", help="Where the models are.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the record as JSON.")]


def evaluate(
    model: Model,
    data: Data,
    protocol: ProtocolName = "full",
    seed: Seed = 0,
    channels: Channels = None,
    inception: InceptionFile = None,
    record: Record = False,
    cache: Cache = None,
    device: Device = "auto",
    threads: Threads = 0,
    repository: RepositoryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Measure how good a version is: fidelity, variety, labels, use for training, copies."""
    from rich.progress import TimeElapsedColumn

    from app.serving.cores import count_cores
    from app.worker.device import open_device

    store = open_repository(repository)
    manifest = store.read_manifest(*find_version(store, model, "MODEL"))
    compute = open_device(device, threads or count_cores())
    networks = _load(store, manifest, compute)
    eyes = _open_inception(inception, compute)
    stack = manifest.training.recipe.get("data", {}).get("stack")
    reference = _open_data(data, manifest, stack)
    channels = channels or (data if stack else None)
    with create_bar(TimeElapsedColumn(), transient=True) as bar:
        judge = _open_judge(reference, cache, compute, bar)
        channel_judge = _open_channel_judge(channels, manifest, cache, compute, bar)
        result = _evaluate(networks, reference, (judge, channel_judge, eyes), protocol, seed, bar)
    recorded = _record(store, manifest, result) if record else None
    if as_json:
        facts = {"model": manifest.name, "version": manifest.version, "digest": manifest.digest}
        document = result.model_dump(mode="json", by_alias=True)
        print_json({**facts, "recorded": recorded.version if recorded else None, "evaluation": document})
        return
    _print_record(manifest, result)
    if recorded:
        console.print(
            plain(f"published {recorded.name}@{recorded.version}: the weights of version {manifest.version}, measured")
        )


def _load(store: ModelRepository, manifest: Manifest, device: torch.device) -> tuple[Generator, Encoder | None]:
    from app.generators.base import put_channels_last
    from app.generators.checkpoint import ENCODER, load_encoder, load_generator

    weights = store.read_weights(manifest)
    generator = put_channels_last(load_generator(manifest, weights).to(device))
    encoder = load_encoder(manifest, weights).to(device) if ENCODER in manifest.parts else None
    return generator, encoder


def _open_data(source: str, manifest: Manifest, stack: int | None) -> Reference:
    """Read the data, and say what about it the figures will depend on."""
    from app.evaluation.reference import open_reference, stack_reference

    def tell_missing(reason: str) -> None:
        _note(f"{reason}; figures are taken against the images that the generator was trained on")

    with err_console.status("reading the data"):
        image = manifest.image.model_copy(update={"channels": 1}) if stack else manifest.image
        reference = open_reference(source, image, on_missing=tell_missing)
        if stack:
            reference = stack_reference(reference, num_images=stack, seed=manifest.training.seed)
    names = reference.class_names
    if manifest.num_classes and names and names != manifest.class_names:
        fail("the classes of the data are not those of the model", "give the data that it was trained on")
    if reference.train.sha256 != manifest.training.dataset.sha256:
        _note("the model was trained on other images than the train split of this data")
    return reference


def _open_judge(reference: Reference, cache: Path | None, device: torch.device, bar: Progress) -> Judge:
    from app.evaluation.judge import default_cache, open_judge

    task = bar.add_task("training the judge", total=None, visible=False)
    judge = open_judge(
        reference.train,
        reference.test,
        cache=cache or default_cache(),
        device=device,
        on_progress=lambda done, total: bar.update(task, completed=done, total=total, visible=True),
    )
    bar.remove_task(task)
    return judge


def _open_channel_judge(
    source: str | None, manifest: Manifest, cache: Path | None, device: torch.device, bar: Progress
) -> Judge | None:
    from app.evaluation.reference import open_reference

    if source is None:
        return None
    image = manifest.image.model_copy(update={"channels": 1})
    return _open_judge(open_reference(source, image), cache, device, bar)


def _open_inception(path: Path | None, device: torch.device) -> Inception | None:
    from app.evaluation.inception import open_inception

    return open_inception(path, device=device) if path else None


def _evaluate(
    networks: tuple[Generator, Encoder | None],
    reference: Reference,
    judges: tuple[Judge, Judge | None, Inception | None],
    protocol: Literal["quick", "full"],
    seed: int,
    bar: Progress,
) -> EvaluationRecord:
    from app.evaluation.evaluate import evaluate as evaluate_generator
    from app.evaluation.protocol import PROTOCOLS

    return evaluate_generator(
        networks[0],
        reference,
        judges[0],
        PROTOCOLS[protocol],
        seed=seed,
        encoder=networks[1],
        channel_judge=judges[1],
        inception=judges[2],
        on_progress=_follow(bar),
    )


def _follow(bar: Progress) -> Callable[[int, int, str], None]:
    task = bar.add_task("evaluating")

    def show(done: int, total: int, what: str) -> None:
        bar.update(task, completed=done, total=total, description=what)

    return show


def _record(store: ModelRepository, manifest: Manifest, result: EvaluationRecord) -> Manifest:
    from app.training.publishing.quality import record_evaluation

    return record_publication(manifest.name, lambda: record_evaluation(store, manifest, result))


def _print_record(manifest: Manifest, record: EvaluationRecord) -> None:
    from rich.box import SIMPLE
    from rich.table import Table

    from app.repository.evaluation import format_figure, sort_metrics

    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("figure", "better", "value", "95 % interval", "real images"):
        table.add_column(heading, overflow="fold")
    for name, metric in sort_metrics(record.metrics).items():
        interval = "" if metric.interval is None else " to ".join(map(format_figure, metric.interval))
        floor = "" if metric.floor is None else format_figure(metric.floor)
        table.add_row(name, metric.better, format_figure(metric.value), interval, floor)
    console.print(table)
    console.print(
        plain(
            f"{manifest.name}@{manifest.version}: {record.num_samples:,} samples of seed {record.seed} against the "
            f"{record.reference.num_images:,} images of the {record.reference.split} split of {record.reference.name}, "
            f"in {record.wall_seconds:,.0f} s"
        ),
        soft_wrap=True,
    )
    console.print(plain(f"judge: {record.judge.description}"), soft_wrap=True)
    if record.inception:
        console.print(plain(f"inception weights: sha256 {record.inception.sha256}"), soft_wrap=True)


def _note(sentence: str) -> None:
    err_console.print(plain(f"note: {sentence}"), soft_wrap=True)
