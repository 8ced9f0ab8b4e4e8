"""Texts of one's own settings, and of the page that shows all parts of pages: (da, en)."""

from __future__ import annotations

SETTINGS: dict[str, tuple[str, str]] = {
    "settings.title": ("Mine indstillinger", "My settings"),
    "settings.link": ("Indstillinger", "Settings"),
    "settings.ward": ("Startafsnit", "Start ward"),
    "settings.ward.text": (
        "Her begynder du, når du logger ind på dette arbejdssted, ved enhver pc.",
        "Here you begin when you log on at this place of work, at any PC.",
    ),
    "settings.ward.field": ("Afsnit", "Ward"),
    "settings.ward.none": ("intet: begynd ved Mine afsnit", "none: begin at My wards"),
    "settings.sessions": ("Her er du logget ind", "Where you are logged on"),
    "settings.sessions.text": (
        "Kender du ikke et af stederne, så afslut det her, og tal med driften.",
        "If you don't know one of the places, end it here and talk to operations.",
    ),
    "settings.sessions.this": ("denne", "this one"),
    "settings.sessions.since": ("siden {at}", "since {at}"),
    "settings.sessions.used": ("sidst brugt {at}", "last used {at}"),
    "settings.sessions.end": ("Afslut", "End"),
    "settings.sessions.end.which": ("Afslut {where}, siden {at}", "End {where}, since {at}"),
    "settings.save": ("Gem", "Save"),
    "settings.language": ("Sproget gælder på denne pc.", "The language holds on this PC."),
    "settings.access": ("Adgang", "Access"),
    "patterns.title": ("Sidernes dele", "Parts of the pages"),
    "patterns.hint": (
        "Alle dele, som siderne er sat sammen af. Ingen af personerne findes.",
        "All parts that the pages are put together of. None of the people exists.",
    ),
    "patterns.identity": ("Hvem: banneret og CAVE", "Who: the banner and CAVE"),
    "patterns.record": ("Journalens dele", "Parts of the record"),
    "patterns.findings": ("Det, en ordination møder", "What an order meets"),
    "patterns.colours": ("Farver", "Colours"),
    "patterns.signs": ("Mærker", "Signs"),
    "patterns.states": ("Tilstande", "States"),
    "patterns.fields": ("Felter og knapper", "Fields and buttons"),
    "patterns.tables": ("Lister", "Lists"),
    "patterns.main": ("Vigtigste valg", "Main choice"),
    "patterns.other": ("Andet valg", "Other choice"),
}
