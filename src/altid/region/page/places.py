"""The places of the picture, and the lines between them: a status' JSON in words. Pure functions.

Everything is taken with care: another version may have asked, and what is missing is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from altid.region.page.levels import STATE_LEVELS, Level
from altid.region.page.moments import moment_of
from altid.region.page.words import Words

_SEEN_S_MAX = 1.0
"""A place that was seen within this is connected; the guardian's own patience is about as long."""

Picture = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A row of a place's card."""

    name: str
    level: Level
    answer: str
    since: datetime | None
    restarts: int | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """How long ago a guardian saw a place."""

    text: str
    level: Level
    age_s: float | None


@dataclass(frozen=True, slots=True)
class Place:
    """A site or the witness."""

    name: str
    title: str
    role: str
    """`leader`, `standby`, `unknown` or `witness`."""

    role_text: str
    state: str
    state_text: str
    level: Level
    summary: str
    """One short line for the picture: the servers, or what is amiss."""

    lag: str
    parts: tuple[Part, ...]
    sightings: tuple[Sighting, ...]
    facts: tuple[tuple[str, str], ...]
    web: str
    gateway: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line between two places."""

    ends: tuple[str, str]
    state: str
    """`seen`, `broken` or `unknown`."""

    text: str
    label: str
    to: str = ""
    """Where the log flows to, for the line between the sites."""


def site_place(site: Picture, unseen_s: float | None, words: Words) -> Place:
    """A site, of its part of the status; `unseen_s` is for how long nobody has seen it, if anybody looks."""
    state, role = str(site.get("state")), str(site.get("role"))
    health: Mapping[str, str] = site.get("health") or {}
    parts = _parts(health, site.get("parts") or {}, words)
    guardian = site.get("guardian")
    leads = role == "leader"
    return Place(
        name=site["name"],
        title=words.text("card.site", name=site["name"]),
        role=role,
        role_text=words.known("role", role),
        state=state,
        state_text=words.known("state", state),
        level=STATE_LEVELS.get(state, "unknown"),
        summary=_summary(health, state, unseen_s, words),
        lag=_lag(site, leads, words),
        parts=parts,
        sightings=_sightings(guardian, words),
        facts=tuple(_guardian_facts(guardian, words)),
        web=_address(site.get("web")),
        gateway=_address(site.get("gateway")),
    )


def _address(told: object) -> str:
    """An address that a browser may be sent to, else nothing."""
    return told if isinstance(told, str) and told.startswith(("http://", "https://")) else ""


def witness_place(witness: Picture, words: Words) -> Place:
    """The witness, of its part of the status."""
    state = str(witness.get("state"))
    health = witness.get("health") or {}
    return Place(
        name=witness["name"],
        title=words.text("card.witness", name=witness["name"]),
        role="witness",
        role_text=words.text("role.witness"),
        state=state,
        state_text=words.known("state", state),
        level=STATE_LEVELS.get(state, "unknown"),
        summary=_amiss(health, words) if state == "suspect" else "",
        lag="",
        parts=_parts(health, witness.get("parts") or {}, words),
        sightings=_sightings(witness.get("guardian"), words),
        facts=(),
        web="",
        gateway="",
    )


def _summary(health: Mapping[str, str], state: str, unseen_s: float | None, words: Words) -> str:
    servers = [said for part, said in health.items() if part.startswith("server-")]
    if state == "dead":
        return "" if unseen_s is None else words.text("seen.last", age=words.age(unseen_s))
    if state == "suspect":
        return _amiss(health, words)
    return words.text("servers.ready", ready=servers.count("ok"), all=len(servers))


def _amiss(health: Mapping[str, str], words: Words) -> str:
    amiss = [part for part, said in health.items() if said != "ok"]
    servers = [part for part in health if part.startswith("server-")]
    if servers and all(part in amiss for part in servers):
        amiss = [*(part for part in amiss if part not in servers), "servers"]
    names = [words.part(part) for part in amiss]
    return words.text("amiss.some", parts=", ".join(names)) if names else ""


def _lag(site: Picture, leads: bool, words: Words) -> str:
    if leads:
        return words.text("lag.leader")
    figures = _lag_figures(site, words)
    return words.text("lag.row", figures=figures) if figures else words.text("lag.unknown")


def _lag_figures(site: Picture, words: Words) -> str:
    size, ms = site.get("lag_bytes"), site.get("lag_ms")
    if size is None or ms is None:
        return ""
    return words.text("lag.figures", size=words.size(size), ms=words.number(ms, 1))


def _parts(health: Mapping[str, str], running: Mapping[str, Any], words: Words) -> tuple[Part, ...]:
    """What answers, with what the supervisor tells of the processes; PostgreSQL is Patroni's child."""
    names = [*health, *(name for name in running if name not in health)]
    return tuple(_part(name, health.get(name), running.get(name) or {}, words) for name in names)


def _part(name: str, said: str | None, process: Mapping[str, Any], words: Words) -> Part:
    if said is None:
        runs = process.get("state") == "running"
        said = "ok" if runs else str(process.get("state"))
    levels: dict[str, Level] = {"ok": "good", "silent": "alarm"}
    since = process.get("since")
    return Part(
        words.part(name),
        levels.get(said, "warn"),
        words.known("health", said),
        moment_of(since),
        process.get("restarts"),
    )


def _sightings(guardian: Picture | None, words: Words) -> tuple[Sighting, ...]:
    told = (guardian or {}).get("unseen_s") or {}
    return tuple(_sighting(name, age_s, words) for name, age_s in told.items())


def _sighting(name: str, age_s: object, words: Words) -> Sighting:
    if not isinstance(age_s, (int, float)):
        return Sighting(words.text("card.sees.never", name=name), "unknown", None)
    level: Level = "good" if age_s <= _SEEN_S_MAX else "alarm"
    return Sighting(words.text("card.sees", name=name), level, float(age_s))


def _guardian_facts(guardian: Picture | None, words: Words) -> Iterable[tuple[str, str]]:
    if guardian is None:
        yield words.text("card.phase"), words.text("word.unknown")
        return
    yield words.text("card.phase"), words.known("phase", str(guardian.get("phase")))
    why_not = guardian.get("not_live")
    lease = words.text("card.lease.no", reason=why_not) if why_not else words.text("card.lease.yes")
    yield words.text("card.lease"), lease


def lines_of(picture: Picture, words: Words) -> tuple[Line, ...]:
    """The lines between the two sites and to the witness, as the guardians see them."""
    first, second = (site["name"] for site in picture["sites"][:2])
    witness = picture["witness"]["name"]
    views = {site["name"]: site.get("guardian") for site in picture["sites"]}
    views[witness] = picture["witness"].get("guardian")
    return (
        _line(picture, (first, second), views, words),
        _line(picture, (first, witness), views, words),
        _line(picture, (second, witness), views, words),
    )


def _line(picture: Picture, ends: tuple[str, str], views: Mapping[str, Picture | None], words: Words) -> Line:
    state = _line_state(ends, views)
    leader = picture.get("leader")
    follower = next((site for site in picture["sites"] if site["name"] != leader), None)
    label, to = "", ""
    if leader in ends and follower is not None and follower["name"] in ends:
        label = _lag_figures(follower, words)
        to = follower["name"] if label else ""
        if state == "seen" and not label:
            state, label = "idle", words.text("lag.not-following")
    return Line(ends, state, words.text(f"line.{state}"), label, to)


def _line_state(ends: Sequence[str], views: Mapping[str, Picture | None]) -> str:
    """Connected if either end has just seen the other; broken if one could tell and has not."""
    one, other = ends
    age_s = _youngest([(views.get(one), other), (views.get(other), one)])
    if age_s is None:
        return "unknown"
    return "seen" if age_s <= _SEEN_S_MAX else "broken"


def unseen_s(picture: Picture, name: str) -> float | None:
    """For how long no guardian of another place has seen the place; None when none can tell."""
    guardians = [picture["witness"].get("guardian"), *(site.get("guardian") for site in picture["sites"])]
    return _youngest([(guardian, name) for guardian in guardians])


def _youngest(sightings: Sequence[tuple[Picture | None, str]]) -> float | None:
    """The newest sighting of a place by one of the guardians' views, each given with the place's name."""
    ages = [((view or {}).get("unseen_s") or {}).get(name) for view, name in sightings]
    known = [float(age) for age in ages if isinstance(age, (int, float))]
    return min(known, default=None)
