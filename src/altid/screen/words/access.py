"""Texts of the ways in and of the pages about access, by key: (da, en)."""

from __future__ import annotations

ACCESS: dict[str, tuple[str, str]] = {
    # Who is logged on
    "me.label": ("Logget ind", "Logged on"),
    "me.change": ("Skift rolle", "Change role"),
    "me.off": ("Log af", "Log off"),
    "role.doctor": ("læge", "doctor"),
    "role.nurse": ("sygeplejerske", "nurse"),
    "role.pharmacist": ("farmaceut", "pharmacist"),
    "role.secretary": ("lægesekretær", "medical secretary"),
    "role.operations": ("drift", "operations"),
    "role.auditor": ("logkontrol", "auditor"),
    "role.administrator": ("brugeradministrator", "administrator"),
    "role.system": ("system", "system"),
    # Logon
    "logon.title": ("Log ind", "Log on"),
    "logon.username": ("Brugernavn", "User name"),
    "logon.password": ("Adgangskode", "Password"),
    "logon.button": ("Log ind", "Log on"),
    "logon.passkey": ("Log ind med adgangsnøgle", "Log on with a passkey"),
    "logon.passkey.failed": (
        "Adgangsnøglen kunne ikke bruges her. Log ind med adgangskode.",
        "The passkey could not be used here. Log on with your password.",
    ),
    "logon.providers": ("Regionens login", "The region's logon"),
    "logon.provider": ("Log ind med {name}", "Log on with {name}"),
    "logon.provider.down": (
        "{name} svarer ikke lige nu. Brug adgangskode eller adgangsnøgle.",
        "{name} does not answer just now. Use your password or a passkey.",
    ),
    "logon.again": ("Prøv igen nu", "Try again now"),
    "logon.change": ("Skift adgangskode", "Change password"),
    "logon.refused": ("Du er ikke logget ind", "You are not logged on"),
    "logon.back": ("Til login", "To the logon page"),
    "quick.heading": ("Tilbage på denne pc", "Back at this PC"),
    "quick.hint": (
        "Når du har logget ind her i din vagt og har valgt kort eller PIN.",
        "When you have logged on here in your shift and have chosen badge or PIN.",
    ),
    "quick.badge": ("Adgangskort", "Badge"),
    "quick.badge.button": ("Log ind med kort", "Log on by badge"),
    "quick.pin": ("PIN-kode", "PIN"),
    "quick.pin.button": ("Log ind med PIN", "Log on by PIN"),
    # Waiting in line
    "queue.title": ("Der er kø", "There is a line"),
    "queue.place": ("Du er nummer {place} i køen.", "You are number {place} in the line."),
    "queue.wait": ("Cirka {seconds} s.", "About {seconds} s."),
    "queue.again": ("Prøver selv igen om {seconds} s", "Trying again by itself in {seconds} s"),
    "queue.trying": ("Prøver nu …", "Trying now …"),
    "queue.kept": (
        "Det, du har skrevet, bliver stående. Du skal ikke gøre noget.",
        "What you have written stays. You need do nothing.",
    ),
    "queue.hand": (
        "Skriv adgangskoden igen, og prøv om lidt: du har en plads i køen.",
        "Write the password again, and try shortly: you have a place in the line.",
    ),
    "queue.stop": ("Stop", "Stop"),
    "queue.over": (
        "Det lykkedes ikke. Vent lidt, og prøv igen, eller brug nødproceduren.",
        "It did not work. Wait a little and try again, or use the emergency procedure.",
    ),
    "queue.lost": ("Ingen forbindelse til serveren.", "No connection to the server."),
    # Passwords and invitations
    "new.title": ("Skift adgangskode", "Change password"),
    "new.current": ("Nuværende adgangskode", "Current password"),
    "new.new": ("Ny adgangskode", "New password"),
    "new.again": ("Ny adgangskode igen", "New password again"),
    "new.hint": (
        "Mindst 12 tegn. En sætning er nem at huske og svær at gætte.",
        "At least 12 characters. A sentence is easy to remember and hard to guess.",
    ),
    "new.button": ("Skift og log ind", "Change and log on"),
    "join.title": ("Invitation", "Invitation"),
    "join.secret": ("Koden fra linket (det, der står efter #)", "The code of the link (what stands after #)"),
    "join.button": ("Fortsæt", "Go on"),
    "join.hint": (
        "Linket virker én gang. Du vælger selv din adgangskode; ingen andre kender den.",
        "The link works once. You choose your password; nobody else knows it.",
    ),
    "join.for": ("Kontoen {username}, {name}", "The account {username}, {name}"),
    "join.name": ("Navn, som det vises", "Name, as it is shown"),
    "join.accept": ("Opret adgang og log ind", "Create the access and log on"),
    # Role and place
    "choice.title": ("Vælg rolle og arbejdssted", "Choose role and place of work"),
    "choice.hint": (
        "Det afgør, hvilke patienter du kan se, og står i loggen.",
        "It decides which patients you can see, and stands in the access log.",
    ),
    "choice.now": ("nu", "now"),
    "choice.button": ("Fortsæt", "Go on"),
    # Quick access
    "own.title": ("Hurtig adgang", "Quick access"),
    "own.badge.heading": ("Kort eller PIN på denne pc", "Badge or PIN at this PC"),
    "own.badge.text": (
        "Resten af din vagt kommer du ind her med kort eller PIN. Det gælder kun denne pc: {name}.",
        "For the rest of your shift you get in here by badge or PIN. It holds for this PC only: {name}.",
    ),
    "own.badge.none": (
        "Denne pc er ikke en kendt arbejdsplads. En brugeradministrator kan gøre den til det.",
        "This PC is no known workplace. An administrator can make it one.",
    ),
    "own.badge.field": (
        "Læg kortet på læseren, eller skriv nummeret",
        "Put the badge on the reader, or write its number",
    ),
    "own.pin.field": ("PIN-kode, 6 til 12 cifre", "PIN, 6 to 12 digits"),
    "own.badge.button": ("Gem for denne vagt", "Keep for this shift"),
    "own.done.allowed": (
        "Gemt. Du kan nu komme ind her med kort eller PIN, til vagten er slut.",
        "Kept. You can now get in here by badge or PIN, until your shift is over.",
    ),
    "own.done.passkey": ("Adgangsnøglen er gemt.", "The passkey is kept."),
    "own.passkey.heading": ("Adgangsnøgle", "Passkey"),
    "own.passkey.text": (
        "En nøgle på din egen enhed, som du åbner med finger, ansigt eller kode. Den kan ikke gættes "
        "eller lokkes fra dig.",
        "A key on your own device that you open by finger, face or code. It can't be guessed or coaxed "
        "from you.",
    ),
    "own.passkey.name": ("Navn på enheden", "Name of the device"),
    "own.passkey.button": ("Opret adgangsnøgle", "Create a passkey"),
    "own.passkey.script": (
        "Adgangsnøgler kræver, at browseren må køre sidens script.",
        "Passkeys need a browser that runs the page's script.",
    ),
    # Workplaces
    "workplace.title": ("Arbejdsplads", "Workplace"),
    "workplace.known": ("Denne pc er arbejdspladsen {name}.", "This PC is the workplace {name}."),
    "workplace.unknown": (
        "Denne pc er ikke en kendt arbejdsplads. Gør den kun til en, hvis den står på et afsnit og bruges "
        "af flere.",
        "This PC is no known workplace. Make it one only if it stands on a ward and is used by several.",
    ),
    "workplace.name": ("Navn, fx »H1 vagtstue, pc 2«", "Name, say “H1 duty room, PC 2”"),
    "workplace.place": ("Afsnittets SOR-nummer", "SOR number of the ward"),
    "workplace.button": ("Gør denne pc kendt", "Make this PC known"),
    "workplace.close": ("Luk arbejdspladsen", "Close the workplace"),
    "workplace.close.text": (
        "Alle kort og PIN-koder holder straks op med at virke her.",
        "All badges and PINs stop working here at once.",
    ),
    # Rights
    "home.title": ("Forside", "Front page"),
    "home.text": (
        "Din rolle ({role}) viser ingen patienter.",
        "Your role ({role}) shows no patients.",
    ),
    "home.nothing": ("Her er ingen sider for din rolle.", "There are no pages for your role here."),
    "rights.role.title": ("Ikke for din rolle", "Not for your role"),
    "rights.role.text": (
        "Din rolle ({role}) har ikke adgang til denne side. Har du en anden rolle, kan du skifte til den.",
        "Your role ({role}) has no access to this page. If you have another role, you can change to it.",
    ),
    "rights.section": (
        "Vises ikke for din rolle. Det betyder ikke, at der intet er.",
        "Not shown to your role. It does not mean that there is nothing.",
    ),
    "rights.overridden": (
        "Åbnet ved værdispring. Det følges op, og patienten kan se det.",
        "Opened by breaking the glass. It is followed up, and the patient can see it.",
    ),
    "rights.blocked": (
        "Patienten har spærret for en del af journalen. Den del er ikke vist her.",
        "The patient has blocked a part of the record. That part is not shown here.",
    ),
    "rights.place": ("Vises ikke uden behandlingsrelation", "Not shown without a treatment relation"),
    "grounds.title": ("Ingen behandlingsrelation", "No treatment relation"),
    "grounds.text": (
        "Patienten er hverken indlagt eller henvist, hvor du arbejder, eller har spærret journalen. "
        "Derfor vises den ikke. Det betyder ikke, at der intet er.",
        "The patient is neither admitted nor referred to where you work, or has blocked the record. "
        "Therefore it is not shown. It does not mean that there is nothing.",
    ),
    "glass.title": ("Værdispring", "Break the glass"),
    "glass.text": (
        "Er det nødvendigt for behandlingen, åbner du journalen i otte timer med en begrundelse. Det bliver "
        "fulgt op af en anden, og patienten kan se det.",
        "If the treatment needs it, you open the record for eight hours with a reason. Somebody else "
        "follows it up, and the patient can see it.",
    ),
    "glass.kind": ("Hvorfor", "Why"),
    "glass.kind.acute": (
        "Akut behov: patienten kan ikke give samtykke",
        "Acute need: the patient cannot consent",
    ),
    "glass.kind.consent": ("Patienten har givet samtykke", "The patient has consented"),
    "glass.kind.incomplete-relation": (
        "Jeg behandler patienten, men det er ikke registreret endnu",
        "I treat the patient, but it is not recorded yet",
    ),
    "glass.kind.other-law": ("Anden lovhjemmel", "Other legal ground"),
    "glass.reason": ("Begrundelse, mindst 10 tegn", "Reason, at least 10 characters"),
    "glass.button": ("Åbn journalen", "Open the record"),
    "glass.not": ("Journalen blev ikke åbnet", "The record was not opened"),
    "glass.back": ("Tilbage til patienten", "Back to the patient"),
    # Follow-up
    "follow.title": ("Opfølgning på værdispring", "Follow-up of breaking the glass"),
    "follow.count.one": ("{count} venter på opfølgning", "{count} waits for follow-up"),
    "follow.count.many": ("{count} venter på opfølgning", "{count} wait for follow-up"),
    "follow.none": ("Ingen værdispring venter på opfølgning.", "None waits for follow-up."),
    "follow.patient": ("Patientens id", "Patient's id"),
    "follow.when": ("Hvornår", "When"),
    "follow.why": ("Begrundelse", "Reason"),
    "follow.judge": ("Vurdering", "Finding"),
    "finding.justified": ("Berettiget", "Justified"),
    "finding.unjustified": ("Ikke berettiget", "Not justified"),
    "follow.remark": ("Bemærkning", "Remark"),
    "follow.button": ("Gem vurdering", "Keep the finding"),
    # Who has looked
    "looks.title": ("Hvem har set patienten", "Who has looked at the patient"),
    "looks.patient": ("Patientens id", "Patient's id"),
    "looks.period": ("Periode", "Period"),
    "looks.days.1": ("det seneste døgn", "the last day"),
    "looks.days.7": ("de seneste 7 dage", "the last 7 days"),
    "looks.days.30": ("de seneste 30 dage", "the last 30 days"),
    "looks.days.365": ("det seneste år", "the last year"),
    "looks.button": ("Vis", "Show"),
    "looks.none": (
        "Ingen hændelser om patienten i perioden.",
        "No events about the patient in the period.",
    ),
    "looks.bad": (
        "Skriv patientens id, som det står i adressen.",
        "Write the patient's id as it stands in the address.",
    ),
    "looks.more": (
        "Her er de nyeste {count}. Vælg en kortere periode for at se resten.",
        "Here are the newest {count}. Choose a shorter period to see the rest.",
    ),
    "looks.when": ("Hvornår", "When"),
    "looks.who": ("Hvem", "Who"),
    "looks.what": ("Hvad", "What"),
    "looks.why": ("Grundlag", "Grounds"),
    "looks.where": ("Adresse", "Address"),
    "looks.own": ("Denne søgning er selv noteret i loggen.", "This search itself is in the access log."),
    "audited-grounds.admitted": ("indlagt", "admitted"),
    "audited-grounds.referred": ("henvist", "referred"),
    "audited-grounds.listed": ("på egen liste", "on own list"),
    "audited-grounds.override": ("værdispring", "breaking the glass"),
    "audited-grounds.scope": ("systemets rettighed", "a system's scope"),
    "action.read": ("så", "read"),
    "action.vread": ("så en tidligere udgave", "read an earlier version"),
    "action.history": ("så historikken", "read the history"),
    "action.search": ("søgte", "searched"),
    "action.create": ("oprettede", "created"),
    "action.update": ("ændrede", "updated"),
    "action.patch": ("ændrede", "patched"),
    "action.delete": ("slettede", "deleted"),
    "action.operation": ("brugte en funktion", "used an operation"),
    "action.export": ("udtrak", "exported"),
    "action.print": ("udskrev", "printed"),
    "action.logon": ("loggede ind", "logged on"),
    "action.logoff": ("loggede af", "logged off"),
    "action.override": ("værdispring", "broke the glass"),
    "action.follow-up": ("fulgte op", "followed up"),
    "action.administer": ("administrerede", "administered"),
    "outcome.refused": ("afvist", "refused"),
    "outcome.failed": ("mislykket", "failed"),
    "outcome.unknown": ("udfald ukendt", "outcome unknown"),
    # Faults
    "error.too-wide.title": ("Vælg dit afsnit", "Choose your ward"),
    "error.too-wide.text": (
        "Du er logget ind et sted med for mange patienter til at sige, hvem du behandler. Skift til det "
        "afsnit, hvor du arbejder.",
        "You are logged on at a place with too many patients to tell whom you treat. Change to the ward "
        "where you work.",
    ),
    "error.strange-form.title": ("Formularen blev ikke godtaget", "The form was not accepted"),
    "error.strange-form.text": (
        "Den kom fra et andet sted end denne side, eller din session er skiftet siden. Der er intet gemt. "
        "Åbn siden igen, og prøv en gang til.",
        "It came from elsewhere than this page, or your session has changed since. Nothing was stored. "
        "Open the page again, and try once more.",
    ),
    "refused.title": ("Det lykkedes ikke", "It did not work"),
    "unaudited.title": ("Intet vises lige nu", "Nothing is shown just now"),
}
