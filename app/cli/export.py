"""``fount export``: a dataset as files, without a service."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.console import console, err_console, plain, print_json
from app.cli.export_progress import ExportProgress
from app.cli.pairs import parse_pairs
from app.cli.stopping import run_until_stopped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager

    from app.core.settings import Settings
    from app.exporting.export import Export, ExportOrder
    from app.exporting.site import Site
    from app.schemas.datasets import DatasetRequest

EPILOG = """Examples:

`fount export dataset.json -o digits/`

`fount export --model mnist-gan@2 --class-counts 3=500,8=500 --seed 1 --format parquet -o digits/`

`fount export dataset.json -o s3://bucket/digits --workers 4`

`fount export dataset.json -o s3://bucket/digits --ray`

Shards have the bytes that the service gives. The same command resumes what was broken off: what is there is checked,
and not computed again. After Ctrl-C the exit code is 130, after SIGTERM 143."""

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="RECIPE",
        help="A file with the body of `POST /v1/datasets`, `-` for standard input, or a dataset's token.",
    ),
]
Output = Annotated[str, typer.Option("-o", "--output", metavar="DEST", help="A folder, or any fsspec URL.")]
Model = Annotated[str | None, typer.Option("--model", help="`name`, `name@3` or `name@candidate`, in place of RECIPE.")]
Count = Annotated[int | None, typer.Option("-n", "--num-samples", min=1, help="How many samples of `--model`.")]
ClassCounts = Annotated[
    str | None, typer.Option("--class-counts", metavar="CLASS=N,…", help="How many of each class of `--model`.")
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Of `--model`; drawn when left out.")]
Truncation = Annotated[float | None, typer.Option("--truncation", help="Of `--model`; below 1: more typical.")]
ShardSize = Annotated[int | None, typer.Option("--shard-size", min=1, help="Most samples of a shard of `--model`.")]
Splits = Annotated[
    str | None, typer.Option("--splits", metavar="NAME=SHARE,…", help="Splits of `--model`; shares add up to 1.")
]
Format = Annotated[str | None, typer.Option("--format", help="`tar`, `parquet`, `arrow` or `npz`.")]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        max=1024,
        help="Processes that compute: 1, or with `--ray` as many as the cluster has room for.",
    ),
]
Ray = Annotated[bool, typer.Option("--ray", help="Compute on the Ray cluster of `RAY_ADDRESS` or of this machine.")]
RayAddress = Annotated[
    str | None, typer.Option("--ray-address", metavar="HOST:PORT", help="Compute on the Ray cluster with this head.")
]
Verify = Annotated[
    bool, typer.Option("--verify", help="Read what is at a URL already, as in a folder; else sizes are compared.")
]
Repository = Annotated[str | None, typer.Option("--repository", metavar="URL", help="Where the models are.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")]


def export(
    source: Source = None,
    output: Output = "dataset",
    model: Model = None,
    num_samples: Count = None,
    class_counts: ClassCounts = None,
    seed: Seed = None,
    truncation: Truncation = None,
    shard_size: ShardSize = None,
    splits: Splits = None,
    sample_format: Format = None,
    workers: Workers = None,
    ray: Ray = False,
    ray_address: RayAddress = None,
    verify: Verify = False,
    repository: Repository = None,
    as_json: AsJson = False,
) -> None:
    """Write a dataset to a folder or a URL; the same command goes on with what was broken off."""
    from app.core.logging import configure_logging
    from app.core.settings import LogSettings, load_settings
    from app.exporting.run import run_export

    block = {
        "num_samples": num_samples,
        "class_counts": parse_pairs(class_counts, int, "--class-counts"),
        "seed": seed,
        "truncation": truncation,
    }
    layout = {"shard_size": shard_size, "splits": parse_pairs(splits, float, "--splits")}
    wanted = _choose_source(source, model, _given(block), _given(layout))
    order = _make_order(wanted, sample_format, output)
    settings = load_settings(repository={"url": repository} if repository else {})
    configure_logging(LogSettings(level="error"))
    reads = verify or order.destination.is_local
    with (
        _open_place(settings, workers, ray_address or ("auto" if ray else None)) as place,
        ExportProgress(err_console) as progress,
    ):
        done = run_until_stopped(run_export(order, place, settings.limits, progress, reads=reads))
    _tell(done, progress, as_json=as_json)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _choose_source(
    source: str | None, model: str | None, block: dict[str, Any], layout: dict[str, Any]
) -> DatasetRequest | str:
    """Read the recipe, or make one of the options."""
    from app.api.datasets.token import is_token

    if (source is None) == (model is None):
        raise typer.BadParameter("give either a recipe or `--model`", param_hint="RECIPE")
    if model is not None:
        return _parse_request(json.dumps({"samples": [{"model": model, **block}], **layout}))
    if block or layout:
        raise typer.BadParameter(f"{', '.join(block | layout)}: only beside `--model`", param_hint="RECIPE")
    if source is None or is_token(source):
        return source or ""
    return _parse_request(_read(source))


def _read(source: str) -> str:
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise typer.BadParameter("no such file, and not a token either", param_hint="RECIPE") from None


def _parse_request(text: str) -> DatasetRequest:
    from pydantic import ValidationError

    from app.schemas.datasets import DatasetRequest

    try:
        return DatasetRequest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise typer.BadParameter(f"{where}: {first['msg']}" if where else first["msg"]) from error


def _make_order(wanted: DatasetRequest | str, sample_format: str | None, output: str) -> ExportOrder:
    from app.api.datasets.recipe import SHARD_FORMATS
    from app.exporting.export import ExportOrder
    from app.exporting.opening import open_destination
    from app.schemas.samples import SampleFormat

    if sample_format is not None and sample_format not in SHARD_FORMATS:
        raise typer.BadParameter(f"one of {', '.join(SHARD_FORMATS)}", param_hint="--format")
    return ExportOrder(wanted, SampleFormat(sample_format) if sample_format else None, open_destination(output))


@contextlib.contextmanager
def _open_place(
    settings: Settings, workers: int | None, ray_address: str | None
) -> Iterator[AbstractAsyncContextManager[Site]]:
    """Choose where shards are computed: here, or on a Ray cluster, which is connected to."""
    if ray_address is None:
        from app.exporting.local import open_local

        yield open_local(settings, workers or 1)
        return
    from app.exporting.cluster import connect, open_cluster

    with connect(ray_address) as ray:
        yield open_cluster(ray, settings, workers)


def _tell(done: Export, progress: ExportProgress, *, as_json: bool) -> None:
    shards = done.shards
    facts = {
        "token": done.dataset.token,
        "format": done.sample_format.value,
        "num_samples": done.dataset.recipe.num_samples,
        "num_shards": len(shards),
        "num_bytes": sum(shard.num_bytes for shard in shards.values()),
        "found_samples": progress.found,
        "written_samples": progress.written,
        "seconds": round(progress.seconds, 1),
        "output": done.destination.url,
    }
    if as_json:
        print_json(facts)
        return
    found = f", {progress.found:,} of them there already" if progress.found else ""
    console.print(
        plain(f"{facts['num_samples']:,} samples in {len(shards):,} shards{found}: {done.destination.url}"),
        soft_wrap=True,
    )
