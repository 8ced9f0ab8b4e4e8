"""Why somebody isn't let in, as data: a code for programs, Danish and English for people.

A refusal says what to do next. It never says whether an account exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Language = Literal["en", "da"]


class Code(StrEnum):
    """Stable: browsers and programs decide by it."""

    WRONG = "wrong-credentials"
    SLOWED = "slowed"
    BUSY = "busy"
    TOO_LATE = "too-late"
    UNAVAILABLE = "unavailable"
    DISABLED = "disabled"
    MUST_CHANGE = "must-change-password"
    WEAK = "weak-password"
    NOT_YOURS = "not-your-role"
    FULL_LOGON = "full-logon-needed"
    ENDED = "session-ended"
    PASSKEY = "passkey-refused"
    INVITATION = "invitation-refused"
    PROVIDER_DOWN = "provider-down"
    PROVIDER_REFUSED = "provider-refused"
    BEGIN_AGAIN = "begin-again"
    NOT_MAPPED = "not-mapped"
    LEVEL_TOO_LOW = "level-too-low"
    USE_PROVIDER = "use-provider"
    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_SCOPE = "invalid_scope"
    INVALID_GRANT = "invalid_grant"
    DENIED = "access_denied"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT = "unsupported_grant_type"
    UNSUPPORTED_TOKEN = "unsupported_token_type"  # noqa: S105 (a code)
    UNSUPPORTED_RESPONSE = "unsupported_response_type"
    ASK_AGAIN = "ask-again"
    NOT_POSSIBLE = "not-possible"
    NEEDS_REASON = "reason-needed"
    NOT_LOGGED_ON = "not-logged-on"
    NOT_ALLOWED = "own-session-needed"
    WRONG_TYPE = "wrong-content-type"
    TOO_LARGE = "too-large"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class Refusal:
    """`status` is HTTP's. `retry_after_s`: it can be worth trying again then."""

    code: Code
    status: int
    text_en: str
    text_da: str
    retry_after_s: float | None = None
    place: int | None = None
    """How many are to come in before this one."""
    appointment: str | None = field(default=None, repr=False)
    """To be shown with the next try: whoever has waited comes before those who have not."""
    data: Mapping[str, object] = field(default_factory=dict)

    def text(self, language: Language) -> str:
        template = self.text_da if language == "da" else self.text_en
        return template.format_map(self.data)

    def as_json(self, language: Language = "en") -> dict[str, Any]:
        """For a browser or a program: what there is to say, nothing empty."""
        shown = {
            "error": str(self.code),
            "error_description": self.text(language),
            "retry_after_s": self.retry_after_s,
            "place": self.place,
            "appointment": self.appointment,
        }
        return {name: value for name, value in shown.items() if value is not None}


WRONG = Refusal(
    Code.WRONG,
    401,
    "User name or password is wrong.",
    "Brugernavn eller adgangskode er forkert.",
)
WRONG_PIN = Refusal(
    Code.WRONG,
    401,
    "The PIN is wrong.",
    "PIN-koden er forkert.",
)
WEAK_PIN = Refusal(
    Code.WEAK,
    422,
    "A PIN has 6 to 12 digits, not all the same and not counting up or down.",
    "En PIN-kode har 6 til 12 cifre, ikke alle ens og ikke på stribe.",
)
TOO_LATE = Refusal(
    Code.TOO_LATE,
    503,
    "It took longer than you could wait. Try again.",
    "Det tog længere, end du kunne vente. Prøv igen.",
    retry_after_s=1.0,
)
UNAVAILABLE = Refusal(
    Code.UNAVAILABLE,
    503,
    "Logon can't reach the database just now. Whoever is logged on stays so. Try again in a moment.",
    "Login kan ikke nå databasen lige nu. De, der er logget ind, bliver ved med at være det. "
    "Prøv igen om et øjeblik.",
    retry_after_s=1.0,
)
DISABLED = Refusal(
    Code.DISABLED,
    403,
    "This account is closed. Your local administrator can open it.",
    "Kontoen er lukket. Din lokale administrator kan åbne den.",
)
MUST_CHANGE = Refusal(
    Code.MUST_CHANGE,
    403,
    "Choose a new password before you go on.",
    "Vælg en ny adgangskode, før du går videre.",
)
NOT_YOURS = Refusal(
    Code.NOT_YOURS,
    403,
    "Your account has no such role or place of work.",
    "Din konto har ikke denne rolle eller dette arbejdssted.",
)
FULL_LOGON = Refusal(
    Code.FULL_LOGON,
    401,
    "Log on with user name and password. Badge and PIN work after that, at this PC, for one shift.",
    "Log ind med brugernavn og adgangskode. Kort og PIN virker derefter på denne pc i én vagt.",
)
ENDED = Refusal(
    Code.ENDED,
    401,
    "Your session has ended. Log on again.",
    "Din session er slut. Log ind igen.",
)
PASSKEY = Refusal(
    Code.PASSKEY,
    401,
    "The passkey was not accepted. Try again, or log on with your password.",
    "Adgangsnøglen blev ikke godtaget. Prøv igen, eller log ind med adgangskode.",
)
INVITATION = Refusal(
    Code.INVITATION,
    403,
    "The link has been used or is too old. Ask for a new one.",
    "Linket er brugt eller for gammelt. Bed om et nyt.",
)
PROVIDER_DOWN = Refusal(
    Code.PROVIDER_DOWN,
    503,
    "The region's logon does not answer just now. Whoever is logged on stays so. With a local account or a "
    "passkey you can log on here.",
    "Regionens login svarer ikke lige nu. De, der er logget ind, bliver ved med at være det. Med en lokal "
    "konto eller en adgangsnøgle kan du logge ind her.",
    retry_after_s=10.0,
)
PROVIDER_REFUSED = Refusal(
    Code.PROVIDER_REFUSED,
    401,
    "The region's logon did not let you in. Try again, or ask the region's support.",
    "Regionens login lukkede dig ikke ind. Prøv igen, eller spørg regionens support.",
)
BEGIN_AGAIN = Refusal(
    Code.BEGIN_AGAIN,
    400,
    "This logon was begun in another window, was used already or took too long. Begin again.",
    "Dette login blev begyndt i et andet vindue, er allerede brugt eller tog for lang tid. Begynd forfra.",
)
NOT_MAPPED = Refusal(
    Code.NOT_MAPPED,
    403,
    "The region's logon knows you, but gives you no role or place of work here. Your local administrator can "
    "change that.",
    "Regionens login kender dig, men giver dig ingen rolle eller intet arbejdssted her. Din lokale "
    "administrator kan ændre det.",
)
LEVEL_TOO_LOW = Refusal(
    Code.LEVEL_TOO_LOW,
    403,
    "Log on at the region with a stronger means, for example with two factors.",
    "Log ind hos regionen på en stærkere måde, for eksempel med to faktorer.",
)
USE_PROVIDER = Refusal(
    Code.USE_PROVIDER,
    403,
    "Log on through the region's logon. Your passkey or password here is for when that does not answer.",
    "Log ind gennem regionens login. Din adgangsnøgle eller adgangskode her er til, når det ikke svarer.",
)
INVALID_REQUEST = Refusal(
    Code.INVALID_REQUEST,
    400,
    "A value is missing, too long or not of the form that it must have.",
    "En værdi mangler, er for lang eller har ikke den rette form.",
)
INVALID_CLIENT = Refusal(
    Code.INVALID_CLIENT,
    401,
    "The system's assertion was not accepted.",
    "Systemets bevis blev ikke godtaget.",
)
INVALID_SCOPE = Refusal(
    Code.INVALID_SCOPE,
    400,
    "The system is registered for none of the scopes that it asked for.",
    "Systemet er ikke registreret til nogen af de rettigheder, det bad om.",
)

INVALID_GRANT = Refusal(
    Code.INVALID_GRANT,
    400,
    "The code or the refresh token is used, too old, or was made for another application.",
    "Koden eller fornyelsesbeviset er brugt, for gammelt eller lavet til et andet program.",
)
DENIED = Refusal(
    Code.DENIED,
    403,
    "The person has not allowed it.",
    "Personen har ikke givet lov.",
)
UNAUTHORIZED_CLIENT = Refusal(
    Code.UNAUTHORIZED_CLIENT,
    400,
    "The system is not registered for this way of asking.",
    "Systemet er ikke registreret til at spørge på denne måde.",
)
UNSUPPORTED_GRANT = Refusal(
    Code.UNSUPPORTED_GRANT,
    400,
    "Tokens are given for client_credentials, authorization_code and refresh_token.",
    "Adgangsbeviser gives for client_credentials, authorization_code og refresh_token.",
)
UNSUPPORTED_TOKEN = Refusal(
    Code.UNSUPPORTED_TOKEN,
    400,
    "A system's token can't be taken back; it ends in minutes. An administrator can close the system.",
    "Et systems adgangsbevis kan ikke tages tilbage; det ender om få minutter. En administrator kan lukke "
    "systemet.",
)
UNSUPPORTED_RESPONSE = Refusal(
    Code.UNSUPPORTED_RESPONSE,
    400,
    "An application can ask for a code only.",
    "Et program kan kun bede om en kode.",
)
UNKNOWN_APPLICATION = Refusal(
    Code.INVALID_CLIENT,
    400,
    "The application is not registered here, or not with this address to return to.",
    "Programmet er ikke registreret her, eller ikke med denne adresse at vende tilbage til.",
)
ASK_AGAIN = Refusal(
    Code.ASK_AGAIN,
    400,
    "What the application asks for is not here any more, or was changed. Begin again in the application.",
    "Det, programmet beder om, er her ikke længere eller er ændret. Begynd forfra i programmet.",
)
NOT_FOR_ROLE = Refusal(
    Code.NOT_POSSIBLE,
    403,
    "Your role may not do this. If you have another role, change to it.",
    "Din rolle må ikke dette. Har du en anden rolle, så skift til den.",
)
NOT_LOGGED_ON = Refusal(
    Code.NOT_LOGGED_ON,
    401,
    "The token is missing or not good any more: log on again.",
    "Adgangsbeviset mangler eller gælder ikke længere: log ind igen.",
)
NOT_ALLOWED = Refusal(
    Code.NOT_ALLOWED,
    403,
    "Only the person can do this in a session of their own, not an application or a system.",
    "Det kan kun personen selv gøre i sin egen session, ikke et program eller et system.",
)
WRONG_TYPE = Refusal(
    Code.WRONG_TYPE,
    415,
    "The body has another content type than this address takes.",
    "Kroppen har en anden indholdstype, end denne adresse tager imod.",
)
TOO_LARGE = Refusal(
    Code.TOO_LARGE,
    413,
    "The body is larger than any logon needs.",
    "Kroppen er større, end noget login behøver.",
)
UNFINISHED = Refusal(
    Code.UNFINISHED,
    408,
    "The body did not arrive in time.",
    "Kroppen nåede ikke frem i tide.",
)


def slowed(wait_s: float) -> Refusal:
    """After wrong tries."""
    return Refusal(
        Code.SLOWED,
        429,
        "Several tries were wrong. Try again in {seconds} s.",
        "Flere forsøg var forkerte. Prøv igen om {seconds} s.",
        retry_after_s=wait_s,
        data={"seconds": max(1, round(wait_s))},
    )


def busy(place: int, wait_s: float, appointment: str | None) -> Refusal:
    """Many want in at once. Nothing is wrong with what was typed."""
    return Refusal(
        Code.BUSY,
        503,
        "Many are logging on. You are number {place}; about {seconds} s.",
        "Mange logger ind lige nu. Du er nummer {place}; cirka {seconds} s.",
        retry_after_s=wait_s,
        place=place,
        appointment=appointment,
        data={"place": place, "seconds": max(1, round(wait_s))},
    )


def weak(text_en: str, text_da: str) -> Refusal:
    """A password that can't be chosen, and why."""
    return Refusal(Code.WEAK, 422, text_en, text_da)


def not_possible(text_en: str, text_da: str) -> Refusal:
    """What was asked for can't be done so, and why."""
    return Refusal(Code.NOT_POSSIBLE, 422, text_en, text_da)
