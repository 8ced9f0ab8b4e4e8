"""From a status (the contract's JSON) to what the page shows: plain data, in words. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from altid.region.page.facts import Fact, facts_of
from altid.region.page.happenings import Entry, entries
from altid.region.page.levels import Level
from altid.region.page.moments import moment_of
from altid.region.page.places import (
    Line,
    Picture,
    Place,
    lines_of,
    site_place,
    unseen_s,
    witness_place,
)
from altid.region.page.words import Words

_NEVER = datetime.fromtimestamp(0, UTC)
"""When a picture that doesn't tell was asked for: old enough to be taken for what it is."""


@dataclass(frozen=True, slots=True)
class Board:
    """All that is shown."""

    region: str
    level: Level
    headline: str
    detail: str
    warnings: tuple[str, ...]
    sites: tuple[Place, Place]
    witness: Place
    lines: tuple[Line, ...]
    facts: tuple[Fact, ...]
    timeline: tuple[Entry, ...]
    asked_at: datetime
    took_ms: float
    described: str


def board(picture: Picture, words: Words) -> Board:
    """What the page shows of the picture."""
    first, second = picture["sites"][:2]
    sites = (
        site_place(first, unseen_s(picture, first["name"]), words),
        site_place(second, unseen_s(picture, second["name"]), words),
    )
    witness = witness_place(picture["witness"], words)
    lines = lines_of(picture, words)
    level, key = _durability(picture)
    names = {"leader": picture.get("leader") or "", "other": _other(picture)}
    places = [words.text("picture.place", name=p.name, role=p.role_text, state=p.state_text) for p in sites]
    told = ", ".join(
        words.text("line.between", a=line.ends[0], b=line.ends[1], state=line.text) for line in lines
    )
    witness_told = words.text(
        "picture.place", name=witness.name, role=witness.role_text, state=witness.state_text
    )
    return Board(
        region=str(picture.get("region", "")),
        level=level,
        headline=words.text(f"durable.{key}", **names),
        detail=words.text(f"durable.{key}.detail", **names),
        warnings=tuple(_warnings(picture, words)),
        sites=sites,
        witness=witness,
        lines=lines,
        facts=facts_of(picture, words),
        timeline=entries(picture.get("timeline") or [], words),
        asked_at=moment_of(picture.get("asked_at")) or _NEVER,
        took_ms=float(picture.get("took_ms") or 0.0),
        described=words.text("picture.described", a=places[0], b=places[1], w=witness_told, lines=told),
    )


def _durability(picture: Picture) -> tuple[Level, str]:
    """The level and the text's key. `none` that could not be asked about is not none: it is unknown."""
    told = picture.get("durability")
    if told == "two-sites":
        return "good", "two-sites"
    if told == "one-site":
        return "warn", "one-site"
    return ("unknown", "unknown") if _cannot_tell(picture) else ("alarm", "none")


def _cannot_tell(picture: Picture) -> bool:
    """Whether too little was answered to say that nothing can be stored: without etcd only the sites know."""
    unknown = picture.get("unknown") or []
    guardians = [guardian for site in picture["sites"] if (guardian := site.get("guardian"))]
    all_say_no = bool(guardians) and not any(guardian.get("live") for guardian in guardians)
    return "sites" in unknown or ("etcd" in unknown and not all_say_no)


def _other(picture: Picture) -> str:
    names = [site["name"] for site in picture["sites"]]
    return next((name for name in names if name != picture.get("leader")), "")


def _warnings(picture: Picture, words: Words) -> Iterable[str]:
    primaries = picture.get("primaries") or []
    if len(primaries) > 1:
        leader = picture.get("leader")
        key = "warning.two-primaries" if leader else "warning.two-primaries.none"
        yield words.text(key, names=" + ".join(primaries), leader=leader)
    if "replication" in (picture.get("unknown") or []):
        yield words.text("warning.replication")
    orders = picture.get("orders") or {}
    if alarms := [alarm for alarm in orders.get("alarms") or [] if alarm != "uncertain"]:
        yield words.text("warning.orders", alarms=", ".join(alarms))
    if (reconciled := orders.get("reconciled") or {}).get("alarm"):
        yield words.text("warning.uncertain", count=reconciled.get("uncertain"))
    for fault in picture.get("faults") or []:
        yield words.text("warning.fault", fault=fault.get("name"), site=fault.get("site"))
