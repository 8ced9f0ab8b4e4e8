"""Texts of the page of what was reconciled: (da, en). Reasons, and what to do, are in `orders.todo`."""

from __future__ import annotations

RECONCILING: dict[str, tuple[str, str]] = {
    "reconciled.title": ("Afstemning af ordinationer", "Reconciliation of orders"),
    "reconciled.link": ("Afstemning", "Reconciliation"),
    "reconciled.never": ("Der er ikke afstemt endnu.", "Nothing was reconciled yet."),
    "reconciled.certain": ("Alle ordinationer er sikre.", "All orders are certain."),
    "reconciled.uncertain.one": ("{count} usikker ordination", "{count} uncertain order"),
    "reconciled.uncertain.many": ("{count} usikre ordinationer", "{count} uncertain orders"),
    "reconciled.settled": (
        "En person har erklæret, at der er set til dem alle.",
        "Somebody has stated that all of them were seen to.",
    ),
    "reconciled.unread": (
        "Ikke læst: {unread}. Afstemningen er ikke fuldstændig.",
        "Not read: {unread}. The reconciliation is not complete.",
    ),
    "reconciled.differs": (
        "De to steder har ikke det samme.",
        "The two sites do not hold the same.",
    ),
    "reconciled.altered": (
        "Bevis nr. {numbers} er ændret: det, der stod i det, vises ikke. Tal med driften.",
        "Evidence no. {numbers} was altered: what it said is not shown. Talk to operations.",
    ),
    "reconciled.keys-only": (
        "Her vises nøgler og antal. Hvem ordinationerne er til, ser kun de, der må se patienten.",
        "Keys and counts are shown here. Whose the orders are, only those see who may see the patient.",
    ),
    "reconciled.affected": ("Berørte afsnit", "Affected wards"),
    "reconciled.hospital": ("Hospital", "Hospital"),
    "reconciled.ward": ("Afsnit", "Ward"),
    "reconciled.patients": ("Patienter", "Patients"),
    "reconciled.orders": ("Ordinationer", "Orders"),
    "reconciled.unknown-ward": ("Afsnit ukendt", "Ward unknown"),
    "reconciled.patient": ("Patient", "Patient"),
    "reconciled.what": ("Ordination", "Order"),
    "reconciled.why": ("Årsag", "Reason"),
    "reconciled.todo": ("Det, der skal gøres", "What to do"),
    "reconciled.seen": ("Set til", "Seen to"),
    "reconciled.not-yours": ("vises ikke for dig", "not shown to you"),
    "reconciled.by": ("ordineret af {name}", "ordered by {name}"),
    "reconciled.key": ("nøgle {named}", "key {named}"),
    "reconciled.held": ("findes hos {sites}", "held by {sites}"),
    "reconciled.nowhere": ("findes intet sted", "held by no site"),
    "reconciled.beside": ("Afvist, og ikke sendt igen", "Refused, and not sent again"),
    "reconciled.beside.hint": (
        "Den, der underskrev, fik besked om, at ordinationen ikke blev registreret. Nogen bør spørge.",
        "Whoever signed was told that the order was not registered. Somebody should ask.",
    ),
    "reconciled.evidence": ("Bevis", "Evidence"),
    "reconciled.number": ("Nr.", "No."),
    "reconciled.made": ("Afstemt", "Reconciled"),
    "reconciled.window": ("Tidsrum", "Time"),
    "reconciled.window.of": ("{since} til {until}", "{since} to {until}"),
    "reconciled.counts": ("Sammenlignet", "Compared"),
    "reconciled.counts.of": (
        "{registered} registrerede versioner, {intents} noteret af serverne, {held} ubekræftet hos browsere",
        "{registered} versions registered, {intents} noted by servers, {held} unconfirmed in browsers",
    ),
    "reconciled.site": ("Sted {site}", "Site {site}"),
    "reconciled.digest": ("{count} versioner, SHA-256 {sha256}", "{count} versions, SHA-256 {sha256}"),
    "reconciled.found": ("Usikre", "Uncertain"),
    "reconciled.itself": ("af sig selv, {site}", "by itself, {site}"),
    "reconciled.made-by": ("Af", "By"),
}
