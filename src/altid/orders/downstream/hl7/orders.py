"""Orders as messages of HL7 v2.5.1: OMP^O09 for medication (chapter 4 §4.13), OML^O21 for requisitions
(§4.4).

Every message says the whole order, so a later one needs none before it. What the standard's fields have no
place for is in the text of the dose, which a message of an active order is never without; what would change
the meaning and can't be said (an order *not* to give something, a modifier that nobody here knows) is not
sent but shown to a person.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Any

from altid.hl7.acknowledgement import stamp
from altid.hl7.text import CHARSET, DELIMITERS, escape, field, message, repeated, segment
from altid.orders.downstream.destinations import Destination
from altid.orders.downstream.leaving import Order, Resource

CONTROL_ID_CHARACTERS = 20
"""MSH-10 has no more in version 2.5.1."""

ATC = "http://www.whocc.no/atc"
CPR, X_ECPR = "urn:oid:1.2.208.176.1.2", "urn:oid:1.2.208.176.1.6.1.1"
_NATIONAL = {CPR: ("CPR", "1.2.208.176.1.2", "NNDNK"), X_ECPR: ("X-eCPR", "1.2.208.176.1.6.1.1", "NNDNK")}
"""Assigning authority (name, OID) and identifier type (table 0203) of PID-3."""
_SYSTEMS = {
    ATC: "WHOATC",
    "urn:oid:1.2.208.176.2.1": "NPU",
    "http://npu-terminology.org": "NPU",
    "http://snomed.info/sct": "SCT",
    "http://loinc.org": "LN",
    "http://unitsofmeasure.org": "UCUM",
}
"""Names of coding systems (table 0396)."""
_KINDS = {"MedicationRequest": ("OMP", "O09"), "ServiceRequest": ("OML", "O21")}
_CONTROLS = {
    "on-hold": ("HD", "HD"),
    "stopped": ("DC", "DC"),
    "revoked": ("DC", "DC"),
    "cancelled": ("CA", "CA"),
    "entered-in-error": ("CA", "CA"),
    "completed": ("SC", "CM"),
}
"""ORC-1 (table 0119) and ORC-5 (table 0038) by status, of all but the active ones."""
_SEXES = {"male": "M", "female": "F", "other": "O", "unknown": "U"}
_PRIORITIES = {"stat": "S", "asap": "A", "urgent": "A", "routine": "R"}
_DATE = re.compile(r"[-:]")


class UnencodableError(ValueError):
    """The order can't be said. `code` names the element at fault, and nothing of its content."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def control_id(type_: str, id_: str, version: int) -> str:
    """MSH-10: the same for a version, however often it is sent, and of no other (100 bits)."""
    digest = hashlib.sha256(f"{type_}/{id_}/{version}".encode()).digest()
    return base64.b32encode(digest)[:CONTROL_ID_CHARACTERS].decode()


def encode(order: Order, destination: Destination) -> bytes:
    """The message, the same bytes for the same order and patient. Raises `UnencodableError`."""
    resource = order.resource
    if resource.get("doNotPerform"):
        raise UnencodableError("doNotPerform")
    if "modifierExtension" in resource:
        raise UnencodableError("modifierExtension")
    if order.patient is None:
        raise UnencodableError("subject")
    segments = [_header(order, destination), _person(order.patient), _common(order, destination)]
    if order.stored.type == "MedicationRequest":
        segments += _medication(order)
    else:
        segments += _requisition(order, destination)
    reference = f"{order.stored.type}/{order.stored.id}"
    version = f"{order.stored.version}"
    segments.append(segment("ZAL", {1: field(reference), 2: version, 3: field(order.status)}))
    return message(segments)


def _header(order: Order, destination: Destination) -> str:
    code, event = _KINDS[order.stored.type]
    stored = order.stored
    rest = {
        1: field(destination.sender_application),
        2: field(destination.sender_facility),
        3: field(destination.application),
        4: field(destination.facility),
        5: stamp(stored.last_updated),
        7: field(code, event, f"{code}_{event}"),
        8: control_id(stored.type, stored.id, stored.version),
        9: "P",
        10: "2.5.1",
        15: "DNK",
        16: CHARSET,
    }
    return f"MSH|{DELIMITERS}{segment('', rest)}"


def _person(patient: Resource) -> str:
    names: list[Resource] = patient.get("name") or [{}]
    name = next((one for one in names if one.get("use") == "official"), names[0])
    given = name.get("given", ())
    numbers = [_number(one) for one in patient.get("identifier", ()) if one.get("system") in _NATIONAL]
    numbers.append(f"{escape(patient['id'])}^^^ALTID^PI")
    family = name.get("family") or name.get("text", "")
    return segment(
        "PID",
        {
            1: "1",
            3: repeated(numbers),
            5: field(family, *given[:1], " ".join(given[1:]), "", "", "", "L"),
            7: _moment(patient.get("birthDate", "")),
            8: _SEXES.get(patient.get("gender", ""), "U"),
        },
    )


def _number(identifier: Resource) -> str:
    name, oid, kind = _NATIONAL[identifier["system"]]
    return f"{escape(identifier.get('value', ''))}^^^{name}&{oid}&ISO^{kind}"


def _common(order: Order, destination: Destination) -> str:
    control, status = _control(order)
    requester = order.resource.get("requester", {})
    return segment(
        "ORC",
        {
            1: control,
            2: field(order.stored.id, destination.sender_application),
            5: status,
            9: stamp(order.stored.last_updated),
            12: field(requester.get("reference", "").rpartition("/")[2], requester.get("display", "")),
            16: field(*_concept(order.resource.get("statusReason", {}))),
        },
    )


def _control(order: Order) -> tuple[str, str]:
    """A first signing is new, also when it was a draft; what was on hold is released."""
    if order.status != "active":
        return _CONTROLS[order.status]
    if order.before in (None, "draft", "unknown"):
        return "NW", "IP"
    return ("RL", "IP") if order.before == "on-hold" else ("XO", "IP")


def _medication(order: Order) -> Iterator[str]:
    doses = order.resource.get("dosageInstruction", [])
    if order.status == "active" and (not doses or not all(dose.get("text") for dose in doses)):
        raise UnencodableError("dosageInstruction.text")
    for number, dose in enumerate(doses, 1):
        yield _timing(number, dose)
    least, most = _single_dose(doses)
    drug = _drug(order)
    strength = drug.get("strength", {})
    yield segment(
        "RXO",
        {
            1: field(*_concept(drug["code"])),
            2: _digits(least.get("value")),
            3: _digits(most.get("value")),
            4: field(*_unit(least)),
            5: field(*_concept(drug.get("form", {}))),
            6: field(" / ".join(dose.get("text", "") for dose in doses)),
            18: _digits(strength.get("value")),
            19: field(*_unit(strength)),
        },
    )
    for number, note in enumerate(order.resource.get("note", ()), 1):
        yield segment("NTE", {1: str(number), 3: field(note.get("text", ""))})
    for route in {field(*_concept(dose["route"])): None for dose in doses if dose.get("route")}:
        yield segment("RXR", {1: route})


def _drug(order: Order) -> Resource:
    """What is ordered: always with a name or a code."""
    resource, drug = order.resource, order.medication or {}
    code = resource.get("medicationCodeableConcept") or drug.get("code") or {}
    if not any(_concept(code)):
        raise UnencodableError("medication")
    ingredients = [one for one in drug.get("ingredient", ()) if "strength" in one]
    strength = ingredients[0]["strength"].get("numerator", {}) if len(ingredients) == 1 else {}
    return {"code": code, "form": drug.get("form", {}), "strength": strength}


def _single_dose(doses: list[Resource]) -> tuple[Resource, Resource]:
    """The dose as a quantity where there is just one, and up to how much where there is a choice; else only
    the text says it."""
    rates = [rate for dose in doses for rate in dose.get("doseAndRate", ())]
    if len(doses) != 1 or len(rates) != 1:
        return {}, {}
    span = rates[0].get("doseRange", {})
    if span.get("low", {}).get("code") != span.get("high", {}).get("code"):
        return {}, {}
    return rates[0].get("doseQuantity") or span.get("low", {}), span.get("high", {})


def _timing(number: int, dose: Resource) -> str:
    repeat = dose.get("timing", {}).get("repeat", {})
    bounds = repeat.get("boundsPeriod", {})
    times = [_DATE.sub("", time)[:4] for time in repeat.get("timeOfDay", ())]
    as_needed = dose.get("asNeededBoolean") or "asNeededCodeableConcept" in dose
    return segment(
        "TQ1",
        {
            1: str(number),
            3: repeated([field(when) for when in repeat.get("when", ())]),
            4: repeated(times),
            7: _moment(bounds.get("start", "")),
            8: _moment(bounds.get("end", "")),
            9: "PRN" if as_needed else "",
            11: field(dose.get("text", "")),
        },
    )


def _requisition(order: Order, destination: Destination) -> Iterator[str]:
    resource = order.resource
    code = _concept(resource.get("code", {}))
    if not any(code):
        raise UnencodableError("code")
    reason: Resource = next(iter(resource.get("reasonCode", ())), {})
    requester = resource.get("requester", {})
    yield segment(
        "TQ1",
        {
            1: "1",
            7: _moment(
                resource.get("occurrenceDateTime") or resource.get("occurrencePeriod", {}).get("start", "")
            ),
            9: _PRIORITIES.get(resource.get("priority", "routine"), "R"),
        },
    )
    yield segment(
        "OBR",
        {
            1: "1",
            2: field(order.stored.id, destination.sender_application),
            4: field(*code),
            13: field(_concept(reason)[1] or _concept(reason)[0]),
            16: field(requester.get("reference", "").rpartition("/")[2], requester.get("display", "")),
        },
    )
    for number, note in enumerate(resource.get("note", ()), 1):
        yield segment("NTE", {1: str(number), 3: field(note.get("text", ""))})


def _concept(concept: Resource) -> tuple[str, str, str]:
    """Code, text and coding system (`CE`): the coding that others know best."""
    codings: list[Resource] = concept.get("coding") or [{}]
    coding = next((one for one in codings if one.get("system") in _SYSTEMS), codings[0])
    system: str = coding.get("system", "")
    text: str = coding.get("display") or concept.get("text", "")
    return coding.get("code", ""), text, _SYSTEMS.get(system, system) if coding.get("code") else ""


def _unit(quantity: Resource) -> tuple[str, str, str]:
    """Code, text and system of a unit."""
    system: str = quantity.get("system", "")
    unit, code = quantity.get("unit", ""), quantity.get("code", "")
    return code or unit, unit if code else "", _SYSTEMS.get(system, system) if code else ""


def _digits(number: Any) -> str:
    """As it was written: `1.00` stays `1.00`."""
    return "" if number is None else str(getattr(number, "text", number))


def _moment(text: str) -> str:
    """A FHIR date, dateTime or instant as HL7 `TS`, as exact as it was."""
    day, at, clock = text.partition("T")
    if not at:
        return _DATE.sub("", day)
    zone = clock[-6:] if clock[-6:-5] in ("+", "-") else ("+00:00" if clock.endswith("Z") else "")
    time = clock.removesuffix("Z").removesuffix(zone) if zone else clock
    whole, _, fraction = time.partition(".")
    exact = f".{fraction[:4]}" if fraction else ""
    return f"{_DATE.sub('', day)}{_DATE.sub('', whole)}{exact}{zone.replace(':', '')}"
