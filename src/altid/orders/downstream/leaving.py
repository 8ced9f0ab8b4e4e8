"""Which versions of orders leave, and what must be read of the record to send one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from altid.fhir import json
from altid.orders.downstream.destinations import Destination
from altid.orders.synthetic import is_test_order
from altid.record.database import Connection
from altid.record.stored import Stored, compose

Resource = dict[str, Any]

_INTENTS = {"order", "original-order", "reflex-order", "filler-order", "instance-order"}
_UNSIGNED = {"draft", "unknown"}
_TOLD_BY_OTHERS = {("ServiceRequest", "completed")}
"""Whoever has carried it out has told us, and is not told."""


@dataclass(frozen=True, slots=True)
class Order:
    """One version of an order with all that its message says."""

    stored: Stored
    resource: Resource
    before: str | None
    """Status of the version before; None for the first."""
    patient: Resource | None
    medication: Resource | None = None
    """The resource that `medicationReference` names."""

    @property
    def status(self) -> str:
        return str(self.resource.get("status", ""))


def leaves(resource: Resource, before: str | None, destination: Destination) -> bool:
    """Whether a version is for this destination.

    An order that was never signed is not known there, so nothing of it leaves; nor what came into the record
    as history, ended already in its first version.
    """
    type_, status = resource["resourceType"], resource.get("status")
    if type_ not in destination.takes or resource.get("intent") not in _INTENTS or is_test_order(resource):
        return False
    if status in _UNSIGNED or (type_, status) in _TOLD_BY_OTHERS:
        return False
    if status != "active" and (before is None or before in _UNSIGNED):
        return False
    return not destination.categories or bool(_categories(resource) & set(destination.categories))


def lane_of(resource: Resource) -> str:
    """Whose order it is: what is in one lane leaves one after the other."""
    patient: str = resource.get("subject", {}).get("reference", "")
    return patient or f"{resource['resourceType']}/{resource['id']}"


async def version_of(connection: Connection, type_: str, id_: str, version: int) -> Stored | None:
    """A version as it was written; None if there is none."""
    row = await connection.fetchrow(_VERSION, type_, id_, version)
    return None if row is None else Stored(type_, id_, version, row["at"], row["body"])


async def content_of(connection: Connection, stored: Stored) -> tuple[Resource, str | None]:
    """The content of a version and the status before it. A deletion is told as what was entered in error."""
    earlier = None
    if stored.version > 1:
        earlier = await version_of(connection, stored.type, stored.id, stored.version - 1)
    before: Resource | None = None
    if earlier is not None and earlier.body is not None:
        before = json.loads(compose(earlier))
    status = None if before is None else str(before.get("status", ""))
    if stored.body is not None:
        return json.loads(compose(stored)), status
    return {
        **(before or {"resourceType": stored.type, "id": stored.id}),
        "status": "entered-in-error",
    }, status


async def load(connection: Connection, type_: str, id_: str, version: int) -> Order | None:
    """All that a message of this version says; the patient as they are called now. None: there is none."""
    stored = await version_of(connection, type_, id_, version)
    if stored is None:
        return None
    resource, before = await content_of(connection, stored)
    patient = await _current(connection, resource.get("subject", {}).get("reference", ""))
    order = Order(stored, resource, before, patient)
    drug = resource.get("medicationReference", {}).get("reference", "")
    if drug.startswith("#"):
        held = (one for one in resource.get("contained", ()) if f"#{one.get('id')}" == drug)
        return replace(order, medication=next(held, None))
    return replace(order, medication=await _current(connection, drug)) if drug else order


async def _current(connection: Connection, reference: str) -> Resource | None:
    type_, _, id_ = reference.partition("/")
    row = await connection.fetchrow(_CURRENT, type_, id_)
    if row is None or row["body"] is None:
        return None
    found: Resource = json.loads(
        compose(Stored(type_, id_, row["version"], row["last_updated"], row["body"]))
    )
    return found


def _categories(resource: Resource) -> set[str]:
    codings = (coding for one in resource.get("category", ()) for coding in one.get("coding", ()))
    return {f"{coding.get('system', '')}|{coding.get('code', '')}" for coding in codings}


_VERSION = """
SELECT coalesce(h.last_updated, r.last_updated) AS at,
       CASE WHEN h.rid IS NULL THEN r.body ELSE h.body END AS body
  FROM resource r LEFT JOIN resource_history h ON h.rid = r.rid AND h.version = $3
 WHERE r.type = $1 AND r.id = $2 AND (h.rid IS NOT NULL OR r.version = $3)
"""
_CURRENT = "SELECT version, last_updated, body FROM resource WHERE type = $1 AND id = $2"
