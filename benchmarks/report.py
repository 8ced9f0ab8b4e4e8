"""docs/performance.md and its pictures, written from results, so that each figure stands with its command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import logon_picture, peer, report_access
from benchmarks.load import CHECK_EVERY
from benchmarks.pictures import Bars, growth_picture, throughput_picture
from benchmarks.results import Results
from benchmarks.table import table

_MB = 1_000_000
_TITLES = {
    "read": "read Observation by id",
    "search": "search Observation by patient and code",
    "find": "search Patient by identifier",
    "update": "update Observation",
    "create": "create Observation",
    "mixed": "mixed (60 % read, 25 % update, 10 % create, 5 % delete)",
    "import": "transaction import (resources)",
}
_LIMIT_OF = {"read": "read", "search": "read", "find": "read", "update": "insert", "create": "insert"}


def write_documents(
    docs: Path,
    throughput: Results,
    growth: Results | None = None,
    authorisation: Results | None = None,
    logon: Results | None = None,
) -> list[Path]:
    """Write the page and its pictures into `docs`; gives the files written."""
    pictures = docs / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    files = {
        docs / "performance.md": page(throughput, growth, authorisation, logon),
        pictures / "throughput.svg": throughput_picture(bars(throughput)),
    }
    if growth is not None:
        files[pictures / "growth.svg"] = growth_picture(growth["growth"])
    if logon is not None:
        files[pictures / "logon.svg"] = logon_picture.draw(logon)
    for file, content in files.items():
        file.write_text(content, encoding="utf-8")
    return list(files)


def page(
    throughput: Results,
    growth: Results | None = None,
    authorisation: Results | None = None,
    logon: Results | None = None,
) -> str:
    """The markdown of docs/performance.md."""
    sections = [
        _introduction(throughput),
        _against_peer(throughput),
        _all_throughput(throughput),
        _limits(throughput),
        _costs(throughput),
        _sizes(throughput),
        _growth(growth) if growth is not None else "",
        report_access.authorisation(authorisation) if authorisation is not None else "",
        report_access.logon(logon) if logon is not None else "",
        _method(throughput),
    ]
    return "\n".join(section for section in sections if section)


def bars(throughput: Results) -> list[Bars]:
    """The groups of the throughput picture: the comparisons with the peer."""
    groups = []
    for workload, figure in peer.FIGURES.items():
        found = _find(throughput, workload, figure.connections)
        if found is not None:
            limit = _limit(throughput, workload, figure.connections)
            name = f"{workload}, {figure.connections} " + (
                "in flight" if workload == "import" else "connections"
            )
            groups.append(Bars(name, _rate(found), limit, figure.per_second))
    return groups


def _introduction(results: Results) -> str:
    machine = results["machine"]
    memory_gb = machine["memory_bytes"] / 1e9
    return (
        "# Performance\n\n"
        "This page is written by `python -m benchmarks report` from measured results: edit the program, "
        "not the page.\n\n"
        f"Machine: {machine['cpu']}, {machine['cores']} cores, {memory_gb:.0f} GB, {machine['kernel']}; "
        f"Python {machine['python']}, PostgreSQL {machine['postgresql']}, "
        + ", ".join(f"{name} {version}" for name, version in machine["packages"].items() if name != "altid")
        + f".\nMeasured {results['date']} with `{results['command']}`; server: `{results['server']}`. "
        "PostgreSQL, the server and the load generator share the machine.\n"
    )


def _against_peer(results: Results) -> str:
    rows = []
    for workload, figure in peer.FIGURES.items():
        found = _find(results, workload, figure.connections)
        if found is None:
            continue
        rate, limit = _rate(found), _limit(results, workload, figure.connections)
        rows.append(
            [
                _TITLES[workload],
                str(figure.connections),
                _number(rate),
                _p(found, "p99_ms"),
                _number(figure.per_second),
                f"**{rate / figure.per_second:.1f} ×**",
                _number(figure.goal_per_second),
                f"{rate / limit:.0%}" if limit else "",
            ]
        )
    heads = ["work", "connections", "per second", "p99 ms", "peer", "× peer", "goal", "of pgbench"]
    return (
        "## Against a peer and against the database\n\n"
        + table(heads, rows)
        + f"\nPeer: {peer.SOURCE} {_guarded(results)} “of pgbench” is the share of what the same "
        "PostgreSQL does without Altid, one row of 1 kB at a time (reads for reads and searches, inserts for "
        "writes).\n\n"
        "![Throughput of Altid, of PostgreSQL alone and of the peer](pictures/throughput.svg)\n"
    )


def _guarded(results: Results) -> str:
    if results.get("guarded"):
        return "So did Altid, as a system with all scopes, and told each look and change in the audit."
    return "Altid's measured server had no access control yet."


def _all_throughput(results: Results) -> str:
    rows = [
        [
            _TITLES[found["workload"]],
            str(found["outcome"]["connections"]),
            _number(_rate(found)),
            _p(found, "p50_ms"),
            _p(found, "p99_ms"),
            _number(found["outcome"]["body_bytes_mean"]),
            str(found["outcome"]["errors"]),
        ]
        for found in results["measurements"]
    ]
    heads = ["work", "connections", "per second", "p50 ms", "p99 ms", "bytes answered", "errors"]
    return "## Throughput and latency\n\n" + table(heads, rows)


def _limits(results: Results) -> str:
    rows = [
        [
            limit["kind"],
            str(limit["connections"]),
            _number(limit["per_second"]),
            f"{limit['mean_ms']:.2f}",
            f"`{limit['command']}`",
        ]
        for limit in results["limits"]
    ]
    return "## PostgreSQL alone\n\n" + table(
        ["rows", "connections", "per second", "mean ms", "command"], rows
    )


def _costs(results: Results) -> str:
    rows = [
        [
            _TITLES[found["workload"]],
            str(found["outcome"]["connections"]),
            _number(found["cost"]["server_us"]),
            _number(found["cost"]["postgres_us"]),
            _number(found["cost"]["load_us"]),
            f"{found['cost']['server_processes']} / {found['cost']['postgres_processes']} / 1",
        ]
        for found in results["measurements"]
    ]
    heads = ["work", "connections", "server µs", "PostgreSQL µs", "load generator µs", "processes of each"]
    return (
        "## Where the processor time goes\n\nFor one request (for the import: one bundle), all processes of "
        "a part together. One of the server's processes is the supervisor, which answers no requests.\n\n"
        + table(heads, rows)
    )


def _sizes(results: Results) -> str:
    size = results["size"]
    per_resource = (size["database_bytes"] - size["empty_database_bytes"]) / size["resources"]
    server, postgres = size["server_memory"], size["postgres_memory"]
    rows = [
        ["database, per resource", f"{per_resource:,.0f} bytes", f"{peer.BYTES_PER_RESOURCE:,.0f} bytes"],
        [
            "database, whole",
            f"{size['database_bytes'] / _MB:,.0f} MB for {size['resources']:,} resources",
            "",
        ],
        [
            f"server, {server['processes']} processes, PSS",
            f"{server['pss_bytes'] / _MB:,.0f} MB",
            f"{peer.MEMORY_BYTES_MIN / _MB:,.0f}–{peer.MEMORY_BYTES_MAX / _MB:,.0f} MB",
        ],
        [
            f"PostgreSQL, {postgres['processes']} processes, PSS with shared buffers",
            f"{postgres['pss_bytes'] / _MB:,.0f} MB",
            "2 GB of buffers",
        ],
    ]
    relations = [[f"`{name}`", f"{count / _MB:,.1f}"] for name, count in size["relations"].items()]
    return (
        "## Memory and disk\n\nAfter loading.\n\n"
        + table(["what", "Altid", "peer"], rows)
        + "\n"
        + table(["largest tables and indexes", "MB"], relations)
    )


def _growth(results: Results) -> str:
    rows = []
    for point in results["growth"]:
        size, operations = point["size"], {found["workload"]: found for found in point["operations"]}
        rows.append(
            [
                f"{point['patients']:,}",
                f"{size['resources']:,}",
                *(
                    f"{_p(operations[name], 'p50_ms')} / {_p(operations[name], 'p99_ms')}"
                    for name in ("read", "find", "search", "create")
                ),
                _number(point["loading"]["resources_per_second"]),
                f"{size['database_bytes'] / _MB:,.0f}",
            ]
        )
    heads = ["patients", "resources", "read", "find", "search", "create", "loaded per second", "database MB"]
    return (
        f"## While the record grows\n\n`{results['command']}`, {results['date']}; p50 / p99 in ms at "
        f"{results['growth'][0]['operations'][0]['outcome']['connections']} connections.\n\n"
        + table(heads, rows)
        + "\n![Median and 99th percentile of single operations against the number of resources]"
        "(pictures/growth.svg)\n"
    )


def _method(results: Results) -> str:
    ceiling = ", ".join(
        f"{_number(outcome['per_second'])}/s at {outcome['connections']}" for outcome in results["ceiling"]
    )
    return (
        "## How it is measured\n\n"
        "- A real Altid (`altid serve`) on a new data folder with its defaults: durable commits, all "
        "indexes, validation on. It is filled by transaction bundles, then analysed, then measured; what "
        "leaves the data as it is comes first.\n"
        "- A closed loop: each connection has one request under way, in one process of its own, which shares "
        "the machine. Latencies of a closed loop hide the waiting before a request is sent: read them as "
        "service times.\n"
        "- Every response's status is compared with what it must be, and the content of one in "
        f"{CHECK_EVERY} with what was asked for; errors would be counted and shown above.\n"
        "- The load generator's own ceiling, against a server that always says the same: "
        f"{ceiling} connections.\n"
        f"- Other work on the machine while it was measured: at most {_others(results):.1f} cores.\n"
        "- Figures of shared machines vary by some 15 % from run to run.\n"
    )


def _others(results: Results) -> float:
    return float(max(found["cost"]["others_cores"] for found in results["measurements"]))


def _find(results: Results, workload: str, connections: int) -> dict[str, Any] | None:
    for found in results["measurements"]:
        if (found["workload"], found["outcome"]["connections"]) == (workload, connections):
            return dict(found)
    return None


def _limit(results: Results, workload: str, connections: int) -> float | None:
    kind = _LIMIT_OF.get(workload)
    rates = [
        limit["per_second"]
        for limit in results["limits"]
        if (limit["kind"], limit["connections"]) == (kind, connections)
    ]
    return float(rates[0]) if rates else None


def _rate(found: dict[str, Any]) -> float:
    return float(found["resources_per_second"] or found["outcome"]["per_second"])


def _p(found: dict[str, Any], key: str) -> str:
    latency = found["outcome"]["latency"]
    return "" if latency is None else f"{latency[key]:.1f}"


def _number(value: float) -> str:
    return f"{value:,.0f}"
