"""The guard of one server process: says who asks, keeps the audit, and opens the desk where people come in.

Everything that answers about patients has one. There is no way to run a server without it: what can't be
opened (no secret, a journal that can't be written) keeps the server from starting.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altid.access.audit.recorder import Audit, open_audit
from altid.access.desk import Desk, open_desk
from altid.access.federation.file import read_providers
from altid.access.identity import Identity
from altid.access.permit import Permit
from altid.access.reaching import Reaches
from altid.access.secret import AccessSecret, read_secret_file
from altid.access.settings import AccessSettings
from altid.access.tokens import TokenError
from altid.record.database import Database

SECRET_FILE = "access.key"  # noqa: S105 (a file's name)
"""Of the access secret: in the data folder of `altid serve`, or of each site of a region."""
AUDIT_FOLDER, INTENTS_FOLDER = "audit", "intents"
"""Of the journals, beside it."""
PROVIDERS_FILE = "identity.toml"
"""Of the region's identity providers, beside it. Without it people log on by local accounts."""

_SCHEME = "bearer "
_TOKEN_PATH = "/access/token"  # noqa: S105 (a path)


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """Where a server process finds what it needs, and what its region is called. Plain data, as it is handed
    to the process on its standard input: the secret itself is only in its file."""

    folder: str
    """Holds `SECRET_FILE`, `AUDIT_FOLDER` and, where there is one, `PROVIDERS_FILE`."""
    region: str = "altid"
    site: str = "A"
    public_url: str = "http://localhost:8080"
    """How browsers and systems reach the region, without "/" at the end: passkeys are bound to it, and
    systems name it in their assertions."""
    other_urls: tuple[str, ...] = ()
    """Addresses that are as good: of each site's own gateway."""
    sites: tuple[tuple[str, str], ...] = ()
    """Name and address of each site of the region, which a page goes on at if this one is away. None: this
    server is alone."""
    lookup_url: str = ""
    """Where a page leads when no site answers; empty: no lookup record is known."""

    @classmethod
    def load(cls, raw: Mapping[str, Any]) -> GuardSettings:
        """Settings that went through JSON."""
        sites = tuple((name, url) for name, url in raw.get("sites", ()))
        return cls(**{**raw, "other_urls": tuple(raw.get("other_urls", ())), "sites": sites})

    def for_access(self) -> AccessSettings:
        """The settings of the desk that follow from these."""
        host = self.public_url.partition("://")[2].rpartition("@")[2]
        name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
        return AccessSettings(
            region=self.region,
            site=self.site,
            relying_party=name,
            origins=(self.public_url, *self.other_urls),
            public_url=self.public_url,
            token_url=f"{self.public_url}{_TOKEN_PATH}",
            other_token_urls=tuple(f"{url}{_TOKEN_PATH}" for url in self.other_urls),
        )


class NotIdentifiedError(Exception):
    """Nobody, as far as we know: no token, or one that is good for nothing. Its text holds nothing of it.

    `given`: there was a token, so what must be done is to log on again.
    """

    def __init__(self, fault: str, *, given: bool) -> None:
        super().__init__(fault)
        self.given = given


@dataclass(frozen=True, slots=True)
class Guard:
    """Everything here is of one process."""

    desk: Desk
    audit: Audit
    reaches: Reaches
    site: str = "A"
    sites: tuple[tuple[str, str], ...] = ()
    """As in `GuardSettings`."""
    lookup_url: str = ""
    """Likewise."""

    @property
    def secret(self) -> AccessSecret:
        """What the keys of the process are derived from."""
        return self.desk.secret

    def identify(self, headers: Mapping[str, str], *, pages: bool = False) -> Identity:
        """Who sent a request with these headers (lower-case names), by its bearer token (RFC 6750 §2.1).

        `pages`: the token of a page is good here, too, where a page of the region sends it. Raises
        `NotIdentifiedError`.
        """
        given = headers.get("authorization", "")
        if given[: len(_SCHEME)].lower() != _SCHEME:
            raise NotIdentifiedError("no token", given=False)
        identity = self.identify_token(given[len(_SCHEME) :].strip(), pages=pages)
        if identity.is_page and not self._is_from_here(headers):
            raise NotIdentifiedError("another site's page", given=True)
        return identity

    def identify_token(self, token: str, *, pages: bool = False, moved: bool = False) -> Identity:
        """Who a token is from. `moved`: that of a session that came over from the other site is good here,
        too. Raises `NotIdentifiedError`."""
        try:
            identity = self.desk.verifier.verify(token)
        except TokenError as error:
            raise NotIdentifiedError(error.fault, given=True) from None
        if identity.is_page and not pages:
            raise NotIdentifiedError("a page's token", given=True)
        if identity.is_moved and not moved:
            raise NotIdentifiedError("another site's session", given=True)
        return identity

    def _is_from_here(self, headers: Mapping[str, str]) -> bool:
        """Whether a browser that names a request's origin (RFC 6454) names one of the region's."""
        origin = headers.get("origin")
        own = headers.get("host", "").lower()
        return origin is None or origin in self.desk.settings.origins or origin.partition("://")[2] == own

    def permit(self, identity: Identity) -> Permit:
        """What one request of this identity may do."""
        return Permit(identity, self.reaches)


@asynccontextmanager
async def open_guard(database: Database, settings: GuardSettings) -> AsyncIterator[Guard]:
    """The guard, with all that keeps it fresh. Raises `SecretError`, `IdentityFileError`, or `OSError` when
    the folder of the journals can't be written."""
    folder = Path(settings.folder)
    secret = await asyncio.to_thread(read_secret_file, folder / SECRET_FILE)
    providers = await asyncio.to_thread(read_providers, folder / PROVIDERS_FILE)
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(
            open_desk(database, settings.for_access(), secret, providers=providers)
        )
        audit = await stack.enter_async_context(
            open_audit(folder / AUDIT_FOLDER, secret, settings.site, database, settings.site)
        )
        yield Guard(desk, audit, Reaches(database), settings.site, settings.sites, settings.lookup_url)
