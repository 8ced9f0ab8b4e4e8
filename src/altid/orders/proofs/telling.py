"""The result of a reconciliation as JSON: for programs, and for the proof."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from altid.orders.todo import Why
from altid.orders.verdict import Reconciliation, Uncertain, Ward
from altid.record.stored import instant


def figures(found: Reconciliation) -> dict[str, Any]:
    """Counts, digests and what was not read: nothing of any one order."""
    return {
        "certain": found.is_certain,
        "from": instant(found.since),
        "to": instant(found.until),
        "intents": found.counts.intents,
        "registered": found.counts.registered,
        "held": found.counts.held,
        "sites": [{"site": one.site, "versions": one.count, "sha256": one.sha256} for one in found.digests],
        "sitesAgree": found.sites_agree,
        "unread": list(found.unread),
    }


def whole(found: Reconciliation, names: Mapping[str, str] | None) -> dict[str, Any]:
    """All of it. `names`: of patients by id; None: no people."""
    return {
        **figures(found),
        "uncertain": [order(one, names) for one in found.uncertain],
        "notSentAgain": [order(one, names) for one in found.not_sent_again],
        "affected": affected(found),
    }


def affected(found: Reconciliation) -> list[dict[str, Any]]:
    """By hospital and ward."""
    return [
        {
            "hospital": one.ward.hospital,
            "ward": one.ward.ward,
            "patients": one.patients,
            "orders": one.orders,
        }
        for one in found.affected
    ]


def order(one: Uncertain, names: Mapping[str, str] | None) -> dict[str, Any]:
    """One that a person must see to. Only with `names` it says whose it is and who has signed it."""
    told: dict[str, Any] = {
        "why": one.why,
        "key": one.key,
        "order": one.order,
        "action": one.action,
        "at": instant(one.at),
        "hospital": one.ward.hospital,
        "ward": one.ward.ward,
        "sources": list(one.sources),
        "sites": list(one.sites),
        "todo": {"da": one.todo.da, "en": one.todo.en},
    }
    if names is not None:
        told |= {"patient": one.patient, "name": names.get(one.patient), "signer": one.signer_name}
    return told


def reasons(found: Reconciliation) -> dict[str, int]:
    """How many orders are uncertain, or listed beside, for each reason."""
    return dict(Counter(str(one.why) for one in found.listed))


def kept(one: Uncertain) -> dict[str, Any]:
    """As it is sealed: whatever is needed to show it again."""
    return {"identity": one.identity.hex(), **order(one, {})}


def kept_again(told: Mapping[str, Any]) -> Uncertain:
    """What `kept` was made of. Raises `KeyError`, `ValueError` or `TypeError` for anything else."""
    return Uncertain(
        identity=bytes.fromhex(told["identity"]),
        why=Why(told["why"]),
        key=told["key"],
        order=told["order"],
        action=told["action"],
        patient=told["patient"],
        signer_name=told["signer"],
        at=datetime.fromisoformat(told["at"]),
        sources=tuple(told["sources"]),
        sites=tuple(told["sites"]),
        ward=Ward(told["hospital"], told["ward"]),
    )
