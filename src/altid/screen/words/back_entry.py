"""Texts of what was written on paper and entered afterwards, by key: (da, en)."""

from __future__ import annotations

BACK_ENTRY: dict[str, tuple[str, str]] = {
    "back-entry.title": ("Indtast fra papir", "Enter from paper"),
    "back-entry.link": ("Indtast en blanket fra nøddrift", "Enter a form from a downtime"),
    "back-entry.text": (
        "For blanketter, som blev udfyldt, mens journalen var nede. Hver blanket indtastes én gang og "
        "mærkes i journalen. Det, der blev målt, får det tidspunkt, der står på papiret.",
        "For forms that were filled in while the record was down. Each form is entered once and is marked in "
        "the record. What was measured gets the time that stands on the paper.",
    ),
    "back-entry.number": ("Blankettens nummer", "The form's number"),
    "back-entry.cpr": ("CPR-nummer, som det står på papiret", "CPR number as it stands on the paper"),
    "back-entry.observed-at": ("Hvornår blev det observeret?", "When was it observed?"),
    "back-entry.observed-by": ("Hvem observerede? Navn og stilling", "Who observed? Name and title"),
    "back-entry.sign.breaths": ("Respirationsfrekvens (/min)", "Respiratory rate (/min)"),
    "back-entry.sign.saturation": ("Saturation (%)", "Oxygen saturation (%)"),
    "back-entry.sign.oxygen": ("Ilttilskud (L/min)", "Inhaled oxygen (L/min)"),
    "back-entry.sign.systolic": ("Blodtryk, systolisk (mmHg)", "Blood pressure, systolic (mmHg)"),
    "back-entry.sign.diastolic": ("Blodtryk, diastolisk (mmHg)", "Blood pressure, diastolic (mmHg)"),
    "back-entry.sign.pulse": ("Puls (/min)", "Pulse (/min)"),
    "back-entry.sign.temperature": ("Temperatur (°C)", "Temperature (°C)"),
    "back-entry.mind.none": ("ikke noteret", "not noted"),
    "back-entry.mind.A": ("Vågen og klar", "Alert"),
    "back-entry.mind.C": ("Nyopstået konfusion", "New confusion"),
    "back-entry.mind.V": ("Reagerer på tiltale", "Responds to voice"),
    "back-entry.mind.P": ("Reagerer på smerte", "Responds to pain"),
    "back-entry.mind.U": ("Reagerer ikke", "Unresponsive"),
    "back-entry.note": ("Notat", "Note"),
    "back-entry.kind": ("Notattype", "Kind of note"),
    "back-entry.kind.nursing": ("Sygeplejenotat", "Nursing note"),
    "back-entry.kind.progress": ("Journalnotat", "Progress note"),
    "back-entry.kind.admission": ("Indlæggelsesnotat", "Admission note"),
    "back-entry.note.text": ("Teksten, som den står på papiret", "The text as it stands on the paper"),
    "back-entry.button": ("Gem i journalen", "Save in the record"),
    "back-entry.bad-number": (
        "Skriv blankettens nummer, som det er trykt: bogstaver, cifre og bindestreger.",
        "Write the form's number as it is printed: letters, digits and hyphens.",
    ),
    "back-entry.bad-time": (
        "Skriv dato og klokkeslæt for observationen.",
        "Write the date and time of the observation.",
    ),
    "back-entry.future": (
        "Tidspunktet for observationen er i fremtiden.",
        "The time of the observation is in the future.",
    ),
    "back-entry.old": (
        "Observationen er mere end {days} dage gammel. Scan papiret i stedet.",
        "The observation is more than {days} days old. Scan the paper instead.",
    ),
    "back-entry.bad-name": (
        "Skriv navn og stilling på den, der observerede, med {least} til {most} tegn.",
        "Write name and title of whoever observed, in {least} to {most} characters.",
    ),
    "back-entry.bad-sign": (
        "{sign} skal være et tal fra {low} til {high}.",
        "{sign} must be a number from {low} to {high}.",
    ),
    "back-entry.bad-mind": ("Vælg bevidsthed på listen.", "Choose the consciousness from the list."),
    "back-entry.bad-kind": ("Vælg notattype på listen.", "Choose the kind of note from the list."),
    "back-entry.half-pressure": (
        "Blodtryk skal have både systolisk og diastolisk værdi.",
        "A blood pressure needs both its systolic and its diastolic value.",
    ),
    "back-entry.turned-pressure": (
        "Det systoliske blodtryk skal være højere end det diastoliske.",
        "The systolic pressure must be above the diastolic one.",
    ),
    "back-entry.long-note": ("Notatet har højst {most} tegn.", "The note has at most {most} characters."),
    "back-entry.empty": (
        "Skriv mindst én måling eller et notat.",
        "Write at least one measurement or a note.",
    ),
    "back-entry.other-person": (
        "CPR-nummeret på papiret er ikke denne patients. Kontrollér, at det er den rigtige patient.",
        "The CPR number on the paper is not this patient's. Check that it is the right patient.",
    ),
    "back-entry.others": (
        "En blanket med dette nummer er allerede indtastet på en anden patient. Kontrollér nummeret.",
        "A form with this number was entered for another patient already. Check the number.",
    ),
    "back-entry.not-there": (
        "Ingen blanket med dette nummer er indtastet.",
        "No form with this number was entered.",
    ),
    "back-entry.unknown": (
        "Journalen svarede ikke i tide. Det vides ikke, om blanketten blev gemt. Gem igen: den kan kun "
        "gemmes én gang.",
        "The record did not answer in time. It is not known whether the form was saved. Save again: it can "
        "be saved only once.",
    ),
    "back-entry.not-stored": (
        "Journalen kan ikke nås lige nu, og intet blev gemt. Gem igen om lidt.",
        "The record can't be reached just now, and nothing was saved. Save again shortly.",
    ),
    "back-entry.done": ("Blanket {number} er i journalen", "Form {number} is in the record"),
    "back-entry.again": (
        "Denne blanket er allerede indtastet. Intet nyt blev gemt; dette er, hvad der står.",
        "This form was entered already. Nothing new was saved; this is what is there.",
    ),
    "back-entry.observed": ("Observeret", "Observed"),
    "back-entry.entered": ("Indtastet", "Entered"),
    "back-entry.next": ("Indtast en blanket til", "Enter another form"),
    "back-entry.back": ("Til patienten", "To the patient"),
    "back-entry.mark": ("fra papir", "from paper"),
    "back-entry.marked": (
        "Indtastet efterfølgende fra papir, blanket {form}, {at} af {by}",
        "Entered afterwards from paper, form {form}, {at} by {by}",
    ),
    "tab.back-entry": ("Indtast fra papir", "Enter from paper"),
}
