"""What a request below /orders asks for, as plain data: keys, orders, overridden warnings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from altid.api.checking import check_resource
from altid.api.idempotency import HEADER
from altid.api.messages import Request
from altid.api.orders import answers
from altid.api.settings import FhirSettings
from altid.fhir import json
from altid.fhir.outcome import FhirError, Issue, refuse
from altid.fhir.references import rewrite
from altid.orders.intent import ASKED_BYTES_MAX, Action
from altid.orders.receipt import PARTS_MAX, is_key, order_id, part_key, write_key
from altid.orders.warned import Override
from altid.record.write_key import WriteKey

TYPES = ("MedicationRequest", "ServiceRequest")
OVERRIDES_MAX = 20
REASON_CHARACTERS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One order that is to be made."""

    key: str
    made: WriteKey
    resource: dict[str, Any] = field(repr=False)
    overrides: tuple[Override, ...]
    prefix: str
    """Where it stands in a Bundle, as FHIRPath; "" if it came alone."""

    @property
    def type(self) -> str:
        return str(self.resource["resourceType"])

    @property
    def action(self) -> Action:
        return Action.DRAFT if self.resource.get("status") == "draft" else Action.SIGN


def key_of(request: Request) -> str:
    """Raises `FhirError` 400 where there is none, or one that can't be used."""
    text = request.headers.get(HEADER, "")
    if not is_key(text) or "#" in text:
        raise answers.key_missing()
    return text


def orders_of(settings: FhirSettings, request: Request, key: str) -> list[Asked]:
    """The orders of a body, checked against the standard. Raises `FhirError`."""
    content = request.content
    if isinstance(content, dict) and content.get("resourceType") == "Bundle":
        return list(_entries(settings, request, content, key))
    return [_order(settings, request, content, key, "", {})]


def _entries(settings: FhirSettings, request: Request, bundle: dict[str, Any], key: str) -> Iterator[Asked]:
    entries = bundle.get("entry")
    if bundle.get("type") != "transaction" or not isinstance(entries, list) or not entries:
        raise _no_transaction()
    if len(entries) > PARTS_MAX:
        raise refuse(
            413,
            "too-costly",
            "A Bundle of orders may have {limit} entries at most.",
            "En Bundle af ordinationer må højst have {limit} indgange.",
            limit=PARTS_MAX,
        )
    if not all(isinstance(entry, dict) for entry in entries):
        raise _no_transaction()
    names = {}
    for place, entry in enumerate(entries, 1):
        type_ = (
            entry.get("resource", {}).get("resourceType") if isinstance(entry.get("resource"), dict) else None
        )
        if isinstance(entry.get("fullUrl"), str) and type_ in TYPES:
            names[entry["fullUrl"]] = f"{type_}/{order_id(part_key(key, place))}"
    for place, entry in enumerate(entries, 1):
        prefix = f"Bundle.entry[{place - 1}].resource"
        resource = entry.get("resource")
        if isinstance(resource, dict) and "overrides" in entry:
            resource = {**resource, "overrides": entry["overrides"]}
        yield _order(settings, request, resource, part_key(key, place), prefix, names)


def _order(
    settings: FhirSettings,
    request: Request,
    content: Any,
    key: str,
    prefix: str,
    names: Mapping[str, str],
) -> Asked:
    type_ = content.get("resourceType") if isinstance(content, dict) else None
    if type_ not in TYPES:
        raise FhirError(400, [_issue(_NO_ORDER, prefix)])
    asked = json.dumps(content)
    if len(asked) > ASKED_BYTES_MAX:
        raise FhirError(413, [_issue(_TOO_LONG, prefix)])
    resource = {name: value for name, value in content.items() if name != "overrides"}
    try:
        check_resource(settings, resource, type_)
    except FhirError as error:
        raise FhirError(error.status, [_issue(issue, prefix) for issue in error.issues]) from None
    resource = {**rewrite(resource, dict(names), request.base), "id": order_id(key)}
    return Asked(key, write_key(key, asked), resource, overrides_of(content), prefix)


def overrides_of(content: dict[str, Any]) -> tuple[Override, ...]:
    """The warnings that somebody signs in spite of. Raises `FhirError` 400."""
    given = content.get("overrides", [])
    if not isinstance(given, list) or len(given) > OVERRIDES_MAX or not all(map(_is_override, given)):
        raise refuse(
            400,
            "structure",
            "overrides is a list of objects with a code and a reason.",
            "overrides er en liste af objekter med code og reason.",
        )
    return tuple(Override(one["code"], one["reason"]) for one in given)


def _is_override(given: Any) -> bool:
    if not isinstance(given, dict) or set(given) != {"code", "reason"}:
        return False
    code, reason = given["code"], given["reason"]
    return (
        isinstance(code, str) and isinstance(reason, str) and 0 < len(reason.strip()) <= REASON_CHARACTERS_MAX
    )


def _issue(issue: Issue, prefix: str) -> Issue:
    """The issue where the order stands in a Bundle."""
    if not prefix:
        return issue
    rest = (issue.expression or "").partition(".")[2]
    place = f"{prefix}.{rest}" if rest else prefix
    return Issue(issue.code, issue.text_en, issue.text_da, issue.data, place, issue.severity)


_NO_ORDER = Issue(
    "structure",
    "An order is a MedicationRequest or a ServiceRequest.",
    "En ordination er en MedicationRequest eller en ServiceRequest.",
)
_TOO_LONG = Issue(
    "too-long",
    "An order may have {limit} bytes at most.",
    "En ordination må højst have {limit} byte.",
    {"limit": ASKED_BYTES_MAX},
)


def _no_transaction() -> FhirError:
    return refuse(
        400,
        "structure",
        "Several orders come as a Bundle of type transaction, with an entry for each.",
        "Flere ordinationer sendes som en Bundle af typen transaction med en indgang for hver.",
    )
