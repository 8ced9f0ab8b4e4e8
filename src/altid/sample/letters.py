"""What comes from elsewhere: the general practitioner's letter of referral, and the electrocardiogram."""

from __future__ import annotations

import base64
from datetime import datetime

from altid.sample import papers
from altid.sample.chart import Chart, Visit
from altid.sample.coding import ALTID, LOINC, Resource, coded, coding, concept
from altid.sample.moments import stamp
from altid.sample.person import Person
from altid.sample.stay import Stay

_KINDS = {
    "referral": ("Henvisning fra egen læge", "57133-1", "Referral note", "letter", "Brev"),
    "ecg": ("EKG", "11524-6", "EKG study", "image", "Billede"),
}


def write(
    chart: Chart, kind: str, media_type: str, data: bytes, at: datetime, visit: Visit, by: Resource
) -> None:
    """A DocumentReference that holds the file itself (base64)."""
    title, loinc, display, category, named = _KINDS[kind]
    chart.add(
        "DocumentReference",
        {
            "status": "current",
            "docStatus": "final",
            "type": concept(title, coding(LOINC, loinc, display)),
            "category": [coded(f"{ALTID}/document-category", category, named)],
            "subject": visit.patient,
            "date": stamp(at),
            "author": [by],
            "content": [
                {
                    "attachment": {
                        "contentType": media_type,
                        "language": "da",
                        "data": base64.b64encode(data).decode("ascii"),
                        "size": len(data),
                        "title": title,
                        "creation": stamp(at),
                    }
                }
            ],
            "context": {"encounter": [visit.encounter]},
        },
    )


def referral(person: Person, stay: Stay, doctor: str) -> bytes:
    """One page, as practices send it."""
    known = ", ".join(disease.name for disease in person.diseases) or "ingen af betydning"
    return papers.pdf(
        (
            "Henvisning til indlæggelse",
            "",
            f"{person.name.text}, CPR {person.cpr[:6]}-{person.cpr[6:]}",
            f"Til: {stay.ward.name}",
            f"Fra: {doctor}",
            "",
            f"{person.age}-årig {person.pronoun}.",
            f"Kendte sygdomme: {known}.",
            "Medicin: se Fælles Medicinkort.",
            "",
            *_wrapped(f"Aktuelt: {stay.story.complaint}"),
            "",
            "Venlig hilsen",
            doctor,
        )
    )


_LINE_CHARACTERS_MAX = 90


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= _LINE_CHARACTERS_MAX:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
