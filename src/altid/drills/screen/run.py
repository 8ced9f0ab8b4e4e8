"""The story of `screen-swing`, and its verdict: one order each time, and its receipt in sight.

A doctor's page comes from the site that leads. That site is lost while they sign: it is killed before the
order is sent, while it is on its way, and when it was answered and the page has not heard it; and where
lines can be cut, it falls silent. Each time the open page must have its receipt from the other site,
without a new logon and with all that was typed; a page that is asked for meanwhile must show the order,
from the other site; and the sign must say that one site answers, and two again when it is back. Then both
sites die: what was signed waits, what was staged stays, the browser is closed and opened; and when the
sites are back, the page is, and the order is delivered.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from altid.access.administration import NewAccount, add_account, disable_account
from altid.access.identity import Role
from altid.drills import evidence
from altid.drills.dark.sample import Bedside, have_patients
from altid.drills.screen.counting import Orders
from altid.drills.screen.doctor import Doctor, Moment, at_the_pc
from altid.drills.stage import drill_tokens
from altid.gateway.trust import trust as gateway_trust
from altid.region import events, faults, netns
from altid.region.error import RegionError
from altid.region.guarding import gateway_url
from altid.region.layout import Layout
from altid.region.operating import operator_of
from altid.region.status import gather
from altid.region.topology import Region, Site

NAME = "screen-swing"
ABOUT = "a site is killed while a doctor signs on its page; then both are, and come back"

_RECEIPT_S_MAX = 20.0
"""The lead moves within three seconds, and the browser's longest pause between two tries is eight."""
_SAYS_S_MAX = 30.0
"""The page looks every five seconds; a site that is back is asked again by then."""
_MOVES_S_MAX = 20.0
"""A page that is asked for waits up to eight seconds for a site that is silent."""
_WHOLE_S_MAX = 120.0
_BACK_S_MAX = 60.0
_DRUG = "Movicol"
"""Of the synthetic region; none of its patients in the first bed has it already."""


@dataclass(slots=True)
class _Story:
    """What was seen. `mark`: how the indications of this run begin, by which its orders are counted;
    `signed`, `acknowledged`: those indications."""

    mark: str
    findings: list[str] = field(default_factory=list)
    measured: dict[str, Any] = field(default_factory=dict)
    signed: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    receipts_s: list[float] = field(default_factory=list)

    def expect(self, holds: bool, finding: str) -> None:
        if not holds:
            self.findings.append(finding)


@dataclass(frozen=True, slots=True)
class _Ward:
    """Where it plays: `home` is the site of the doctor's page."""

    where: Layout
    region: Region
    home: Site
    bedside: Bedside
    folder: Path

    @property
    def away(self) -> Site:
        return self.region.other(self.home)

    @property
    def losses(self) -> list[tuple[str, str, Moment]]:
        """How the page's site is lost: name, fault, and when. Lines are cut where there are some to cut."""
        killed = [(moment.name.lower(), "site-kill", moment) for moment in Moment]
        has_lines = netns.load(self.where.data) is not None
        return [*killed, ("silent", "site-silent", Moment.UNSENT)] if has_lines else killed

    async def lose(self, fault: str, *sites: Site) -> None:
        for site in sites:
            await faults.inject(self.where, self.region, fault, site.name, None)

    async def come_back(self) -> float:
        """Heal, and wait until both sites hold every write; seconds. Raises `RegionError`."""
        began_s = time.monotonic()
        await faults.heal(self.where, self.region)
        while (await gather(self.where, self.region)).durability != "two-sites":
            if time.monotonic() - began_s > _WHOLE_S_MAX:
                raise RegionError(f"The region did not come back within {_WHOLE_S_MAX:g} s.")
        return round(time.monotonic() - began_s, 2)


async def drill(where: Layout, region: Region, seed: int, folder: Path) -> dict[str, Any]:
    """Run it on the running region; gives the contract's result. Raises `RegionError` if it can't begin."""
    began = datetime.now(UTC)
    status = await gather(where, region)
    if status.leader is None or status.durability != "two-sites":
        raise RegionError(f"The region isn't whole, so a drill would prove nothing: {status.summary()}.")
    trust, home = gateway_trust(where), region.site(status.leader)
    tokens = await drill_tokens(where, region)
    bedside = await have_patients(where, region, f"{gateway_url(home)}/fhir", trust)
    ward, story = _Ward(where, region, home, bedside, folder), _Story(f"Øvelse {seed}")
    orders = Orders(region, bedside.patient, tokens, trust)
    async with (
        _prescriber(where, region, bedside) as (username, password),
        at_the_pc(home, region.other(home), trust) as doctor,
    ):
        await doctor.log_on(username, password)
        await doctor.open_orders(bedside.patient)
        try:
            for name, fault, moment in ward.losses:
                await _lose_the_site(ward, doctor, name, fault, moment, story)
            await _lose_both(ward, doctor, story)
        finally:
            with suppress(Exception):  # for whoever looks why it failed
                await doctor.picture(folder / "last.png")
            await faults.heal(where, region)
        counts = await orders.counted()
    return _told(ward, story, counts, seed, began)


@asynccontextmanager
async def _prescriber(where: Layout, region: Region, bedside: Bedside) -> AsyncIterator[tuple[str, str]]:
    """An account of a doctor of the ward, closed afterwards."""
    username, password = f"drill-{secrets.token_hex(6)}", secrets.token_urlsafe(24)
    async with operator_of(where, region) as operator:
        made = NewAccount(username, "Øvelse", (Role.DOCTOR,), (bedside.organisation,), None, password)
        await add_account(operator, made)
    try:
        yield username, password
    finally:
        with suppress(RegionError, OSError):
            async with operator_of(where, region) as operator:
                await disable_account(operator, username)


async def _lose_the_site(
    ward: _Ward, doctor: Doctor, name: str, fault: str, moment: Moment, story: _Story
) -> None:
    """The page's site is lost in that moment, and comes back."""
    mark = f"{story.mark} {name}"
    typed = f"Halvskrevet {mark}"
    await doctor.stage(_DRUG, mark)
    await doctor.type(typed)
    story.signed.append(mark)
    began_s = time.monotonic()
    await doctor.sign_while_it_dies(moment, lambda: ward.lose(fault, ward.home))
    if await doctor.receipts(1, _RECEIPT_S_MAX):
        story.acknowledged.append(mark)
        story.receipts_s.append(round(time.monotonic() - began_s, 2))
    else:
        story.expect(False, f"{name}: no receipt within {_RECEIPT_S_MAX:g} s")
    one_site = await doctor.says(f"{ward.away.name} svarer", "kun ét sted", s_max=_SAYS_S_MAX)
    story.expect(one_site, f"{name}: the page does not say that {ward.away.name} alone answers")
    story.expect(await doctor.typed() == typed, f"{name}: what was typed is gone")
    story.expect("/logon" not in await doctor.where(), f"{name}: the page asks for a logon")
    await doctor.picture(ward.folder / f"{name}.png")
    began_s = time.monotonic()
    moved = ward.folder / f"{name}-moved.png"
    shows = await doctor.finds(ward.bedside.patient, mark, moved, _MOVES_S_MAX)
    story.expect(shows, f"{name}: a page that is asked for meanwhile does not show the order")
    story.measured[f"{name}_moved_s"] = round(time.monotonic() - began_s, 2)
    story.measured[f"{name}_back_s"] = await ward.come_back()
    two_sites = await doctor.says(f"Sted {ward.home.name}", "to steder", s_max=_SAYS_S_MAX)
    story.expect(two_sites, f"{name}: the page does not say that it is safe at two sites again")
    await doctor.clear()


async def _lose_both(ward: _Ward, doctor: Doctor, story: _Story) -> None:
    """Both die while an order waits and another is staged; the browser is closed and opened."""
    mark = f"{story.mark} both"
    await doctor.stage(_DRUG, mark)
    story.signed.append(mark)
    async with doctor.unheard():
        await doctor.sign()
        await doctor.stage(_DRUG, f"{mark} staged")
        await ward.lose("site-kill", *ward.region.sites)
    story.expect(await doctor.says("Intet sted svarer", s_max=_SAYS_S_MAX), "both: the page claims a site")
    story.expect(await doctor.waits() == 1, "both: what was signed is not in sight as waiting")
    await doctor.picture(ward.folder / "both-open.png")
    await doctor.close_and_open_again(ward.bedside.patient)
    told = await doctor.is_told_that_nobody_answers(_SAYS_S_MAX)
    story.expect(told, "both: after a reload the page does not say that no site answers")
    await doctor.picture(ward.folder / "both-reloaded.png")
    story.measured["both_back_s"] = await ward.come_back()
    began_s = time.monotonic()
    story.expect(await doctor.shows_orders(_BACK_S_MAX), "both: the page did not come back by itself")
    if await doctor.receipts(1, _BACK_S_MAX):
        story.acknowledged.append(mark)
        story.measured["both_delivered_s"] = round(time.monotonic() - began_s, 2)
    else:
        story.expect(False, f"both: what waited was not delivered within {_BACK_S_MAX:g} s")
    await doctor.picture(ward.folder / "both-back.png")
    story.expect(await doctor.staged() == 1, "both: what was staged is not on the list any more")


def _told(
    ward: _Ward, story: _Story, counts: Mapping[str, Mapping[str, int]], seed: int, began: datetime
) -> dict[str, Any]:
    """The result, written down. An order counts as missing or doubled if it is so at either site."""
    least = {mark: min(found.get(mark, 0) for found in counts.values()) for mark in story.acknowledged}
    most = {mark: max(found.get(mark, 0) for found in counts.values()) for mark in story.signed}
    result = {
        "drill": NAME,
        "about": ABOUT,
        "seed": seed,
        "began": began.isoformat(timespec="seconds"),
        "acknowledged": len(story.acknowledged),
        "missing": sum(1 for held in least.values() if held == 0),
        "duplicated": sum(held - 1 for held in most.values() if held > 1),
        "stale_reads": 0,
        "rto_s": {"write": max(story.receipts_s, default=None), "read": None},
        "measured": {"receipts_s": " ".join(map(str, story.receipts_s)), **story.measured},
        "findings": story.findings,
        "evidence": str(ward.folder),
    }
    result["passed"] = not (story.findings or result["missing"] or result["duplicated"])
    happened = [one for one in events.read(ward.where.events) if one["time"] >= began.isoformat()[:23]]
    (ward.folder / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    (ward.folder / "timeline.jsonl").write_text("".join(json.dumps(one) + "\n" for one in happened))
    evidence.append(ward.where.data / "drills.jsonl", result)
    passed, folder = result["passed"], str(ward.folder)
    events.record(
        ward.where.events, ward.home.name, "drill ended", drill=NAME, passed=passed, evidence=folder
    )
    return result
