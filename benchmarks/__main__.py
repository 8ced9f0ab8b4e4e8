"""`python -m benchmarks`: measure, keep the results, write the page."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import Any, NamedTuple

from altid import sample
from benchmarks import authorisation, ceiling, limits, logon, lookup, orders, report, results, server, size
from benchmarks.dataset import Dataset
from benchmarks.growth import measure_growth
from benchmarks.measure import Measurement, import_bundles, load, measure
from benchmarks.results import Results
from benchmarks.workloads import WORKLOADS

_DOCS = Path(__file__).parents[1] / "docs"
_IMPORT_SEED = 7

_DESCRIPTION = """
Measures a real Altid against PostgreSQL's own limits on this machine, what it costs that it matters who asks
(`authorisation`), and storms of logons (`logon`). Without arguments all of these. `orders` measures from sign
to receipt, with `--two-sites` on a region where the line between the sites takes 0, 1.5 and 5 ms; `lookup`
measures the lookup record; `screen` measures pages in a slow browser and writes docs/screen-speed.md;
`growth` how latency changes while the record grows; `report` writes docs/performance.md and its pictures from
the newest results in the folder of results.
"""
_OTHERS = ("growth", "authorisation", "logon")


class Effort(NamedTuple):
    """How much is measured."""

    seconds: float
    warmup_seconds: float
    patients: int
    import_patients: int


_FULL = Effort(seconds=10, warmup_seconds=2, patients=1_000, import_patients=200)
_QUICK = Effort(seconds=2, warmup_seconds=0.5, patients=100, import_patients=10)


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(given)
    if options.workload == ["orders"]:
        seconds = options.seconds or (2 if options.quick else 2.5 if options.two_sites else 10)
        return orders.main(["--seconds", str(seconds), *["--two-sites"] * options.two_sites])
    if options.workload == ["lookup"]:
        return lookup.main(["--quick"] * options.quick)
    if options.workload == ["screen"]:
        from benchmarks import screen  # needs Playwright, which is for developing only

        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped, too
        return screen.main(["--quick"] * options.quick)
    effort = _QUICK if options.quick else _FULL
    if options.seconds is not None:
        effort = effort._replace(seconds=options.seconds)
    if options.workload == ["report"]:
        _write_documents(options.out)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped, too
    begun = results.begun("benchmarks", given)
    is_wrong = False
    for kind in _kinds(options.workload):
        found = begun | _measured(kind, options, effort)
        is_whole = not options.quick and (kind in _OTHERS or not options.workload)
        results.write(options.out, kind if is_whole else f"{kind}-trial", found)
        is_wrong = is_wrong or _has_errors(found)
    return 1 if is_wrong else 0


def _kinds(named: list[str]) -> list[str]:
    """What is measured, each with results of its own."""
    if not named:
        return ["throughput", "authorisation", "logon"]
    others = [kind for kind in _OTHERS if kind in named]
    return others if len(others) == len(set(named)) else ["throughput", *others]


def _measured(kind: str, options: argparse.Namespace, effort: Effort) -> Results:
    match kind:
        case "authorisation":
            return authorisation.measure(authorisation.QUICK if options.quick else authorisation.Effort())
        case "logon":
            return logon.measure(logon.QUICK if options.quick else logon.Effort())
    with server.running(options.workers) as running:
        if kind == "throughput":
            return {"server": running.command, "guarded": True, **_throughput(running, options, effort)}
        points = measure_growth(running, options.patients, effort.seconds, effort.warmup_seconds, results.say)
        return {"server": running.command, "growth": points}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=_DESCRIPTION)
    names = [*WORKLOADS, "import", *_OTHERS, "orders", "lookup", "screen", "report"]
    parser.add_argument("workload", nargs="*", help=f"any of {', '.join(names)}", type=_one_of(names))
    parser.add_argument("--connections", type=_counts, default=[1, 8, 32], help="default: 1,8,32")
    parser.add_argument("--seconds", type=float, help="for each measurement")
    parser.add_argument("--workers", type=int, help="server processes; default: that of `altid serve`")
    parser.add_argument("--patients", type=_counts, default=[1_000, 10_000, 100_000], help="for growth")
    parser.add_argument(
        "--two-sites", action="store_true", help="orders: where commits wait for another site"
    )
    parser.add_argument("--quick", action="store_true", help="little data, short measurements: a trial")
    parser.add_argument("--out", type=Path, default=results.FOLDER, help="folder of results")
    return parser


def _one_of(names: list[str]) -> Any:
    def check(name: str) -> str:
        if name not in names:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(names)}")
        return name

    return check


def _counts(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _throughput(running: server.Server, options: argparse.Namespace, effort: Effort) -> Results:
    named = {*options.workload} - {*_OTHERS}
    workloads = named or {*WORKLOADS, "import"}
    data = Dataset(effort.patients)
    empty_bytes = size.database_bytes(running)
    results.say(f"loading {data.resources:,} resources")
    loading = load(running, data)
    _show(loading)
    taken = size.take(running, data.resources, empty_bytes)
    measurements: list[Measurement] = []
    for workload in (name for name in WORKLOADS if name in workloads):
        for connections in options.connections:
            found = measure(running, data, workload, connections, effort.seconds, effort.warmup_seconds)
            _show(found)
            measurements.append(found)
    if "import" in workloads:
        bundles = sample.bundles(patients=effort.import_patients, seed=_IMPORT_SEED)
        measurements.append(import_bundles(running, bundles))
        _show(measurements[-1])
    results.say("PostgreSQL alone (pgbench)")
    alone = limits.measure(running, options.connections, effort.seconds)
    for limit in alone:
        results.say(f"  {limit.kind:8} {limit.connections:3} connections  {limit.per_second:8,.0f}/s")
    own = [ceiling.measure(count, effort.seconds, effort.warmup_seconds) for count in options.connections]
    return {
        "loading": loading,
        "size": taken,
        "measurements": measurements,
        "limits": alone,
        "ceiling": own,
    }


def _show(found: Measurement) -> None:
    outcome, cost = found.outcome, found.cost
    rate = found.resources_per_second or outcome.per_second
    latency = (
        f"p50 {outcome.latency.p50_ms:7.2f}  p99 {outcome.latency.p99_ms:7.2f} ms" if outcome.latency else ""
    )
    costs = f"µs: server {cost.server_us:,.0f}, PostgreSQL {cost.postgres_us:,.0f}, load {cost.load_us:,.0f}"
    costs += f"; others {cost.others_cores:.1f} cores"
    results.say(f"{found.workload:8} {outcome.connections:3} connections  {rate:8,.0f}/s  {latency}  {costs}")
    for finding in outcome.findings:
        results.say(f"  WRONG: {finding}")


def _has_errors(found: Results) -> bool:
    points = found.get("growth", [])
    measurements = [
        *found.get("measurements", []),
        *(operation for point in points for operation in point.operations),
    ]
    return any(measurement.outcome.errors for measurement in measurements) or authorisation.has_errors(found)


def _write_documents(folder: Path) -> None:
    throughput = results.newest(folder, "throughput")
    if throughput is None:
        raise SystemExit(f"There are no results in {folder}: run `python -m benchmarks` first.")
    others = {kind: results.newest(folder, kind) for kind in _OTHERS}
    for file in report.write_documents(_DOCS, throughput, **others):
        results.say(f"wrote {file}")


if __name__ == "__main__":
    sys.exit(main())
