"""The result of an order drill: the judge's verdict by each site's record, and the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from altid.drills import figures
from altid.drills.history import Operation
from altid.drills.orders import checker
from altid.drills.orders.history import Held, Listed, Signed
from altid.drills.picture import Moments
from altid.drills.scenarios import Scenario
from altid.drills.stage import Stage
from altid.region.status import Status

_OFFENCES = (
    "missing",
    "unfounded",
    "torn",
    "forked",
    "unlisted",
    "wrongly_listed",
    "patients_missing",
    "patients_wrong",
)


@dataclass(frozen=True, slots=True)
class OrderRun:
    """All that was done and told."""

    name: str
    scenario: Scenario
    stage: Stage
    seed: int
    moments: Moments
    memories: Sequence[Sequence[Signed]]
    """Of each client."""

    @property
    def signed(self) -> list[Signed]:
        return [one for memory in self.memories for one in memory]


def result_of(
    run: OrderRun, held: Mapping[str, Sequence[Held]], listed: Sequence[Listed], after: Status
) -> dict[str, Any]:
    """The verdict with the figures, as programs get it. `held`: what each site holds in the end."""
    verdicts = [checker.check(run.signed, versions, listed) for versions in held.values()]
    worst = max(verdicts, key=lambda verdict: verdict.offences)
    operations = operations_of(run.signed)
    pause = figures.longest_pause(operations, run.moments.fault_s, run.moments.healed_s)
    agree = len({frozenset(versions) for versions in held.values()}) == 1
    findings = list(_findings(run, after, pause.pause_s, agree=agree))
    return {
        "drill": run.name,
        "about": run.scenario.about,
        "seed": run.seed,
        "passed": all(verdict.passed for verdict in verdicts) and not findings,
        "acknowledged": worst.acknowledged,
        "duplicated": worst.doubled,
        **{name: getattr(worst, name) for name in _OFFENCES},
        "signed": len(run.signed),
        "requisitions": sum(one.has_task for one in run.signed),
        "uncertain": worst.uncertain,
        "listed": len(listed),
        "affected_patients": len({one.patient for one in listed}),
        "told_late": worst.told_late,
        "unknown": worst.uncertain + worst.told_late,
        "rto_s": {"write": pause.since_fault_s, "read": None},
        "write_pause_s": pause.pause_s,
        "fault_s": round(run.moments.healed_s - run.moments.fault_s, 2),
        "back_s": round(run.moments.whole_s - run.moments.healed_s, 2),
        "latency_ms": {"write": figures.latency_ms(operations)},
        "measured": run.stage.measured,
        "clients": len(run.memories),
        "leader": {"before": run.stage.leader.name, "after": after.leader},
        "durability_after": after.durability,
        "sites_agree": agree,
        "findings": [*findings, *worst.examples],
    }


def operations_of(signed: Sequence[Signed]) -> list[Operation]:
    """As the figures and the picture of all drills want them: from the first sending to the first receipt."""
    found = []
    for one in signed:
        if not one.told:
            continue
        first = min(told.sent_s for told in one.told)
        settled = min((told.told_s for told in one.receipts), default=max(told.told_s for told in one.told))
        site = (one.receipts or one.told)[0].site
        found.append(
            Operation(
                one.client,
                "write",
                one.patient,
                None,
                site,
                first,
                settled,
                one.is_acknowledged,
                len(one.told),
            )
        )
    return found


def _findings(run: OrderRun, after: Status, pause_s: float, *, agree: bool) -> Sequence[str]:
    found = []
    if after.durability != "two-sites":
        found.append(f"the region did not get whole by itself: {after.summary()}")
    if pause_s > run.scenario.write_s_max:
        found.append(f"orders paused for {pause_s} s, and {run.scenario.write_s_max:g} s are allowed")
    if not agree:
        found.append("the two sites hold different versions")
    return found
