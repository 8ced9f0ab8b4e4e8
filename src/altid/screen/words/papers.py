"""Texts of what is printed by the lookup record, by key: (da, en)."""

from __future__ import annotations

PAPERS: dict[str, tuple[str, str]] = {
    "lookup.papers": ("Udskrifter", "Prints"),
    "lookup.papers.report": ("Afsnitsrapport (PDF)", "Ward report (PDF)"),
    "lookup.papers.medication": ("Medicinskema (PDF)", "Medication chart (PDF)"),
    "lookup.forms": ("Nødskemaer", "Paper forms"),
    "lookup.forms.link": ("Nødskemaer", "Paper forms"),
    "lookup.forms.text": (
        "Hvert ark har sit eget nummer, som ingen anden kopi bruger. Skriv nummeret ind i journalen "
        "bagefter.",
        "Each sheet has a number of its own that no other copy uses. Enter the number in the record "
        "afterwards.",
    ),
    "lookup.form.admission": ("Modtagelse", "Admission"),
    "lookup.form.observations": ("Observationer", "Observations"),
    "lookup.form.medication": ("Medicin", "Medication"),
    "lookup.form.order": ("Rekvisition", "Order"),
}
