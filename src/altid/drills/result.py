"""The result of a run: the judge's verdict, the figures, and what else was not as it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from altid.drills import checker, figures
from altid.drills.clients import Client
from altid.drills.figures import Pause
from altid.drills.history import Kept, Operation
from altid.drills.picture import Moments
from altid.drills.scenarios import Scenario, Survivor
from altid.drills.stage import Stage
from altid.region.status import Status
from altid.region.topology import Site

READ_GAP_S_MAX = 0.3
"""A reader at the site that is left notices less than this."""


@dataclass(frozen=True, slots=True)
class Run:
    """All that was done and seen."""

    name: str
    scenario: Scenario
    stage: Stage
    seed: int
    moments: Moments
    workers: list[Client]
    watchers: list[Client]
    """One at each site, in the order of the region's sites."""
    rivals: list[Client]

    @property
    def operations(self) -> list[Operation]:
        clients = (*self.workers, *self.rivals, *self.watchers)
        return [operation for client in clients for operation in client.operations]


@dataclass(frozen=True, slots=True)
class _Reads:
    """What a reader at one site noticed."""

    pause: Pause
    failed: int


def result_of(run: Run, held: dict[str, list[Kept]], after: Status) -> dict[str, Any]:
    """The verdict with the figures, as programs get it. `held`: what each site holds in the end."""
    everything, moments = run.operations, run.moments
    verdicts = [checker.check(everything, registers) for registers in held.values()]
    worst = next((verdict for verdict in verdicts if not verdict.passed), verdicts[0])
    writes = [one for client in run.workers for one in client.operations if one.kind == "write"]
    pause = figures.longest_pause(writes, moments.fault_s, moments.healed_s)
    reads = _reads(run)
    unfounded = _answered_in_silence(run)
    agree = len({tuple(registers) for registers in held.values()}) == 1
    findings = [*_findings(run, after, pause, agree), *_reader_findings(run, reads)]
    if unfounded:
        findings.append(f"{unfounded} operations were answered while there was no quorum")
    return {
        "drill": run.name,
        "about": run.scenario.about,
        "seed": run.seed,
        "passed": all(verdict.passed for verdict in verdicts) and not findings,
        "acknowledged": worst.acknowledged,
        "missing": worst.missing,
        "duplicated": worst.duplicated,
        "stale_reads": worst.stale_reads,
        "two_leaders": worst.two_leaders,
        # A rival gives up at once, as no clinician would: only the others' count.
        "unknown": sum(not one.acknowledged for one in writes),
        "reads": worst.reads,
        "rto_s": {"write": pause.since_fault_s, "read": reads.pause.pause_s},
        "write_pause_s": pause.pause_s,
        "reads_failed_at_better_site": reads.failed,
        "answered_without_quorum": unfounded,
        "fault_s": round(moments.healed_s - moments.fault_s, 2),
        "back_s": round(moments.whole_s - moments.healed_s, 2),
        "latency_ms": {
            "write": figures.latency_ms(writes),
            "read": figures.latency_ms([one for one in everything if one.kind == "read"]),
        },
        "measured": run.stage.measured,
        "clients": len(run.workers),
        "leader": {"before": run.stage.leader.name, "after": after.leader},
        "durability_after": after.durability,
        "sites_agree": agree,
        "findings": [*findings, *worst.examples],
    }


def _reads(run: Run) -> _Reads:
    """At the site that was to survive, or else at whichever did better."""
    by_site = {
        site.name: _reads_of(watcher, run.moments)
        for site, watcher in zip(run.stage.region.sites, run.watchers, strict=True)
    }
    survivor = _survivor(run)
    if survivor is not None:
        return by_site[survivor.name]
    return min(by_site.values(), key=lambda one: (one.pause.pause_s, one.failed))


def _reads_of(watcher: Client, moments: Moments) -> _Reads:
    pause = figures.longest_pause(watcher.operations, moments.fault_s, moments.healed_s)
    failed = sum(
        not one.acknowledged and moments.fault_s <= one.ended_s <= moments.healed_s
        for one in watcher.operations
    )
    return _Reads(pause, failed)


def _survivor(run: Run) -> Site | None:
    match run.scenario.reads_at:
        case Survivor.LEADER:
            return run.stage.leader
        case Survivor.OTHER:
            return run.stage.other
        case Survivor.NEITHER:
            return None


def _answered_in_silence(run: Run) -> int:
    """Operations that were asked and answered while nobody may have known what is true."""
    return sum(
        one.acknowledged and from_s <= one.started_s and one.ended_s <= until_s
        for from_s, until_s in run.stage.silent
        for one in run.operations
    )


def _reader_findings(run: Run, reads: _Reads) -> list[str]:
    survivor = _survivor(run)
    if survivor is None:
        return []
    found = []
    if reads.failed:
        found.append(f"{reads.failed} reads failed at {survivor.name}, and none may")
    if reads.pause.pause_s > READ_GAP_S_MAX:
        found.append(
            f"reads at {survivor.name} paused for {reads.pause.pause_s} s of {READ_GAP_S_MAX:g} s allowed"
        )
    return found


def _findings(run: Run, after: Status, pause: Pause, agree: bool) -> list[str]:
    """What else was not as it should be."""
    scenario, leader, found = run.scenario, run.stage.leader.name, []
    if after.durability != "two-sites":
        found.append(f"the region did not get whole by itself: {after.summary()}")
    if scenario.lead_moves and after.leader == leader:
        found.append(f"the lead was to move and {leader} still has it")
    if pause.pause_s > scenario.write_s_max:
        found.append(f"writes paused for {pause.pause_s} s, and {scenario.write_s_max:g} s are allowed")
    if not agree:
        found.append("the two sites hold different versions")
    return found
