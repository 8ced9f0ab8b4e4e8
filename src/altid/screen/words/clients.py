"""Texts of the page that shows operations how browsers fare: (da, en)."""

from __future__ import annotations

CLIENTS: dict[str, tuple[str, str]] = {
    "clients.title": ("Klienter", "Clients"),
    "clients.hint": (
        "Det, som browserne har meldt til denne server (sted {site}) i dag og i går. Uden patientdata.",
        "What browsers have told this server (site {site}) today and yesterday. Without patients' data.",
    ),
    "clients.versions": ("Versioner i brug", "Versions in use"),
    "clients.version": ("Version", "Version"),
    "clients.count": ("Antal", "Count"),
    "clients.last": ("Sidst set", "Last seen"),
    "clients.state": ("Tilstand", "State"),
    "clients.current": ("nyeste", "current"),
    "clients.outdated": ("forældet", "out of date"),
    "clients.speeds": ("Langsomste sider", "Slowest pages"),
    "clients.route": ("Side", "Page"),
    "clients.site": ("Sted", "Site"),
    "clients.place": ("Arbejdssted", "Place of work"),
    "clients.ward": ("Afsnit", "Ward"),
    "clients.network": ("Net", "Network"),
    "clients.p50": ("Median (p50), ms", "Median (p50), ms"),
    "clients.p99": ("Langsomst (p99), ms", "Slowest (p99), ms"),
    "clients.server": ("Heraf server (p99), ms", "Of it server (p99), ms"),
    "clients.errors": ("Fejl i browsere", "Errors in browsers"),
    "clients.error": ("Fejl", "Error"),
    "clients.at": ("Hvor", "Where"),
    "clients.none": ("Intet er meldt endnu.", "Nothing has been told yet."),
    "clients.no-errors": ("Ingen fejl er meldt.", "No errors have been told."),
}
