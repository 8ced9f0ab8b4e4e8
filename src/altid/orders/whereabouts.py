"""Where patients were at a moment, and what they are called: for lists that people work through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from altid.fhir import json
from altid.orders.verdict import Uncertain, Ward
from altid.record.database import Connection
from altid.record.keys import term_keys
from altid.record.stored import Stored, compose

Resource = dict[str, Any]

_WARD = "wa"
"""Physical type of a ward's Location (HL7 location-physical-type)."""


async def wards(connection: Connection, uncertain: Sequence[Uncertain]) -> dict[bytes, Ward]:
    """The ward of each order's patient when it was signed, by its identity; those of nobody are missing."""
    stays = await _encounters(connection, {one.patient for one in uncertain if one.patient})
    found: dict[bytes, Resource] = {}
    for one in uncertain:
        stay = _at(stays.get(one.patient, ()), one.at)
        if stay is not None:
            found[one.identity] = stay
    names = await _names(connection, found.values())
    return {identity: _ward(stay, names) for identity, stay in found.items()}


async def patient_names(connection: Connection, patients: Iterable[str]) -> dict[str, str]:
    """By id; those that have none are missing."""
    rows = await connection.fetch(_BY_ID, ["Patient"], list(set(patients)))
    found = {}
    for row in rows:
        for name in _content(row).get("name", ())[:1]:
            parts = [*name.get("given", ()), name.get("family", "")]
            found[row["id"]] = name.get("text") or " ".join(part for part in parts if part)
    return found


async def _encounters(connection: Connection, patients: set[str]) -> dict[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    terms = term_keys(f"Encounter.subject=Patient/{patient}" for patient in sorted(patients))
    for row in await connection.fetch(_ENCOUNTERS, terms):
        stay = _content(row)
        patient = str(stay.get("subject", {}).get("reference", "")).rpartition("/")[2]
        found.setdefault(patient, []).append(stay)
    return found


def _at(stays: Iterable[Resource], at: datetime) -> Resource | None:
    """The one that lasted then; of several an admission, and the newest."""
    lasting = [stay for stay in stays if _lasts(stay.get("period", {}), at)]
    return max(lasting, key=_rank, default=None)


def _rank(stay: Resource) -> tuple[bool, str]:
    return stay.get("class", {}).get("code") == "IMP", str(stay.get("period", {}).get("start", ""))


def _lasts(period: Resource, at: datetime) -> bool:
    start, end = _moment(period.get("start")), _moment(period.get("end"))
    return (start is None or start <= at) and (end is None or at < end)


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):  # a year or a month alone says too little
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _places(stay: Resource) -> Iterable[Resource]:
    """References to the hospital, then to the places of the stay, the ward first."""
    yield stay.get("serviceProvider", {})
    yield from (one.get("location", {}) for one in sorted(stay.get("location", ()), key=_is_no_ward))


def _is_no_ward(location: Resource) -> bool:
    kinds = location.get("physicalType", {}).get("coding", ())
    return all(kind.get("code") != _WARD for kind in kinds)


def _ward(stay: Resource, names: dict[str, str]) -> Ward:
    hospital, *places = [_name(place, names) for place in _places(stay)]
    return Ward(hospital, next(filter(None, places), ""))


def _name(reference: Resource, names: dict[str, str]) -> str:
    return str(reference.get("display") or names.get(str(reference.get("reference", "")), ""))


async def _names(connection: Connection, stays: Iterable[Resource]) -> dict[str, str]:
    """Of the places that the stays don't name themselves."""
    wanted = {
        str(place.get("reference", ""))
        for stay in stays
        for place in _places(stay)
        if not place.get("display")
    }
    ids = [reference.partition("/")[2] for reference in sorted(wanted)]
    rows = await connection.fetch(_BY_ID, ["Organization", "Location"], ids)
    return {f"{row['type']}/{row['id']}": str(_content(row).get("name", "")) for row in rows}


def _content(row: Any) -> Resource:
    content: Resource = json.loads(compose(Stored(*row)))
    return content


_ENCOUNTERS = """
SELECT type, id, version, last_updated, body FROM resource
 WHERE type = 'Encounter' AND body IS NOT NULL AND terms && $1::uuid[]
"""
_BY_ID = """
SELECT type, id, version, last_updated, body FROM resource
 WHERE type = ANY($1::text[]) AND id = ANY($2::text[]) AND body IS NOT NULL
"""
