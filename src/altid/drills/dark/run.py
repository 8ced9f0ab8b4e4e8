"""The story of `total-dark`, and its verdict: what a ward could read while nothing else answered.

What the record had acknowledged before the dark must stand on the ward's PC, started cold, without any of
the region; the age must be in sight; nothing can be written; the ward report can be printed; and when the
region is back, the copy catches up and is the record, by digest.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import socket
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from altid.access.administration import NewAccount, add_account, disable_account
from altid.access.identity import Role
from altid.access.programs import Credentials
from altid.drills import evidence
from altid.drills.dark.reader import Reader, sit_down
from altid.drills.dark.sample import Bedside, have_patients
from altid.drills.dark.ward import WardPc
from altid.drills.stage import drill_tokens
from altid.gateway.trust import trust as gateway_trust
from altid.lookup.entry.line import LineDownError
from altid.lookup.sync.credentials import read_credentials
from altid.lookup.sync.feed import Feed, FeedError
from altid.lookup.sync.line import Line
from altid.lookup.sync.syncer import SOURCE
from altid.region import events, faults
from altid.region.error import RegionError
from altid.region.guarding import gateway_url
from altid.region.layout import Layout
from altid.region.operating import operator_of
from altid.region.status import gather
from altid.region.topology import Region

NAME = "total-dark"
ABOUT = "both sites and the witness stop; a ward reads on from its own PC, and catches up when they are back"

_FOLLOWS_S_MAX = 120.0
_DARK_S = 5.0
"""Long enough that whatever asked for the region has given it up."""
_WHOLE_S_MAX = 120.0
_CATCH_UP_S_MAX = 60.0
_COLD_S_MAX = 10.0
"""Generous: it tells broken from slow. The goal is a second, which the benchmark measures."""
_POLL_S = 0.2
_LINE = "LÆSEADGANG"
_MARKS = 5


@dataclass(slots=True)
class _Story:
    """What was seen."""

    findings: list[str] = field(default_factory=list)
    measured: dict[str, Any] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    missing: int = 0

    def expect(self, holds: bool, finding: str) -> None:
        if not holds:
            self.findings.append(finding)


@dataclass(frozen=True, slots=True)
class _Record:
    """The way to the live record: the FHIR base at a gateway, whom to believe there, and our tokens."""

    base: str
    trust: ssl.SSLContext
    tokens: Credentials


async def drill(where: Layout, region: Region, seed: int, folder: Path) -> dict[str, Any]:
    """Run it on the running region; gives the contract's result. Raises `RegionError` if it can't begin."""
    began = datetime.now(UTC)
    status = await gather(where, region)
    if status.leader is None or status.durability != "two-sites":
        raise RegionError(f"The region isn't whole, so a drill would prove nothing: {status.summary()}.")
    base, trust = f"{gateway_url(region.sites[0])}/fhir", gateway_trust(where)
    bedside = await have_patients(where, region, base, trust)
    record, story = _Record(base, trust, await drill_tokens(where, region)), _Story()
    async with _ward(where, region, bedside, folder) as (pc, username, password):
        await _follow(pc, story)
        for number in range(_MARKS):
            story.acknowledged.append(await _measure(record, bedside, f"{seed}-{number}"))
        marked = datetime.now(UTC)
        await _until(lambda: _knows(pc, marked), _FOLLOWS_S_MAX, "the copy never had the last writes")
        await _go_dark(where, region)
        try:
            await _read_in_the_dark(pc, bedside, username, password, story, folder)
        finally:
            await faults.heal(where, region)
        await _come_back(where, region, pc, bedside, record, story, seed)
    result = _result(story, seed, began, folder)
    timeline = [event for event in events.read(where.events) if event["time"] >= began.isoformat()[:23]]
    (folder / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / "timeline.jsonl").write_text("".join(json.dumps(event) + "\n" for event in timeline))
    evidence.append(where.data / "drills.jsonl", result)
    passed = result["passed"]
    events.record(where.events, status.leader, "drill ended", drill=NAME, passed=passed, evidence=str(folder))
    return result


@asynccontextmanager
async def _ward(
    where: Layout, region: Region, bedside: Bedside, folder: Path
) -> AsyncIterator[tuple[WardPc, str, str]]:
    """A ward's PC that runs, and a nurse of the ward; both are gone afterwards."""
    username, password = f"drill-{secrets.token_hex(6)}", secrets.token_urlsafe(24)
    parent = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="altid-ward-"))
    pc = WardPc(where.data, parent / "place", parent / "key", _free_port())
    try:
        async with operator_of(where, region) as operator:
            nurse = NewAccount(username, "Øvelse", (Role.NURSE,), (bedside.organisation,), None, password)
            await add_account(operator, nurse)
        await pc.make(f"drill {secrets.token_hex(3)}", bedside.ward)
        await pc.switch_on()
        yield pc, username, password
    finally:
        await pc.switch_off()
        with suppress(RegionError, OSError):
            await pc.revoke()
            async with operator_of(where, region) as operator:
                await disable_account(operator, username)
        with suppress(OSError):
            await asyncio.to_thread(shutil.copy, parent / "ward.log", folder / "ward.log")
        await asyncio.to_thread(shutil.rmtree, parent, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def _follow(pc: WardPc, story: _Story) -> None:
    """Until the first load is done and it lives on the feed."""
    began_s = time.monotonic()

    async def follows() -> bool:
        told = await pc.status() or {}
        return told.get("state") == "current" and told.get("feed", {}).get("phase") == "following"

    await _until(follows, _FOLLOWS_S_MAX, "the ward's copy was never loaded")
    story.measured["loaded_s"] = round(time.monotonic() - began_s, 2)


async def _measure(record: _Record, bedside: Bedside, mark: str) -> str:
    """A temperature with a note that names the mark, acknowledged by the record; gives the mark."""
    said = f"Øvelse {mark}"
    body = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": _CATEGORY, "code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}], "text": said},
        "subject": {"reference": f"Patient/{bedside.patient}"},
        "effectiveDateTime": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "valueQuantity": {"value": 37.1, "unit": "°C"},
    }
    async with httpx.AsyncClient(timeout=30.0, verify=record.trust, trust_env=False) as client:
        headers = await record.tokens.headers() | {"idempotency-key": f"dark-{mark}"}
        answer = await client.post(f"{record.base}/Observation", json=body, headers=headers)
    if answer.status_code != 201:
        raise RegionError(f"The record takes no measurement: it answers {answer.status_code}.")
    return str(answer.headers["location"].partition("/Observation/")[2].partition("/")[0])


async def _knows(pc: WardPc, moment: datetime) -> bool:
    told = await pc.status() or {}
    at = told.get("data_at")
    return bool(at) and datetime.fromisoformat(str(at)) >= moment


async def _go_dark(where: Layout, region: Region) -> None:
    """Everything of the region is killed, the witness first."""
    for place in (region.witness, *region.sites):
        await faults.inject(where, region, "site-kill", place.name, None)
    await asyncio.sleep(_DARK_S)


async def _read_in_the_dark(
    pc: WardPc, bedside: Bedside, username: str, password: str, story: _Story, folder: Path
) -> None:
    """The plug is pulled as well; then the PC is switched on, and somebody reads."""
    await pc.cut_power()
    cold_s = await pc.switch_on()
    story.measured["cold_start_s"] = round(cold_s, 3)
    story.expect(cold_s < _COLD_S_MAX, f"the ward's PC needed {cold_s:.1f} s to answer")
    async with sit_down(pc.url, pc.trust) as reader:
        story.measured["read_by"] = reader.kind
        began_s = time.monotonic()
        front = await reader.log_on(username, password)
        story.expect(_LINE in front, "after the logon the bar with the age is missing")
        found = await reader.find(bedside.cpr)
        story.expect(bedside.family.upper() in found, "the patient is not found by CPR number")
        page = await reader.open(f"/patient/{bedside.patient}")
        story.measured["patient_found_s"] = round(time.monotonic() - began_s, 3)
        story.expect(bedside.family.upper() in page, "the patient's page shows somebody else, or nobody")
        story.expect(_LINE in page, "the patient's page does not say how old it is")
        await reader.picture(folder / "patient.png")
        await _print(reader, bedside, story, folder)
    story.missing = await asyncio.to_thread(_missing, pc, story.acknowledged)
    story.expect(story.missing == 0, f"{story.missing} acknowledged measurements are not on the ward's PC")
    await _try_to_write(pc, bedside, story)


async def _print(reader: Reader, bedside: Bedside, story: _Story, folder: Path) -> None:
    list_html = await reader.open(f"/ward/{bedside.ward}")
    story.expect(bedside.family.upper() in list_html, "the ward's list does not have the patient")
    await reader.picture(folder / "ward.png")
    report = await reader.fetch(f"/ward/{bedside.ward}/report.pdf")
    story.expect(report.startswith(b"%PDF-"), "the ward report can't be printed")
    story.measured["report_bytes"] = len(report)
    (folder / "ward-report.pdf").write_bytes(report)


async def _try_to_write(pc: WardPc, bedside: Bedside, story: _Story) -> None:
    async with httpx.AsyncClient(verify=pc.trust, timeout=10.0, trust_env=False) as client:
        writes = (("POST", f"/patient/{bedside.patient}"), ("PUT", "/fhir/Patient/1"), ("DELETE", "/"))
        for method, path in writes:
            answer = await client.request(method, f"{pc.url}{path}")
            story.expect(answer.status_code == 405, f"{method} is answered {answer.status_code}, and not 405")


def _missing(pc: WardPc, acknowledged: list[str]) -> int:
    """Looked up in the file itself."""
    copy = pc.copy()
    try:
        with copy.reading() as connection:
            rows = connection.execute(_HELD).fetchall()
    finally:
        copy.close()
    return len(set(acknowledged) - {row[0] for row in rows})


async def _come_back(
    where: Layout,
    region: Region,
    pc: WardPc,
    bedside: Bedside,
    record: _Record,
    story: _Story,
    seed: int,
) -> None:
    """The region is whole again, takes a write, and the copy has it and is the record."""
    began_s = time.monotonic()

    async def whole() -> bool:
        return (await gather(where, region)).durability == "two-sites"

    await _until(whole, _WHOLE_S_MAX, "the region did not come back")
    story.measured["region_back_s"] = round(time.monotonic() - began_s, 2)
    story.acknowledged.append(await _measure(record, bedside, f"{seed}-after"))
    wrote_s = time.monotonic()

    async def caught_up() -> bool:
        return await asyncio.to_thread(_missing, pc, story.acknowledged) == 0

    with suppress(RegionError):
        await _until(caught_up, _CATCH_UP_S_MAX, "")
    story.measured["caught_up_s"] = round(time.monotonic() - wrote_s, 2)
    story.missing = await asyncio.to_thread(_missing, pc, story.acknowledged)
    story.expect(story.missing == 0, "the copy did not catch up")
    same = await _until_same(pc)
    story.expect(same, "afterwards the copy is not the record, by digest")


async def _until_same(pc: WardPc) -> bool:
    """Whether copy and record have the same of every group that the place keeps, within the time."""
    line = Line(pc.settings.sources, read_credentials(pc.folder / pc.settings.credentials))
    end_s = time.monotonic() + _CATCH_UP_S_MAX
    try:
        while time.monotonic() < end_s:
            with suppress(LineDownError, FeedError):
                theirs = (await Feed(line).digests()).parts
                if {part: one for part, one in theirs.items() if one.count} == await _digests(pc):
                    return True
            await asyncio.sleep(_POLL_S)
        return False
    finally:
        await line.close()


async def _digests(pc: WardPc) -> dict[int, Any]:
    def read() -> dict[int, Any]:
        copy = pc.copy()
        try:
            return dict(copy.digests(SOURCE))
        finally:
            copy.close()

    return await asyncio.to_thread(read)


async def _until(holds: Callable[[], Awaitable[bool]], seconds: float, otherwise: str) -> None:
    """Raises `RegionError` with `otherwise`."""
    end_s = time.monotonic() + seconds
    while not await holds():
        if time.monotonic() > end_s:
            raise RegionError(f"Within {seconds:g} s {otherwise}." if otherwise else "")
        await asyncio.sleep(_POLL_S)


def _result(story: _Story, seed: int, began: datetime, folder: Path) -> dict[str, Any]:
    return {
        "drill": NAME,
        "about": ABOUT,
        "seed": seed,
        "began": began.isoformat(timespec="seconds"),
        "passed": not story.findings,
        "acknowledged": len(story.acknowledged),
        "missing": story.missing,
        "duplicated": 0,
        "stale_reads": 0,
        "rto_s": {"write": story.measured.get("region_back_s"), "read": story.measured.get("cold_start_s")},
        "measured": story.measured,
        "findings": story.findings,
        "evidence": str(folder),
    }


_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_HELD = "SELECT id FROM resource WHERE type = 'Observation' AND body IS NOT NULL"
