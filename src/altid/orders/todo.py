"""Why an order's outcome is not certain, and what a person does about it, in both languages."""

from __future__ import annotations

from enum import StrEnum

from altid.orders.intent import Action
from altid.orders.receipt import Detail
from altid.screen.words import Language


class Why(StrEnum):
    """Why an order's outcome is not certain, the most serious first."""

    KEY_TWICE = "key-twice"
    DIFFERS = "differs"
    LOST = "lost"
    ONE_SITE = "one-site"
    RECOVERED = "recovered"
    NO_OUTCOME = "no-outcome"
    UNSEEN = "unseen"
    NOT_READ = "not-read"
    NOT_SENT_AGAIN = "not-sent-again"
    """Not uncertain: whoever signed was told. Listed beside, because a browser may have died with that."""


NAMES = {
    Why.KEY_TWICE: Detail("Nøgle brugt to gange", "Key used twice"),
    Why.DIFFERS: Detail("Stederne er uenige", "Sites differ"),
    Why.LOST: Detail("Kvitteret, men borte", "Acknowledged, but gone"),
    Why.ONE_SITE: Detail("Kun ét sted", "One site only"),
    Why.RECOVERED: Detail("Venter på afgørelse", "Waits for a decision"),
    Why.NO_OUTCOME: Detail("Ukendt udfald", "Unknown outcome"),
    Why.UNSEEN: Detail("Kun i en browser", "In a browser only"),
    Why.NOT_READ: Detail("Kunne ikke læses", "Could not be read"),
    Why.NOT_SENT_AGAIN: Detail("Afvist, ikke sendt igen", "Refused, not sent again"),
}
"""For people, in a few words."""

ACTIONS_DA = {
    Action.DRAFT: "kladde",
    Action.SIGN: "underskrift",
    Action.CHANGE: "ændring",
    Action.PAUSE: "pausering",
    Action.RESUME: "genoptagelse",
    Action.STOP: "seponering",
    Action.RENEW: "fornyelse",
    Action.ADMINISTER: "givet",
    Action.ACCEPT: "modtagelse",
    Action.SPECIMEN: "prøvetagning",
    Action.RESULT: "svar",
    Action.CANCEL: "annullering",
    Action.COMPLETE: "afslutning",
    Action.RETRACT: "tilbagetrækning",
    Action.MARK_PRIVATE: "privatmarkering",
    Action.UNMARK_PRIVATE: "privatmarkering fjernet",
}
"""What was done, as printed lists name it."""

TODO = {
    Why.KEY_TWICE: Detail(
        "Samme nøgle er brugt til to forskellige indhold. Se begge, afgør med ordinerende læge, hvad der "
        "gælder, og ret ordinationen.",
        "One key was used for two contents. Look at both, decide with the prescriber which one holds, and "
        "correct the order.",
    ),
    Why.DIFFERS: Detail(
        "De to steder har ikke det samme. Giv intet efter ordinationen, før driften har fundet det rigtige.",
        "The sites do not hold the same. Give nothing by this order until operations have found what is "
        "right.",
    ),
    Why.LOST: Detail(
        "Ordinationen blev kvitteret som registreret, men intet sted har den. Se til patienten, ordiner "
        "igen, og meld hændelsen.",
        "The order was acknowledged as registered, and no site has it. See to the patient, order it again, "
        "and report the event.",
    ),
    Why.ONE_SITE: Detail(
        "Ordinationen gælder, men kun det ene sted har den. Driften skal få stederne i takt.",
        "The order holds, but only one site has it. Operations must bring the sites in step.",
    ),
    Why.RECOVERED: Detail(
        "Ordinationen blev fundet hos en server, der døde. Registrer eller kassér den under "
        "fundne ordinationer.",
        "The order was found at a server that died. Register or discard it among the recovered orders.",
    ),
    Why.NO_OUTCOME: Detail(
        "Serveren tog imod ordinationen, men ingen ved, om den blev registreret. Spørg den, der underskrev, "
        "og ordiner igen, hvis den mangler.",
        "A server took the order, and nobody knows whether it was registered. Ask whoever signed, and order "
        "it again if it is missing.",
    ),
    Why.UNSEEN: Detail(
        "En browser har ordinationen ubekræftet, og intet sted har den. Åbn browserens udbakke, og send den "
        "igen, eller kassér den.",
        "A browser holds the order unconfirmed, and no site has it. Open that browser's outbox and send it "
        "again, or discard it.",
    ),
    Why.NOT_READ: Detail(
        "Intet sted kunne læses, så det vides ikke, om ordinationen er registreret. Ordiner den ikke igen "
        "endnu; afstem igen, når et sted svarer.",
        "No site could be read, so it is not known whether the order is registered. Don't order it again "
        "yet; reconcile again when a site answers.",
    ),
    Why.NOT_SENT_AGAIN: Detail(
        "Den, der underskrev, fik besked om, at ordinationen ikke blev registreret, og den er ikke sendt "
        "igen. Spørg, om den er afgivet på anden vis eller ikke længere skal gives.",
        "Whoever signed was told that the order was not registered, and it was not sent again. Ask whether "
        "it was ordered in another way, or is needed no more.",
    ),
}


def said(detail: Detail, language: Language) -> str:
    """In the one language."""
    return detail.da if language == "da" else detail.en


def action_name(action: str, language: Language) -> str:
    """An action's name; what a browser calls something else stays as it says."""
    if language == "en" or action not in ACTIONS_DA:
        return action.replace("-", " ")
    return ACTIONS_DA[Action(action)]
