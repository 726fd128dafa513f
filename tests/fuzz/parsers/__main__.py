"""Readers of strangers' bytes, given millions of inputs: ``python -m tests.fuzz.parsers --runs 10000000``.

Inputs come from libFuzzer through atheris, which watches what of our code each reaches; where atheris is not installed
(extra `fuzz`), they are sound inputs with a few bytes changed. Each target runs in a process of its own. A finding ends
its process, which shows the input; the exit code is then 1.
"""

import argparse
import gc
import logging
import multiprocessing
import os
import sys
import tempfile
import warnings
from pathlib import Path
from random import Random

from tests.fuzz.parsers.instrument import instrument, is_watching
from tests.fuzz.parsers.watch import Watch
from tests.fuzz.web.documents import spoil_bytes

_RSS_MIB = 2048
_HANG_S = 30


def main() -> int:
    chosen = _parse()
    with instrument(is_plain=chosen.plain):
        from tests.fuzz.parsers.targets import TARGETS_BY_NAME  # noqa: PLC0415 - coverage is put in while it is imported
    logging.disable()
    warnings.simplefilter("ignore")  # of codecs; the service's children write them nowhere
    gc.freeze()
    run = _run_plain if chosen.plain else _run_atheris
    forked = multiprocessing.get_context("fork")
    failed = []
    for name in chosen.targets or TARGETS_BY_NAME:
        child = forked.Process(target=run, args=(name, TARGETS_BY_NAME[name], chosen))
        child.start()
        child.join()
        failed += [name] if child.exitcode else []
    sys.stdout.write(f"findings in: {', '.join(failed)}\n" if failed else "")
    return 1 if failed else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help="by default all")
    parser.add_argument("--runs", type=int, default=10_000_000, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", default=not is_watching(), help="do without atheris")
    parser.add_argument("--corpus", type=Path, help="folder that keeps inputs which reach more, from run to run")
    return parser.parse_args()


def _run_plain(name: str, target, chosen: argparse.Namespace) -> None:
    watch = Watch(target)
    chance = Random(chosen.seed)
    for seed in target.seeds:
        watch(seed)
    while watch.runs < chosen.runs:
        data = spoil_bytes(chance.choice(target.seeds), chance)[: target.max_bytes]
        try:
            watch(data)
        except BaseException:
            sys.stderr.write(f"{name}: input {data!r}\n")
            raise
    sys.stdout.write(watch.report(name, "own changes"))


def _run_atheris(name: str, target, chosen: argparse.Namespace) -> None:
    """Run libFuzzer, which ends the process itself."""
    import atheris  # noqa: PLC0415 - not installed everywhere

    watch = Watch(target)
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.corpus / name if chosen.corpus else Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(target.seeds):
            (folder / f"seed-{number}").write_bytes(seed)

        def run_one(data: bytes) -> None:
            watch(data)
            if watch.runs == chosen.runs:
                sys.stdout.write(watch.report(name, "atheris"))
                sys.stdout.flush()
                os._exit(0)  # libFuzzer would go on to its own end, past every clean-up of Python

        options = [f"-seed={chosen.seed}", f"-max_len={target.max_bytes}", f"-timeout={_HANG_S}"]
        options += [f"-rss_limit_mb={_RSS_MIB}", f"-artifact_prefix=finding-{name}-"]
        atheris.Setup([sys.argv[0], *options, str(folder)], run_one)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
