"""A desk with a provider of our own beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from altid.access.door import Answer
from altid.access.federation.back import Returned, with_oidc
from altid.access.federation.out import Departure, depart
from altid.access.federation.providers import OidcPeer
from altid.access.refusal import Refusal
from tests.access.desks import Hands, Scene, at_desk
from tests.access.openid_provider import OpenIdProvider, provider_at, running
from tests.ports import free_port

_Result = TypeVar("_Result")
ORIGIN = "http://localhost:8080"


@dataclass
class Beside:
    """A scene, and the provider that is beside it."""

    scene: Scene
    provider: OpenIdProvider

    @property
    def peer(self) -> OidcPeer:
        (peer,) = self.scene.desk.federation.peers
        assert isinstance(peer, OidcPeer)
        return peer

    async def go(self, wanted: str = "/", *, is_shared: bool = False) -> Departure:
        departure = await depart(
            self.scene.desk, self.scene.caller(), self.peer, origin=ORIGIN, wanted=wanted, is_shared=is_shared
        )
        assert isinstance(departure, Departure), departure
        return departure

    async def come(self, cookie: str, code: str, state: str, **others: Any) -> Answer:
        returned = Returned(state=state, code=code, **others)
        return await with_oidc(self.scene.desk, self.scene.caller(), self.peer, cookie, returned)

    async def log_on(self, **claims: Any) -> Answer:
        """The whole way, with these claims in place of the usual ones (None: without)."""
        told = self.provider.claims
        self.provider.claims = {name: value for name, value in (told | claims).items() if value is not None}
        departure = await self.go()
        code, state = self.provider.log_on(departure.url)
        answer = await self.come(departure.cookie, code, state)
        self.provider.claims = told
        return answer


def beside(dsn: str, work: Callable[[Beside], Awaitable[_Result]], **others: Any) -> _Result:
    """Do the work at a desk that knows a provider on loopback."""
    port, clock = free_port(), Hands()
    issuer = f"http://127.0.0.1:{port}"

    async def run(scene: Scene) -> _Result:
        async with running(OpenIdProvider(clock, issuer), port) as provider:
            return await work(Beside(scene, provider))

    settings = {"settings": others.pop("settings")} if "settings" in others else {}
    return at_desk(dsn, run, clock=clock, providers=(provider_at(issuer, **others),), **settings)


def code_of(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return str(answer.code)
