"""Texts of one's own settings, and of the page that shows all parts of pages: (da, en)."""

from __future__ import annotations

SETTINGS: dict[str, tuple[str, str]] = {
    "settings.title": ("Mine indstillinger", "My settings"),
    "settings.link": ("Indstillinger", "Settings"),
    "settings.ward": ("Startside", "Start page"),
    "settings.ward.text": (
        "Afsnittet står øverst på startsiden. Valget gælder på denne pc.",
        "The ward stands first on the start page. The choice holds on this PC.",
    ),
    "settings.ward.field": ("Første afsnit", "First ward"),
    "settings.ward.none": ("intet valgt", "none chosen"),
    "settings.save": ("Gem", "Save"),
    "settings.language": ("Sproget gælder på denne pc.", "The language holds on this PC."),
    "settings.access": ("Adgang", "Access"),
    "patterns.title": ("Sidernes dele", "Parts of the pages"),
    "patterns.hint": (
        "Alle dele, som siderne er sat sammen af. Ingen af personerne findes.",
        "All parts that the pages are put together of. None of the people exists.",
    ),
    "patterns.signs": ("Mærker", "Signs"),
    "patterns.states": ("Tilstande", "States"),
    "patterns.fields": ("Felter og knapper", "Fields and buttons"),
    "patterns.tables": ("Lister", "Lists"),
    "patterns.main": ("Vigtigste valg", "Main choice"),
    "patterns.other": ("Andet valg", "Other choice"),
}
