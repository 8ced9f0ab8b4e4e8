"""From a change to the row that it becomes: whom it lies with, its moment, its digest, its packed body."""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from altid.fhir import json
from altid.fhir.search.about import patients_in
from altid.lookup.change import Change
from altid.screen.views.elements import first_moment

PARTS = 1024
"""Groups of patients that are compared with the source: 100 of them in a region of 100,000."""
DIGEST_BYTES = 16

_MOMENTS = {
    "Observation": ("effectiveDateTime", "effectiveInstant", "effectivePeriod", "issued"),
    "DiagnosticReport": ("issued", "effectiveDateTime", "effectivePeriod"),
    "DocumentReference": ("date",),
    "MedicationAdministration": ("effectiveDateTime", "effectivePeriod"),
}
"""Kinds of which only the newest are shown, and what says when they were."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LEVEL = 6
_INEXACT = re.compile(rb"[:,\[]\s*(?:-0|-?\d+[.eE]|-?\d{18})")
"""A number that a float or a 64-bit integer may not give back as written; what is in a text may look so, too.
Others are read three times as quickly."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of `resource`. `others`: further patients whom it is about; `content`: numbers in it are not as
    they were written."""

    patient: str
    type: str
    id: str
    version: int
    at: int
    sort: int
    part: int
    body: bytes | None
    others: tuple[str, ...]
    content: dict[str, Any] | None

    def moved(self, patient: str, part: int) -> Row:
        """The same with another patient."""
        return replace(self, patient=patient, part=part)

    def stored(self, source: str) -> tuple[object, ...]:
        """In the order of the table's columns."""
        return (
            self.part,
            self.patient,
            self.type,
            self.sort,
            self.id,
            self.version,
            self.at,
            source,
            self.body,
        )


def row_of(change: Change) -> Row:
    """Raises `ValueError` for what is no resource of that type and id."""
    at = microseconds(change.at)
    content = _content(change)
    patients = sorted(patients_in(content)) if content is not None else []
    patient = patients[0] if patients else ""
    return Row(
        patient,
        change.type,
        change.id,
        change.version,
        at,
        _sort(content, at),
        part_of(patient or f"{change.type}/{change.id}"),
        pack(change.body) if change.body is not None else None,
        tuple(patients[1:]),
        content,
    )


def change_of(type_: str, id_: str, version: int, at: int, body: bytes | None) -> Change:
    """As it was given."""
    moment = _EPOCH + at * _MICROSECOND
    return Change(type_, id_, version, moment, None if body is None else unpack(body))


def part_of(name: str) -> int:
    """The group of a patient's id, or of `Type/id`: the first 10 bits of its SHA-256."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:2], "big") >> 6


def member_digest(type_: str, id_: str, version: int, at: int) -> int:
    """Of one version, as a number that is XORed with others of its group."""
    told = f"{type_}/{id_}/{version}/{at}".encode()
    return int.from_bytes(hashlib.sha256(told).digest()[:DIGEST_BYTES], "big")


def microseconds(moment: datetime) -> int:
    """Since 1970, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def pack(body: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=_COMMON)
    return packer.compress(body) + packer.flush()


def unpack(packed: bytes) -> bytes:
    """Raises `ValueError` for what `pack` did not make."""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS, zdict=_COMMON).decompress(packed)
    except zlib.error:
        raise ValueError("not packed by us") from None


def loads(body: bytes) -> dict[str, Any]:
    """A resource, with the digits of each decimal as they were written."""
    content: dict[str, Any] = json.loads(body) if _INEXACT.search(body) else orjson.loads(body)
    return content


def _content(change: Change) -> dict[str, Any] | None:
    if change.body is None:
        return None
    content: Any = orjson.loads(change.body)
    is_same = isinstance(content, dict) and (content.get("resourceType"), content.get("id")) == (
        change.type,
        change.id,
    )
    if not is_same:
        raise ValueError(f"a body of another resource than {change.type}")
    known: dict[str, Any] = content
    return known


def _sort(content: dict[str, Any] | None, at: int) -> int:
    names = _MOMENTS.get(content["resourceType"]) if content else None
    moment = first_moment(content, *names) if content and names else None
    return microseconds(moment.at) if moment else at


_COMMON = (
    b'"http://unitsofmeasure.org","urn:oid:1.2.208.176.1.2","http://terminology.hl7.org/CodeSystem/'
    b'observation-category","code":"laboratory"}],"http://terminology.hl7.org/CodeSystem/v3-ActCode",'
    b'"dosageInstruction":[{"text":"","timing":{"repeat":{"frequency":1,"period":1,"periodUnit":"d","when":['
    b'"MORN","EVE"]}},"route":{"coding":[{"system":"http://snomed.info/sct","code":"26643006"}]},'
    b'"doseAndRate":[{"doseQuantity":{"value":1,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}}]'
    b'"http://hl7.dk/fhir/core/StructureDefinition/dk-core-basic-observation","referenceRange":[{"low":{"value":'
    b'"high":{"value":"interpretation":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-Observation'
    b'Interpretation","code":"N"}]}],"performer":[{"reference":"Organization/","display":"}],"subject":{"reference":'
    b'"Patient/"},"encounter":{"reference":"Encounter/"},"effectiveDateTime":"2026-","valueQuantity":{"value":'
    b'"meta":{"versionId":"1","lastUpdated":"2026-11-","profile":[],"tag":[{"system":"https://altid.dk/fhir/tag",'
    b'"status":"final","status":"active","intent":"order","code":{"coding":[{"system":"http://loinc.org","code":"'
    b'{"resourceType":"Observation","id":"'
)
"""What FHIR says again and again; resources are small, so by themselves they hold little to refer back to.
Never changed: what is packed could not be read any more."""
