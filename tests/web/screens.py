"""All screens of the live record, in one list: where each is, and as whom somebody comes there."""

from __future__ import annotations

from typing import NamedTuple

from altid.access.identity import Role
from altid.web.patient import PARTS

PATIENT = "screen-anna"
NEIGHBOUR = "screen-other"
"""Lies in the same ward, and nobody has them on a list."""
ORDER = "screen-order"
"""A medication order of the patient, in force."""
DOCUMENT = "screen-document"
"""Of the patient: a text and a picture."""
WARD_PLACE = "screen-ward"


class Screen(NamedTuple):
    """`role`: as whom; None: nobody has logged on."""

    name: str
    path: str
    role: Role | None = Role.DOCTOR
    status: int = 200


SCREENS = (
    Screen("logon", "/logon", None),
    Screen("offline", "/offline", None),
    Screen("new-password", "/logon/password", None),
    Screen("invitation", "/join", None),
    Screen("start", "/"),
    Screen("ward", f"/ward/{WARD_PLACE}"),
    Screen("ward-due", f"/ward/{WARD_PLACE}/due"),
    Screen("handover", "/handover"),
    Screen("patient", f"/patient/{PATIENT}"),
    *(Screen(f"patient-{part}", f"/patient/{PATIENT}/{part}") for part in PARTS),
    Screen("patient-documents", f"/patient/{PATIENT}/documents"),
    Screen("patient-document", f"/patient/{PATIENT}/documents/DocumentReference/{DOCUMENT}/0"),
    Screen("patient-picture", f"/patient/{PATIENT}/documents/DocumentReference/{DOCUMENT}/1"),
    Screen("patient-looks", f"/patient/{PATIENT}/looks"),
    Screen("order-entry", f"/patient/{PATIENT}/order"),
    Screen("order", f"/patient/{PATIENT}/orders/MedicationRequest/{ORDER}"),
    Screen("requisition", f"/patient/{PATIENT}/requisition"),
    Screen("administer", f"/patient/{PATIENT}/administer", Role.NURSE),
    Screen("no-grounds", f"/patient/{NEIGHBOUR}"),
    Screen("blocks", f"/patient/{PATIENT}/blocks"),
    Screen("back-entry", f"/patient/{PATIENT}/back-entry"),
    Screen("orders", f"/patient/{PATIENT}/orders"),
    Screen("settings", "/settings"),
    Screen("patterns", "/patterns"),
    Screen("list", "/list"),
    Screen("role", "/role"),
    Screen("quick", "/quick"),
    Screen("not-found", "/nowhere", status=404),
    Screen("not-for-role", "/looks", status=403),
    Screen("home", "/", Role.AUDITOR),
    Screen("looks", "/looks", Role.AUDITOR),
    Screen("follow-up", "/follow-up", Role.AUDITOR),
    Screen("reconciliation", "/reconciliation", Role.OPERATIONS),
    Screen("workplace", "/workplace", Role.ADMINISTRATOR),
    Screen("clients", "/clients", Role.OPERATIONS),
    Screen("emergency-codes", "/emergency-codes", Role.OPERATIONS),
)
