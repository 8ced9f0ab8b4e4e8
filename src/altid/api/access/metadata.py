"""What everybody may know: the keys that tokens are signed with, and where and how one comes in."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from altid.access.clients import ALGORITHMS
from altid.access.codes import METHOD
from altid.access.scopes import SPECIAL
from altid.access.settings import AccessSettings
from altid.access.tokens import ALGORITHM
from altid.api.access.answering import FOR_ALL_ORIGINS, as_json
from altid.api.access.asking import Asked

_KEPT = {"cache-control": "public, max-age=300"}
"""A new key is published ten minutes before it signs (`altid.access.keys`)."""

_CAPABILITIES = (
    "launch-standalone",
    "client-public",
    "client-confidential-asymmetric",
    "context-standalone-patient",
    "permission-patient",
    "permission-user",
    "permission-v2",
    "permission-online",
)
"""SMART App Launch 2.2 §3.7. Not `sso-openid-connect`, though there are ID tokens: it asks for RS256, and
they are signed with ES256 like all of ours."""


async def keys(asked: Asked) -> Response:
    """A JWK set (RFC 7517)."""
    return as_json(asked.desk.keys.published(), headers=FOR_ALL_ORIGINS, keeping=_KEPT)


async def configuration(asked: Asked) -> Response:
    """SMART's configuration, which is also RFC 8414's and OpenID Connect's."""
    return as_json(_described(asked.desk.settings), headers=FOR_ALL_ORIGINS, keeping=_KEPT)


def _described(settings: AccessSettings) -> dict[str, Any]:
    base = settings.public_url
    return {
        "issuer": base,
        "jwks_uri": f"{base}/access/keys",
        "authorization_endpoint": f"{base}/access/authorize",
        "token_endpoint": settings.token_url,
        "revocation_endpoint": f"{base}/access/revoke",
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": [METHOD],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": ["private_key_jwt", "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "scopes_supported": [*SPECIAL, "patient/*.rs", "user/*.cruds", "system/*.cruds"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "authorization_response_iss_parameter_supported": True,
        "capabilities": list(_CAPABILITIES),
    }
