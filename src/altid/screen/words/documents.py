"""Texts of a patient's documents: (da, en)."""

from __future__ import annotations

DOCUMENTS: dict[str, tuple[str, str]] = {
    "tab.documents": ("Dokumenter", "Documents"),
    "document.at": ("Dato", "Date"),
    "document.title": ("Dokument", "Document"),
    "document.by": ("Fra", "From"),
    "document.status": ("Status", "Status"),
    "document.contents": ("Indhold", "Content"),
    "document.open": ("Åbn {what}", "Open {what}"),
    "document.shape.text": ("tekst", "text"),
    "document.shape.image": ("billede", "picture"),
    "document.shape.pdf": ("PDF", "PDF"),
    "document.shape.other": ("fil", "file"),
    "document.none": ("Der er ingen dokumenter.", "There are no documents."),
    "document.back": ("Alle dokumenter", "All documents"),
    "document.untitled": ("Dokument uden titel", "Document without a title"),
    "document.image": ("Billede: {title}", "Picture: {title}"),
    "document.cut": (
        "Teksten er meget lang: kun begyndelsen er vist.",
        "The text is very long: only its beginning is shown.",
    ),
    "document.not": ("Kan ikke vises: {why}.", "Cannot be shown: {why}."),
    "document.not.elsewhere": ("indholdet ligger et andet sted", "the content lies elsewhere"),
    "document.not.too-big": ("indholdet er for stort", "the content is too big"),
    "document.not.broken": (
        "indholdet er beskadiget eller er ikke det, det udgiver sig for",
        "the content is damaged, or is not what it says that it is",
    ),
    "document.not.changed": (
        "indholdet svarer ikke til dokumentets kontrolsum",
        "the content does not match the document's checksum",
    ),
    "document.not.shape": ("typen vises ikke her", "this kind is not shown here"),
    "document.not.told": (
        "filen siger ikke selv, at den hører til denne patient",
        "the file does not say itself that it is this patient's",
    ),
}
