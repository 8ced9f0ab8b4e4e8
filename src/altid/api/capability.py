"""The CapabilityStatement: exactly what is there, made from the same tables that the server works by."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from altid import __version__
from altid.api.messages import Request, Response
from altid.fhir import json
from altid.fhir.definitions import resource_types
from altid.fhir.search.parameters import search_parameters

_INTERACTIONS = (
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "create",
    "search-type",
)
_SYSTEM_INTERACTIONS = ("transaction", "batch", "search-system", "history-system")
_RELEASED = "2026-11-22"
_OPERATION = "http://hl7.org/fhir/OperationDefinition"


def capability_statement(request: Request) -> Response:
    return Response(200, _statement(request.base))


@lru_cache(maxsize=8)
def _statement(base: str) -> bytes:
    return json.dumps(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": _RELEASED,
            "kind": "instance",
            "software": {"name": "Altid", "version": __version__},
            "implementation": {"description": "Altid, the patient record that is always there", "url": base},
            "fhirVersion": "4.0.1",
            "format": ["application/fhir+json", "json"],
            "patchFormat": ["application/json-patch+json", "application/fhir+json"],
            "rest": [
                {
                    "mode": "server",
                    "security": _security(base.rpartition("/")[0]),
                    "resource": [_resource(type_) for type_ in sorted(resource_types())],
                    "interaction": [{"code": code} for code in _SYSTEM_INTERACTIONS],
                    "operation": [{"name": "validate", "definition": f"{_OPERATION}/Resource-validate"}],
                }
            ],
        }
    )


def _security(root: str) -> dict[str, Any]:
    """SMART App Launch: the kind of security, and where one comes in. `root` is one step above the base."""
    addresses = {"authorize": f"{root}/access/authorize", "token": f"{root}/access/token"}
    return {
        "extension": [
            {
                "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                "extension": [{"url": name, "valueUri": uri} for name, uri in addresses.items()],
            }
        ],
        "service": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                        "code": "SMART-on-FHIR",
                    }
                ]
            }
        ],
    }


def _resource(type_: str) -> dict[str, Any]:
    parameters = search_parameters(type_)
    references = sorted(code for code, parameter in parameters.items() if parameter.type == "reference")
    described: dict[str, Any] = {
        "type": type_,
        "profile": f"http://hl7.org/fhir/StructureDefinition/{type_}",
        "interaction": [{"code": code} for code in _INTERACTIONS],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "referencePolicy": ["literal", "local"],
        "searchInclude": ["*", *(f"{type_}:{code}" for code in references)],
        "searchRevInclude": _pointing_at(type_),
        "searchParam": [
            {"name": code, "definition": parameter.url, "type": parameter.type}
            for code, parameter in sorted(parameters.items())
        ],
        "operation": [{"name": "validate", "definition": f"{_OPERATION}/Resource-validate"}],
    }
    if type_ == "Patient":
        described["operation"].append(
            {"name": "everything", "definition": f"{_OPERATION}/Patient-everything"}
        )
    # FHIR has no empty arrays.
    return {name: value for name, value in described.items() if value != []}


@lru_cache(maxsize=256)
def _pointing_at(type_: str) -> list[str]:
    return [
        f"{source}:{code}"
        for source in sorted(resource_types())
        for code, parameter in sorted(search_parameters(source).items())
        if parameter.type == "reference" and type_ in parameter.targets
    ]
