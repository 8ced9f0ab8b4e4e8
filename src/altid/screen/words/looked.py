"""Texts of who has looked at a patient, and of the pages that were seen: (da, en)."""

from __future__ import annotations

LOOKED: dict[str, tuple[str, str]] = {
    "tab.looks": ("Hvem har set journalen", "Who has looked"),
    "looked.hint": (
        "Nyeste først; det samme inden for en time står på én linje. Patienten har ret til at se det samme "
        "(MinLog på sundhed.dk). At du ser denne side, bliver også noteret.",
        "Newest first; the same within an hour is one line. The patient has the right to see the same "
        "(MinLog at sundhed.dk). That you see this page is noted, too.",
    ),
    "looked.role": ("Rolle og sted", "Role and place"),
    "looked.times": ("{count} gange siden {at}", "{count} times since {at}"),
    "looked.no-grounds": ("ikke nødvendigt", "none needed"),
    "looked.none": ("Ingen har set journalen.", "Nobody has looked at the record."),
    "looked.older": ("Ældre", "Older"),
    "looked.newest": ("Til de nyeste", "To the newest"),
    "looked.patient": ("overblik", "overview"),
    "looked.patient-identity": ("kun hvem patienten er", "only who the patient is"),
    "looked.patient-medication": ("medicin", "medication"),
    "looked.patient-results": ("prøvesvar", "results"),
    "looked.patient-vitals": ("vitale værdier", "vital signs"),
    "looked.patient-orders": ("ordinationer og rekvisitioner", "orders and requisitions"),
    "looked.patient-notes": ("notater", "notes"),
    "looked.patient-problems": ("diagnoser og CAVE", "problems and CAVE"),
    "looked.patient-appointments": ("forløb og aftaler", "stays and appointments"),
    "looked.patient-timeline": ("tidslinjen", "the timeline"),
    "looked.patient-administer": ("medicingivning", "giving drugs"),
    "looked.patient-order": ("en ordination", "an order"),
    "looked.patient-requisition": ("en ny rekvisition", "a new requisition"),
    "looked.patient-looks": ("hvem der har set journalen", "who has looked"),
    "looked.patient-documents": ("dokumenter", "documents"),
    "looked.patient-document": ("et dokument", "a document"),
    "looked.patients": ("efter patienter", "for patients"),
    "looked.ward": ("afsnittets liste", "the ward's list"),
    "looked.list": ("egen liste", "own list"),
    "looked.note": ("et notat", "a note"),
    "looked.orders": ("ordinationer", "orders"),
    "looked.blocks": ("spærringer", "blocks"),
    "looked.looks": ("hvem der har set journalen", "who has looked"),
    "looked.application-patients": ("efter patienter til et program", "for patients for an application"),
    "looked.back-entry": ("det, der er skrevet på papir", "what was written on paper"),
}
