"""Texts of ordering, of a browser's outbox, and of the sign of the site: (da, en).

What begins with `script.` is said by the page's scripts, which are given it without that.
"""

from __future__ import annotations

SCRIPTED = "script."

ORDERING: dict[str, tuple[str, str]] = {
    "ordering.noscript": (
        "Ordination kræver, at siden må køre scripts. Brug papir, og ring til driften.",
        "Ordering needs the page's scripts. Use paper, and call operations.",
    ),
    "ordering.medication": ("Ny medicinordination", "New medication order"),
    "ordering.drug": ("Lægemiddel", "Drug"),
    "ordering.schedule": ("Hvordan gives det", "How it is given"),
    "ordering.schedule.rounds": ("morgen, middag, aften, nat", "morning, noon, evening, night"),
    "ordering.schedule.times": ("et antal gange i døgnet", "so many times a day"),
    "ordering.schedule.every": ("med faste mellemrum", "every so many hours"),
    "ordering.schedule.clock": ("på faste klokkeslæt", "at fixed times"),
    "ordering.schedule.weekly": ("en ugedag", "on a day of the week"),
    "ordering.schedule.needed": ("efter behov", "as needed"),
    "ordering.schedule.once": ("én gang", "once"),
    "ordering.schedule.continuous": ("kontinuerligt, pr. time", "continuously, per hour"),
    "ordering.amount": ("Dosis", "Dose"),
    "ordering.morning": ("Morgen", "Morning"),
    "ordering.noon": ("Middag", "Noon"),
    "ordering.evening": ("Aften", "Evening"),
    "ordering.night": ("Nat", "Night"),
    "ordering.unit": ("Enhed", "Unit"),
    "ordering.unit.mg": ("mg", "mg"),
    "ordering.unit.g": ("g", "g"),
    "ordering.unit.ug": ("mikrogram", "micrograms"),
    "ordering.unit.[iU]": ("IE", "units"),
    "ordering.unit.mL": ("mL", "mL"),
    "ordering.unit.1": ("stk.", "pieces"),
    "ordering.unit.mmol": ("mmol", "mmol"),
    "ordering.times": ("Gange i døgnet", "Times a day"),
    "ordering.hours": ("Timer imellem", "Hours between"),
    "ordering.clock": ("Klokkeslæt", "Times"),
    "ordering.weekday": ("Ugedag", "Day of the week"),
    "ordering.weekday.mon": ("mandag", "Monday"),
    "ordering.weekday.tue": ("tirsdag", "Tuesday"),
    "ordering.weekday.wed": ("onsdag", "Wednesday"),
    "ordering.weekday.thu": ("torsdag", "Thursday"),
    "ordering.weekday.fri": ("fredag", "Friday"),
    "ordering.weekday.sat": ("lørdag", "Saturday"),
    "ordering.weekday.sun": ("søndag", "Sunday"),
    "ordering.most": ("Højst i døgnet", "At most a day"),
    "ordering.needed-for": ("Behov", "Needed for"),
    "ordering.route": ("Anvendelse", "Route"),
    "ordering.route.oral": ("oral anvendelse", "oral use"),
    "ordering.route.intravenous": ("intravenøs anvendelse", "intravenous use"),
    "ordering.route.subcutaneous": ("subkutan anvendelse", "subcutaneous use"),
    "ordering.route.intramuscular": ("intramuskulær anvendelse", "intramuscular use"),
    "ordering.route.inhaled": ("til inhalation", "inhalation"),
    "ordering.route.sublingual": ("sublingual anvendelse", "sublingual use"),
    "ordering.route.rectal": ("rektal anvendelse", "rectal use"),
    "ordering.route.topical": ("kutan anvendelse", "cutaneous use"),
    "ordering.start": ("Fra", "From"),
    "ordering.end": ("Til", "Until"),
    "ordering.review": ("Eller revurderes", "Or review on"),
    "ordering.indication": ("Indikation", "Indication"),
    "ordering.stage": ("Læg på listen", "Put on the list"),
    "ordering.staged": ("Klar til underskrift", "Ready to be signed"),
    "ordering.staged.none": (
        "Intet er lagt på listen. Intet er ordineret, før du har underskrevet.",
        "Nothing is on the list. Nothing is ordered before you have signed.",
    ),
    "ordering.read-and-sign": ("Læs igennem og underskriv", "Read through and sign"),
    "ordering.ongoing": ("Alle ordinationer og rekvisitioner", "All orders and requisitions"),
    # Said by scripts
    "script.order.impossible": (
        "Her kan ikke ordineres: forbindelsen er ikke krypteret (https), eller browseren er for gammel.",
        "Orders can't be made here: the line is not encrypted (https), or the browser is too old.",
    ),
    "script.order.search.failed": (
        "Der kunne ikke søges. Skriv igen om lidt.",
        "The search failed. Type again soon.",
    ),
    "script.order.search.none": ("Ingen fundet.", "None found."),
    "script.order.look": ("Se på det felt, der er markeret.", "Look at the field that is marked."),
    "script.order.staged": ("Lagt på listen. Ikke underskrevet endnu.", "On the list. Not signed yet."),
    "script.order.not-kept": (
        "Det kunne ikke gemmes på denne maskine, og intet er sendt. Prøv igen, eller log ind igen.",
        "It could not be kept on this machine, and nothing was sent. Try again, or log on again.",
    ),
    "script.order.signed": ("Underskrevet. Afventer kvittering.", "Signed. Waiting for the receipt."),
    "script.order.signed-before": ("Er allerede underskrevet.", "Was signed already."),
    "script.order.checking": ("Kontrolleres …", "Being checked …"),
    "script.order.checked": ("Kontrolleret, intet fundet", "Checked, nothing found"),
    "script.order.refused": ("Blev ikke registreret:", "Was not registered:"),
    "script.order.overridden": ("Ordineres alligevel: {reason}", "Ordered all the same: {reason}"),
    "script.order.error": ("Kan ikke ordineres", "Can't be ordered"),
    "script.order.warning": ("Advarsel", "Warning"),
    "script.order.why-all-the-same": ("Hvorfor alligevel?", "Why all the same?"),
    "script.order.all-the-same": ("Ordinér alligevel", "Order all the same"),
    "script.order.remove": ("Fjern fra listen", "Take off the list"),
    "script.order.read-back": ("Læs igennem", "Read through"),
    "script.order.sign": ("Underskriv {count}", "Sign {count}"),
    "script.order.back": ("Tilbage", "Back"),
    "script.order.read.start": ("Fra: {day}", "From: {day}"),
    "script.order.read.end": ("Til: {day}", "Until: {day}"),
    "script.order.read.review": ("Revurderes: {day}", "Review: {day}"),
    "script.order.read.why": ("Indikation: {why}", "Indication: {why}"),
    "script.outbox.waiting": ("Afventer kvittering", "Waiting for a receipt"),
    "script.outbox.staged": ("Ikke underskrevet", "Not signed"),
    "script.outbox.known": ("Kvitteringer", "Receipts"),
    "script.outbox.refused": ("Ikke registreret", "Not registered"),
    "script.outbox.go": ("Gå til listen", "Go to the list"),
    "script.outbox.since": ("Underskrevet", "Signed"),
    "script.outbox.registered": ("Registreret {at}", "Registered {at}"),
    "script.outbox.at.two-sites": ("på begge steder", "at both sites"),
    "script.outbox.at.one-site": ("på ét sted", "at one site"),
    "script.outbox.at.none": ("på serveren", "at the server"),
    "script.outbox.at.server": ("i journalen", "in the record"),
    "script.outbox.clear": ("Ryd det læste", "Clear what was read"),
    "script.outbox.print": ("Udskriv det, der afventer", "Print what is waiting"),
    "script.outbox.loud": (
        "IKKE BEKRÆFTET: {count} underskrift(er) har ingen kvittering. Sørg for, at de kendes: udskriv, "
        "og sig det "
        "til dem, der skal handle. Altid sender dem igen af sig selv.",
        "NOT CONFIRMED: {count} signature(s) have no receipt. See that they are known: print them, and "
        "tell those "
        "who are to act. Altid sends them again by itself.",
    ),
    "script.outbox.over": (
        "Du er logget af. Det, der afventer, sendes, når du logger ind igen på denne maskine.",
        "You are logged off. What is waiting is sent when you log on again at this machine.",
    ),
    "script.outbox.paper": ("Underskrevet uden kvittering", "Signed without a receipt"),
    "script.outbox.paper.text": (
        "Det følgende er underskrevet, men journalen har ikke bekræftet det. Se i journalen, før "
        "der handles "
        "to gange.",
        "The following is signed, but the record has not confirmed it. Look in the record before it is "
        "done twice.",
    ),
    "script.outbox.printed": ("udskrevet {at}", "printed {at}"),
    "script.handover.title": ("Ikke afsluttet", "Not finished"),
    "script.handover.text": (
        "Det, der afventer, bliver liggende forseglet på denne maskine og sendes, næste gang du logger "
        "ind her. "
        "Driften får besked.",
        "What is waiting stays sealed at this machine and is sent when you log on here the next time. "
        "Operations "
        "are told.",
    ),
    "script.handover.stay": ("Bliv her", "Stay here"),
    "script.handover.go": ("Log af alligevel", "Log off all the same"),
    "outbox.label": ("Underskrifter og kvitteringer", "Signatures and receipts"),
    "moved.title": ("Det, der afventer, følger med hertil", "What is waiting comes along"),
    "moved.go": ("Fortsæt", "Go on"),
    "offline.title": ("Ingen forbindelse til journalen", "No connection to the record"),
    "offline.gone": (
        "Intet sted svarer. Der kan hverken læses eller skrives her. Brug Opslag (kun læsning), og "
        "skriv på papir.",
        "No site answers. Nothing can be read or written here. Use the lookup record (for reading "
        "only), and write "
        "on paper.",
    ),
    "offline.lookup": ("Åbn Opslag", "Open the lookup record"),
    "offline.no-lookup": (
        "Opslags adresse er ikke kendt her: brug afsnittets egen maskine eller de udskrevne rapporter.",
        "The lookup record's address is not known here: use the ward's own machine or the printed reports.",
    ),
    "offline.looking": ("Der ledes efter et sted, der svarer …", "Looking for a site that answers …"),
    "offline.other.before": ("Sted", "Site"),
    "offline.other.after": (
        "svarer: siden flytter dertil af sig selv.",
        "answers: the page goes there by itself.",
    ),
    "offline.held": (
        "underskrift(er) på denne maskine har ingen kvittering. De sendes af sig selv, så snart et sted "
        "svarer. Sørg for, at de kendes imens.",
        "signature(s) at this machine have no receipt. They are sent by themselves as soon as a site "
        "answers. See that they are known meanwhile.",
    ),
    "offline.back": (
        "Siden kommer igen af sig selv, når journalen svarer, og går imens til Opslag, hvis det svarer. "
        "Logon i journalen er heller ikke muligt.",
        "The page comes back by itself when the record answers, and goes to the lookup record meanwhile if "
        "that answers. Nobody can log on to the record either.",
    ),
    "script.site.lookup": ("Åbn Opslag", "Open the lookup record"),
    "site.label": ("Sted", "Site"),
    "script.site.this": ("Sted {name}", "Site {name}"),
    "script.site.other": ("Sted {name} svarer, {home} gør ikke", "Site {name} answers, {home} doesn't"),
    "script.site.none": ("Intet sted svarer", "No site answers"),
    "script.safe.two-sites": ("to steder", "two sites"),
    "script.safe.one-site": ("kun ét sted", "one site only"),
    "script.safe.none": ("intet kan gemmes", "nothing can be stored"),
}
