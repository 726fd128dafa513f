"""``fount augment``: a folder of images to augmented ones, as the service would make them, without a service."""

from __future__ import annotations

import json
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli.console import console, err_console, plain, print_json
from app.cli.progress import create_bar
from app.cli.stopping import run_until_stopped

if TYPE_CHECKING:
    from app.augmentation.policy import Policy
    from app.cli.augment_order import AugmentOrder
    from app.cli.augment_run import Summary
    from app.core.settings import Settings

EPILOG = """Examples:

`fount augment photos/ --policy light --copies 8 -o augmented/`

`fount augment photos/ --policy policy.json --copies 8 --seed 1 --format jpeg --keep-originals -o augmented/`

`fount augment photos/ --policy light --balance -o balanced/`

The same seed gives the same bytes, here and from `POST /v1/augmentations`. The same command resumes what was broken
off. After Ctrl-C the exit code is 130, after SIGTERM 143."""

Source = Annotated[
    Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="Images, in folders of any depth.")
]
PolicyName = Annotated[
    str,
    typer.Option("--policy", metavar="PRESET|FILE", help="A preset, or a JSON or TOML file with the operations."),
]
Output = Annotated[Path, typer.Option("-o", "--output", file_okay=False, help="A new folder; folders in DIR are kept.")]
Copies = Annotated[int | None, typer.Option("--copies", min=1, help="Of each image; 1 when left out.")]
FirstCopy = Annotated[int, typer.Option("--first-copy", min=0, help="Number of the first copy.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, max=2**63 - 1, help="Drawn and told when left out.")]
Format = Annotated[Literal["png", "jpeg", "webp"], typer.Option("--format", help="Of the outputs.")]
Quality = Annotated[int, typer.Option("--quality", min=1, max=100, help="Of JPEG and WebP.")]
Alpha = Annotated[
    Literal["keep", "drop", "composite"],
    typer.Option("--alpha", help="Transparency: kept, dropped, or put on white."),
]
Frames = Annotated[Literal["refuse", "first"], typer.Option("--frames", help="Of files with several pictures.")]
KeepOriginals = Annotated[bool, typer.Option("--keep-originals", help="Put the images beside their copies.")]
Balances = Annotated[
    bool,
    typer.Option("--balance", help="In place of `--copies`: bring all folders in DIR to as many as the largest has."),
]
BalanceTo = Annotated[
    int | None, typer.Option("--balance-to", metavar="N", min=1, help="Bring all folders in DIR to this number.")
]
SkipBroken = Annotated[bool, typer.Option("--skip-broken", help="Leave out images that cannot be read.")]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, max=1024, help="Processes; by default one per core.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")]


def augment(
    source: Source,
    policy: PolicyName,
    output: Output = Path("augmented"),
    copies: Copies = None,
    first_copy: FirstCopy = 0,
    seed: Seed = None,
    image_format: Format = "png",
    quality: Quality = 95,
    alpha: Alpha = "keep",
    frames: Frames = "refuse",
    keep_originals: KeepOriginals = False,
    balance: Balances = False,
    balance_to: BalanceTo = None,
    skip_broken: SkipBroken = False,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Write augmented copies of the images in a folder; the same command goes on with what was broken off."""
    from app.cli.augment_order import AugmentOrder, Balance
    from app.core.logging import configure_logging
    from app.core.settings import LogSettings, load_settings
    from app.decoding.messages import DecodeOptions
    from app.imaging.codec import ImageFormat

    balances = balance or balance_to is not None
    if balances and copies is not None:
        raise typer.BadParameter("classes are balanced by as many copies as it takes", param_hint="--copies")
    settings = load_settings()
    configure_logging(LogSettings(level="error"))
    order = AugmentOrder(
        source=source,
        output=output,
        policy=_read_policy(policy),
        amount=Balance(balance_to) if balances else copies or 1,
        first_copy=first_copy,
        image_format=ImageFormat(image_format),
        quality=quality,
        options=DecodeOptions(alpha=alpha, animation=frames),
        keeps_originals=keep_originals,
        skips_broken=skip_broken,
    )
    order.check()
    _run(order, settings, seed, jobs, as_json=as_json)


def _read_policy(given: str) -> Policy:
    """Read a policy from a file; anything that is no file is the name of a preset."""
    from app.api.policies import read_policy
    from app.core.errors import InvalidInputError

    path = Path(given)
    is_file = path.suffix.lower() in {".json", ".toml"} or path.is_file()
    document = _read_document(path) if is_file else {"preset": given}
    try:
        return read_policy(document, "")
    except InvalidInputError as error:
        raise typer.BadParameter(error.detail, param_hint="--policy") from None


def _read_document(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except OSError as error:
        raise typer.BadParameter(f"{path}: {(error.strerror or 'unknown').lower()}", param_hint="--policy") from None
    except ValueError as error:
        raise typer.BadParameter(f"{path} is neither JSON nor TOML: {error}", param_hint="--policy") from None
    if not isinstance(document, dict):
        raise typer.BadParameter(f'{path} holds no object with "ops"', param_hint="--policy")
    return document


def _run(order: AugmentOrder, settings: Settings, seed: int | None, jobs: int | None, *, as_json: bool) -> None:
    from app.cli.augment_folder import OutputFolder
    from app.cli.augment_run import open_augmenters, run_augmentation
    from app.core.seeds import draw_seed
    from app.exporting.folder import Folder
    from app.serving.cores import count_cores

    begun, limits = time.monotonic(), settings.limits
    with Folder(str(order.output)).claim(), create_bar() as bar:
        folder = OutputFolder(order.output)
        seed = folder.seed if seed is None else seed
        seed = draw_seed() if seed is None else seed
        task = bar.add_task("starting", total=None)

        def tell(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        async def work() -> Summary:
            async with open_augmenters(limits, jobs or count_cores()) as augmenters:
                return await run_augmentation(order, folder, seed, limits, augmenters, tell)

        summary = run_until_stopped(work())
    _tell(order, seed, summary, time.monotonic() - begun, as_json=as_json)


def _tell(order: AugmentOrder, seed: int, summary: Summary, seconds: float, *, as_json: bool) -> None:
    if summary.num_repeated:
        err_console.print(
            f"warning: {summary.num_repeated:,} outputs show what others show: images or draws repeat", style="yellow"
        )
    if as_json:
        print_json(_describe(order, seed, summary, seconds))
        return
    for name, (before, after) in summary.classes.items():
        console.print(plain(f"{name}: {before:,} -> {after:,}"))
    for path, why in summary.broken.items():
        err_console.print(plain(f"left out {path}: {why}"), soft_wrap=True)
    found = f", {summary.num_found:,} of them there already" if summary.num_found else ""
    console.print(
        plain(f"{summary.num_outputs:,} files of {summary.num_images:,} images{found}, seed {seed}: {order.output}"),
        soft_wrap=True,
    )


def _describe(order: AugmentOrder, seed: int, summary: Summary, seconds: float) -> dict[str, Any]:
    return {
        "seed": seed,
        "policy_sha256": order.policy.digest,
        "num_images": summary.num_images,
        "num_outputs": summary.num_outputs,
        "found_outputs": summary.num_found,
        "repeated_outputs": summary.num_repeated,
        "classes": {name: {"before": before, "after": after} for name, (before, after) in summary.classes.items()},
        "left_out": summary.broken,
        "seconds": round(seconds, 1),
        "output": str(order.output),
    }
