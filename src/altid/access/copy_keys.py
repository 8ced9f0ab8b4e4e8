"""The key that a place with a copy proves itself with: made when the place is, half of it registered."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from joserfc.jwk import ECKey


@dataclass(frozen=True, slots=True)
class NewPlace:
    """`public`: a JWK set, to be registered; `credentials`: the text of the place's own file."""

    public: dict[str, Any] = field(repr=False)
    credentials: str = field(repr=False)


def new_place(client: str, audience: str) -> NewPlace:
    """A new key for a client of this id. `audience`: the token endpoint as the region calls it."""
    key = ECKey.generate_key("P-384", {"kid": secrets.token_hex(8)}, private=True)
    told = {"client_id": client, "audience": audience, "key": key.as_dict(private=True)}
    return NewPlace({"keys": [key.as_dict(private=False)]}, json.dumps(told, indent=1) + "\n")
