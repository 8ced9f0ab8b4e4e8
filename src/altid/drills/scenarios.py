"""What is broken in each drill, and when. A scenario is data and one short function on the running region."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from altid.drills import acts
from altid.drills.orders.line import FAIR, Weather
from altid.drills.stage import Stage
from altid.region import clock, smalldisk
from altid.region.error import RegionError

Act: TypeAlias = Callable[[Stage], Awaitable[None]]


class Survivor(Enum):
    """The site whose readers shall notice nothing, where there is one."""

    NEITHER = "neither"
    LEADER = "leader"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One drill."""

    about: str
    break_it: Act
    lead_moves: bool = False
    """Whether the other site shall lead afterwards."""

    needs_netns: bool = False
    """Whether lines are cut, which only a region in network namespaces has."""

    fault_s: float = 8.0
    """How long the fault lasts before it is healed."""

    write_s_max: float = 3.0
    """The longest pause of writes that is allowed."""

    reads_at: Survivor = Survivor.NEITHER
    """Where no read may fail, and none may wait for longer than `READ_GAP_S_MAX`."""

    prepare: Act | None = None
    """Done before the load begins; it may move the lead."""

    check: Callable[[], None] | None = None
    """Raises `RegionError` when this machine can't do it."""

    servers: int = 1
    """So many servers each site must have, at least."""

    weather: Weather = FAIR
    """The clients' line while the fault lasts (drills of orders)."""


def missing(scenario: Scenario) -> str:
    """Why the drill can't be done here; nothing if it can."""
    if scenario.needs_netns and os.geteuid() != 0:
        return "lines between namespaces need root"
    try:
        if scenario.check is not None:
            scenario.check()
    except RegionError as error:
        return str(error)
    return ""


SCENARIOS: dict[str, Scenario] = {
    "site-loss": Scenario(
        "the leader's site is killed", acts.lose_leader, lead_moves=True, reads_at=Survivor.OTHER
    ),
    "other-site-loss": Scenario(
        "the standby's site is killed", acts.lose_other, write_s_max=2.5, reads_at=Survivor.LEADER
    ),
    "site-silent": Scenario(
        "the leader's site falls silent and lives",
        acts.silence_leader,
        lead_moves=True,
        needs_netns=True,
        reads_at=Survivor.OTHER,
    ),
    "other-site-silent": Scenario(
        "the standby's site falls silent and lives",
        acts.silence_other,
        write_s_max=2.5,
        needs_netns=True,
        reads_at=Survivor.LEADER,
    ),
    "partition-sites": Scenario("the line between the sites is cut", acts.cut_sites, needs_netns=True),
    "partition-leader-witness": Scenario(
        "the line between the leader's site and the witness is cut",
        acts.cut_leader_witness,
        needs_netns=True,
    ),
    "partition-standby-witness": Scenario(
        "the line between the standby's site and the witness is cut",
        acts.cut_other_witness,
        needs_netns=True,
    ),
    "partition-all": Scenario(
        "every line is cut: no quorum, so no writes and no reads until it is back",
        acts.cut_all,
        needs_netns=True,
        write_s_max=20.0,
    ),
    "leader-isolated": Scenario(
        "the leader's site is cut off from both others, and clients reach it",
        acts.isolate_leader,
        lead_moves=True,
        needs_netns=True,
    ),
    "flapping": Scenario(
        "the leader's line comes and goes", acts.flap, fault_s=10.0, write_s_max=8.0, needs_netns=True
    ),
    "slow-line": Scenario(
        "the line between the sites takes 0, 1.5 and 5 ms there and back",
        acts.slow_line,
        fault_s=0.0,
        needs_netns=True,
    ),
    "lossy-line": Scenario(
        "the line between the sites loses one packet in three",
        acts.lose_packets,
        fault_s=30.0,
        write_s_max=8.0,
        needs_netns=True,
    ),
    "witness-loss": Scenario("the witness is killed", acts.lose_witness),
    "witness-loss-then-site-loss": Scenario(
        "the witness is killed and then the leader's site: no quorum until the witness is back",
        acts.lose_witness_then_leader,
        lead_moves=True,
        fault_s=0.0,
        write_s_max=30.0,
    ),
    "both-sites-loss": Scenario("everything is killed at once", acts.lose_all, fault_s=1.0, write_s_max=25.0),
    "zombie": Scenario(
        "the leader's site freezes, and thaws",
        acts.freeze_leader,
        lead_moves=True,
        fault_s=12.0,
        write_s_max=6.0,
    ),
    "postgres-freeze": Scenario(
        "the primary freezes, everything else lives",
        acts.freeze("leader", "postgres"),
        lead_moves=True,
        fault_s=12.0,
        write_s_max=8.0,
    ),
    "other-postgres-freeze": Scenario(
        "the standby's PostgreSQL freezes, everything else lives", acts.freeze("other", "postgres")
    ),
    "slow-standby": Scenario(
        "the standby receives and doesn't apply", acts.stop_applying, fault_s=12.0, write_s_max=8.0
    ),
    "disk-full": Scenario(
        "the leader's disk is full",
        acts.fill_disk,
        lead_moves=True,
        fault_s=12.0,
        write_s_max=8.0,
        prepare=acts.prepare_disk,
        check=smalldisk.check,
    ),
    "other-disk-full": Scenario(
        "the standby's disk is full",
        acts.fill_other_disk,
        fault_s=12.0,
        write_s_max=8.0,
        prepare=acts.prepare_other_disk,
        check=smalldisk.check,
    ),
    "clock-jump": Scenario(
        "the leader's wall clock jumps an hour ahead, and back again",
        acts.jump_clock,
        write_s_max=5.0,
        prepare=acts.prepare_clock,
        check=clock.check,
    ),
    "switchover": Scenario(
        "the lead is moved by hand", acts.switch, lead_moves=True, fault_s=3.0, write_s_max=10.0
    ),
    "rolling-upgrade": Scenario(
        "every server is started anew under load, one by one", acts.upgrade, fault_s=0.0
    ),
    "postgres-kill": Scenario("the primary is killed", acts.kill("leader", "postgres"), write_s_max=5.0),
    "patroni-kill": Scenario("the leader's Patroni is killed", acts.kill("leader", "patroni")),
    "etcd-kill": Scenario("the leader's etcd member is killed", acts.kill("leader", "etcd")),
    "guardian-kill": Scenario("the leader's guardian is killed", acts.kill("leader", "guardian")),
    "server-kill": Scenario("one of the leader's servers is killed", acts.kill("leader", "server-1")),
    "other-postgres-kill": Scenario("the standby's PostgreSQL is killed", acts.kill("other", "postgres")),
    "other-patroni-kill": Scenario("the standby's Patroni is killed", acts.kill("other", "patroni")),
    "other-etcd-kill": Scenario("the standby's etcd member is killed", acts.kill("other", "etcd")),
    "other-guardian-kill": Scenario("the standby's guardian is killed", acts.kill("other", "guardian")),
    "other-server-kill": Scenario("one of the standby's servers is killed", acts.kill("other", "server-1")),
}
"""Every drill by its name."""
