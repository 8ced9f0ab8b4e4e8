"""Texts of the lookup record, on screen and on paper, by key: (da, en)."""

from __future__ import annotations

LOOKUP: dict[str, tuple[str, str]] = {
    "lookup.name": ("Altid Opslag", "Altid Lookup"),
    # The bar
    "lookup.return": (
        "Journalen svarer ikke. Siden går selv tilbage, når den svarer.",
        "The record does not answer. The page goes back by itself when it does.",
    ),
    "lookup.return.ready": ("Journalen svarer igen: gå tilbage", "The record answers again: go back"),
    "lookup.bar.label": ("Læseadgang, dataenes alder", "Read only, age of the data"),
    "lookup.bar.known": (
        "LÆSEADGANG – data fra {at}, {age} gamle",
        "READ ONLY – data of {at}, {age} old",
    ),
    "lookup.bar.unknown": (
        "LÆSEADGANG – dataenes alder er ukendt",
        "READ ONLY – the age of the data is unknown",
    ),
    "lookup.bar.clock": (
        "LÆSEADGANG – data fra {at}, alderen kan ikke beregnes",
        "READ ONLY – data of {at}, their age can't be computed",
    ),
    "lookup.advice.current": (
        "Aktuelle: kopien følger journalen.",
        "Current: the copy follows the record.",
    ),
    "lookup.advice.late": (
        "Forsinkede: det nyeste kan mangle.",
        "Late: the newest may be missing.",
    ),
    "lookup.advice.old": (
        "Gamle: spørg, hvad der er sket siden, før du handler.",
        "Old: ask what has happened since before you act.",
    ),
    "lookup.advice.very-old": (
        "Meget gamle: brug dem kun som baggrund, og bekræft alt.",
        "Very old: use them only as background, and confirm everything.",
    ),
    "lookup.advice.unknown": (
        "Kopien har ikke hørt fra journalen: bekræft alt, før du handler.",
        "The copy has not heard from the record: confirm everything before you act.",
    ),
    "lookup.advice.loading": (
        "Kopien fyldes for første gang: {share} %. Hvem der ikke er her endnu, kan være i journalen.",
        "The copy is being filled for the first time: {share} %. Who is not here yet may be in the record.",
    ),
    "lookup.advice.clock": (
        "Uret på denne maskine passer ikke: sammenlign dataenes tid med dit eget ur.",
        "The clock of this machine is wrong: compare the time of the data with your own clock.",
    ),
    "lookup.age.less": ("under 1 min", "less than 1 min"),
    "lookup.age.minutes": ("{minutes} min", "{minutes} min"),
    "lookup.age.hours": ("{hours} t {minutes} min", "{hours} h {minutes} min"),
    "lookup.age.days": ("{days} døgn {hours} t", "{days} days {hours} h"),
    "lookup.banner.data": ("Data fra", "Data of"),
    # Lists
    "lookup.wards": ("Afsnit", "Wards"),
    "lookup.wards.none": ("Kopien har ingen afsnit endnu.", "The copy has no wards yet."),
    "lookup.ward.empty": ("Ingen ligger her i kopien.", "Nobody lies here in the copy."),
    "lookup.unconfirmed": ("Ikke bekræftet", "Not confirmed"),
    "lookup.waiting.one": ("{count} ordination", "{count} order"),
    "lookup.waiting.many": ("{count} ordinationer", "{count} orders"),
    "lookup.search.hint": (
        "Søg efter CPR-nummer, navn eller afsnit. Tasten / går til søgefeltet, ? viser tasterne.",
        "Search for CPR number, name or ward. The key / goes to the search field, ? shows the keys.",
    ),
    "lookup.search.nobody": (
        "Intet i kopien passer til det søgte. Prøv med færre ord, eller med CPR-nummeret alene.",
        "Nothing in the copy matches. Try fewer words, or the CPR number alone.",
    ),
    "lookup.keys.title": ("Taster", "Keys"),
    "lookup.keys.search": ("søg", "search"),
    "lookup.keys.rows": ("gå gennem listen", "go through the list"),
    "lookup.keys.open": ("åbn", "open"),
    "lookup.keys.help": ("vis tasterne", "show the keys"),
    "lookup.keys.close": ("Luk", "Close"),
    # Not possible
    "lookup.back": ("Til afsnittene", "To the wards"),
    "lookup.refused.title": ("Kun læsning", "Read only"),
    "lookup.refused.text": (
        "Opslag kan kun læses. Skriv i journalen, når den er der, og på nødskemaer imens.",
        "The lookup record can only be read. Write in the record when it is there, and on paper forms "
        "meanwhile.",
    ),
    "lookup.absent.title": ("Findes ikke i kopien", "Not in the copy"),
    "lookup.absent.text": (
        "Adressen er forkert, eller patienten er ikke i denne kopi. Det betyder ikke, at patienten ikke "
        "findes i journalen.",
        "The address is wrong, or the patient is not in this copy. It does not mean that the patient is not "
        "in the record.",
    ),
    "lookup.unaudited.title": ("Opslaget kan ikke noteres", "The look can't be noted"),
    "lookup.broken.title": ("Kopien kan ikke læses", "The copy can't be read"),
    "lookup.broken.text": (
        "Den lokale fil svarer ikke. Brug en anden kopi eller de udskrevne rapporter imens.",
        "The local file does not answer. Use another copy or the printed reports meanwhile.",
    ),
    "lookup.unprinted.title": ("Kan ikke udskrives", "Can't be printed"),
    "lookup.unprinted.text": (
        "Udskriften kunne ikke laves, og der ligger ingen klar, som du må se. Prøv igen, eller udskriv "
        "siden.",
        "The print could not be made, and none lies ready that you may see. Try again, or print the page.",
    ),
    "lookup.strange.title": ("Formularen er ikke herfra", "The form is not from here"),
    "lookup.strange.text": ("Gå til forsiden, og prøv igen.", "Go to the front page and try again."),
    # Sections of their own
    "section.unconfirmed": ("Ordinationer, der ikke er bekræftet", "Orders not yet confirmed"),
    "section.plan": ("Vurdering og plan", "Assessment and plan"),
    "unconfirmed.signature": ("ikke underskrevet", "not signed"),
    "unconfirmed.acceptance": ("ikke modtaget", "not accepted"),
    "unconfirmed.status": ("status ukendt", "status unknown"),
    "unconfirmed.none": ("Alle ordinationer er bekræftet.", "All orders are confirmed."),
    "plan.none": (
        "Ingen af notaterne har en vurdering eller plan. Se notaterne.",
        "None of the notes has an assessment or plan. See the notes.",
    ),
    "results.elsewhere": (
        "Alle svar, nyeste først, er under fanen Prøvesvar.",
        "All results, newest first, are under the tab for results.",
    ),
    "medication.due": ("Næste", "Next"),
    "medication.due.missed": ("Mangler:", "Missed:"),
    "medication.due.about": ("ca.", "about"),
}
"""Paper has its own: `lookup.papers` and `lookup.form` in `papers`."""
