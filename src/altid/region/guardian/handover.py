"""How the lead changes hands: one etcd transaction, and only then the revocation of the old leader's lease.

While `/sync` names this site's member, the leader can acknowledge nothing without it; to go on alone, the
leader must first change `/sync` by compare-and-set. The transaction here invalidates that very compare in the
raft entry that makes this member the leader: exactly one of the two wins. No check may ever be weakened:

- the leader is the other site's member, and `/sync` agrees that it is;
- **this member stands in `/sync`** as the synchronous standby;
- nothing of `/leader` and `/sync` has changed since they were read (linearizable);
- Patroni is not paused, and this member's own lease lives.

The order of the two puts matters: watchers see them one after the other, and a view with the old leader and
the new `/sync` would make Patroni "repair" `/sync`. A bare revocation would be unsafe: Patroni does not look
at `/sync` again when it promotes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, Protocol

from altid.region.etcd import EtcdError, KeyValue, encoded

_REVOKE_TRIES = 3


class Etcd(Protocol):
    """What a handover needs of etcd."""

    async def prefix(self, start: str) -> dict[str, KeyValue]: ...

    async def transaction(self, compare: list[dict[str, Any]], success: list[dict[str, Any]]) -> bool: ...

    async def revoke(self, lease: int) -> None: ...


class Outcome(Enum):
    DONE = "done"
    REFUSED = "refused"
    """A check did not hold: nothing was changed."""
    LOST = "lost"
    """Something changed since it was read: the leader was quicker, and lives."""
    UNKNOWN = "unknown"
    """etcd did not answer: it may have been done or not; the next try finds out."""


class Result(NamedTuple):
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A handover that may be tried: what was read, and the lease to revoke afterwards."""

    me: str
    leader: KeyValue
    sync: KeyValue
    own_lease: int


def plan(keys: Mapping[str, KeyValue], prefix: str, me: str, other: str) -> Plan | str:
    """The plan from the keys as they were read, or the reason why there is none."""
    leader, sync = keys.get(prefix + "leader"), keys.get(prefix + "sync")
    member, config = keys.get(prefix + "members/" + me), keys.get(prefix + "config")
    if leader is None or leader.value != other:
        return "the other site does not lead"
    if sync is None:
        return "there is no record of who is synchronous"
    state = _object(sync.value)
    if state.get("leader") != other:
        return "the record of who is synchronous is not the leader's"
    if me not in _names(state.get("sync_standby")):
        return "this site was not synchronous when it was last known: handing over could lose writes"
    if member is None or member.lease == 0:
        return "this site's member has no lease of its own"
    if config is None or _object(config.value).get("pause"):
        return "Patroni is paused, or has no configuration"
    if member.lease == leader.lease:
        return "both members hang on one lease"
    return Plan(me, leader, sync, member.lease)


def compare(plan: Plan, prefix: str) -> list[dict[str, Any]]:
    """Nothing has changed since it was read."""
    return [
        {
            "key": encoded(prefix + name),
            "target": "MOD",
            "result": "EQUAL",
            "mod_revision": str(read.mod_revision),
        }
        for name, read in (("leader", plan.leader), ("sync", plan.sync))
    ]


def puts(plan: Plan, prefix: str) -> list[dict[str, Any]]:
    """The two puts, in the order that matters: the leader first."""
    sync = json.dumps({"leader": plan.me, "sync_standby": None, "quorum": 0}, separators=(",", ":"))
    return [
        {
            "request_put": {
                "key": encoded(prefix + "leader"),
                "value": encoded(plan.me),
                "lease": str(plan.own_lease),
            }
        },
        {"request_put": {"key": encoded(prefix + "sync"), "value": encoded(sync)}},
    ]


async def hand_over(etcd: Etcd, prefix: str, me: str, other: str) -> Result:
    """Try to make `me` the leader in place of `other`; see the module for what must hold."""
    try:
        keys = await etcd.prefix(prefix)
    except EtcdError as error:
        return Result(Outcome.REFUSED, f"etcd gave no answer with a quorum ({error})")
    found = plan(keys, prefix, me, other)
    if isinstance(found, str):
        return Result(Outcome.REFUSED, found)
    try:
        done = await etcd.transaction(compare(found, prefix), puts(found, prefix))
    except EtcdError as error:
        if not await _is_ours(etcd, prefix, found):
            return Result(Outcome.UNKNOWN, f"etcd did not answer the transaction ({error})")
        done = True
    if not done:
        return Result(Outcome.LOST, "the leader or its standby changed meanwhile")
    return Result(Outcome.DONE, await _revoke(etcd, found.leader.lease))


async def _is_ours(etcd: Etcd, prefix: str, plan: Plan) -> bool:
    """Whether the transaction that went unanswered was done after all."""
    try:
        leader = (await etcd.prefix(prefix)).get(prefix + "leader")
    except EtcdError:
        return False
    return leader is not None and leader.value == plan.me and leader.lease == plan.own_lease


async def _revoke(etcd: Etcd, lease: int) -> str:
    """End the old leader's lease, so that one who trusts a stale view cannot renew it."""
    for _ in range(_REVOKE_TRIES):
        try:
            await etcd.revoke(lease)
        except EtcdError:
            continue
        return "the lead is ours and the old leader's lease is revoked"
    return "the lead is ours; the old leader's lease could not be revoked and will expire"


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _names(text: object) -> list[str]:
    return [name.strip() for name in text.split(",")] if isinstance(text, str) else []
