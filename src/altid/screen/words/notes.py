"""Texts of writing notes, and of forms whose content is kept: (da, en)."""

from __future__ import annotations

NOTES: dict[str, tuple[str, str]] = {
    "notes.write.title": ("Skriv et notat", "Write a note"),
    "notes.draft.title": ("Din kladde", "Your draft"),
    "notes.add.title": ("Tilføj til et notat", "Add to a note"),
    "notes.add.text": (
        "Et underskrevet notat ændres ikke. Det, du skriver, vises under det:",
        "A signed note is not changed. What you write is shown under it:",
    ),
    "notes.kind": ("Notattype", "Kind of note"),
    "notes.kind.progress": ("Journalnotat", "Progress note"),
    "notes.kind.nursing": ("Sygeplejenotat", "Nursing note"),
    "notes.kind.admission": ("Indlæggelsesnotat", "Admission note"),
    "notes.body": ("Tekst", "Text"),
    "notes.sign": ("Underskriv", "Sign"),
    "notes.save": ("Gem som kladde", "Save as a draft"),
    "notes.signed.text": (
        "Når det er underskrevet, kan det ikke ændres, kun suppleres.",
        "Once it is signed it can't be changed, only added to.",
    ),
    "notes.drafts": ("Dine kladder", "Your drafts"),
    "notes.add": ("Tilføj", "Add to it"),
    "notes.empty": ("Der er intet skrevet.", "Nothing is written."),
    "notes.too-long": (
        "Notatet er for langt: del det i to. Det, du skrev, står nedenfor.",
        "The note is too long: make two of it. What you wrote stands below.",
    ),
    "notes.no-kind": ("Vælg en notattype.", "Choose a kind of note."),
    "notes.no-key": ("Siden er for gammel: hent den igen.", "The page is too old: load it again."),
    "notes.no-draft": (
        "Kladden er ikke din, eller den er underskrevet i mellemtiden.",
        "The draft is not yours, or was signed meanwhile.",
    ),
    "notes.no-note": (
        "Notatet, du ville tilføje til, findes ikke her.",
        "The note that you wanted to add to is not here.",
    ),
    "notes.changed": (
        "Kladden er ændret et andet sted i mellemtiden. Intet blev gemt; din tekst står nedenfor.",
        "The draft was changed elsewhere meanwhile. Nothing was stored; your text stands below.",
    ),
    "notes.other-patient": (
        "Siden viste en anden patient end den, notatet blev sendt til. Intet blev gemt.",
        "The page showed another patient than the one that the note was sent to. Nothing was stored.",
    ),
    "notes.not-for-role": (
        "Du må ikke skrive i denne journal. Intet blev gemt.",
        "You may not write in this record. Nothing was stored.",
    ),
    "notes.unknown": (
        "Journalen svarede ikke i tide. Send igen: notatet bliver ikke gemt to gange.",
        "The record did not answer in time. Send it again: the note will not be stored twice.",
    ),
    "notes.not-stored": (
        "Journalen kan ikke gemme lige nu. Intet blev gemt; send igen om lidt.",
        "The record can't store now. Nothing was stored; send it again soon.",
    ),
    "kept.ended": (
        "Din session er udløbet. Det, du har skrevet, er her endnu. Log ind i et nyt vindue, og send igen.",
        "Your session has ended. What you wrote is still here. Log on in a new window, and send it again.",
    ),
    "kept.other": (
        "En anden er logget på i denne browser. Det, du har skrevet, er her endnu, men kun du kan sende det. "
        "Log på som dig selv, og send igen.",
        "Somebody else is logged on in this browser. What you wrote is still here, and only you can send it. "
        "Log on as yourself, and send it again.",
    ),
    "kept.failed": (
        "Det kom ikke frem. Det, du har skrevet, er her endnu: send igen.",
        "It did not get there. What you wrote is still here: send it again.",
    ),
    "kept.logon": ("Log ind", "Log on"),
}
