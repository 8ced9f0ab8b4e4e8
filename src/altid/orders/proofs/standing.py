"""What stands now, of many reconciliations of many times. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from altid.orders.proofs.sealing import Proof

ALARM = "uncertain"
"""Among the alarms of `/health/orders`."""


def standing(newest_first: Sequence[Proof]) -> list[Proof]:
    """The newest, and each other one that is an alarm about a time that no newer one is all about."""
    return [
        proof
        for place, proof in enumerate(newest_first)
        if place == 0 or (proof.is_alarm and not any(newer.replaces(proof) for newer in newest_first[:place]))
    ]


def reconciled(newest_first: Sequence[Proof]) -> dict[str, Any] | None:
    """The newest reconciliation's figures, with those of others that still stand; None if there was none."""
    stand = standing(newest_first)
    if not stand:
        return None
    alarms = [one for one in stand if one.is_alarm]
    return stand[0].summary | {
        "alarm": bool(alarms),
        "uncertain": sum(one.uncertain for one in alarms),
        "differs": any(one.summary["differs"] for one in alarms),
    }


def with_reconciled(health: Mapping[str, Any], newest_first: Sequence[Proof]) -> dict[str, Any]:
    """The health of orders, with what was reconciled; uncertain orders are an alarm."""
    told = reconciled(newest_first)
    if told is None or not told["alarm"]:
        return {**health, "reconciled": told}
    return {**health, "status": "alarm", "alarms": [*health["alarms"], ALARM], "reconciled": told}
