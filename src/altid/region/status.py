"""The live picture of a region: who leads, what each site is, and how safe a write is now."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import asyncpg

from altid.region import events, layout
from altid.region.addresses import monitor_dsn
from altid.region.etcd import EtcdClient, EtcdError, members
from altid.region.http import get_json
from altid.region.layout import Layout, Secrets
from altid.region.patroni import scope_prefix
from altid.region.topology import Place, Region, Site

Durability = Literal["two-sites", "one-site", "none"]
State = Literal["live", "suspect", "draining", "dead"]

_ASK_S_MAX = 1.0
"""Whoever doesn't answer within this counts as not answering now."""

_FAULT_EVENTS = ("fault injected", "part died", "place killed", "handover")


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """One site as it is seen from outside."""

    name: str
    host: str
    state: State
    role: Literal["leader", "standby", "unknown"]
    fhir: list[str]
    web: str
    lag_bytes: int | None
    lag_ms: float | None
    servers: list[dict[str, Any]]
    parts: dict[str, Any]
    guardian: dict[str, Any] | None
    lookup: str | None = None


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

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def summary(self) -> str:
        states = ", ".join(f"{site.name} {site.state} {site.role}" for site in self.sites)
        return f"leader {self.leader or 'none'}, durability {self.durability}, {states}"


@dataclass(frozen=True, slots=True)
class _Answers:
    """What a site's parts answered."""

    patroni: dict[str, Any] | None
    guardian: dict[str, Any] | None
    servers: list[dict[str, Any]]


async def gather(where: Layout, region: Region) -> Status:
    """Ask everything at once. Never raises for what is down: that is what the picture shows."""
    keys, witness, *answers = await asyncio.gather(
        _keys(region), _witness(region), *(_site(site) for site in region.sites)
    )
    leader = _leader(keys, region, dict(zip([site.name for site in region.sites], answers, strict=True)))
    figures = await _lag(where, region, leader)
    sites = [
        _picture(site, answer, leader, figures.get(site.name), where)
        for site, answer in zip(region.sites, answers, strict=True)
    ]
    return Status(
        region.name,
        _durability(keys, region, leader, figures),
        leader,
        witness | {"etcd": keys is not None},
        sites,
        _last_fault(where),
        read_faults(where),
    )


async def _keys(region: Region) -> dict[str, str] | None:
    """Patroni's keys, or None without a quorum."""
    client = EtcdClient(members(region), _ASK_S_MAX)
    prefix = scope_prefix(region)
    try:
        found = await client.prefix(prefix)
    except EtcdError:
        return None
    finally:
        client.close()
    return {key.removeprefix(prefix): one.value for key, one in found.items()}


async def _witness(region: Region) -> dict[str, Any]:
    witness = region.witness
    view = await get_json(witness.host, witness.guardian, "/view", _ASK_S_MAX)
    healthy = await get_json(witness.host, witness.etcd_client, "/health", _ASK_S_MAX)
    state = "live" if view and healthy else "suspect" if view or healthy else "dead"
    return {"name": witness.name, "host": witness.host, "state": state, "guardian": view}


async def _site(site: Site) -> _Answers:
    patroni, guardian, *servers = await asyncio.gather(
        get_json(site.host, site.patroni, "/patroni", _ASK_S_MAX),
        get_json(site.host, site.guardian, "/view", _ASK_S_MAX),
        *(_server(site.host, port) for port in site.server_ports),
    )
    return _Answers(patroni, guardian, servers)


async def _server(host: str, port: int) -> dict[str, Any]:
    answer = await get_json(host, port, "/health/ready", _ASK_S_MAX)
    return {"url": f"http://{host}:{port}", "state": (answer or {}).get("status", "dead")}


def _leader(keys: dict[str, str] | None, region: Region, answers: dict[str, _Answers]) -> str | None:
    """The site that holds the leader's key and whose PostgreSQL is a running primary."""
    name = (keys or {}).get("leader")
    if name not in answers:
        return None
    patroni = answers[name].patroni or {}
    return (
        name if patroni.get("role") in ("primary", "master") and patroni.get("state") == "running" else None
    )


_LAG = """
SELECT application_name AS name, state, sync_state,
       pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint AS lag_bytes,
       coalesce(extract(epoch FROM replay_lag) * 1000, 0)::float8 AS lag_ms
FROM pg_stat_replication
"""


async def _lag(where: Layout, region: Region, leader: str | None) -> dict[str, dict[str, Any]]:
    """The standbys' state as the leader's PostgreSQL sees it, by site; empty when it can't be asked."""
    if leader is None:
        return {}
    try:
        secrets: Secrets = layout.load_secrets(where)
        connection = await asyncpg.connect(monitor_dsn(secrets, region.site(leader)), timeout=_ASK_S_MAX)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return {}
    try:
        return {row["name"]: dict(row) for row in await connection.fetch(_LAG, timeout=_ASK_S_MAX)}
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return {}
    finally:
        connection.terminate()


def _durability(
    keys: dict[str, str] | None, region: Region, leader: str | None, figures: dict[str, dict[str, Any]]
) -> Durability:
    """Two sites when the standby is in `/sync`, streams, and PostgreSQL waits for it."""
    if keys is None or leader is None:
        return "none"
    other = region.other(region.site(leader)).name
    try:
        sync = json.loads(keys.get("sync", "{}"))
    except ValueError:
        sync = {}
    named = other in (sync.get("sync_standby") or "").split(",")
    standby = figures.get(other, {})
    waits = standby.get("state") == "streaming" and standby.get("sync_state") in ("sync", "quorum")
    return "two-sites" if named and waits else "one-site"


def _picture(
    site: Site, answers: _Answers, leader: str | None, figures: dict[str, Any] | None, where: Layout
) -> SiteStatus:
    leads = site.name == leader
    role: Literal["leader", "standby", "unknown"] = (
        "leader" if leads else "standby" if answers.patroni else "unknown"
    )
    return SiteStatus(
        site.name,
        site.host,
        _state(answers, leads, figures),
        role,
        [f"{server['url']}/fhir" for server in answers.servers],
        answers.servers[0]["url"],
        0 if leads else figures["lag_bytes"] if figures else None,
        0.0 if leads else round(figures["lag_ms"], 1) if figures else None,
        answers.servers,
        parts(where, site),
        answers.guardian,
    )


def _state(answers: _Answers, leads: bool, figures: dict[str, Any] | None) -> State:
    up = [server for server in answers.servers if server["state"] != "dead"]
    if answers.patroni is None and answers.guardian is None and not up:
        return "dead"
    database = (answers.patroni or {}).get("state") in ("running", "streaming")
    replicates = leads or bool(figures and figures["state"] == "streaming")
    ready = all(server["state"] == "ready" for server in answers.servers)
    return "live" if database and replicates and answers.guardian and ready else "suspect"


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


def _last_fault(where: Layout) -> dict[str, Any] | None:
    last = None
    for event in events.read(where.events):
        if event.get("event") in _FAULT_EVENTS:
            last = event
    return last
