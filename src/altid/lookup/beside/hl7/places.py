"""PV1-3 (`PL`) as places: a ward, and the bed in it (HL7 v2.5.1 §2.A.53)."""

from __future__ import annotations

from dataclasses import dataclass

from altid.access.grounds import SOR
from altid.hl7.text import component_of
from altid.hl7.values import NULL, coded
from altid.lookup.beside.naming import Resource, made_id
from altid.lookup.beside.sources import Hl7Source

_PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"


@dataclass(frozen=True, slots=True)
class Places:
    """`here`: id of the Location where the patient is, or empty; `organisation`: of the ward, if its SOR
    number is known."""

    here: str
    organisation: str
    resources: tuple[Resource, ...]


def places_of(location: str, source: Hl7Source) -> Places:
    """Of a `PL` as it came."""
    ward, room, bed, facility = (component_of(location, number) for number in (1, 2, 3, 4))
    if not ward or location == NULL:
        return Places("", "", ())
    ward_id = made_id(source.name, f"{facility}|{ward}", "ward")
    organisation = _organisation(ward, source)
    made: Resource = {
        "resourceType": "Location",
        "id": ward_id,
        "status": "active",
        "name": ward,
        "mode": "instance",
        "physicalType": coded(_PHYSICAL, "wa"),
    }
    if organisation:
        made["managingOrganization"] = {"reference": f"Organization/{organisation['id']}"}
    resources = [organisation, made] if organisation else [made]
    here = ward_id
    if room or bed:
        here = made_id(source.name, f"{facility}|{ward}|{room}|{bed}", "bed")
        resources.append(
            {
                "resourceType": "Location",
                "id": here,
                "status": "active",
                "name": "-".join(part for part in (room, bed) if part),
                "mode": "instance",
                "physicalType": coded(_PHYSICAL, "bd" if bed else "ro"),
                "partOf": {"reference": f"Location/{ward_id}", "display": ward},
            }
        )
    return Places(here, organisation["id"] if organisation else "", tuple(resources))


def _organisation(ward: str, source: Hl7Source) -> Resource:
    number = source.wards.get(ward)
    if not number:
        return {}
    return {
        "resourceType": "Organization",
        "id": made_id(source.name, number, "organisation"),
        "active": True,
        "identifier": [{"system": SOR, "value": number}],
        "name": ward,
    }
