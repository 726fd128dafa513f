"""Measure the service, the limit of its generator, and other model servers on this machine, in turns.

``python benchmarks/serving`` starts everything on free ports of loopback and ends it. ``--peers-python`` names an
interpreter where other servers are installed beside Fount; those that are not are said to be missing. ``--write`` keeps
the result in benchmarks/results and writes the section of docs/benchmarks.md; ``table`` writes the section again from
it. ``bulk`` looks at very long answers instead, and ``reload`` at new versions under load.
"""

import argparse
import datetime as dt
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from machine import look_at_machine
from page import PAGE, write_section

from app.repository.store import ModelRepository
from app.schemas.names import split_reference
from serving.bulk import measure_bulk
from serving.measure import Findings, Plan, measure_limit, measure_round
from serving.model import NAME, describe_model, publish_models
from serving.reload import measure_reloads
from serving.results import (
    BULK_FILE,
    FILE,
    RELOAD_FILE,
    Bulk,
    Document,
    Limits,
    Reloads,
    read_bulk,
    read_document,
    read_reloads,
    write_document,
)
from serving.sampling import VARIANTS, Variant
from serving.servers import PEERS, ROOT, Fount, Model, find_peers, list_peer_targets
from serving.tables import render, render_bulk, render_reloads

EAGER: Variant = "eager"


def main() -> None:
    """Do what the command line asks for."""
    arguments = _create_parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that servers are ended, too
    if arguments.what == "table":
        write_section(PAGE, "serving", render(read_document(), read_bulk(), read_reloads()))
        return
    with tempfile.TemporaryDirectory() as folder:
        model = _choose_model(arguments, Path(folder))
        fount = Fount(model, Path(folder), _read_settings(arguments.set))
        if arguments.what == "bulk":
            _watch_bulk(arguments, model, fount)
        elif arguments.what == "reload":
            _watch_reloads(arguments, model, fount)
        else:
            _report(arguments, _compare(arguments, model, fount))


def _create_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python benchmarks/serving", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["compare", "bulk", "reload", "table"], default="compare")
    parser.add_argument("--repository", default="models", help="of --model")
    parser.add_argument("--model", help="a published one; else a DCGAN of 1.88 M parameters with random weights")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each load")
    parser.add_argument("--limit-seconds", type=float, default=0.7, help="of each variant and batch size of the limit")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers-python", action="append", default=[], metavar="PATH", help="may be given repeatedly")
    names = [peer.module for peer in PEERS]
    parser.add_argument("--peers", nargs="*", choices=names, default=names, help="which of them; none: Fount alone")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, help="what peers get; else eager, and the fastest")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting, as FOUNT_LOG__LEVEL"
    )
    parser.add_argument("--num-samples", type=int, default=1_000_000, help="of the stream of `bulk`")
    parser.add_argument("--reloads", type=int, default=50, help="new versions of `reload`")
    parser.add_argument("--write", action="store_true", help="keep the result and write docs/benchmarks.md")
    return parser


def _choose_model(arguments: argparse.Namespace, folder: Path) -> Model:
    repository, reference = arguments.repository, arguments.model
    if reference is None:
        repository, reference = str(folder / "models"), NAME
        publish_models(Path(repository))
    name, selector = split_reference(reference)
    store = ModelRepository(repository)
    version = store.resolve(name, selector)
    return Model(
        repository=str(Path(repository).resolve()),
        name=f"{name}@{version}",
        image=store.read_manifest(name, version).image,
        about=describe_model(repository, name, version),
    )


def _report(arguments: argparse.Namespace, document: Document) -> None:
    section = render(document, read_bulk(), read_reloads())
    print(section)
    if arguments.write:
        write_document(document)
        write_section(PAGE, "serving", section)
        print(f"kept in {FILE.relative_to(ROOT)}", file=sys.stderr)


def _watch_bulk(arguments: argparse.Namespace, model: Model, fount: Fount) -> None:
    figures = measure_bulk(fount, arguments.num_samples, arguments.seconds)
    found = Bulk(**_describe_run(arguments, model), **figures)
    print(render_bulk(found))
    _keep(arguments, found, BULK_FILE)


def _watch_reloads(arguments: argparse.Namespace, model: Model, fount: Fount) -> None:
    if arguments.model:
        sys.exit("`reload` publishes versions of a model of its own: leave --model out")
    figures = measure_reloads(fount, Path(model.repository), NAME, arguments.reloads, arguments.seconds)
    found = Reloads(**_describe_run(arguments, model), **figures)
    print(render_reloads(found))
    _keep(arguments, found, RELOAD_FILE)


def _describe_run(arguments: argparse.Namespace, model: Model) -> dict[str, Any]:
    return {
        "date": dt.datetime.now(dt.UTC).date(),
        "commit": _read_commit(),
        "machine": look_at_machine(),
        "model": model.about,
        "settings": _read_settings(arguments.set),
    }


def _keep(arguments: argparse.Namespace, found: Bulk | Reloads, file: Path) -> None:
    if arguments.write:
        write_document(found, file)
        print(f"kept in {file.relative_to(ROOT)}; `table` puts it on the page", file=sys.stderr)


def _compare(arguments: argparse.Namespace, model: Model, fount: Fount) -> Document:
    found = find_peers([*arguments.peers_python, sys.executable])
    wanted = {peer.name: peer for peer in PEERS if peer.module in arguments.peers}
    found = {name: place for name, place in found.items() if name in wanted}
    plan = Plan(model, fount, [], arguments.seconds, arguments.limit_seconds)
    cores = len(os.sched_getaffinity(0))
    variants = arguments.variants
    if found and variants is None:
        variants = [EAGER, _find_fastest(measure_limit(plan, 0))]
    plan = Plan(
        model,
        fount,
        list_peer_targets(model, found, variants or [EAGER], cores),
        arguments.seconds,
        arguments.limit_seconds,
    )
    findings = Findings()
    for number in range(1, arguments.rounds + 1):
        measure_round(plan, number, findings)
    missing = [f"{name} is not installed" for name in wanted if name not in found]
    missing += [f"{title} did not work" for title in findings.broken]
    return Document(
        date=dt.datetime.now(dt.UTC).date(),
        commit=_read_commit(),
        machine=look_at_machine(),
        command=_describe_command(arguments),
        model=model.about,
        settings=_read_settings(arguments.set),
        peers={name: version for name, (_, version) in found.items()},
        missing=missing,
        seconds=arguments.seconds,
        rounds=arguments.rounds,
        limits=findings.limits,
        starts=findings.starts,
        measured=findings.measured,
    )


def _find_fastest(limits: Limits) -> Variant:
    """Choose the form of the generator that the peers are given beside the one they load."""
    rates = {variant: max(limits.samples_per_second[variant].values()) for variant in VARIANTS}
    return max(rates, key=lambda variant: rates[variant])


def _read_settings(pairs: Sequence[str]) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in pairs)


def _describe_command(arguments: argparse.Namespace) -> str:
    """Write the command line without paths of this machine."""
    options = [f"--model {arguments.model}"] if arguments.model else []
    options += ["--peers-python PATH"] if arguments.peers_python else []
    return " ".join(["python benchmarks/serving", *options])


def _read_commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"],  # noqa: S607 - whichever is first
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    return done.stdout.strip() or "unknown"
