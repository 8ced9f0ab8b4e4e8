"""Texts of one's own list of patients, and of what patients have blocked, by key: (da, en)."""

from __future__ import annotations

PATIENTS: dict[str, tuple[str, str]] = {
    # One's own list
    "me.list": ("Min liste", "My list"),
    "own-list.title": ("Min liste", "My list"),
    "own-list.text": (
        "Patienter, du følger i en vagt eller nogle dage. De går selv af listen.",
        "Patients whom you follow for a shift or some days. They leave the list by themselves.",
    ),
    "own-list.empty": (
        "Der er ingen på din liste. Sæt en patient på fra patientens side.",
        "There is nobody on your list. Put a patient on it from the patient's page.",
    ),
    "own-list.until": ("På listen til", "On the list until"),
    "own-list.closed": ("Vises ikke længere for dig", "Not shown to you any more"),
    "own-list.remove": ("Fjern", "Take off"),
    "own-list.remove.who": ("Fjern {name} fra listen", "Take {name} off the list"),
    "own-list.add.title": ("Sæt på min liste", "Put on my list"),
    "own-list.add.text": (
        "Så finder du patienten igen, også hvis patienten flyttes eller går hjem.",
        "Then you find the patient again, also when they are moved or go home.",
    ),
    "own-list.former": (
        "Har patienten været i behandling her de seneste {days} dage, og har ikke spærret, kan du sætte "
        "patienten på din liste.",
        "If the patient was in treatment here in the last {days} days and has blocked nothing, you can put "
        "them on your list.",
    ),
    "own-list.hours": ("Hvor længe", "For how long"),
    "own-list.hours.12": ("en vagt (12 timer)", "a shift (12 hours)"),
    "own-list.hours.72": ("3 dage", "3 days"),
    "own-list.hours.168": ("7 dage", "7 days"),
    "own-list.add.button": ("Sæt på min liste", "Put on my list"),
    "own-list.not": ("Patienten kom ikke på din liste", "The patient was not put on your list"),
    # What patients have blocked
    "blocks.title": ("Spærringer", "Blocks"),
    "blocks.link": ("Patientens spærringer", "The patient's blocks"),
    "blocks.text": (
        "Patienten kan sige nej til, at bestemte personer eller steder ser journalen. Du sætter og ophæver "
        "det for patienten, når patienten beder om det.",
        "Patients can say no to certain people or places seeing their record. You set and lift it for the "
        "patient when the patient asks.",
    ),
    "blocks.now": ("Gælder nu", "In force now"),
    "blocks.none": (
        "Patienten har ingen spærringer, der gælder nu.",
        "The patient has no blocks in force.",
    ),
    "blocks.over": ("Ophævet", "Lifted"),
    "blocks.against": ("Mod", "Against"),
    "blocks.everybody": ("alle", "everybody"),
    "blocks.what": ("Hvad", "What"),
    "blocks.which": ("Hvad spærres?", "What is blocked?"),
    "blocks.all": ("hele journalen", "all of the record"),
    "blocks.period": ("det fra {low} til {high}", "what is from {low} to {high}"),
    "blocks.period.since": ("det fra {low} og frem", "what is from {low} on"),
    "blocks.period.until": ("det til og med {high}", "what is until {high}"),
    "blocks.since": ("Siden", "Since"),
    "blocks.set-by": ("Sat af", "Set by"),
    "blocks.asked": ("Sådan bad patienten om det", "How the patient asked for it"),
    "blocks.lifted": ("Ophævet", "Lifted"),
    "blocks.lift.title": ("Ophæv spærringen", "Lift the block"),
    "blocks.lift.asked": (
        "Sådan bad patienten om at få den ophævet",
        "How the patient asked to have it lifted",
    ),
    "blocks.lift.button": ("Ophæv", "Lift"),
    "blocks.new": ("Ny spærring", "New block"),
    "blocks.whom": ("Mod hvem?", "Against whom?"),
    "blocks.whom.everybody": ("Alle", "Everybody"),
    "blocks.whom.person": ("En person", "One person"),
    "blocks.whom.place": (
        "Et sted, med alt, hvad der hører under det",
        "One place, with all that is part of it",
    ),
    "blocks.person": ("Personens brugernavn eller hele navn", "The person's user name or whole name"),
    "blocks.place": ("Stedets SOR-nummer eller hele navn", "The place's SOR number or whole name"),
    "blocks.from": ("Kun det fra og med (dato)", "Only what is from (date)"),
    "blocks.to": ("Kun det til og med (dato)", "Only what is until (date)"),
    "blocks.dates.hint": (
        "Lad begge datoer stå tomme for at spærre hele journalen.",
        "Leave both dates empty to block all of the record.",
    ),
    "blocks.asked.hint": (
        "Fx »Ringede i dag, legitimeret ved CPR-nummer og adresse«.",
        "For example “Rang today, proved who they are by CPR number and address”.",
    ),
    "blocks.warn": (
        "Den, som spærringen gælder, kan kun se journalen ved værdispring. Fortæl patienten, at det kan "
        "betyde, at vigtig viden mangler i behandlingen.",
        "Whom the block is against can see the record only by breaking the glass. Tell the patient that "
        "knowledge may be missing in the treatment then.",
    ),
    "blocks.button": ("Sæt spærring", "Set the block"),
    "blocks.back": ("Tilbage til patienten", "Back to the patient"),
    "blocks.bad-date": ("Skriv datoer som 2026-02-28.", "Write dates as 2026-02-28."),
    "blocks.no-person": (
        "Skriv, hvilken person eller hvilket sted spærringen er mod.",
        "Write which person or which place the block is against.",
    ),
}
