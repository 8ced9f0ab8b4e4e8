"""Texts of the pages that one part of a patient's record has: (da, en)."""

from __future__ import annotations

PARTS: dict[str, tuple[str, str]] = {
    "page.parts": ("Patientens journal", "The patient's record"),
    "tab.overview": ("Overblik", "Overview"),
    "tab.order": ("Ordinér", "Order"),
    "tab.medication": ("Medicin", "Medication"),
    "tab.results": ("Prøvesvar", "Results"),
    "tab.vitals": ("Vitale værdier", "Vital signs"),
    "tab.orders": ("Ordinationer og rekvisitioner", "Orders and requisitions"),
    "tab.notes": ("Notater", "Notes"),
    "tab.problems": ("Diagnoser og CAVE", "Problems and CAVE"),
    "tab.appointments": ("Forløb og aftaler", "Stays and appointments"),
    "tab.timeline": ("Tidslinje", "Timeline"),
    "section.doses": ("Medicinskema: givet de sidste dage", "Medication chart: given in the last days"),
    "doses.none": (
        "Ingen medicin er registreret givet de sidste {days} døgn.",
        "No medication is recorded as given in the last {days} days.",
    ),
    "doses.given": ("givet", "given"),
    "section.timeline": ("Tidslinje", "Timeline"),
    "timeline.none": ("Der er intet med et tidspunkt i journalen.", "The record has nothing with a time."),
    "timeline.gaps": (
        "Der er huller: noget kunne ikke læses, eller kun det nyeste er med.",
        "There are gaps: something could not be read, or only the newest is here.",
    ),
    "timeline.admitted": ("Indlagt eller set", "Admitted or seen"),
    "timeline.left": ("Udskrevet eller afsluttet", "Discharged or ended"),
    "timeline.note": ("Notat", "Note"),
    "timeline.requisition": ("Rekvisition", "Requisition"),
    "timeline.drug-started": ("Medicin begyndt", "Drug started"),
    "timeline.drug-ended": ("Medicin ophørt", "Drug ended"),
    "timeline.problem": ("Diagnose", "Problem"),
    "timeline.results": ("Prøver taget", "Samples taken"),
    "score.computed": ("EWS, beregnet af Altid (NEWS2)", "EWS, computed by Altid (NEWS2)"),
    "score.missing": ("kan ikke beregnes: mangler {parts}", "can't be computed: missing {parts}"),
    "score.risk.low": ("lav", "low"),
    "score.risk.low-medium": ("lav, én værdi er rød", "low, one value is red"),
    "score.risk.medium": ("mellem", "medium"),
    "score.risk.high": ("høj", "high"),
}
