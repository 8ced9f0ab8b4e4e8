"""The questions that a status is made of: to etcd, the witness, and each site's parts.

None raises for what is down, and each takes a second at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from ssl import SSLContext
from typing import Any, TypeVar

import asyncpg

from altid.region import layout
from altid.region.addresses import At, monitor_dsn
from altid.region.conclusions import Answers, Database, Standby, State
from altid.region.error import RegionError
from altid.region.etcd import EtcdClient, EtcdError, members
from altid.region.guardian.deep import FAILURES
from altid.region.http import Connection, ask_json
from altid.region.layout import Layout
from altid.region.patroni import scope_prefix
from altid.region.topology import Place, Region, Site

_ASK_S_MAX = 1.0
"""Whoever doesn't answer within this counts as not answering now."""
_OF_LOOKUP = ("state", "age_s", "data_at", "lock")

_T = TypeVar("_T")


async def ask_keys(region: Region, tls: SSLContext) -> dict[str, str] | None:
    """Patroni's keys, or None without a quorum. All members are asked; the first answer counts."""
    prefix = scope_prefix(region)

    async def ask(member: Place) -> dict[str, str]:
        client = EtcdClient([member], _ASK_S_MAX, tls, connect_s_max=_ASK_S_MAX)
        try:
            async with asyncio.timeout(_ASK_S_MAX):
                found = await client.prefix(prefix)
        finally:
            client.close()
        return {key.removeprefix(prefix): one.value for key, one in found.items()}

    return await _first([ask(member) for member in members(region)])


async def _first(questions: list[Awaitable[_T]]) -> _T | None:
    """The first answer of several that mean the same; None when each fails or is too slow."""
    tasks = [asyncio.ensure_future(question) for question in questions]
    try:
        for task in asyncio.as_completed(tasks):
            try:
                return await task
            except (EtcdError, TimeoutError):
                continue
        return None
    finally:
        for left in tasks:
            left.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def ask_witness(region: Region, tls: SSLContext) -> dict[str, Any]:
    """The witness' part of the status."""
    witness = region.witness
    view, healthy = await asyncio.gather(
        _json(witness.host, witness.guardian, "/view", tls), _etcd(witness, tls)
    )
    state: State = "live" if view and healthy else "dead" if view is None and healthy is None else "suspect"
    return {
        "name": witness.name,
        "host": witness.host,
        "state": state,
        "guardian": view,
        "status": f"http://{witness.host}:{witness.status}/",
        "health": {
            "etcd": "silent" if healthy is None else "ok" if healthy else "without a quorum",
            "guardian": "silent" if view is None else "ok",
        },
    }


async def _json(host: str, port: int, path: str, tls: SSLContext | None) -> dict[str, Any] | None:
    """The object at the path, or None. Connecting may take all of the time: on a busy machine a handshake
    takes longer than the parts allow each other, and a picture must not call dead what is only slow."""
    connection = Connection(host, port, tls, connect_s_max=_ASK_S_MAX)
    try:
        async with asyncio.timeout(_ASK_S_MAX):
            return await ask_json(connection, path, _ASK_S_MAX)
    except TimeoutError:
        return None
    finally:
        connection.close()


async def _etcd(place: Place, tls: SSLContext) -> bool | None:
    """Whether the place's member is well and part of a quorum; None when it doesn't answer."""
    told = await _json(place.host, place.etcd_client, "/health", tls)
    return None if told is None else told.get("health") in ("true", True)


async def ask_site(where: Layout, site: Site, tls: SSLContext, at: At) -> Answers:
    """What the site's parts answer, all asked at once."""
    patroni, guardian, database, etcd, *servers = await asyncio.gather(
        _json(site.host, site.patroni, "/patroni", tls),
        _json(site.host, site.guardian, "/view", tls),
        _database(where, site, at),
        _etcd(site, tls),
        *(_server(site.host, port) for port in site.server_ports),
    )
    return Answers(patroni, guardian, database, etcd, servers)


async def ask_orders(region: Region) -> dict[str, Any] | None:
    """How orders leave for others, as a server of either site tells it (`/health/orders`)."""
    told = await asyncio.gather(
        *(_json(site.host, site.server_ports[0], "/health/orders", None) for site in region.sites)
    )
    return next((one for one in told if one and "alarms" in one), None)


async def ask_lookups(region: Region, tls: SSLContext) -> dict[str, dict[str, Any] | None]:
    """By site: what its lookup record tells of itself; None when it is silent."""
    told = await asyncio.gather(
        *(_json(site.host, site.lookup, "/health/ready", tls) for site in region.sites)
    )
    return {
        site.name: None if one is None else {name: one.get(name) for name in _OF_LOOKUP}
        for site, one in zip(region.sites, told, strict=True)
    }


async def _server(host: str, port: int) -> dict[str, Any]:
    answer = await _json(host, port, "/health/ready", None)
    return {"url": f"http://{host}:{port}", "state": _server_state(answer)}


def _server_state(answer: dict[str, Any] | None) -> str:
    """What the server says of itself; one whose site may not answer as the live record says so."""
    if answer is None:
        return "dead"
    return str(answer.get("status", "not live"))


_REPLICATION = """
SELECT pg_is_in_recovery() AS in_recovery,
       standby.application_name AS name, standby.state, standby.sync_state,
       CASE WHEN NOT pg_is_in_recovery()
            THEN pg_wal_lsn_diff(pg_current_wal_lsn(), standby.replay_lsn)::bigint END AS lag_bytes,
       coalesce(extract(epoch FROM standby.replay_lag) * 1000, 0)::float8 AS lag_ms
FROM (SELECT) AS always LEFT JOIN pg_stat_replication AS standby ON true
"""


async def _database(where: Layout, site: Site, at: At) -> Database | None:
    """What the site's PostgreSQL says of itself and its standbys, or None when it doesn't."""
    try:
        async with asyncio.timeout(_ASK_S_MAX):
            return await _ask_database(monitor_dsn(layout.load_secrets(where), site, at=at))
    except (*FAILURES, RegionError):
        return None


async def _ask_database(dsn: str) -> Database:
    connection = await asyncpg.connect(dsn, timeout=_ASK_S_MAX)
    try:
        rows = await connection.fetch(_REPLICATION)
    finally:
        connection.terminate()
    standbys = {
        row["name"]: Standby(
            row["state"] == "streaming",
            row["sync_state"] in ("sync", "quorum"),
            row["lag_bytes"],
            round(row["lag_ms"], 1),
        )
        for row in rows
        if row["name"] is not None
    }
    return Database(not rows[0]["in_recovery"], standbys)
