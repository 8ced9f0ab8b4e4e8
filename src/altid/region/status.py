"""The live picture of a region: who leads, what each site is, and how safe a write is now.

Every part is asked at once and each has a second to answer, so a picture takes a second at most, also while
sites are dead. The questions are in `questions`, what the answers mean is in `conclusions`.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from altid.region import capacity, layout, lookup, passage, renewal
from altid.region.backup.picture import picture as backup_picture
from altid.region.conclusions import (
    Answers,
    Database,
    Durability,
    Role,
    State,
    durability_of,
    health_of,
    leader_of,
    primaries_of,
    role_of,
    state_of,
    unknowns_of,
)
from altid.region.drained import read_drained
from altid.region.layout import Layout
from altid.region.questions import ask_keys, ask_lookups, ask_orders, ask_site, ask_witness
from altid.region.timeline import read_timeline
from altid.region.tls import of_operator, of_place
from altid.region.topology import Place, Region, Site

_CANARY_S_MAX = 10.0
"""A canary tells every second."""


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """One site as it is seen from outside."""

    name: str
    host: str
    state: State
    role: Role
    fhir: list[str]
    web: str
    lag_bytes: int | None
    lag_ms: float | None
    servers: list[dict[str, Any]]
    parts: dict[str, Any]
    guardian: dict[str, Any] | None
    lookup: str | None = None
    """Where clients reach the site's lookup record."""
    lookup_says: dict[str, Any] | None = None
    """What that tells of itself: `state`, `age_s` of its data, `data_at`, `lock`; None when it is silent."""
    gateway: str | None = None
    """Where clients reach the site."""
    health: dict[str, str] = field(default_factory=dict)
    """Each part: "ok", "silent" when it gave no answer, or what is wrong with it."""
    canary: dict[str, Any] | None = None
    """What became of the test orders at each server (see `altid.gateway.canary`); None when nobody tells."""


@dataclass(frozen=True, slots=True)
class Status:
    """The whole region; `as_json` is the contract that programs rely on."""

    region: str
    durability: Durability
    leader: str | None
    witness: dict[str, Any]
    sites: list[SiteStatus]
    last_fault: dict[str, Any] | None
    faults: list[dict[str, Any]] = field(default_factory=list)
    primaries: list[str] = field(default_factory=list)
    """Sites whose PostgreSQL takes itself for the primary; two while an old leader is cut off."""

    unknown: list[str] = field(default_factory=list)
    """The questions that got no answer (see `conclusions.unknowns_of`)."""

    last_drill: dict[str, Any] | None = None
    timeline: list[dict[str, Any]] = field(default_factory=list)
    """The newest events, newest first."""

    capacity: dict[str, Any] = field(default_factory=dict)
    """Whether each site alone carries the region's peak (see `capacity.Capacity`)."""

    backup: dict[str, Any] = field(default_factory=dict)
    """How far the log is archived, and the newest base backups (see `backup.picture`)."""

    orders: dict[str, Any] | None = None
    """Orders on their way to others: what waits, since when, what is dead, and the alarms; None: not told."""

    certificates: dict[str, Any] | None = None
    """The certificate that ends next (see `renewal.next_end`)."""

    asked_at: str = ""
    """When the parts were asked: ISO 8601, UTC."""

    took_ms: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def summary(self) -> str:
        states = ", ".join(f"{site.name} {site.state} {site.role}" for site in self.sites)
        return f"leader {self.leader or 'none'}, durability {self.durability}, {states}"


async def gather(where: Layout, region: Region, place: Place | None = None) -> Status:
    """Ask everything at once, as the operator or as a part of `place`.

    Never raises for what is down: that is what the picture shows. Raises `RegionError` if the asker's
    identity can't be read.
    """
    began_s, asked_at = time.monotonic(), datetime.now(UTC)
    tls = (of_place(where, place) if place else of_operator(where)).client
    async with passage.opened(where, () if place else region.sites) as at:
        keys, witness, orders, lookups, *asked = await asyncio.gather(
            ask_keys(region, tls),
            ask_witness(region, tls),
            ask_orders(region),
            ask_lookups(region, tls),
            *(ask_site(where, site, tls, at) for site in region.sites),
        )
    answers = {site.name: answer for site, answer in zip(region.sites, asked, strict=True)}
    leader = leader_of(keys, answers)
    database = answers[leader].database if leader else None
    other = region.other(region.site(leader)).name if leader else ""
    timeline = read_timeline(where.events)
    return Status(
        region=region.name,
        durability=durability_of(keys, leader, other, database),
        leader=leader,
        witness=witness | {"etcd": keys is not None, "parts": parts(where, region.witness)},
        sites=[
            replace(
                _site_status(where, site, answers[site.name], leader, database),
                lookup=lookup.url_of(site),
                lookup_says=lookups[site.name],
            )
            for site in region.sites
        ],
        last_fault=timeline.last_fault,
        faults=read_faults(where),
        primaries=primaries_of(answers),
        unknown=unknowns_of(keys, answers, leader, witness_answers=witness["state"] != "dead"),
        last_drill=timeline.last_drill,
        timeline=timeline.events,
        capacity=asdict(capacity.read(where, region)),
        backup=backup_picture(where, region),
        orders=orders,
        certificates=renewal.next_end(where, region),
        asked_at=asked_at.isoformat(timespec="milliseconds"),
        took_ms=round((time.monotonic() - began_s) * 1000, 1),
    )


def _site_status(
    where: Layout, site: Site, answers: Answers, leader: str | None, database: Database | None
) -> SiteStatus:
    """The site's picture; `database` is the leader's, which tells the lag of the other."""
    leads = site.name == leader
    standby = None if leads or database is None else database.standbys.get(site.name)
    running = parts(where, site)
    drained, names = read_drained(where, site), [f"server-{one}" for one in range(1, site.servers + 1)]
    away = drained.servers | drained.out
    working = [name not in away and not drained.site for name in names]
    # A server that is being exchanged is missed by nobody while another works.
    missed = [one for one, works in zip(answers.servers, working, strict=True) if works] or answers.servers
    stopping = not any(working) or any(part.get("state") == "stopping" for part in running.values())
    replicates = leads or bool(standby and standby.streaming)
    urls = [server["url"] for server in answers.servers]
    return SiteStatus(
        site.name,
        site.host,
        state_of(replace(answers, servers=missed), replicates=replicates, stopping=stopping),
        role_of(site.name, leader, answers),
        [f"{url}/fhir" for url in urls],
        urls[0],
        0 if leads else standby.lag_bytes if standby else None,
        0.0 if leads else standby.lag_ms if standby else None,
        [
            _shown(one, works, is_out=name in drained.out)
            for name, one, works in zip(names, answers.servers, working, strict=True)
        ],
        running,
        answers.guardian,
        gateway=f"https://{site.host}:{site.gateway}",
        health=health_of(answers) | dict.fromkeys(drained.out & set(names), "out"),
        canary=read_canary(where, site),
    )


def _shown(server: dict[str, Any], works: bool, *, is_out: bool) -> dict[str, Any]:
    """A drained server says that it is ready; that it gets no requests is what the picture shows."""
    if is_out:
        return {**server, "state": "out"}
    return server if works or server["state"] != "ready" else {**server, "state": "draining"}


def read_canary(where: Layout, site: Site) -> dict[str, Any] | None:
    """What the site's canary told last, if that is new; None when it is silent."""
    try:
        told: dict[str, Any] = json.loads(where.place(site.name).canary.read_text())
        age_s = (datetime.now(UTC) - datetime.fromisoformat(told["at"])).total_seconds()
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return told if abs(age_s) <= _CANARY_S_MAX else None


def parts(where: Layout, place: Place) -> dict[str, Any]:
    """What the place's supervisor tells of its processes; empty when none runs."""
    folders = where.place(place.name)
    if layout.holder(folders.lock) is None:
        return {}
    try:
        told: dict[str, Any] = json.loads(folders.parts.read_text())
    except (OSError, ValueError):
        return {}
    return told


def read_faults(where: Layout) -> list[dict[str, Any]]:
    """The faults that are injected and not yet healed."""
    try:
        told: list[dict[str, Any]] = json.loads(where.faults.read_text())
    except (OSError, ValueError):
        return []
    return told
