"""Who has ordered: whoever signs, and nobody in their stead.

A person signs as themselves. A draft may name for whom it is made (a secretary writes it for a doctor); with
the signature it becomes the signer's. A system has no person's account: it names the requester itself, and is
held to account as the system that it is.
"""

from __future__ import annotations

from altid.orders.elements import Resource, target
from altid.orders.findings import Finding, error


def fault(named: Resource | None, kind: str, signer: Resource | None) -> Finding | None:
    """What is wrong with the requester that is named. `signer`: a reference to whoever signs; None for a
    system, which may name anybody."""
    if named is None or signer is None or _is(named, signer):
        return None
    return error("requester-not-you", f"{kind}.requester", _NOT_YOU)


def signed_by(elements: Resource, signer: Resource | None) -> Resource:
    """With the requester as the account has it, where one is named: its display is the signer's name, too."""
    return {**elements, "requester": signer} if signer and "requester" in elements else elements


def _is(named: Resource, signer: Resource) -> bool:
    """By reference, or by the account alone."""
    reference = target(named)
    if reference is not None:
        return reference == target(signer)
    one, other = named.get("identifier", {}), signer["identifier"]
    return (one.get("system"), one.get("value")) == (other["system"], other["value"])


_NOT_YOU = (
    "Ordinationen nævner en anden ordinator end den, der signerer. Lad feltet være tomt: det bliver den, der "
    "signerer.",
    "The order names another requester than the one who signs. Leave it out: it becomes the one who signs.",
)
