"""Measures of browsers put together: which kinds of pages are slow where, which errors, which versions."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from altid.web.telemetry import Measure

_LINES_MAX = 50
"""Of each table: the slowest, the most frequent."""
_Where = tuple[str, str, str, str, str]
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Speed:
    """Of one kind of question, at one site, asked from one ward of a place of work over one kind of network.
    In milliseconds; "" is not known."""

    route: str
    site: str
    place: str
    ward: str
    network: str
    count: int
    p50_ms: float
    p99_ms: float
    server_p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of error, where it happened."""

    error: str
    at: str
    route: str
    version: str
    count: int


@dataclass(frozen=True, slots=True)
class Version:
    """Pages of one version that were used."""

    version: str
    count: int
    last_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class Clients:
    """All that is told of browsers."""

    speeds: tuple[Speed, ...]
    faults: tuple[Fault, ...]
    versions: tuple[Version, ...]


def clients_of(measures: Iterable[Measure], current: str) -> Clients:
    """`current`: the version that answers now."""
    totals: defaultdict[_Where, list[Measure]] = defaultdict(list)
    faults: Counter[tuple[str, str, str, str]] = Counter()
    versions: dict[str, tuple[int, datetime]] = {}
    for each in measures:
        version, told = each.get("version", ""), each["told"]
        count, last = versions.get(version, (0, _LONG_AGO))
        versions[version] = (count + 1, max(last, datetime.fromisoformat(told["at"])))
        if "error" in each:
            faults[each["error"], each.get("at", ""), each["route"], version] += 1
        elif "total" in each:
            totals[_from(each)].append(each)
    speeds = sorted((_speed(key, found) for key, found in totals.items()), key=lambda one: -one.p99_ms)
    return Clients(
        tuple(speeds[:_LINES_MAX]),
        tuple(Fault(*key, count) for key, count in faults.most_common(_LINES_MAX)),
        tuple(
            Version(version, count, last, version == current)
            for version, (count, last) in sorted(versions.items(), reverse=True)[:_LINES_MAX]
        ),
    )


def _from(measure: Measure) -> _Where:
    """Which question was asked where, in the order of `Speed`."""
    told = measure["told"]
    place, ward = told.get("place", ""), told.get("ward", "")
    return measure["route"], measure.get("site", ""), place, ward, measure.get("network", "")


def _speed(key: _Where, found: Sequence[Measure]) -> Speed:
    totals = [each["total"] for each in found]
    servers = [each["server"] for each in found if "server" in each]
    return Speed(
        *key,
        len(found),
        percentile(totals, 50),
        percentile(totals, 99),
        percentile(servers, 99) if servers else None,
    )


def percentile(values: Sequence[float], share: int) -> float:
    """The smallest value that `share` per cent don't pass (nearest rank). `values`: at least one."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]
