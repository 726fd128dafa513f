"""``fount models``: look at published models, check them, move their aliases.

What reads manifests is imported when a verb runs: the help answers at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from app.cli.console import console, err_console, fail, plain, print_json
from app.cli.recording import recording
from app.cli.references import complete_models, find_version, open_repository, read_reference
from app.core.errors import RepositoryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.repository.manifest import Manifest
    from app.repository.reading import VersionCheck
    from app.repository.store import ModelRepository

models_app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="List, check, promote and roll back published models.",
)

Repository = Annotated[
    str | None,
    typer.Option("--repository", metavar="URL", help="Folder or fsspec URL; by default the one that is served."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AliasName = Annotated[str, typer.Option("--alias", help="The alias to move.")]
Force = Annotated[bool, typer.Option("--force", help="Promote it though its figures are worse.")]
Reference = Annotated[
    str,
    typer.Argument(metavar="REF", help="`name`, `name@3` or `name@candidate`.", autocompletion=complete_models),
]

OptionalReference = Annotated[
    str | None,
    typer.Argument(metavar="[REF]", help="By default all versions of all.", autocompletion=complete_models),
]
Candidate = Annotated[
    str, typer.Argument(metavar="REF", help="`name@3` or `name@candidate`.", autocompletion=complete_models)
]
Numbered = Annotated[
    str, typer.Argument(metavar="REF", help="`name@3`; a torn version, too.", autocompletion=complete_models)
]


@models_app.command("list", epilog="Example: `fount models list --json`")
def list_models(repository: Repository = None, as_json: AsJson = False) -> None:
    """List every version of every model, and the aliases that point to it."""
    store = open_repository(repository)
    rows = [_summarise(store, name, version) for name in store.list_names() for version in store.list_versions(name)]
    if as_json:
        print_json({"versions": rows})
        return
    if not rows:
        err_console.print(f"no models in {store.url}", markup=False)
        return
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("model", "version", "aliases", "architecture", "image", "classes", "created"):
        table.add_column(heading, overflow="fold", no_wrap=heading not in {"model", "aliases"})
    for row in rows:
        table.add_row(*(plain(cell) for cell in _cells(row)))
    console.print(table)


@models_app.command("show", epilog="Example: `fount models show mnist-gan@production`")
def show_model(reference: Reference, repository: Repository = None, as_json: AsJson = False) -> None:
    """Show what a version says of itself: its manifest."""
    store = open_repository(repository)
    name, version = find_version(store, reference, "REF")
    manifest = store.read_manifest(name, version)
    aliases = _aliases_of(store, name, version)
    if as_json:
        document = manifest.model_dump(mode="json", by_alias=True)
        print_json({"name": name, "version": version, "aliases": aliases, "manifest": document})
        return
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    for label, value in _facts(manifest, aliases):
        table.add_row(Text(label, style="bold"), plain(value))
    console.print(table)


@models_app.command("verify", epilog="Examples: `fount models verify`, `fount models verify mnist-gan@3`")
def verify_models(
    reference: Annotated[
        str | None, typer.Argument(metavar="[REF]", help="By default all.", autocompletion=complete_models)
    ] = None,
    repository: Repository = None,
    as_json: AsJson = False,
) -> None:
    """Read every file and compare it with what was published; exits with 1 if anything is not sound."""
    checks: list[VersionCheck] = []
    for check in _verify(open_repository(repository), reference):
        checks.append(check)
        if not as_json:
            console.print(_verdict(check), soft_wrap=True)
    is_sound = all(check.error is None for check in checks)
    if as_json:
        print_json({"ok": is_sound, "versions": [_describe(check) for check in checks]})
    elif not checks:
        err_console.print("there is nothing to verify")
    raise typer.Exit(0 if is_sound else 1)


@models_app.command("promote", epilog="Example: `fount models promote mnist-gan@candidate`")
def promote_model(
    reference: Annotated[
        str, typer.Argument(metavar="REF", help="`name@3` or `name@candidate`.", autocompletion=complete_models)
    ],
    alias: AliasName = "production",
    force: Force = False,
    repository: Repository = None,
    as_json: AsJson = False,
) -> None:
    """Verify a version, then point an alias to it; a running service follows by itself.

    A version is refused when its figures are worse than those of the version that the alias points to, beyond the
    intervals of both.
    """
    if "@" not in reference:
        raise typer.BadParameter("say which version: name@3 or name@alias", param_hint="REF")
    store = open_repository(repository)
    name, version = find_version(store, reference, "REF")
    manifest = store.verify(name, version)
    incumbent = store.read_aliases(name).get(alias)
    with recording("alias-moved", f"{name}@{alias}", before=incumbent, after=version):
        if incumbent not in (None, version) and not force:
            _require_quality(manifest, store.read_manifest(name, incumbent))
        previous = store.set_alias(name, alias, version)
    _tell_move(name, alias, previous, version, as_json=as_json)


@models_app.command("rollback", epilog="Example: `fount models rollback mnist-gan`")
def rollback_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The model.", autocompletion=complete_models)],
    alias: AliasName = "production",
    repository: Repository = None,
    as_json: AsJson = False,
) -> None:
    """Point an alias to where it pointed before its last move; again goes one step further back."""
    store = open_repository(repository)
    previous = store.read_aliases(name).get(alias)
    with recording("alias-rolled-back", f"{name}@{alias}", before=previous) as change:
        change.after = version = store.rollback(name, alias)
    _tell_move(name, alias, previous, version, as_json=as_json)


@models_app.command("remove", epilog="Example: `fount models remove mnist-gan@2 --yes`")
def remove_model(
    reference: Annotated[
        str, typer.Argument(metavar="REF", help="`name@3`; a torn version, too.", autocompletion=complete_models)
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    repository: Repository = None,
    as_json: AsJson = False,
) -> None:
    """Delete a version for good; its number is never used again."""
    store = open_repository(repository)
    name, version = _resolve_number(reference)
    if not yes and not typer.confirm(f"Delete {name}@{version} for good?", err=True):
        fail("nothing was removed")
    with recording("version-removed", f"{name}@{version}", before=version):
        store.remove(name, version)
    if as_json:
        print_json({"name": name, "version": version, "removed": True})
    else:
        console.print(f"removed {name}@{version}", markup=False)


def _require_quality(candidate: Manifest, incumbent: Manifest) -> None:
    """Exit with status 1 if a version is worse than the one it would replace; say so where nobody can know."""
    from app.repository.evaluation import find_obstacle, is_worse, read_evaluation

    old, new = f"{incumbent.name}@{incumbent.version}", f"{candidate.name}@{candidate.version}"
    records = [read_evaluation(candidate), read_evaluation(incumbent)]
    first, second = records
    if first is None or second is None:
        unknown = " and ".join(name for name, record in zip((new, old), records, strict=True) if record is None)
        err_console.print(plain(f"note: nobody has measured {unknown}, so nothing is compared"), soft_wrap=True)
        return
    obstacle = find_obstacle(first, second)
    if obstacle:
        err_console.print(plain(f"note: figures are not compared: {obstacle}"), soft_wrap=True)
    worse = is_worse(first, second)
    if worse:
        fail(f"{new} is worse than {old}, beyond the intervals of both: {'; '.join(worse)}", "--force promotes it")


def _resolve_number(reference: str) -> tuple[str, int]:
    name, selector = read_reference(reference, "REF")
    if selector is None or not selector.isdecimal():
        raise typer.BadParameter("name the version by its number: name@3", param_hint="REF")
    return name, int(selector)


def _aliases_of(store: ModelRepository, name: str, version: int) -> list[str]:
    return sorted(alias for alias, target in store.read_aliases(name).items() if target == version)


def _summarise(store: ModelRepository, name: str, version: int) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "version": version}
    try:
        row["aliases"] = _aliases_of(store, name, version)
        manifest = store.read_manifest(name, version)
    except RepositoryError as error:
        return row | {"error": error.detail}
    return row | {
        "architecture": manifest.architecture,
        "image": manifest.image.model_dump(include={"height", "width", "channels"}),
        "num_classes": manifest.num_classes,
        "weights_bytes": manifest.files["weights.safetensors"].num_bytes,
        "created": manifest.created.isoformat(),
        "digest": manifest.digest,
    }


def _cells(row: dict[str, Any]) -> list[str]:
    head = [row["name"], str(row["version"]), ", ".join(row.get("aliases", ()))]
    if "error" in row:
        return [*head, "not sound"]
    image = "{height}x{width}x{channels}".format(**row["image"])
    return [*head, row["architecture"], image, str(row["num_classes"]), row["created"][:10]]


def _facts(manifest: Manifest, aliases: list[str]) -> list[tuple[str, str]]:
    image, training = manifest.image, manifest.training
    return [
        ("model", f"{manifest.name}@{manifest.version}"),
        ("aliases", ", ".join(aliases) or "none"),
        ("digest", manifest.digest or "none"),
        ("created", manifest.created.isoformat()),
        ("architecture", f"{manifest.architecture} ({manifest.num_parameters:,} parameters)"),
        ("hyperparameters", ", ".join(map(_brief, manifest.hyperparameters.items())) or "none"),
        ("image", f"{image.height}x{image.width}, {image.channels} channel(s)"),
        ("latent", f"{manifest.latent_dim} numbers, {manifest.latent_prior}"),
        ("classes", ", ".join(manifest.class_names) or "none"),
        ("data", f"{training.dataset.name}, {training.dataset.num_images:,} images"),
        (
            "training",
            f"{training.steps:,} steps, {training.wall_seconds:,.0f} s, {training.device}, seed {training.seed}",
        ),
        ("quality", _describe_quality(manifest)),
        ("license", manifest.license or "not stated"),
        ("files", ", ".join(f"{file} ({entry.num_bytes:,} bytes)" for file, entry in manifest.files.items())),
    ]


def _describe_quality(manifest: Manifest) -> str:
    from app.repository.evaluation import describe_metric, read_evaluation, sort_metrics

    record = read_evaluation(manifest)
    if record is None:
        return "not measured"
    return ", ".join(f"{name} {describe_metric(metric)}" for name, metric in sort_metrics(record.metrics).items())


def _brief(item: tuple[str, Any]) -> str:
    name, value = item
    return f"{name}={'…' if isinstance(value, dict) else value}"


def _verify(store: ModelRepository, reference: str | None) -> Iterator[VersionCheck]:
    name, selector = read_reference(reference, "REF") if reference is not None else (None, None)
    if name is None or reference is None:
        return store.verify_all()
    if selector is not None:
        version = int(selector) if selector.isdecimal() else find_version(store, reference, "REF")[1]
        return iter([store.check(name, version)])
    if not store.list_entries(name).candidates(name):
        find_version(store, reference, "REF")  # says that there is no such model
    return store.verify_all(name)


def _describe(check: VersionCheck) -> dict[str, Any]:
    reason = None if check.error is None else check.error.detail
    return {"name": check.name, "version": check.version, "ok": check.error is None, "reason": reason}


def _verdict(check: VersionCheck) -> Text:
    reference = f"{check.name}@{check.version}"
    if check.error is None:
        return Text.assemble(("ok", "green"), f"   {reference}")
    return Text.assemble(("BAD", "red"), f"  {reference}: ", plain(check.error.detail))


def _tell_move(name: str, alias: str, previous: int | None, version: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"name": name, "alias": alias, "previous": previous, "version": version})
        return
    before = "nothing" if previous is None else f"version {previous}"
    console.print(f"{name}@{alias}: {before} -> version {version}", markup=False)
