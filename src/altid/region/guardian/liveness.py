"""Whether a site may answer as the live record: it leads, or the leader waits for it with every write.

A site that comes back runs and follows well before it is synchronous again; until then the other site
acknowledges writes that it may not have yet, and a read there would go back in time. Patroni puts a standby
into `/sync` only when PostgreSQL already waits for it and it has applied all that was there by then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from altid.region.etcd import KeyValue
from altid.region.guardian.deep import HEARTBEAT_S

_MARGIN = 0.9
"""Part of the time that the other side needs at least: clocks differ, and answers take their way."""


def not_live(keys: Mapping[str, KeyValue], prefix: str, me: str) -> str:
    """Why the site may not answer as the live record; nothing if it may. `keys` were read linearizably."""
    leader, sync = keys.get(prefix + "leader"), keys.get(prefix + "sync")
    if leader is None:
        return "no site leads"
    if leader.value == me:
        return ""
    state = _object(sync.value) if sync is not None else {}
    if state.get("leader") != leader.value or me not in str(state.get("sync_standby") or "").split(","):
        return "this site is not synchronous"
    return ""


def waits_for_other(keys: Mapping[str, KeyValue], prefix: str) -> bool:
    """Whether the leader acknowledges a write only when the other site has it."""
    leader, sync = keys.get(prefix + "leader"), keys.get(prefix + "sync")
    if leader is None or sync is None:
        return False
    state = _object(sync.value)
    return state.get("leader") == leader.value and bool(state.get("sync_standby"))


def lease_s(
    *,
    leads: bool,
    asked_s: float,
    seen_s: float | None,
    streamed_s: float | None,
    now_s: float,
    unseen_s: float,
    sender_timeout_s: float,
) -> float:
    """For how long from now the site may answer as the live record; 0 or less: not at all.

    `asked_s`: when the question was sent to which a quorum answered that this site is live. `seen_s`: when
    the other site was last seen. `streamed_s`: when the local PostgreSQL was last asked and said that it
    receives the log; None: it doesn't, or never said. A leader that is cut off loses the lead after
    `unseen_s` at the earliest. A standby that is cut off is waited for by the leader's PostgreSQL for
    `sender_timeout_s` since its last confirmation, which is at most a heartbeat older than the cut. One whose
    stream has ended is not waited for, however well the sites see each other.
    """
    until_s = asked_s + _MARGIN * unseen_s
    if not leads:
        waited_for_s = _MARGIN * (sender_timeout_s - HEARTBEAT_S)
        if streamed_s is None:
            return 0.0
        heard_s = min(streamed_s, seen_s if seen_s is not None else asked_s)
        until_s = min(until_s, heard_s + waited_for_s)
    return until_s - now_s


def _object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
