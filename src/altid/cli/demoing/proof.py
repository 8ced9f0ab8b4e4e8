"""The proof: the leader's site is lost under load, and nothing that was acknowledged or loaded is lost."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altid.cli.demoing.happening import narrate
from altid.cli.demoing.looking import Digest, digests
from altid.cli.demoing.narrator import Narrator
from altid.drills.evidence import make_folder
from altid.drills.run import DrillOptions, drill
from altid.drills.scenarios import SCENARIOS
from altid.region.layout import Layout
from altid.region.status import gather
from altid.region.topology import Region

_DRILL = "site-loss"
_SEED_BITS = 32
_LIVE_S_MAX = 60.0
_POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class Proof:
    """What the demo found."""

    drill: dict[str, Any]
    record_before: dict[str, Digest]
    record_after: dict[str, Digest]
    both_live: bool

    @property
    def record_is_whole(self) -> bool:
        """Both sites hold what they held before, to the last byte."""
        return len({*self.record_before.values(), *self.record_after.values()}) == 1

    @property
    def nothing_lost(self) -> bool:
        """What was promised was kept, as the drill's judge found."""
        told = self.drill
        offences = ("missing", "duplicated", "stale_reads", "two_leaders", "answered_without_quorum")
        is_clean = told["acknowledged"] > 0 and not any(told.get(offence) for offence in offences)
        moved = told["leader"]["before"] != told["leader"]["after"]
        return bool(is_clean and moved and told["sites_agree"])

    @property
    def passed(self) -> bool:
        """Everything is as promised. How quick it was is told as well, and depends on the machine."""
        return self.nothing_lost and self.record_is_whole and self.both_live

    @property
    def within_goals(self) -> bool:
        """Whether the drill's goals for speed were kept too."""
        return bool(self.drill["passed"])

    def as_json(self) -> dict[str, Any]:
        record = {
            "before": {name: one._asdict() for name, one in self.record_before.items()},
            "after": {name: one._asdict() for name, one in self.record_after.items()},
        }
        return {
            "passed": self.passed,
            "within_goals": self.within_goals,
            "record_is_whole": self.record_is_whole,
            "both_live": self.both_live,
            "record": record,
            "drill": self.drill,
        }


async def prove(
    where: Layout, region: Region, clients: int, evidence: Path, exports: Path, narrator: Narrator
) -> Proof:
    """Read everything at both sites, drill, read everything again. Raises `RegionError` or `DemoError`."""
    status = await gather(where, region)
    bases = {site.name: site.fhir[0] for site in status.sites}
    narrator.tell("Reading everything at both sites", "…")
    before = await digests(where.data, bases, exports / "before")
    _tell_record(before, narrator)
    seed = secrets.randbits(_SEED_BITS)
    folder = await asyncio.to_thread(make_folder, evidence, _DRILL, seed)
    narrator.tell(f"{clients} clients write and read at both sites; {status.leader} will be lost", "…")
    result = await _drilled(where, region, DrillOptions(seed, clients), folder, narrator)
    both_live = await _both_live(where, region)
    narrator.tell("Reading everything at both sites again", "…")
    after = await digests(where.data, bases, exports / "after")
    proof = Proof(result, before, after, both_live)
    _tell_record(after, narrator)
    path = folder / "demo.json"
    await asyncio.to_thread(path.write_text, json.dumps(proof.as_json(), indent=1) + "\n")
    return proof


async def _drilled(
    where: Layout, region: Region, options: DrillOptions, folder: Path, narrator: Narrator
) -> dict[str, Any]:
    telling = asyncio.create_task(narrate(where, region, narrator))
    try:
        return await drill(_DRILL, SCENARIOS[_DRILL], where, region, options, folder)
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _both_live(where: Layout, region: Region) -> bool:
    """Wait until the site that was lost answers again with all its servers."""
    end_s = time.monotonic() + _LIVE_S_MAX
    while time.monotonic() < end_s:
        status = await gather(where, region)
        if status.durability == "two-sites" and all(site.state == "live" for site in status.sites):
            return True
        await asyncio.sleep(_POLL_S)
    return False


def _tell_record(found: dict[str, Digest], narrator: Narrator) -> None:
    if len(set(found.values())) == 1:
        one = next(iter(found.values()))
        narrator.tell(f"{' and '.join(found)} hold the same {one.resources} resources, to the last byte", "✓")
    else:
        told = ", ".join(f"{name} {one.resources}" for name, one in found.items())
        narrator.tell(f"the sites hold different records: {told} resources", "✕")


def print_table(proof: Proof, narrator: Narrator) -> None:
    """The figures that count."""
    result, rto = proof.drill, proof.drill["rto_s"]
    rows = [
        ("writes acknowledged", f"{result['acknowledged']}"),
        ("  of them missing", f"{result['missing']}"),
        ("  done twice", f"{result['duplicated']}"),
        ("reads that went back in time", f"{result['stale_reads']} of {result['reads']}"),
        ("acknowledged by two leaders", f"{result.get('two_leaders', 0)}"),
        ("writes paused for", f"{rto['write']:.2f} s"),
        ("reads paused for", f"{rto['read']:.2f} s"),
        ("back at two sites after", f"{result['back_s']:.1f} s"),
        ("what was loaded is whole", "yes" if proof.record_is_whole else "NO"),
    ]
    narrator.print()
    for label, figure in rows:
        narrator.print(f"  {label:30}{figure:>14}")
    for finding in result["findings"]:
        narrator.print(f"  {'▲' if proof.nothing_lost else '✕'} {finding}")
    narrator.print(f"\n  evidence: {result['evidence']}")
