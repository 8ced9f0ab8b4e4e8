"""The refusals that more than one interaction needs, in FHIR's codes and both languages."""

from __future__ import annotations

from altid.access.audit.unavailable import AuditUnavailableError
from altid.fhir.outcome import FhirError, refuse


def not_found() -> FhirError:
    return refuse(404, "not-found", "There is no such resource.", "Der er ingen sådan ressource.")


def not_identified(*, given: bool) -> FhirError:
    """R4 security.html: 401 where it isn't known who asks."""
    if given:
        return refuse(
            401,
            "expired",
            "The token is not accepted, or not any more: log on again.",
            "Adgangsbeviset godtages ikke, eller ikke længere: log ind igen.",
        )
    return refuse(
        401,
        "login",
        "Nothing is answered without a token: log on, and send Authorization: Bearer.",
        "Intet besvares uden adgangsbevis: log ind, og send Authorization: Bearer.",
    )


def forbidden(type_: str) -> FhirError:
    return refuse(
        403,
        "forbidden",
        "Your role or your scopes do not allow this with {type}.",
        "Din rolle eller dine rettigheder tillader ikke dette med {type}.",
        type=type_[:64],
    )


def below_orders(type_: str) -> FhirError:
    return refuse(
        403,
        "forbidden",
        "People write {type} below /orders, where it is checked and receipted, and only read it as FHIR: "
        "POST /orders signs, POST /orders/TYPE/ID/ACTION acts, and POST "
        "/orders/MedicationRequest/ID/administer gives a dose.",
        "Personer skriver {type} under /orders, hvor det kontrolleres og kvitteres, og læser det kun som "
        "FHIR: POST /orders underskriver, POST /orders/TYPE/ID/HANDLING handler, og POST "
        "/orders/MedicationRequest/ID/administer giver en dosis.",
        type=type_,
    )


def no_grounds() -> FhirError:
    return refuse(
        403,
        "forbidden",
        "You have no grounds for this patient: neither admitted or referred to where you work, nor on your "
        "list, or the patient has blocked it. If you must, break the glass with a reason, on the patient's "
        "page.",
        "Du har ingen behandlingsrelation til patienten: hverken indlagt eller henvist, hvor du arbejder, "
        "eller på din liste, eller patienten har spærret. Er det nødvendigt, så brug værdispring med en "
        "begrundelse på patientens side.",
    )


def not_shown() -> FhirError:
    return refuse(
        404,
        "not-found",
        "There is no such resource, or none of a patient whom you have grounds for.",
        "Der er ingen sådan ressource, eller ingen om en patient, som du har en behandlingsrelation til.",
    )


def condition_too_wide() -> FhirError:
    return refuse(
        403,
        "forbidden",
        "A condition must name a patient whom you have grounds for.",
        "En betingelse skal nævne en patient, som du har en behandlingsrelation til.",
    )


def place_too_wide() -> FhirError:
    return refuse(
        403,
        "too-costly",
        "You are logged on at a place with too many patients to tell whom you treat: log on at the ward "
        "where you work.",
        "Du er logget ind et sted med for mange patienter til at sige, hvem du behandler: log ind på det "
        "afsnit, hvor du arbejder.",
    )


def not_audited(error: AuditUnavailableError) -> FhirError:
    return refuse(503, "transient", error.text_en, error.text_da)


def gone() -> FhirError:
    return refuse(410, "deleted", "The resource was deleted.", "Ressourcen er slettet.")


def unknown_type(name: str) -> FhirError:
    return refuse(
        404,
        "not-supported",
        "{name} is not a FHIR R4 resource type.",
        "{name} er ikke en FHIR R4-ressourcetype.",
        name=name[:64],
    )


def method_not_allowed(method: str) -> FhirError:
    return refuse(
        405,
        "not-supported",
        "{method} is not possible here.",
        "{method} er ikke mulig her.",
        method=method[:16],
    )


def version_conflict() -> FhirError:
    return refuse(
        412,
        "conflict",
        "The resource is not at the version given in If-Match: read it again.",
        "Ressourcen har ikke den version, som If-Match angiver: læs den igen.",
    )


def unresolved_reference() -> FhirError:
    return refuse(
        400,
        "not-found",
        "A reference by urn: does not lead to any entry of the transaction.",
        "En reference med urn: fører ikke til nogen indgang i transaktionen.",
    )


def named_twice() -> FhirError:
    return refuse(
        400,
        "duplicate",
        "Two entries of the transaction have the same fullUrl or ask for the same resource.",
        "To indgange i transaktionen har samme fullUrl eller beder om samme ressource.",
    )


def multiple_matches() -> FhirError:
    return refuse(
        412,
        "multiple-matches",
        "The condition matches more than one resource.",
        "Betingelsen passer på mere end én ressource.",
    )


def bad_parameter(name: str) -> FhirError:
    return refuse(
        400,
        "invalid",
        "The parameter or header {name} has a value that cannot be used.",
        "Parameteren eller headeren {name} har en værdi, der ikke kan bruges.",
        name=name[:64],
    )


def bad_value() -> FhirError:
    return refuse(
        400,
        "invalid",
        "The request holds a value that cannot be used.",
        "Forespørgslen har en værdi, der ikke kan bruges.",
    )


def form_expected() -> FhirError:
    return refuse(
        415,
        "not-supported",
        "A search by POST takes its parameters as application/x-www-form-urlencoded.",
        "En søgning med POST tager sine parametre som application/x-www-form-urlencoded.",
    )


def body_missing() -> FhirError:
    return refuse(
        400,
        "structure",
        "The request needs a body with a FHIR resource.",
        "Forespørgslen skal have en FHIR-ressource i kroppen.",
    )


def unavailable() -> FhirError:
    return refuse(
        503,
        "transient",
        "The record can't be reached right now. Nothing was stored; try again.",
        "Journalen kan ikke nås lige nu. Intet blev gemt; prøv igen.",
    )


def busy() -> FhirError:
    return refuse(
        503,
        "throttled",
        "The server has more to do than it can answer in time. Nothing was stored; try again in a second.",
        "Serveren har mere at gøre, end den kan nå. Intet blev gemt; prøv igen om et sekund.",
    )


def too_costly() -> FhirError:
    return refuse(
        503,
        "too-costly",
        "The question took too long and was stopped. Narrow it, for example by patient or date.",
        "Spørgsmålet tog for lang tid og blev stoppet. Gør det snævrere, fx med patient eller dato.",
    )


def outcome_unknown() -> FhirError:
    return refuse(
        504,
        "timeout",
        "The record did not answer in time. It is not known whether the write was stored: send it again with "
        "the same Idempotency-Key, or read before you send it again.",
        "Journalen svarede ikke i tide. Det vides ikke, om det blev gemt: send igen med samme "
        "Idempotency-Key, eller læs, før du sender igen.",
    )


def key_used_otherwise() -> FhirError:
    return refuse(
        422,
        "duplicate",
        "This Idempotency-Key was used before with another content. Nothing was stored.",
        "Denne Idempotency-Key er brugt før med et andet indhold. Intet blev gemt.",
    )


def key_not_possible() -> FhirError:
    return refuse(
        400,
        "not-supported",
        "An Idempotency-Key is for a single resource: a create, or what names the resource by its id.",
        "En Idempotency-Key er for en enkelt ressource: en oprettelse, eller hvad der nævner ressourcens id.",
    )


def internal() -> FhirError:
    return refuse(
        500,
        "exception",
        "Altid failed at this request. Operations can find it by the request id.",
        "Altid fejlede på denne forespørgsel. Driften kan finde den på forespørgslens id.",
    )
