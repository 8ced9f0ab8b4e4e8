"""An OpenID provider of our own on loopback, that can be made to lie, to hang and to go away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from altid.access.federation.provider import OidcProvider, Reading
from altid.access.identity import Role

CLIENT = "altid"
CLIENT_SECRET = "hemmelig-hos-regionen"
READING = Reading(
    username="preferred_username",
    name="name",
    roles="groups",
    organisations="sor",
    level="acr",
    role_of={"EPJ-Laege": Role.DOCTOR, "EPJ-Sygeplejerske": Role.NURSE},
)
ANNE = {
    "sub": "248289761001",
    "preferred_username": "Anne",
    "name": "Anne Holm",
    "groups": ["EPJ-Laege", "Printere"],
    "sor": ["32891000016001"],
    "acr": "https://data.gov.dk/concept/core/nsis/loa/Substantial",
}


def provider_at(issuer: str, **others: Any) -> OidcProvider:
    values: dict[str, Any] = {
        "name": "region",
        "title_da": "Regionens login",
        "title_en": "The region's logon",
        "reading": READING,
        "issuer": issuer,
        "client_id": CLIENT,
        "authentication": "client_secret_basic",
        "scopes": ("openid", "profile"),
        "algorithms": ("ES256",),
        "secret": CLIENT_SECRET,
    }
    return OidcProvider(**(values | others))


@dataclass
class OpenIdProvider:
    """`claims` and `header` are put into id tokens; `sign` makes the token where a test needs more."""

    clock: Callable[[], float]
    issuer: str = ""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"}))
    claims: dict[str, Any] = field(default_factory=lambda: dict(ANNE))
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "ES256", "kid": "k1"})
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None
    hangs: bool = False
    fails: bool = False
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    _nonces: dict[str, tuple[str, str]] = field(default_factory=dict)

    def log_on(self, url: str) -> tuple[str, str]:
        """What the provider does when somebody has proved who they are: code and state."""
        values = {name: found[0] for name, found in parse_qs(urlsplit(url).query).items()}
        assert values["response_type"] == "code"
        assert values["code_challenge_method"] == "S256"
        code = f"code-{len(self._nonces)}"
        self._nonces[code] = (values["nonce"], values["code_challenge"])
        return code, values["state"]

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        self.asked.append(path)
        if self.fails:
            return 503, {}
        if path.startswith("/.well-known"):
            return 200, self._metadata() | self.metadata
        if path == "/keys":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        if path == "/userinfo":
            return 200, self.userinfo
        if path == "/token":
            return self._token(form)
        return 404, {}

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        }

    def _token(self, form: dict[str, str]) -> tuple[int, Any]:
        self.forms.append(form)
        nonce, _challenge = self._nonces.pop(form["code"], ("", ""))
        if not nonce:
            return 400, {"error": "invalid_grant"}
        now = int(self.clock())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
        } | self.claims
        made = self.sign(claims) if self.sign else jwt.encode(self.header, claims, self.key, ["ES256"])
        return 200, {"id_token": made, "access_token": "for-userinfo", "token_type": "Bearer"}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")
            headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines[1:]}
            self.authorizations.append(headers.get("authorization", ""))
            body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
            if self.hangs:
                await asyncio.Event().wait()
            form = {name: found[0] for name, found in parse_qs(body).items()}
            status, value = self.answer(lines[0].split(" ")[1], form)
            content = json.dumps(value).encode()
            writer.write(
                f"HTTP/1.1 {status} -\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode()
                + content
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def running(provider: OpenIdProvider, port: int) -> AsyncIterator[OpenIdProvider]:
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await provider.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield provider
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
