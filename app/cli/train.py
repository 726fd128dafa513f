"""``fount train``: a recipe and images to a published generator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.cli.console import console, err_console, plain, print_json
from app.cli.duration import parse_duration
from app.cli.progress import create_bar
from app.cli.recording import record_publication
from app.cli.references import complete_recipes, open_repository

if TYPE_CHECKING:
    from app.repository.manifest import Manifest
    from app.training.loop import Report
    from app.training.runs.run import RunFolder
    from app.training.runs.trained import TrainedRun
    from app.training.session import Session

EPILOG = """Examples:

`fount train digits --name digits-gan --publish`

`fount train resnet_gan --data ./my-images --name my-gan --publish`

`fount train mnist --data ./mnist --name mnist-gan --set steps=8000 --dry-run`

`fount train mnist --data ./mnist --time-budget 10m --set lanes=2 --publish --evaluate full`

Ctrl-C and SIGTERM leave a snapshot; the same command goes on from it. Exit status: 0 done, 1 failed, 2 usage,
130 or 143 stopped by a signal."""

_SHORT = {"discriminator_loss": "D", "generator_loss": "G", "reconstruction": "reconstruction", "kl": "KL"}

Recipe = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE", help="A name from `fount recipes list`, or a TOML file.", autocompletion=complete_recipes
    ),
]
Data = Annotated[
    str | None,
    typer.Option("--data", help="`digits`, a folder of class folders, a tar.gz or zip of it, IDX files, or .npz."),
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value of the recipe; repeatable.")
]
Name = Annotated[str | None, typer.Option("--name", help="Name of the model; by default that of the recipe.")]
Publish = Annotated[bool, typer.Option("--publish", help="Publish the result as the next version of the model.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, estimate time and memory, train nothing.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start anew, even if an unfinished run could go on.")]
TimeBudget = Annotated[
    str | None, typer.Option("--time-budget", metavar="TIME", help="Train for this long, such as 300s, 10m or 2h.")
]
Evaluation = Annotated[
    Literal["none", "quick", "full"],
    typer.Option("--evaluate", help="How much is measured before publishing; the figures go into the card."),
]
Runs = Annotated[Path, typer.Option("--runs", help="Folder for logs, sample grids and snapshots.")]
Repository = Annotated[str | None, typer.Option("--repository", metavar="URL", help="Where to publish.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def train(
    recipe: Recipe,
    data: Data = None,
    overrides: Overrides = None,
    name: Name = None,
    publish: Publish = False,
    dry_run: DryRun = False,
    fresh: Fresh = False,
    time_budget: TimeBudget = None,
    runs: Runs = Path("runs"),
    evaluation: Evaluation = "quick",
    repository: Repository = None,
    as_json: AsJson = False,
) -> None:
    """Train a generator on images, and publish it."""
    model = _choose_name(name, recipe)
    budget = [] if time_budget is None else [f"schedule.time_budget_s={parse_duration(time_budget, '--time-budget')}"]
    session = _open_session(recipe, data, [*(overrides or []), *budget])
    if dry_run:
        _show_estimate(session, as_json=as_json)
        return
    run = session.open_run(runs, model, publish=publish, fresh=fresh)
    trained = _train(session, run)
    if not session.lanes.is_first:
        return
    manifest = _publish(session, trained, repository, model, evaluation) if publish else None
    run.finish({"steps": trained.progress.step, "version": manifest.version if manifest else None})
    _show_result(run, trained, manifest, as_json=as_json)


def _choose_name(name: str | None, recipe: str) -> str:
    from app.schemas.names import is_name

    model = name or Path(recipe).stem
    if not is_name(model):
        raise typer.BadParameter("use a-z, 0-9, '.', '_' and '-', at most 64 characters", param_hint="--name")
    return model


def _open_session(recipe: str, data: str | None, overrides: list[str]) -> Session:
    from app.training.config import load_config
    from app.training.session import open_session

    source = [f"data.source={data}"] if data else []
    config = load_config(recipe, [*overrides, *source])
    with err_console.status("reading the data") as status:
        session = open_session(
            config,
            on_progress=lambda done, of: status.update(f"reading the data: {done} of {of}"),
            on_judge=_tell_judge,
        )
    if not session.lanes.is_first:
        err_console.quiet = console.quiet = True
    dataset = session.dataset
    skipped = f" ({dataset.num_skipped} broken ones left out)" if dataset.num_skipped else ""
    err_console.print(
        plain(
            f"{dataset.num_images:,} images of {dataset.name}{skipped}, {len(dataset.class_names)} classes, "
            f"on {session.runtime.describe()}, {session.runtime.precision}"
        )
    )
    return session


def _tell_judge(done: int, total: int) -> None:
    """Say that a judge is being trained; it takes minutes, once for each set of images."""
    if done % 100 == 0 or done == total:
        err_console.print(f"training a judge of the images: step {done} of {total}")


def _show_estimate(session: Session, *, as_json: bool) -> None:
    from app.training.estimate import describe_duration

    estimate = session.estimate()
    facts: dict[str, Any] = {
        "config": session.config.model_dump(mode="json"),
        "dataset": {"num_images": session.dataset.num_images, "class_counts": session.dataset.class_counts},
        "estimate": {
            "seconds": round(estimate.seconds, 1),
            "images_per_second": round(estimate.images_per_second, 1),
            "memory_bytes": estimate.memory_bytes,
        },
    }
    if as_json:
        print_json(facts)
        return
    console.print_json(data=facts["config"])
    console.print(
        f"about {describe_duration(estimate.seconds)} at {estimate.images_per_second:,.0f} images/s, "
        f"{estimate.memory_bytes / 2**20:,.0f} MiB of memory"
    )


def _train(session: Session, run: RunFolder) -> TrainedRun:
    from rich.progress import TaskProgressColumn, TextColumn, TimeRemainingColumn

    from app.training.interrupt import InterruptGuard

    err_console.print(plain(f"run {run.path}"))
    columns = TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.fields[facts]}")
    with create_bar(*columns) as bar, InterruptGuard() as guard:
        task = bar.add_task("training", total=1.0, facts="")

        def show(report: Report) -> None:
            bar.update(task, completed=report.progress, facts=_describe(report))
            if not bar.console.is_terminal:
                bar.console.print(plain(f"step {report.step}, {report.progress:.1%}  {_describe(report)}"))
            for finding in report.findings:
                bar.console.print(plain(f"warning: {finding}"), style="yellow")

        trained = session.train(
            run,
            should_stop=guard.is_set,
            on_report=show,
        )
    if not trained.is_complete:
        err_console.print(f"stopped after {trained.progress.step} steps; the same command goes on from there")
        raise typer.Exit(guard.exit_status)
    return trained


def _describe(report: Report) -> str:
    shown = [f"{_SHORT[name]} {value:.3f}" for name, value in report.losses.items() if name in _SHORT]
    return "  ".join([*shown, f"{report.images_per_second:,.0f} images/s"])


def _publish(
    session: Session,
    trained: TrainedRun,
    repository: str | None,
    name: str,
    protocol: Literal["none", "quick", "full"],
) -> Manifest:
    store, evaluation = open_repository(repository), None
    if protocol != "none":
        with err_console.status("evaluating") as status:
            evaluation = session.evaluate(trained, protocol, on_progress=lambda _done, _of, what: status.update(what))
    with err_console.status("publishing"):
        return record_publication(name, lambda: session.publish(trained, store, name, evaluation=evaluation))


def _show_result(run: RunFolder, trained: TrainedRun, manifest: Manifest | None, *, as_json: bool) -> None:
    grids = sorted(run.grids.glob("*.png"))
    result = {
        "run": str(run.path),
        "steps": trained.progress.step,
        "wall_seconds": round(trained.progress.wall_seconds, 1),
        "grid": str(grids[-1]) if grids else None,
        "model": manifest.name if manifest else None,
        "version": manifest.version if manifest else None,
        "digest": manifest.digest if manifest else None,
    }
    if as_json:
        print_json(result)
        return
    if manifest:
        console.print(plain(f"published {manifest.name}@{manifest.version}"))
    else:
        console.print("trained; the same command with --publish publishes it")
    console.print(plain(f"look at {result['grid']}"))
