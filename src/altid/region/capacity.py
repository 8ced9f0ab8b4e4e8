"""What one site alone carries, as `altid capacity` measured it, against the region's peak of today."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from altid.record.postgres.account import Account
from altid.record.postgres.folder import write_owned
from altid.region.layout import Layout
from altid.region.topology import Region, Site

Verdict = Literal["safe", "unsafe", "unknown"]


@dataclass(frozen=True, slots=True)
class Capacity:
    """Whether each site can carry the whole region; `as_json` of the status shows it."""

    verdict: Verdict
    reason: str
    """One line: by how much, or what is missing."""

    measured: str | None = None
    """When (UTC; the older of both sites' times), or None if it never was."""

    alone: bool = False
    """Whether the other site was really down while each was measured."""

    margins: dict[str, float] = field(default_factory=dict)
    """How many times the region's peak each site carries."""


def read(where: Layout, region: Region) -> Capacity:
    """The last measurement, judged by the region file of now: its peak, its servers, its buffers."""
    try:
        told: dict[str, Any] = json.loads(where.capacity.read_text())
        return judge(region, told)
    except OSError:
        return Capacity("unknown", "not measured: `altid capacity`")
    except (ValueError, KeyError, TypeError, AttributeError):
        return Capacity("unknown", f"{where.capacity.name} is damaged: measure again with `altid capacity`")


def earlier(where: Layout) -> dict[str, Any]:
    """The sites' figures of earlier measurements; nothing if there are none that can be read."""
    try:
        sites = json.loads(where.capacity.read_text())["sites"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return sites if isinstance(sites, dict) else {}


def write(where: Layout, measurement: dict[str, Any], account: Account) -> None:
    """Keep a measurement. Raises `OSError`."""
    write_owned(where.capacity, json.dumps(measurement, indent=1) + "\n", account)


def judge(region: Region, measurement: dict[str, Any]) -> Capacity:
    """The verdict on a measurement. Raises `KeyError` or the like when it is none."""
    sites = measurement["sites"]
    measured = min(str(told["measured"]) for told in sites.values())
    alone = all(told["alone"] for told in sites.values())
    for site in region.sites:
        told = sites.get(site.name)
        if told is None:
            return Capacity("unknown", f"{site.name} was not measured", measured, alone)
        if told["made_of"] != made_of(region, site):
            return Capacity("unknown", f"{site.name} has changed since: measure again", measured, alone)
    margins = {site.name: _margin(region, sites[site.name]) for site in region.sites}
    weakest = min(margins, key=margins.__getitem__)
    reason = f"{weakest} alone carries {margins[weakest]:g} times the region's peak"
    return Capacity("safe" if margins[weakest] >= 1.0 else "unsafe", reason, measured, alone, margins)


def made_of(region: Region, site: Site) -> dict[str, int]:
    """What of the region file decides how much a site carries: when it changes, old figures say nothing."""
    return {"servers": site.servers, "buffers_mb": region.limits.buffers_mb}


def _margin(region: Region, told: dict[str, Any]) -> float:
    """The smaller of both shares of the peak; a kind of work that the region never has doesn't count."""
    pairs = [
        (float(told["reads_per_s"]), region.peak.reads_per_s),
        (float(told["writes_per_s"]), region.peak.writes_per_s),
    ]
    return round(min((carried / peak for carried, peak in pairs if peak), default=0.0), 2)
