"""Texts of the ways into the lookup record, by key: (da, en)."""

from __future__ import annotations

ENTRY: dict[str, tuple[str, str]] = {
    "entry.opslag": ("Opslag", "Lookup"),
    "entry.own-logon": (
        "Dette er den lokale kopi med læseadgang. Brug dit sædvanlige brugernavn og din adgangskode.",
        "This is the local copy, for reading only. Use your usual user name and password.",
    ),
    "entry.accounts-at": ("Brugere, som de var {at}", "Accounts as they were {at}"),
    "entry.accounts-unknown": (
        "Kopien har endnu ikke hentet brugere. Brug afsnittets nødkode.",
        "The copy has fetched no accounts yet. Use the ward's emergency code.",
    ),
    "entry.pin": ("PIN-kode", "PIN"),
    "entry.code": ("Afsnittets nødkode", "The ward's emergency code"),
    "entry.code.text": (
        "Kun når du ikke kan logge ind selv. Koden ligger i en forseglet kuvert i afsnittet. Den viser "
        "afsnittets patienter, og driften får besked om, hvem der brugte den og hvorfor.",
        "Only if you can't log on yourself. The code lies in a sealed envelope in the ward. It shows the "
        "ward's patients, and operations are told who used it and why.",
    ),
    "entry.code.ward": ("Afsnit", "Ward"),
    "entry.code.code": ("Nødkode", "Emergency code"),
    "entry.code.name": ("Dit fulde navn", "Your whole name"),
    "entry.code.button": ("Åbn med nødkode", "Open by the code"),
    "code-uses.title": ("Brugte nødkoder", "Emergency codes used"),
    "code-uses.text": (
        "Nogen har åbnet en kopi med afsnittets nødkode. Spørg afsnittet, om det passer, og lav en ny kode.",
        "Somebody has opened a copy with a ward's emergency code. Ask the ward if that is so, and make a new "
        "code.",
    ),
    "code-uses.name": ("Oplyst navn", "Name given"),
    "code-uses.place": ("Sted", "Place"),
    "code-uses.seen": ("Det er afklaret", "It is seen to"),
    "code-uses.none": (
        "Ingen nødkoder venter på at blive afklaret.",
        "No code waits to be seen to.",
    ),
    "entry.locked.title": ("Kopien er låst", "The copy is locked"),
    "entry.locked.text": (
        "Kopien har for længe ikke haft kontakt med journalen og har låst sig selv. Driften kan åbne den. "
        "Brug en anden kopi eller de udskrevne rapporter imens.",
        "The copy has not been in touch with the record for too long and has locked itself. Operations can "
        "open it. Use another copy or the printed reports meanwhile.",
    ),
    "entry.locked.revoked": (
        "Kopien er trukket tilbage og kan ikke åbnes mere. Brug en anden kopi.",
        "The copy was revoked and can't be opened any more. Use another copy.",
    ),
    "entry.refused.title": ("Det blev ikke gjort", "It was not done"),
    "entry.refused.back": ("Tilbage", "Back"),
    "entry.strange": (
        "Formularen kom fra en anden side eller et andet login. Åbn siden igen.",
        "The form came from another page or another logon. Open the page again.",
    ),
    "entry.disk": (
        "Disken på denne maskine kan ikke skrives, så ingen kan lukkes ind. Driften kan se efter den.",
        "The disk of this machine can't be written, so nobody can be let in. Operations can look at it.",
    ),
    "entry.bad-form": ("Formularen kunne ikke læses.", "The form could not be read."),
}
