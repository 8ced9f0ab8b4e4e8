"""What the answers of a region's parts mean: who leads, how each site is, how safe a write is.

Pure functions. None stands for a question that got no answer, everywhere: what isn't known is never taken for
what it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Durability = Literal["two-sites", "one-site", "none"]
State = Literal["live", "suspect", "draining", "dead"]
Role = Literal["leader", "standby", "unknown"]

Keys = Mapping[str, str]
"""Patroni's keys in etcd, without their prefix."""


class Standby(NamedTuple):
    """A standby as its primary sees it."""

    streaming: bool
    waited_for: bool
    """PostgreSQL acknowledges nothing before this standby has it."""

    lag_bytes: int | None
    lag_ms: float | None


@dataclass(frozen=True, slots=True)
class Database:
    """What a site's PostgreSQL answered."""

    is_primary: bool
    standbys: Mapping[str, Standby] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a site's parts answered, None for each that did not."""

    patroni: Mapping[str, Any] | None = None
    guardian: dict[str, Any] | None = None
    database: Database | None = None
    etcd: bool | None = None
    servers: Sequence[dict[str, Any]] = ()
    """Each with its url and state; "dead" is one that did not answer."""


def leader_of(keys: Keys | None, answers: Mapping[str, Answers]) -> str | None:
    """The site that holds the leader's key and whose PostgreSQL is a running primary."""
    name = (keys or {}).get("leader")
    if name is None or name not in answers:
        return None
    site = answers[name]
    if site.database is not None:
        return name if site.database.is_primary else None
    patroni = site.patroni or {}
    runs = patroni.get("role") in ("primary", "master") and patroni.get("state") == "running"
    return name if runs else None


def primaries_of(answers: Mapping[str, Answers]) -> list[str]:
    """The sites whose PostgreSQL takes itself for the primary: two while an old leader is cut off."""
    return [name for name, site in answers.items() if site.database and site.database.is_primary]


def durability_of(keys: Keys | None, leader: str | None, other: str, database: Database | None) -> Durability:
    """Where an acknowledged write is now, with `database` the leader's.

    Two sites when `/sync` names the other one: while it does, the leader can acknowledge nothing without it.
    A leader that could be asked must also say that it streams to it and waits.
    """
    if keys is None or leader is None:
        return "none"
    if other not in _sync_standbys(keys):
        return "one-site"
    if database is None:
        return "two-sites"
    standby = database.standbys.get(other)
    return "two-sites" if standby and standby.streaming and standby.waited_for else "one-site"


def _sync_standbys(keys: Keys) -> list[str]:
    try:
        sync = json.loads(keys.get("sync", "{}"))
    except ValueError:
        return []
    named = sync.get("sync_standby") if isinstance(sync, dict) else None
    return named.split(",") if isinstance(named, str) else []


def health_of(site: Answers) -> dict[str, str]:
    """Each part by name: "ok", "silent" (no answer), or what is wrong with it."""
    patroni = "silent" if site.patroni is None else "ok"
    told = (site.patroni or {}).get("state")
    if site.database is not None:
        postgres = "ok"
    else:
        postgres = "silent" if told in (None, "running", "streaming") else str(told)
    servers = {
        f"server-{number}": _server_health(str(server["state"]))
        for number, server in enumerate(site.servers, 1)
    }
    return {
        "postgres": postgres,
        "patroni": patroni,
        "etcd": _said(site.etcd),
        "guardian": "silent" if site.guardian is None else "ok",
        **servers,
    }


def _said(well: bool | None) -> str:
    return "silent" if well is None else "ok" if well else "without a quorum"


def _server_health(state: str) -> str:
    return {"ready": "ok", "dead": "silent"}.get(state, state)


def state_of(site: Answers, *, replicates: bool, stopping: bool) -> State:
    """A site is live when every part that the record needs there answers well, and dead when none does."""
    health = health_of(site)
    if all(said == "silent" for said in health.values()):
        return "dead"
    if stopping:
        return "draining"
    # Its etcd member may be down: the other two carry the region.
    well = all(said == "ok" for part, said in health.items() if part != "etcd")
    return "live" if well and replicates else "suspect"


def role_of(name: str, leader: str | None, site: Answers) -> Role:
    """The role it has, not the one it claims; unknown when nothing of it says that there is a database."""
    if name == leader:
        return "leader"
    return "unknown" if site.patroni is None and site.database is None else "standby"


def unknowns_of(
    keys: Keys | None, answers: Mapping[str, Answers], leader: str | None, *, witness_answers: bool
) -> list[str]:
    """The questions that nobody answered, so that a picture can say so: `etcd`, `replication`, `witness`, and
    `sites` when neither site answered anything at all (both dead, or the asker cut off: it can't tell)."""
    found = []
    if keys is None:
        found.append("etcd")
    if all(state_of(site, replicates=False, stopping=False) == "dead" for site in answers.values()):
        found.append("sites")
    if leader is not None and answers[leader].database is None:
        found.append("replication")
    if not witness_answers:
        found.append("witness")
    return found
