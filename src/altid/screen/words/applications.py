"""Texts of the page on which an application asks to act for somebody, by key: (da, en)."""

from __future__ import annotations

APPLICATIONS: dict[str, tuple[str, str]] = {
    "application.title": ("{name} beder om adgang", "{name} asks for access"),
    "application.text": (
        "Programmet vil se og gøre noget i dit navn. Det kan aldrig mere, end du selv kan her, og det står i "
        "loggen.",
        "The application wants to see and do something in your name. It can never do more than you can here "
        "yourself, and the access log tells it.",
    ),
    "application.name": ("Program", "Application"),
    "application.behind": ("Bag programmet", "Who is behind it"),
    "application.returns": ("Du sendes til", "You are sent to"),
    "application.as": ("I dit navn som", "In your name as"),
    "application.which": ("Hvilken patient?", "Which patient?"),
    "application.which.hint": (
        "Kun patienter, du har en behandlingsrelation til. Programmet får kun den ene, du vælger.",
        "Only patients whom you have a treatment relation to. The application gets only the one you choose.",
    ),
    "application.choose": ("Vælg patienten", "Choose the patient"),
    "application.find": ("Navn, CPR-nummer eller fødselsdato", "Name, CPR number or date of birth"),
    "application.find.button": ("Søg", "Search"),
    "application.patients.none": (
        "Ingen patient, du har en behandlingsrelation til, passer. Søg igen, eller afvis.",
        "No patient whom you have a treatment relation to fits. Search again, or refuse.",
    ),
    "application.patients.more": (
        "Her er de første {count}. Søg for at finde andre.",
        "Here are the first {count}. Search to find others.",
    ),
    "application.what": ("Det beder om at", "It asks to"),
    "application.what.hint": (
        "Fjern krydset ved det, du ikke vil give lov til.",
        "Take away the tick from what you don't want to allow.",
    ),
    "application.of-one": ("{what}, kun for den ene patient", "{what}, of the one patient only"),
    "application.of-all": (
        "{what}, for alle patienter, du selv kan se",
        "{what}, of all patients whom you can see yourself",
    ),
    "application.letter.r": ("læse", "read"),
    "application.letter.s": ("søge i", "search"),
    "application.letter.c": ("oprette", "create"),
    "application.letter.u": ("ændre", "change"),
    "application.letter.d": ("slette", "delete"),
    "application.learns": (
        "Programmet får at vide, hvem du er.",
        "The application is told who you are.",
    ),
    "application.how-long": ("Hvor længe?", "For how long?"),
    "application.stays": (
        "Til du logger af, og aldrig længere end denne session.",
        "Until you log off, and never longer than this session.",
    ),
    "application.short": (
        "I højst {minutes} minutter. Derefter må det spørge igen.",
        "For at most {minutes} minutes. Then it has to ask again.",
    ),
    "application.yes": ("Giv adgang", "Allow"),
    "application.no": ("Afvis", "Refuse"),
    "application.nothing": (
        "Sæt kryds ved mindst én ting, eller afvis.",
        "Tick one thing at least, or refuse.",
    ),
    "application.no-grounds": (
        "Du har ingen behandlingsrelation til den patient. Vælg en anden.",
        "You have no treatment relation to that patient. Choose another one.",
    ),
    "scope-type.*": ("alt i journalen", "everything in the record"),
    "scope-type.AllergyIntolerance": ("allergier og CAVE", "allergies"),
    "scope-type.Appointment": ("aftaler", "appointments"),
    "scope-type.CarePlan": ("planer", "care plans"),
    "scope-type.Communication": ("beskeder", "messages"),
    "scope-type.Condition": ("diagnoser", "diagnoses"),
    "scope-type.Consent": ("samtykker", "consents"),
    "scope-type.DiagnosticReport": ("svar på undersøgelser", "reports of examinations"),
    "scope-type.DocumentReference": ("notater og dokumenter", "notes and documents"),
    "scope-type.Encounter": ("indlæggelser og besøg", "admissions and visits"),
    "scope-type.Immunization": ("vaccinationer", "vaccinations"),
    "scope-type.Location": ("afsnit og senge", "wards and beds"),
    "scope-type.Medication": ("lægemidler", "drugs"),
    "scope-type.MedicationAdministration": ("givet medicin", "medication given"),
    "scope-type.MedicationRequest": ("ordinationer", "prescriptions"),
    "scope-type.MedicationStatement": (
        "medicin, som patienten oplyser",
        "medication that the patient tells of",
    ),
    "scope-type.Observation": ("målinger og prøvesvar", "measurements and results"),
    "scope-type.Organization": ("afdelinger og hospitaler", "departments and hospitals"),
    "scope-type.Patient": ("navn, CPR-nummer og adresse", "name, CPR number and address"),
    "scope-type.Practitioner": ("personale", "staff"),
    "scope-type.Procedure": ("operationer og behandlinger", "operations and treatments"),
    "scope-type.ServiceRequest": ("henvisninger og rekvisitioner", "referrals and requests"),
}
