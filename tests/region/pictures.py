"""Statuses of a region as `altid status --json` gives them, for tests of what is made of them."""

from __future__ import annotations

from typing import Any

Picture = dict[str, Any]

ASKED_AT = "2026-11-22T08:12:18.000+00:00"
_WELL = {
    "postgres": "ok",
    "patroni": "ok",
    "etcd": "ok",
    "guardian": "ok",
    "server-1": "ok",
    "server-2": "ok",
}


def healthy() -> Picture:
    """Two sites, A leads."""
    return {
        "region": "altid",
        "durability": "two-sites",
        "leader": "A",
        "witness": {
            "name": "W",
            "host": "127.0.3.1",
            "state": "live",
            "status": "http://127.0.3.1:8090/",
            "guardian": {"place": "W", "unseen_s": {"A": 0.1, "B": 0.1}},
            "health": {"etcd": "ok", "guardian": "ok"},
            "parts": {"status": {"state": "running", "pid": 7, "restarts": 0, "since": 1795335089.7}},
        },
        "sites": [_site("A", "B", "leader"), _site("B", "A", "standby")],
        "last_fault": None,
        "faults": [],
        "primaries": ["A"],
        "unknown": [],
        "last_drill": None,
        "timeline": [{"time": "2026-11-22T08:11:40.000+00:00", "place": "A", "event": "live", "reason": ""}],
        "asked_at": ASKED_AT,
        "took_ms": 61.0,
    }


def _site(name: str, other: str, role: str) -> Picture:
    number = 1 if name == "A" else 2
    address = f"http://127.0.{number}.1:8081"
    return {
        "name": name,
        "host": f"127.0.{number}.1",
        "state": "live",
        "role": role,
        "fhir": [f"{address}/fhir"],
        "web": address,
        "lag_bytes": 0,
        "lag_ms": 0.0 if role == "leader" else 4.3,
        "servers": [{"url": address, "state": "ready"}],
        "parts": {"etcd": {"state": "running", "pid": 5, "restarts": 2, "since": 1795335089.7}},
        "guardian": {
            "place": name,
            "unseen_s": {other: 0.05, "W": 0.05},
            "live": True,
            "not_live": "",
            "phase": "watching",
        },
        "health": dict(_WELL),
    }


def dead(site: Picture) -> None:
    """Make the site one of which nothing answers."""
    site |= {"state": "dead", "role": "unknown", "guardian": None, "parts": {}}
    site |= {"lag_bytes": None, "lag_ms": None, "health": dict.fromkeys(_WELL, "silent")}


def leaders_site_dead() -> Picture:
    """A is dead, B leads alone."""
    picture = healthy()
    first, second = picture["sites"]
    dead(first)
    second["role"] = "leader"
    picture |= {"leader": "B", "durability": "one-site", "primaries": ["B"]}
    second["guardian"]["unseen_s"]["A"] = picture["witness"]["guardian"]["unseen_s"]["A"] = 14.2
    return picture


def catching_up() -> Picture:
    """A is back and does not follow yet."""
    picture = healthy()
    first, second = picture["sites"]
    first |= {"state": "suspect", "role": "standby", "lag_bytes": None, "lag_ms": None}
    first["health"] |= {"postgres": "starting", "server-1": "silent", "server-2": "silent"}
    first["guardian"] |= {"live": False, "not_live": "this site is not synchronous"}
    second["role"] = "leader"
    return picture | {"leader": "B", "durability": "one-site", "primaries": ["B"]}


def cut_off() -> Picture:
    """Nobody answers the witness: it can't tell whether they are dead."""
    picture = healthy()
    for site in picture["sites"]:
        dead(site)
    picture["witness"]["guardian"]["unseen_s"] = {"A": 44.0, "B": 44.0}
    return picture | {"leader": None, "durability": "none", "primaries": [], "unknown": ["etcd", "sites"]}


def leaderless() -> Picture:
    """Etcd answers, and no site leads."""
    picture = healthy()
    picture["sites"][0]["role"] = "standby"
    for site in picture["sites"]:
        site["guardian"] |= {"live": False, "not_live": "no site leads"}
    return picture | {"leader": None, "durability": "none", "primaries": []}
