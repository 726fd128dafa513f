"""``fount sample``: the samples that the service gives, with one or without."""

from __future__ import annotations

import contextlib
import json
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.console import console, err_console, plain, print_json
from app.cli.output import open_whole
from app.cli.progress import create_bar
from app.cli.references import complete_models
from app.cli.remote import Url, fetch, open_service, refuse_both
from app.cli.stopping import run_until_stopped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from app.api.answers import Order
    from app.core.settings import Settings
    from app.schemas.samples import SampleRequest
    from app.serving.engine import Engine

EPILOG = """Examples:

`fount sample mnist-gan -n 64 --class 7 --seed 1 -o sevens.png`

`fount sample mnist-gan@1 -n 1000 --seed 1 -o digits/`

`fount sample mnist-gan -n 1000 --seed 1 --first-index 1000 -o more.npz`

`fount sample mnist-gan -n 64 --seed 1 --augment digits-safe -o augmented.png`

`fount sample mnist-gan -n 64 --url http://127.0.0.1:8000 -o samples.png`

The same seed gives the same bytes, here and from the service."""

Reference = Annotated[
    str, typer.Argument(metavar="MODEL", help="`name`, `name@3` or `name@candidate`.", autocompletion=complete_models)
]
Count = Annotated[int, typer.Option("-n", "--num-samples", min=1, help="How many samples.")]
Output = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        help="A folder gets a sub-folder per class; `.zip`, `.tar`, `.npz`, `.npy`, `.safetensors`, `.arrow`, "
        "`.parquet`, `.jsonl` and `.json` files are written as such; "
        "`.png`, `.jpg` and `.webp` hold one sample, or a contact sheet (PNG).",
    ),
]
ClassLabel = Annotated[
    str | None, typer.Option("--class", help="Class name or number; else each sample draws its own.")
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Drawn and told when left out.")]
FirstIndex = Annotated[int, typer.Option("--first-index", min=0, help="Number of the first sample.")]
Truncation = Annotated[float, typer.Option("--truncation", min=0, max=1, help="Below 1: more typical, less varied.")]
AugmentBy = Annotated[
    str | None,
    typer.Option("--augment", metavar="PRESET|FILE", help='A preset, or a JSON file with `{"ops": […]}`.'),
]
Repository = Annotated[str | None, typer.Option("--repository", metavar="URL", help="Where the models are.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")]


def sample(
    model: Reference,
    num_samples: Count = 1,
    output: Output = Path("samples"),
    class_label: ClassLabel = None,
    seed: Seed = None,
    first_index: FirstIndex = 0,
    truncation: Truncation = 1.0,
    augment: AugmentBy = None,
    repository: Repository = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Write samples of a model to a folder or a file; computed here, or by a service."""
    from app.core.logging import configure_logging
    from app.core.seeds import draw_seed
    from app.core.settings import LogSettings, load_settings

    refuse_both(url, repository)
    settings = load_settings(repository={"url": repository} if repository else {})
    configure_logging(LogSettings(level="error"))
    request = _make_request(
        model=model,
        num_samples=num_samples,
        class_label=class_label,
        seed=draw_seed() if seed is None else seed,
        first_index=first_index,
        truncation=truncation,
        augment=_read_augment(augment),
        format=_choose_format(output, num_samples),
    )
    facts = _fetch(url, request, output) if url else _compute(settings, request, output)
    if as_json:
        print_json(facts)
    else:
        console.print(plain(f"{num_samples:,} samples of {facts['model']}, seed {facts['seed']}: {output}"))


def _compute(settings: Settings, request: SampleRequest, output: Path) -> dict[str, Any]:
    order = run_until_stopped(_sample(settings, request, output), "stopped")
    return {
        "model": order.origin.reference,
        "digest": order.origin.digest,
        "seed": order.plan.seed,
        "first_index": order.plan.first_index,
        "num_samples": order.plan.num_samples,
        "output": str(output),
    }


def _fetch(url: str, request: SampleRequest, output: Path) -> dict[str, Any]:
    """Have a service compute them, and write what it sends."""
    document = request.model_dump(mode="json", exclude_none=True)
    with open_service(url) as client, _open_output(output) as file:
        headers = fetch(client, "/v1/samples", document, file)
    return {
        "model": headers["fount-model"],
        "digest": headers["fount-digest"],
        "seed": int(headers["fount-seed"]),
        "first_index": int(headers["fount-first-index"]),
        "num_samples": int(headers["fount-num-samples"]),
        "output": str(output),
    }


@contextlib.contextmanager
def _open_output(output: Path) -> Iterator[BinaryIO]:
    """Take the bytes of the service: a file as they are; a folder from a ZIP, whose names stay within it."""
    if output.suffix:
        with open_whole(output) as file:
            yield file
        return
    with tempfile.TemporaryFile() as file:
        yield file
        with zipfile.ZipFile(file) as archive:
            archive.extractall(output)


def _choose_format(output: Path, num_samples: int) -> str:
    """Read the format from the file's name; anything without a known ending is a folder, filled from a ZIP."""
    from app.schemas.samples import SampleFormat

    ending = output.suffix.lower().removeprefix(".")
    single = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp"}
    if ending in single:
        return single[ending] if num_samples == 1 else "grid"
    return ending if ending in set(SampleFormat) - {SampleFormat.GRID} else "zip"


def _read_augment(given: str | None) -> Any:
    """Read a policy from a file; anything that is no file is the name of a preset."""
    if given is None:
        return None
    path = Path(given)
    if path.suffix.lower() != ".json" and not path.is_file():
        return {"preset": given}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter("no such file, or not JSON", param_hint="--augment") from error


def _make_request(**fields: Any) -> SampleRequest:
    from pydantic import ValidationError

    from app.schemas.samples import SampleRequest

    try:
        return SampleRequest(**fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise typer.BadParameter(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


async def _sample(settings: Settings, request: SampleRequest, output: Path) -> Order:
    from app.repository.store import ModelRepository
    from app.serving.engine import Engine

    engine = Engine(settings, ModelRepository(settings.repository.url))
    with err_console.status("starting"):
        await engine.start()
    try:
        order = _plan(engine, settings, request)
        with _open_output(output) as file:
            await _write(engine, order, file)
    finally:
        await engine.stop()
    return order


def _plan(engine: Engine, settings: Settings, request: SampleRequest) -> Order:
    from dataclasses import replace

    from app.api.answers import Order
    from app.api.augmenting import choose_policy
    from app.api.negotiation import choose_format
    from app.api.planning import check_limits, count_samples, plan_samples

    version = engine.catalog.resolve(request.model)
    class_names = version.manifest.class_names
    total, counts = count_samples(request, class_names)
    sample_format = choose_format(request.format, None, total)
    check_limits(total, sample_format, version.manifest.image, settings.limits)
    plan = plan_samples(request, class_names, total, counts, lambda count: engine.next_exchangeable(version, count))
    policy = choose_policy(request.augment, version.manifest.image)
    return Order(version, replace(plan, policy=policy), sample_format)


async def _write(engine: Engine, order: Order, file: BinaryIO) -> None:
    """Write the very bytes that the service would send."""
    from app.exporting.writing import create_encoder, write_order
    from app.serving.cores import count_cores

    encoder = create_encoder(count_cores())
    try:
        with create_bar() as bar:
            task = bar.add_task("sampling", total=order.plan.num_samples)
            await write_order(order, engine, encoder, file, lambda count: bar.advance(task, count))
    finally:
        encoder.close()
