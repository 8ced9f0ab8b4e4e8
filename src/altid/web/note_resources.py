"""A note as a DocumentReference: a draft until its author signs it, and then never changed.

What was wrong is put right by an addendum, a note of its own that says what it belongs to
(`relatesTo`, R4 documentreference.html): who read the first must be able to see what they read.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime

from altid.access.identity import Identity
from altid.record.write_key import client_id
from altid.screen.views.elements import ACCOUNT, LOINC, Resource

KINDS = {
    "progress": ("Journalnotat", "11506-3", "Progress note"),
    "nursing": ("Sygeplejenotat", "34746-8", "Nurse Note"),
    "admission": ("Indlæggelsesnotat", "34117-2", "History and physical note"),
    "addendum": ("Tilføjelse", "55107-7", "Addendum Document"),
}
"""By what the form calls them: the title in the record's language, and LOINC's document type."""
DRAFT, SIGNED = "preliminary", "final"


@dataclass(frozen=True, slots=True)
class Writing:
    """What somebody writes. `appends`: id of the signed note that it adds to, "" for a note by itself."""

    kind: str
    body: str
    is_signed: bool
    appends: str = ""


def note_id(key: str) -> str:
    """Follows from the form's key: sent twice, it is one note."""
    return client_id(key, "note")


def note_of(
    identity: str, writing: Writing, patient: str, encounter: str | None, author: Identity, now: datetime
) -> Resource:
    """The whole resource of a note, of its id."""
    title, loinc, display = KINDS["addendum" if writing.appends else writing.kind]
    moment = now.astimezone(UTC).isoformat(timespec="milliseconds")
    made: Resource = {
        "resourceType": "DocumentReference",
        "id": identity,
        "status": "current",
        "docStatus": SIGNED if writing.is_signed else DRAFT,
        "type": {"coding": [{"system": LOINC, "code": loinc, "display": display}], "text": title},
        "subject": {"reference": f"Patient/{patient}"},
        "date": moment,
        "author": [{"identifier": {"system": ACCOUNT, "value": author.subject}, "display": author.name}],
        "content": [attached(writing.body, title, moment)],
    }
    if encounter:
        made["context"] = {"encounter": [{"reference": f"Encounter/{encounter}"}]}
    if writing.appends:
        target = {"reference": f"DocumentReference/{writing.appends}"}
        made["relatesTo"] = [{"code": "appends", "target": target}]
    return made


def attached(body: str, title: str, creation: str) -> Resource:
    """Plain text as the content of a DocumentReference. `creation`: an instant as FHIR writes it."""
    data = body.encode()
    return {
        "attachment": {
            "contentType": "text/plain; charset=utf-8",
            "language": "da",
            "data": base64.b64encode(data).decode("ascii"),
            "size": len(data),
            "title": title,
            "creation": creation,
        }
    }
