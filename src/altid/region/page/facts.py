"""The facts beside the picture, each with its time: last fault and drill, backup, certificates, capacity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from altid.region.page.happenings import entry
from altid.region.page.levels import Level
from altid.region.page.moments import moment_of
from altid.region.page.words import Words

Picture = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """What is so, and when it happened or will."""

    label: str
    text: str
    level: Level
    at: datetime | None = None


def facts_of(picture: Picture, words: Words) -> tuple[Fact, ...]:
    """All facts; of what nobody has told the page says that it is unknown."""
    return (
        _fault(picture.get("last_fault"), words),
        _drill(picture.get("last_drill"), words),
        _backup(picture.get("backup"), words),
        _certificates(picture.get("certificates"), words),
        _orders(picture.get("sites") or (), words),
        _reconciled(picture.get("orders"), words),
        _lookups(picture.get("sites") or (), words),
        _capacity(picture.get("capacity"), words),
        *_leaving(picture.get("orders"), words),
    )


def _fault(event: Mapping[str, Any] | None, words: Words) -> Fact:
    if event is None:
        return Fact(words.text("fact.fault"), words.text("fact.never"), "plain")
    told = entry(event, words)
    return Fact(words.text("fact.fault"), f"{told.place}: {told.text}", "plain", told.at)


def _drill(event: Mapping[str, Any] | None, words: Words) -> Fact:
    if event is None:
        return Fact(words.text("fact.drill"), words.text("fact.never"), "plain")
    told = entry(event, words)
    key = "fact.drill.passed" if event.get("passed") else "fact.drill.failed"
    return Fact(words.text("fact.drill"), words.text(key, name=event.get("drill")), told.level, told.at)


_ARCHIVE_LEVELS: dict[str, Level] = {"streaming": "good", "connecting": "warn"}


def _backup(told: Mapping[str, Any] | None, words: Words) -> Fact:
    """The newest base backup, and whether the log since then is archived as it is written."""
    label = words.text("fact.backup")
    if not told:
        return Fact(label, words.text("fact.not-told"), "unknown")
    last = [at for at in (moment_of(told.get("last_full")), moment_of(told.get("last_incremental"))) if at]
    state = str(told.get("state"))
    level = _ARCHIVE_LEVELS.get(state, "unknown")
    if told.get("gap_at") or not last:
        level = "warn"
    kept = words.text("fact.backup.gap") if told.get("gap_at") else words.known("fact.backup", state)
    return Fact(label, kept if last else words.text("fact.never"), level, max(last, default=None))


_STANDINGS: dict[str, Level] = {"good": "good", "due": "warn", "expired": "alarm"}


def _certificates(told: Mapping[str, Any] | None, words: Words) -> Fact:
    label = words.text("fact.certificates")
    if not told:
        return Fact(label, words.text("fact.not-told"), "unknown")
    standing = str(told.get("standing"))
    text = words.text("fact.certificates.of", holder=told.get("holder"))
    if standing == "expired":
        text = words.text("fact.certificates.expired", holder=told.get("holder"))
    return Fact(label, text, _STANDINGS.get(standing, "unknown"), moment_of(told.get("ends")))


_VERDICTS: dict[str, Level] = {"safe": "good", "unsafe": "alarm", "unknown": "unknown"}


def _capacity(told: Mapping[str, Any] | None, words: Words) -> Fact:
    verdict = str((told or {}).get("verdict", "unknown"))
    text = words.known("fact.capacity", verdict)
    margins = (told or {}).get("margins") or {}
    if margins:
        text = f"{text} ({words.number(min(margins.values()), 1)} ×)"
    at = moment_of((told or {}).get("measured"))
    return Fact(words.text("fact.capacity"), text, _VERDICTS.get(verdict, "unknown"), at)


def _leaving(told: Mapping[str, Any] | None, words: Words) -> tuple[Fact, ...]:
    """Orders on their way to others, where there are any others."""
    destinations = (told or {}).get("destinations") or []
    alarms = set((told or {}).get("alarms") or ()) - {"uncertain"}  # that one has a line of its own
    if told is None or not (destinations or alarms):
        return ()
    waiting, dead = (sum(one[name] for one in destinations) for name in ("waiting", "dead"))
    oldest_s = max((one["oldest_s"] for one in destinations), default=0.0)
    counts = {"waiting": waiting, "oldest": round(oldest_s), "dead": dead, "held": told.get("held", 0)}
    level: Level = "alarm" if alarms else "good"
    return (Fact(words.text("fact.leaving"), words.text("fact.leaving.counts", **counts), level),)


def _reconciled(told: Picture | None, words: Words) -> Fact:
    """What the reconciliations say that came after incidents, or were asked for."""
    label = words.text("fact.reconciled")
    if told is None or "reconciled" not in told:
        return Fact(label, words.text("fact.not-told"), "unknown")
    found = told["reconciled"]
    if found is None:
        return Fact(label, words.text("fact.never"), "plain")
    at, unread = moment_of(found.get("at")), ", ".join(found.get("unread") or ())
    if found.get("alarm"):
        key = "fact.reconciled.differs" if found.get("differs") else "fact.reconciled.uncertain"
        return Fact(label, words.text(key, count=found.get("uncertain")), "alarm", at)
    if unread:
        return Fact(label, words.text("fact.reconciled.unread", unread=unread), "warn", at)
    return Fact(label, words.text("fact.reconciled.good"), "good", at)


_LATE_S = 120
"""From this age on a lookup record says itself that its data are late."""


def _lookups(sites: Sequence[Picture], words: Words) -> Fact:
    """How old each site's lookup record is, as it tells itself."""
    label = words.text("fact.lookups")
    told = [_lookup(site, words) for site in sites]
    if not told:
        return Fact(label, words.text("fact.not-told"), "unknown")
    worst = max((level for _, level in told), key=_WORST.index)
    return Fact(label, ", ".join(text for text, _ in told), worst)


def _lookup(site: Picture, words: Words) -> tuple[str, Level]:
    name, says = site.get("name"), site.get("lookup_says")
    if not isinstance(says, dict):
        return words.text("fact.lookups.silent", site=name), "alarm"
    if says.get("lock"):
        return words.text("fact.lookups.locked", site=name), "alarm"
    age_s = says.get("age_s")
    if not isinstance(age_s, int | float):
        return words.text("fact.lookups.unknown", site=name), "warn"
    level: Level = "good" if age_s < _LATE_S else "warn"
    return words.text("fact.lookups.site", site=name, seconds=round(age_s)), level


_WORST: tuple[Level, ...] = ("good", "plain", "unknown", "warn", "alarm")


def _orders(sites: Sequence[Picture], words: Words) -> Fact:
    """What the canaries tell of their test orders; what one site doesn't tell is said to be unknown."""
    label = words.text("fact.orders")
    told = {str(site.get("name")): site.get("canary") for site in sites}
    failing = [name for name, canary in told.items() if canary and not canary.get("registered", True)]
    if failing:
        return Fact(label, words.text("fact.orders.failing", sites=", ".join(failing)), "alarm")
    out = [
        f"{name} {words.part(part)}"
        for name, canary in told.items()
        for part, server in ((canary or {}).get("servers") or {}).items()
        if server.get("state") == "out"
    ]
    if out:
        return Fact(label, words.text("fact.orders.out", servers=", ".join(out)), "alarm")
    doors = [name for name, canary in told.items() if ((canary or {}).get("gateway") or {}).get("fault")]
    if doors:
        return Fact(label, words.text("fact.orders.gateway", sites=", ".join(doors)), "warn")
    if not told or not all(_tells(canary) for canary in told.values()):
        return Fact(label, words.text("fact.not-told"), "unknown")
    return Fact(label, words.text("fact.orders.good"), "good")


def _tells(canary: Picture | None) -> bool:
    """Whether it has tried every server, and can go on."""
    servers = (canary or {}).get("servers") or {}
    is_whole = bool(servers) and all(server.get("state") != "untried" for server in servers.values())
    return canary is not None and is_whole and not canary.get("blind")
