"""From a paper form to the record: a note, measurements, and a Provenance that says how they came here.

The Provenance has an id that follows from the form's number, so one form is entered once, whoever enters it
and at whichever site: the second finds it there, and nothing of theirs is stored.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from altid.access.identity import Identity
from altid.record.write import new_id
from altid.record.write_key import client_id
from altid.screen.views.back_entry import ENTERED, FORM_SYSTEM, TAG
from altid.screen.views.elements import ACCOUNT, HL7, LOINC, SNOMED, Resource
from altid.web.back_entry_form import PaperForm
from altid.web.note_resources import KINDS, attached

_NPU, _SKS = "http://npu-terminology.org", "urn:oid:1.2.208.176.2.4"
_MEDCOM = "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-observation-codes"

_CODES: dict[str, tuple[str, tuple[tuple[str, str], ...], str, str]] = {
    "breaths": ("Respirationsfrekvens", ((LOINC, "9279-1"), (_MEDCOM, "MCS88122")), "/min", "/min"),
    "saturation": ("Iltmætning", ((LOINC, "2708-6"), (_NPU, "NPU27280")), "%", "%"),
    "oxygen": ("Ilttilskud", ((LOINC, "3151-8"),), "L/min", "L/min"),
    "systolic": ("Systolisk blodtryk", ((LOINC, "8480-6"), (SNOMED, "407554009")), "mmHg", "mm[Hg]"),
    "diastolic": ("Diastolisk blodtryk", ((LOINC, "8462-4"), (SNOMED, "407555005")), "mmHg", "mm[Hg]"),
    "pulse": ("Puls", ((LOINC, "8867-4"), (_SKS, "ZZ3140")), "/min", "/min"),
    "temperature": ("Temperatur", ((LOINC, "8310-5"), (_SKS, "ZZ0253")), "°C", "Cel"),
}
_PRESSURE = ("Blodtryk", ((LOINC, "85354-9"), (_SKS, "ZZ3160")))
_MIND = ("Bevidsthed", ((LOINC, "80288-4"), (_MEDCOM, "MCS88126")))
_MINDS = {
    "A": ("Vågen og klar", "248234008"),
    "C": ("Nyopstået konfusion", "130987000"),
    "V": ("Reagerer på tiltale", "300202002"),
    "P": ("Reagerer på smerte", "450847001"),
    "U": ("Reagerer ikke", "422107003"),
}


def provenance_id(number: str) -> str:
    """The id of the Provenance of a form."""
    return client_id(number, "back-entry")


def resources_of(
    form: PaperForm, patient: str, encounter: str | None, identity: Identity, now: datetime
) -> list[Resource]:
    """All that a form becomes, with their ids, the Provenance last. `encounter`: the admission's id."""
    common = _Common(form, patient, encounter, identity, now)
    made = common.measurements()
    if form.note:
        made.append(common.note())
    return [*made, common.provenance(made)]


def types_of(form: PaperForm) -> frozenset[str]:
    """The types that somebody must be allowed to create for it."""
    has_signs = bool(form.signs) or form.mind is not None
    return frozenset(
        {"Provenance"}
        | ({"Observation"} if has_signs else set())
        | ({"DocumentReference"} if form.note else set())
    )


class _Common:
    """What all resources of one form share."""

    def __init__(
        self, form: PaperForm, patient: str, encounter: str | None, identity: Identity, now: datetime
    ) -> None:
        self._form, self._patient = form, {"reference": f"Patient/{patient}"}
        self._encounter = {"reference": f"Encounter/{encounter}"} if encounter else None
        self._observer = {"display": form.observed_by}
        self._enterer = {
            "identifier": {"system": ACCOUNT, "value": identity.subject},
            "display": identity.name,
        }
        self._observed = form.observed_at.isoformat()
        self._entered = now.astimezone(UTC).isoformat(timespec="milliseconds")

    def measurements(self) -> list[Resource]:
        signs = self._form.signs
        singles = [name for name in signs if name not in ("systolic", "diastolic")]
        made = [self._observation(_CODES[name][:2], _quantity(name, signs[name])) for name in singles]
        if "systolic" in signs:
            parts = [
                {"code": _concept(*_CODES[name][:2]), **_quantity(name, signs[name])}
                for name in ("systolic", "diastolic")
            ]
            made.append(self._observation(_PRESSURE, {"component": parts}))
        if self._form.mind is not None:
            said, snomed = _MINDS[self._form.mind]
            value = {"valueCodeableConcept": _concept(said, ((SNOMED, snomed),))}
            made.append(self._observation(_MIND, value))
        return made

    def note(self) -> Resource:
        title, loinc, display = KINDS[self._form.note_kind]
        context: Resource = {"period": {"start": self._observed}}
        if self._encounter:
            context["encounter"] = [self._encounter]
        return {
            **self._marked("DocumentReference"),
            "status": "current",
            "docStatus": "final",
            "type": {"coding": [{"system": LOINC, "code": loinc, "display": display}], "text": title},
            "subject": self._patient,
            "date": self._entered,
            "author": [self._observer],
            "content": [attached(self._form.note, title, self._observed)],
            "context": context,
        }

    def provenance(self, made: list[Resource]) -> Resource:
        """R4 provenance.html: who observed (`author`), who typed it in (`enterer`), and from which paper."""
        participant = f"{HL7}/provenance-participant-type"
        targets = [{"reference": f"{one['resourceType']}/{one['id']}"} for one in made]
        return {
            "resourceType": "Provenance",
            "id": provenance_id(self._form.number),
            "meta": {"tag": [TAG]},
            "target": [*targets, self._patient],
            "occurredDateTime": self._observed,
            "recorded": self._entered,
            "agent": [
                {"type": {"coding": [{"system": participant, "code": "author"}]}, "who": self._observer},
                {"type": {"coding": [{"system": participant, "code": "enterer"}]}, "who": self._enterer},
            ],
            "entity": [
                {
                    "role": "source",
                    "what": {
                        "identifier": {"system": FORM_SYSTEM, "value": self._form.number},
                        "display": f"Papirblanket {self._form.number}",
                    },
                }
            ],
        }

    def _observation(self, code: tuple[str, tuple[tuple[str, str], ...]], value: Resource) -> Resource:
        """`issued` is when it became known to the record: now."""
        made: Resource = {
            **self._marked("Observation"),
            "status": "final",
            "category": [{"coding": [{"system": f"{HL7}/observation-category", "code": "vital-signs"}]}],
            "code": _concept(*code),
            "subject": self._patient,
            "effectiveDateTime": self._observed,
            "issued": self._entered,
            "performer": [self._observer],
            **value,
        }
        if self._encounter:
            made["encounter"] = self._encounter
        return made

    def _marked(self, type_: str) -> Resource:
        entered = [
            {"url": "by", "valueReference": self._enterer},
            {"url": "at", "valueInstant": self._entered},
        ]
        return {
            "resourceType": type_,
            "id": new_id(),
            "meta": {"tag": [TAG]},
            "extension": [{"url": ENTERED, "extension": entered}],
            "identifier": [{"system": FORM_SYSTEM, "value": self._form.number}],
        }


def _concept(said: str, codings: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for system, code in codings], "text": said}


def _quantity(name: str, value: object) -> Resource:
    _, _, unit, ucum = _CODES[name]
    return {
        "valueQuantity": {
            "value": value,
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": ucum,
        }
    }
