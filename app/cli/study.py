"""``fount study``: experiments that answer a question about somebody's own data."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.console import console, err_console, plain, print_json
from app.cli.duration import parse_duration
from app.cli.progress import create_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress

    from app.studies.plan import UtilityPlan
    from app.studies.report import Report
    from app.studies.results import StudyFolder
    from app.studies.utility import UtilityStudy
    from app.training.config import TrainingConfig

study_app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Answer a question about your own data by an experiment.",
)

EPILOG = """Examples:

`fount study utility --data ./mnist --per-class 20 --dry-run`

`fount study utility --data ./my-images --seeds 5 --set image_size=32 --out ./study`

Ctrl-C and SIGTERM leave what is finished; the same command goes on from it. Exit status: 0 done, whatever the answer,
1 failed, 2 usage, 130 or 143 stopped by a signal."""

Data = Annotated[
    str, typer.Option("--data", metavar="SOURCE", help="Labelled images, with a test split where there is one.")
]
PerClass = Annotated[int, typer.Option("--per-class", min=2, max=10_000, help="Real images of each class, per seed.")]
Seeds = Annotated[int, typer.Option("--seeds", min=2, max=100, help="How often all is repeated with other images.")]
Budget = Annotated[
    str, typer.Option("--budget", metavar="TIME", help="CPU time to train each generator, such as 90s, 4m or 1h.")
]
Recipe = Annotated[str, typer.Option("--recipe", help="Of the generator: a name or a TOML file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a value of the recipe; repeatable."),
]
GeneratorSteps = Annotated[
    int | None,
    typer.Option("--generator-steps", min=1, help="Instead of the budget: a study that can be repeated bit for bit."),
]
Ratios = Annotated[
    str, typer.Option("--ratios", metavar="SHARES", help="Shares of generated images in a batch, by commas.")
]
Confidence = Annotated[
    float, typer.Option("--confidence", min=0.0, max=0.9999, help="How sure the filter must be of a generated image.")
]
Steps = Annotated[int, typer.Option("--steps", min=1, max=10**6, help="Steps of a classifier, 64 images each.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of results; an unfinished study goes on.")]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option("--device", help="Where to compute.")]
Threads = Annotated[int, typer.Option("--threads", min=0, max=1024, help="Compute threads; 0: one per core.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, estimate the time, compute nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]


@study_app.callback()
def study() -> None:
    """Answer a question about your own data by an experiment."""


@study_app.command("utility", epilog=EPILOG)
def utility(
    data: Data,
    per_class: PerClass = 20,
    seeds: Seeds = 3,
    budget: Budget = "4m",
    recipe: Recipe = "few_images",
    overrides: Overrides = None,
    generator_steps: GeneratorSteps = None,
    ratios: Ratios = "0.1,0.3,0.5",
    confidence: Confidence = 0.9,
    steps: Steps = 250,
    out: Out = Path("runs/utility"),
    device: Device = "auto",
    threads: Threads = 0,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Does generated data help a classifier on my data? Beside augmentation, with intervals, and a verdict in words."""
    from app.studies.plan import UtilityPlan

    length = _choose_length(budget, generator_steps)
    compute = [f"runtime.device={device}", f"runtime.threads={threads}"]
    config = _load_config(recipe, [*(overrides or []), *length, *compute])
    plan = UtilityPlan(config, per_class, seeds, _parse_ratios(ratios), confidence, steps)
    opened = _open_study(plan, data)
    if dry_run:
        _show_estimate(opened, as_json=as_json)
        return
    folder = opened.open_folder(out)
    _run(opened, folder)
    _show_report(opened, folder, as_json=as_json)


def _choose_length(budget: str, generator_steps: int | None) -> list[str]:
    """Return how long a generator is trained, as overrides of the recipe."""
    if generator_steps is not None:
        return [f"schedule.steps={generator_steps}"]
    return [f"schedule.time_budget_s={parse_duration(budget, '--budget')}", "schedule.clock=cpu"]


def _load_config(recipe: str, overrides: list[str]) -> TrainingConfig:
    from app.training.config import load_config

    return load_config(recipe, overrides)


def _parse_ratios(text: str) -> tuple[float, ...]:
    try:
        ratios = sorted({float(part) for part in text.split(",")})
    except ValueError:
        ratios = []
    if not ratios or not all(0 < ratio < 1 for ratio in ratios):
        raise typer.BadParameter("use numbers between 0 and 1, such as 0.1,0.3", param_hint="--ratios")
    return tuple(ratios)


def _open_study(plan: UtilityPlan, source: str) -> UtilityStudy:
    from app.studies.draws import open_study_data
    from app.studies.utility import UtilityStudy
    from app.training.compute.runtime import start_runtime

    runtime = start_runtime(plan.generator.runtime)
    with err_console.status("reading the data") as status:
        data = open_study_data(
            source,
            plan.generator.data,
            on_progress=lambda done, of: status.update(f"reading the data: {done} of {of}"),
        )
    err_console.print(
        plain(
            f"{data.pool.num_images:,} images of {data.pool.name} to draw from, {len(data.pool.class_names)} classes, "
            f"{data.test.num_images:,} to test on ({data.test_split}), on {runtime.describe()}"
        )
    )
    return UtilityStudy(plan, data, runtime)


def _show_estimate(study: UtilityStudy, *, as_json: bool) -> None:
    from app.training.estimate import describe_duration

    estimate, plan = study.estimate(), study.plan
    if as_json:
        plan_facts = {"num_seeds": plan.num_seeds, "arms": [arm.name for arm in plan.arms], **plan.identify()}
        print_json({"plan": plan_facts, "estimate": dataclasses.asdict(estimate)})
        return
    for arm in plan.arms:
        console.print(plain(arm.name))
    console.print(
        f"{plan.num_seeds} generators, about {describe_duration(estimate.generators_s)}, and "
        f"{plan.num_seeds * plan.trainings_per_seed} classifiers, about {describe_duration(estimate.classifiers_s)}"
    )


def _run(study: UtilityStudy, folder: StudyFolder) -> None:
    from rich.progress import TaskProgressColumn, TimeRemainingColumn

    from app.training.interrupt import InterruptGuard

    with create_bar(TaskProgressColumn(), TimeRemainingColumn()) as bar, InterruptGuard() as guard:
        is_complete = study.run(folder, should_stop=guard.is_set, on_progress=_follow(bar))
    if not is_complete:
        err_console.print("stopped; the same command goes on from there")
        raise typer.Exit(guard.exit_status)


def _follow(bar: Progress) -> Callable[[float, str], None]:
    task = bar.add_task("starting", total=1.0)

    def show(part: float, what: str) -> None:
        if what != bar.tasks[task].description and not bar.console.is_terminal:
            bar.console.print(plain(f"{part:.1%}  {what}"))
        bar.update(task, completed=part, description=what)

    return show


def _show_report(study: UtilityStudy, folder: StudyFolder, *, as_json: bool) -> None:
    from app.studies.report import MARKDOWN_FILE, create_report

    report = create_report(study, folder)
    report.write(folder.path)
    if as_json:
        print_json(report.to_document())
        return
    _print_table(report)
    console.print(plain(f"{report.verdict.sentence}."), style="bold", soft_wrap=True)
    console.print(plain(f"recommended: {report.verdict.advice}"), soft_wrap=True)
    err_console.print(plain(f"look at {folder.path / MARKDOWN_FILE}"), soft_wrap=True)


def _print_table(report: Report) -> None:
    from rich.box import SIMPLE
    from rich.table import Table

    from app.studies.report import HEADINGS

    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    # What an arm is compared with follows from its name, and a terminal is narrow.
    shown = [number for number, heading in enumerate(HEADINGS) if heading != "against"]
    for number in shown:
        is_figure = HEADINGS[number] in {"accuracy %", "difference"}
        table.add_column(HEADINGS[number], justify="right" if is_figure else "left", no_wrap=number > 0)
    for row in report.rows:
        cells = row.cells()
        table.add_row(*(plain(cells[number]) for number in shown))
    console.print(table)
    for note in report.notes:
        console.print(plain(note), soft_wrap=True)
