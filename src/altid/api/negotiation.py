"""Which representation: JSON only, said clearly when something else is asked for (R4 http.html#mime-type)."""

from __future__ import annotations

from altid.api.messages import Parameters, Request, Response
from altid.fhir import json
from altid.fhir.outcome import refuse

_ANSWER_DEPTH_MAX = 4 * json.DEPTH_MAX
"""Our own answer wraps what was accepted, in a Bundle within a Bundle at most."""

_JSON = {"application/fhir+json", "application/json", "text/json", "json", "application/json+fhir"}
_ANY = {"", "*/*", "application/*", "text/*"}
_JSON_PATCH = {"application/json-patch+json"}


def check_answer_type(headers: dict[str, str], parameters: Parameters) -> None:
    """`_format` goes before Accept. Raises 406 for what is not JSON."""
    formats = [value for name, value in parameters if name == "_format"]
    if formats:
        # "application/fhir+json" arrives with a space where a client forgot to encode the plus.
        wanted = [formats[-1].partition(";")[0].strip().lower().replace(" ", "+")]
    else:
        accept = headers.get("accept", "*/*")
        if "json" in accept or "*/*" in accept:
            return
        wanted = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if not any(name in _JSON or name in _ANY for name in wanted):
        raise refuse(
            406,
            "not-supported",
            "Altid answers in application/fhir+json only.",
            "Altid svarer kun i application/fhir+json.",
        )


def check_body_type(media_type: str, method: str) -> None:
    """Raises 415 for a body that is not JSON."""
    if media_type in _JSON or (method == "PATCH" and media_type in _JSON_PATCH):
        return
    raise refuse(
        415,
        "not-supported",
        "Send the body as application/fhir+json (a JSON Patch as application/json-patch+json).",
        "Send kroppen som application/fhir+json (en JSON Patch som application/json-patch+json).",
    )


def takes_gzip(headers: dict[str, str]) -> bool:
    """RFC 9110 §12.5.3: named, and not with the weight zero."""
    for part in headers.get("accept-encoding", "").split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False


def pretty(request: Request, response: Response) -> Response:
    """Indent for people where `_pretty=true` asks for it."""
    if not response.body or ("_pretty", "true") not in request.parameters:
        return response
    return Response(
        response.status,
        json.dumps_pretty(json.loads(response.body, depth_max=_ANSWER_DEPTH_MAX)),
        response.headers,
        response.type,
    )
