"""The section `Serving` of docs/benchmarks.md, written from a result: shares and ratios within rounds, then medians."""

import statistics
from collections.abc import Callable, Iterable, Sequence

from serving.loads import COMMON, OWN, SMALL, STREAM
from serving.results import Bulk, Document, Measured, Reloads, Start, limit_of_round
from serving.servers import FOUNT, PEERS

DISTURBED_CORES = 0.1
EAGER = "eager"
_VARIANTS = {
    "eager": "float32 as loaded",
    "channels-last": "channels last in memory",
    "folded": "and batch norm folded",
    "folded-bf16": "and in bfloat16",
    "addressed": "batch norm folded, latents drawn from seed and index as Fount does",
}
_ALONE, _SIXTEEN, _STREAM, _MIXED = (scenario.title for scenario in COMMON)


def render(document: Document, bulk: Bulk | None = None, reloads: Reloads | None = None) -> str:
    """Write the section.

    Args:
        document: What was compared.
        bulk: What very long answers cost, if that was measured.
        reloads: What new versions cost, if that was measured.
    """
    parts = [_about(document), _limit_table(document), _fount_table(document)]
    compared = any(one.server != FOUNT for one in document.measured)
    if compared:
        eager, tuned = _split_setups(document)
        parts += ["### Beside other model servers", _peers_about(document)]
        parts += ["The generator as it is loaded:", _ratio_table(document, eager)]
        if tuned:
            parts += [f"All given the optimised generator (`{_variant(tuned[0])}`):", _ratio_table(document, tuned)]
    parts += ["### One long answer beside short ones", _mixed_table(document), "### What a server costs"]
    parts += [_cost_table(document)]
    if bulk is not None:
        parts += ["### Very long answers", render_bulk(bulk)]
    if reloads is not None:
        parts += ["### New versions under load", render_reloads(reloads)]
    return "\n\n".join(part for part in parts if part) + "\n"


def render_bulk(bulk: Bulk) -> str:
    """Write what very long answers cost."""
    about = f"{_conditions('bulk', bulk)}. One Arrow stream of {bulk.num_samples:,} samples."
    rows = [
        ["first batch of the stream, s", f"{bulk.first_batch_s:.2f}"],
        ["samples/s of the stream", f"{bulk.num_samples / bulk.seconds:,.0f}"],
        ["memory of the API process before, MiB", f"{bulk.api_before_mib:.0f}"],
        ["its growth at most, MiB", f"{bulk.api_growth_mib:.0f}"],
        ["p99 of n=1, 31 clients, ms", f"{bulk.small_p99_ms:.1f}"],
        ["the same beside the stream, ms", f"{bulk.small_p99_ms_beside:.1f}"],
        ["samples/s of n=4096, 1 client", f"{bulk.fast_per_s:,.0f}"],
        ["the same beside somebody who reads 64 KiB/s of the stream", f"{bulk.fast_per_s_beside_slow:,.0f}"],
        ["failed", f"{bulk.small_failed + bulk.fast_failed}"],
    ]
    return f"{about}\n\n{_table(['what', 'measured'], rows)}"


def render_reloads(reloads: Reloads) -> str:
    """Write what new versions cost."""
    about = (
        f"{_conditions('reload', reloads)}. 32 clients ask for one sample at a time by the model's bare name, while "
        "new versions are published one after the other and the oldest are removed."
    )
    times = reloads.p99_ms / reloads.p99_ms_alone
    rows = [
        ["new versions served", f"{reloads.reloads}"],
        ["answers meanwhile", f"{reloads.answers:,}"],
        ["failed", f"{reloads.failed}"],
        ["p99 before, ms", f"{reloads.p99_ms_alone:.1f}"],
        ["p99 meanwhile, ms", f"{reloads.p99_ms:.1f} ({times:.1f} times)"],
        ["memory of both processes at rest, before, MiB", f"{reloads.memory_mib_before:.0f}"],
        ["and after, MiB", f"{reloads.memory_mib_after:.0f}"],
    ]
    return f"{about}\n\n{_table(['what', 'measured'], rows)}"


def _conditions(what: str, found: Bulk | Reloads) -> str:
    settings = "".join(f" · `{name}={value}`" for name, value in found.settings.items())
    return (
        f"`python benchmarks/serving {what}` · {found.date} · commit `{found.commit}` · {found.machine.describe()} · "
        f"{found.model}{settings}"
    )


def _about(document: Document) -> str:
    disturbed = max((one.foreign_cores for one in document.measured), default=0.0)
    limit = statistics.median(_limits(document).values())
    settings = "".join(f" · `{name}={value}`" for name, value in document.settings.items())
    conditions = (
        f"`{document.command}` · {document.date} · commit `{document.commit}` · {document.machine.describe()} · "
        f"{document.model}{settings} · medians of {document.rounds} rounds of {document.seconds:g} s, "
        "limit and servers in turns."
    )
    meaning = (
        "The limit is the same generator in a plain loop in one process, in its fastest form and batch size, with no "
        f"service around it: **{limit:,.0f} samples/s**. Fount runs as delivered: each request has a key that is "
        "checked, its body is validated, metrics are counted. The load generator runs on the same cores."
    )
    if disturbed > DISTURBED_CORES:
        meaning += f" Other processes used up to {disturbed:.2f} cores meanwhile: figures are disturbed."
    return f"{conditions}\n\n{meaning}"


def _limit_table(document: Document) -> str:
    """Show what rewriting the generator is worth."""
    variants = document.limits[0].samples_per_second
    sizes = list(next(iter(variants.values())))
    rows = []
    for variant in variants:
        rates = [statistics.median(one.samples_per_second[variant][size] for one in document.limits) for size in sizes]
        rows.append([_VARIANTS.get(variant, variant), *(f"{rate:,.0f}" for rate in rates)])
    threads = document.limits[0].threads
    return _table([f"plain loop, {threads} threads, samples/s", *(f"batches of {size}" for size in sizes)], rows)


def _fount_table(document: Document) -> str:
    rows = []
    for title in (_ALONE, OWN[0][0], _SIXTEEN, *(title for title, _ in OWN[1:]), _STREAM):
        found = _select(document, FOUNT, title)
        if found:
            rows.append([title, *_rate_and_share(document, found), *_latencies(found), _cpu(found), _failed(found)])
    head = ["load", "samples/s", "share of the limit", "p50 ms", "p99 ms", "first byte ms", "CPU s per 1000", "failed"]
    return _table(head, rows)


def _peers_about(document: Document) -> str:
    names = ", ".join(f"{name} {version}" for name, version in document.peers.items())
    missing = f" Not measured: {'; '.join(document.missing)}." if document.missing else ""
    return (
        f"{names}: each a file in `benchmarks/serving/peers` that calls the same function as the limit does, started "
        "and ended in each round. Where a server was tried with several numbers of threads, the best counts for each "
        "load. They check no keys, and they answer whole: their first byte comes with the last. *x* is how many "
        f"times as fast Fount is.{missing}"
    )


def _ratio_table(document: Document, setups: Sequence[str]) -> str:
    loads = (_ALONE, _SIXTEEN, _STREAM)
    rows = []
    for name in _servers(document):
        cells = [name]
        for load in loads:
            found = _best(document, name, load, setups)
            if not found:
                cells += ["-"] * 3
                continue
            ratio = "1" if name == FOUNT else f"{_ratio(_select(document, FOUNT, load), found):.1f}"
            cells += [*_rate_and_share(document, found), ratio]
        alone = _best(document, name, _ALONE, setups)
        cells += [*_latencies(alone)[:2], _cpu(alone)] if alone else ["-"] * 3
        failed = [one for load in loads for one in _best(document, name, load, setups)]
        rows.append([*cells, _failed(failed)])
    head = ["server"]
    for load in loads:
        head += [f"{load}: samples/s", "of the limit", "x"]
    return _table([*head, "n=1 p50 ms", "p99 ms", "CPU s per 1000", "failed"], rows)


def _mixed_table(document: Document) -> str:
    rows = []
    for name in _servers(document):
        setups = [setup for setup in _setups(document, name) if _select(document, name, _MIXED, setup)]
        for setup in setups if name == FOUNT else _fastest_eager(document, name, setups):
            alone = _select(document, name, _ALONE, setup)
            small = [one for one in _select(document, name, _MIXED, setup) if one.group == SMALL]
            stream = [one for one in _select(document, name, _MIXED, setup) if one.group == STREAM]
            before, beside = _median(alone, lambda one: one.p99_ms), _median(small, lambda one: one.p99_ms)
            rows.append(
                [
                    name,
                    f"{before:.1f}",
                    f"{beside:.1f}",
                    f"{beside / before:.1f}" if before else "-",
                    f"{_median(small, lambda one: one.samples_per_second):,.0f}",
                    f"{_median(stream, lambda one: one.samples_per_second):,.0f}",
                    f"{_median(stream, lambda one: one.first_byte_ms):.0f}",
                    _failed([*small, *stream]),
                ]
            )
    head = ["server", "n=1 p99 ms alone", "beside n=4096", "times", "n=1 samples/s", "n=4096 samples/s"]
    return _table([*head, "its first byte ms", "failed"], rows)


def _cost_table(document: Document) -> str:
    rows = []
    for name in _servers(document):
        starts = [one for one in document.starts if one.server == name]
        if starts:
            rows.append(
                [
                    name,
                    f"{_median(starts, lambda one: one.processes):.0f}",
                    f"{_median(starts, lambda one: one.memory_mib):,.0f}",
                    f"{_median(starts, lambda one: one.idle_cores):.2f}",
                    f"{_median(starts, lambda one: one.start_s):.1f}",
                ]
            )
    return _table(["server", "processes", "memory MiB", "cores while idle", "start to first answer, s"], rows)


def _limits(document: Document) -> dict[int, float]:
    return {number: limit_of_round(document.limits, number) for number in range(1, document.rounds + 1)}


def _servers(document: Document) -> list[str]:
    measured = {one.server for one in document.measured}
    return [name for name in (FOUNT, *(peer.name for peer in PEERS)) if name in measured]


def _setups(document: Document, server: str) -> list[str]:
    return list(dict.fromkeys(one.setup for one in document.measured if one.server == server))


def _split_setups(document: Document) -> tuple[list[str], list[str]]:
    """Return the set-ups with the generator as loaded, and those with a faster form; Fount's own is in both."""
    peers = [setup for name in _servers(document) if name != FOUNT for setup in _setups(document, name)]
    unique = list(dict.fromkeys(peers))
    return [one for one in unique if _variant(one) == EAGER], [one for one in unique if _variant(one) != EAGER]


def _variant(setup: str) -> str:
    return setup.partition(",")[0]


def _select(document: Document, server: str, load: str, setup: str | None = None) -> list[Measured]:
    return [
        one
        for one in document.measured
        if one.server == server and one.load == load and (setup is None or one.setup == setup)
    ]


def _best(document: Document, server: str, load: str, setups: Iterable[str]) -> list[Measured]:
    """Return the rounds of a server in the set-up that was fastest under this load."""
    if server == FOUNT:
        return _select(document, server, load)
    candidates = [found for setup in setups if (found := _select(document, server, load, setup))]
    return max(candidates, key=lambda found: _median(found, lambda one: one.samples_per_second), default=[])


def _fastest_eager(document: Document, server: str, setups: Sequence[str]) -> list[str]:
    best = _best(document, server, _ALONE, [setup for setup in setups if _variant(setup) == EAGER])
    return [best[0].setup] if best else []


def _ratio(ours: Sequence[Measured], theirs: Sequence[Measured]) -> float:
    """Compare rates within rounds."""
    by_round = {one.round: one.samples_per_second for one in ours}
    ratios = [by_round[one.round] / one.samples_per_second for one in theirs if one.samples_per_second]
    return statistics.median(ratios) if ratios else float("inf")


def _rate_and_share(document: Document, found: Sequence[Measured]) -> list[str]:
    limits = _limits(document)
    share = statistics.median(one.samples_per_second / limits[one.round] for one in found)
    return [f"{_median(found, lambda one: one.samples_per_second):,.0f}", f"{share:.2f}"]


def _latencies(found: Sequence[Measured]) -> list[str]:
    figures = (
        _median(found, lambda one: one.p50_ms),
        _median(found, lambda one: one.p99_ms),
        _median(found, lambda one: one.first_byte_ms),
    )
    return [f"{figure:,.1f}" for figure in figures]


def _cpu(found: Sequence[Measured]) -> str:
    return f"{_median(found, lambda one: one.cpu_s_per_1000):.2f}"


def _failed(found: Sequence[Measured]) -> str:
    failed = sum(sum(one.failures.values()) for one in found)
    answers = sum(one.answers for one in found)
    return "0" if not failed else f"{failed:,} of {failed + answers:,}"


def _median(found: "Sequence[Measured] | Sequence[Start]", figure: "Callable[..., float]") -> float:
    values = [figure(one) for one in found]
    return statistics.median(values) if values else 0.0


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table; numbers stand on the right."""
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * (len(head) - 1)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
