"""Texts of the lists of wards and of who lies in them: (da, en)."""

from __future__ import annotations

WARDS: dict[str, tuple[str, str]] = {
    "wards.title": ("Mine afsnit", "My wards"),
    "wards.none": (
        "Der er ingen afsnit under dit arbejdssted i journalen. Søg efter patienten ovenfor.",
        "There are no wards of your place of work in the record. Search for the patient above.",
    ),
    "ward.beds": ("{taken} patienter, {beds} senge", "{taken} patients, {beds} beds"),
    "ward.empty": (
        "Ingen, du må se, ligger her lige nu.",
        "Nobody whom you may see lies here now.",
    ),
    "ward.unconfirmed": ("Ikke registreret", "Not registered"),
    "ward.waiting.one": ("{count} ordination afventer", "{count} order waits"),
    "ward.waiting.many": ("{count} ordinationer afventer", "{count} orders wait"),
    "ward.none": ("ingen", "none"),
    "ward.blocked": ("delvist spærret", "partly blocked"),
    "ward.cave.known": ("CAVE: {agents}", "CAVE: {agents}"),
    "ward.cave.none-known": ("ingen kendt", "none known"),
    "ward.cave.not-recorded": ("ikke registreret", "not recorded"),
    "ward.cave.unavailable": ("kan ikke vises", "unavailable"),
    "ward.cave.closed": ("ikke for din rolle", "not for your role"),
    "ward.limits.none": ("ingen registreret", "none recorded"),
}
