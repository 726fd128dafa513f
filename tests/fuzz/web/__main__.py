"""The fuzzer of whole requests: ``python -m tests.fuzz.web --requests 500000``, by ``make fuzz``."""

import argparse
import collections
import sys
import tempfile
from pathlib import Path

from tests.fuzz.web.attack import Attack, Outcome
from tests.fuzz.web.corpus import Corpus
from tests.fuzz.web.running import BATCH, Watched, serve_corpus
from tests.rig.models import CODER


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--patience", type=float, default=1.0, help="factor on all times, for machines that are busy")
    parser.add_argument("--show", type=int, metavar="NUMBER", help="print the bytes of one attempt, and send nothing")
    chosen = parser.parse_args()
    if chosen.show is not None:
        corpus = Corpus("tiny", CODER, "d1" + "A" * 40)
        sys.stdout.buffer.write(Attack("", 0, corpus, chosen.seed).draw(chosen.show).data)
        return 0
    with tempfile.TemporaryDirectory() as folder, serve_corpus(Path(folder), chosen.patience) as watched:
        return _run(watched, chosen)


def _run(watched: Watched, chosen: argparse.Namespace) -> int:
    total = Outcome()
    before_mib = 0.0
    for first in range(0, chosen.requests, BATCH):
        count = min(BATCH, chosen.requests - first)
        outcome = watched.attack(seed=chosen.seed, first=first, count=count, connections=chosen.connections)
        before_mib = before_mib or watched.resident_mib()
        _add(total, outcome)
        _say(
            f"{total.sent:>9} requests  {outcome.sent / outcome.seconds:7.0f} per s  {watched.resident_mib():6.0f} MiB"
        )
        if total.findings:
            break
    _say(
        f"seed {chosen.seed}: {total.sent} requests in {total.seconds:.0f} s, {total.unanswered} without an answer due"
    )
    _say(f"statuses: {_write(total.statuses)}")
    _say("accepted: " + _write({kind: f"{total.accepted[kind]}/{total.kinds[kind]}" for kind in total.kinds}))
    _say(f"memory: {before_mib:.0f} MiB after the first {BATCH}, {watched.resident_mib():.0f} MiB at the end")
    _say(f"liveness: at worst {watched.worst_s * 1000:.0f} ms")
    _say("findings: none" if not total.findings else "findings:\n" + "\n".join(total.findings))
    return 1 if total.findings else 0


def _add(total: Outcome, outcome: Outcome) -> None:
    total.sent += outcome.sent
    total.seconds += outcome.seconds
    total.unanswered += outcome.unanswered
    total.findings += outcome.findings
    for name in ("statuses", "kinds", "accepted"):
        counter: collections.Counter[object] = getattr(total, name)
        counter.update(getattr(outcome, name))


def _write(counts: dict) -> str:
    return ", ".join(f"{key}: {counts[key]}" for key in sorted(counts, key=str))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
