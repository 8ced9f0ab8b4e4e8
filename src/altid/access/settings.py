"""The limits of logon, each with its unit and its reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from altid.access.identity import Level

Clock = Callable[[], float]
"""Seconds: since 1970 where tokens and sessions are meant, of any beginning where only waits are."""

LEEWAY_S = 30
"""Clocks of servers and of systems differ; more would make revoked and expired mean less."""


def moment(epoch_s: float) -> datetime:
    """As the database wants it."""
    return datetime.fromtimestamp(epoch_s, UTC)


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """One region's, the same at both sites but for `site`."""

    region: str
    site: str = "A"
    token_s: int = 600
    """A token can't be called back for certain before it ends; shorter costs more refreshes."""
    token_jitter: float = 0.2
    """Share by which lifetimes vary either way, so that 20,000 that began together don't end together."""
    session_s: int = 13 * 3600
    """The longest shift and its handover."""
    session_idle_s: int = 2 * 3600
    """A session that nobody has refreshed for so long is left behind."""
    refresh_overlap_s: int = 60
    """The answer to a refresh may be lost, also with a site: the same token again gets the same answer for
    so long. Longer, and a thief could go on beside the owner more easily."""
    federated_session_s: int = 8 * 3600
    """A usual shift. Then the identity provider is asked again: it knows first who has left the house."""
    federated_grace_s: int = 4 * 3600
    """So much longer if the provider does not answer then: an outage of it empties no ward. Never longer than
    `session_s`."""
    reentry_s: int = 10 * 3600
    """From a full logon to the end of the shift."""
    reentry_level_max: Level = Level.SUBSTANTIAL
    password_level: Level = Level.LOW
    """One factor (NSIS 3.2)."""
    passkey_level: Level = Level.SUBSTANTIAL
    """Two in one: the device and the finger or the PIN that opens it."""
    code_s: int = 60
    """From a person's yes to the application's fetching its tokens: seconds. RFC 6749 allows ten minutes."""
    client_token_s: int = 250
    """At most five minutes with its jitter, as SMART backend services asks."""
    emergency_organisations: tuple[str, ...] = ()
    """Emergency departments, intensive care: their people go first when it is crowded."""
    relying_party: str = "localhost"
    """The pages' host name, which passkeys are bound to."""
    origins: tuple[str, ...] = ("http://localhost:8080",)
    public_url: str = "http://localhost:8080"
    """How browsers and systems reach the region, without "/" at the end."""
    token_url: str = "http://localhost:8080/oauth/token"  # noqa: S105 (an address)
    """What a system must name as the audience of its assertion."""
    other_token_urls: tuple[str, ...] = ()
    """Or one of these: a system that knows a site's own address names that."""
    hash_threads: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))

    @property
    def issuer(self) -> str:
        """Of access tokens, which only our servers read."""
        return f"altid:{self.region}"

    @property
    def fhir_urls(self) -> tuple[str, ...]:
        """What applications may name as the audience of the tokens that they ask for."""
        return tuple(f"{origin}/fhir" for origin in self.origins)

    @property
    def token_s_max(self) -> int:
        """No token lives longer, jitter included."""
        return round(self.token_s * (1 + self.token_jitter))
