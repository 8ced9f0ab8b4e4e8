"""The sections of docs/performance.md about who asks: what authorisation costs, and storms of logons."""

from __future__ import annotations

from benchmarks.results import Results
from benchmarks.table import table

_WORK = {
    "read": "read Observation by id",
    "search": "search Observation by patient and code",
    "ward": "a ward's admissions with their patients",
}


def authorisation(found: Results) -> str:
    """What is added to reads and searches, and of which parts it is."""
    heads = [
        "work",
        "connections",
        "without a guard",
        "authorised",
        "adds",
        "authorised and audited",
        "adds",
        "server µs of the three",
    ]
    parts = found["parts"]
    return (
        "## What authorisation costs\n\n"
        f"`{found['command']}`, {found['date']}: three servers of one process each on the same PostgreSQL, "
        f"asked by turns ({found['rounds']} rounds of {found['seconds']:g} s) by {found['doctors']} doctors "
        f"of a hospital of {found['patients']} patients. “Without a guard” is the same program with the "
        "guard taken out of it for this measurement alone; there is no such switch. Requests per second, "
        "medians of the rounds; “adds” is the time that is added to a request, of turns that follow each "
        "other, with the least and the most (at one connection by the median latency, else by "
        "throughput). The audit's part at one connection is one sync of the disk.\n\n"
        + table(heads, [_compared(one) for one in found["comparisons"]])
        + "\nOne part alone, of one core:\n\n"
        + table(
            ["part", ""],
            [
                ["token, verified for the first time", f"{parts['token_first_us']:.0f} µs"],
                ["token, verified again", f"{parts['token_again_us']:.1f} µs"],
                ["grounds for a patient, remembered", f"{parts['reach_us']:.1f} µs"],
                ["event of a look, as bytes", f"{parts['event_us']:.1f} µs"],
                ["event, chained and sealed", f"{parts['seal_us']:.1f} µs"],
                ["journal: one event safe on this disk", f"{parts['sync_alone_ms']:.2f} ms"],
                ["journal: 32 events safe, one sync", f"{parts['sync_group_ms']:.2f} ms"],
            ],
        )
    )


def _compared(one: Results) -> list[str]:
    rates, added, costs = one["per_second"], one["added_percent"], one["server_us"]
    return [
        _WORK[one["work"]],
        str(one["connections"]),
        f"{rates['no guard']['median']:,.0f}",
        f"{rates['no audit']['median']:,.0f}",
        _added(added["no audit"]),
        f"{rates['whole']['median']:,.0f}",
        _added(added["whole"]),
        " / ".join(f"{costs[variant]['median']:,.0f}" for variant in ("no guard", "no audit", "whole")),
    ]


def _added(spread: Results) -> str:
    return f"**{spread['median']:.0f} %** ({spread['min']:.0f} to {spread['max']:.0f})"


def logon(found: Results) -> str:
    """The storms, with protections and without."""
    kinds = ", ".join(f"{share:.0%} {kind}" for kind, share in found["mix"].items())
    alone = ", ".join(f"{kind} {rate:,.0f}" for kind, rate in found["alone_per_second"].items())
    heads = [
        "protections",
        "load",
        "people/s",
        "goodput",
        "p50 ms",
        "p99 ms",
        "refused",
        "gave up",
        "after",
    ]
    return (
        "## Storms of logons\n\n"
        f"`{found['command']}`, {found['date']}: {found['accounts']:,} accounts, one server process, Poisson "
        f"arrivals in an open loop; latency counts from the moment at which each meant to come. The mix of a "
        f"morning: {kinds}. Capacity, measured first in a closed loop: "
        f"{found['capacity_per_second']:.0f} people/s (of one kind alone: {alone}). Goodput is the work done "
        "for people who still waited, in % of the capacity, each kind weighed by what it costs. People give "
        "up after 2 s; with protections they come back when they were told to, without they try again at "
        "once. “After”: goodput from two seconds after the load fell to 0.8 of the capacity, in % of what "
        "was wanted then, or of the capacity if more was: those who were sent away come back.\n\n"
        + table(heads, [_storm(one) for one in found["storms"]])
        + "\n![Goodput in the same storm, with protections and without](pictures/logon.svg)\n"
    )


def _storm(one: Results) -> list[str]:
    latency = one["latency"]
    return [
        "on" if one["protected"] else "off",
        one["load"],
        f"{one['people_per_second']:,.0f}",
        f"**{one['goodput_percent']:.0f} %**",
        f"{latency['p50_ms']:,.0f}" if latency else "",
        f"{latency['p99_ms']:,.0f}" if latency else "",
        f"{one['refused']:,}",
        f"{one['gave_up']:,}",
        f"{one['after_percent']:.0f} %",
    ]
