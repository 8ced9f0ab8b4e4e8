"""Tokens of pages on a real database: how long they last, and what ends them."""

from __future__ import annotations

import pytest

from altid.access import logon, page_tokens
from altid.access.door import Granted
from altid.access.guard import Guard, NotIdentifiedError
from altid.access.logon import Typed
from altid.access.page_tokens import PAGE_TOKEN_S
from altid.access.refusal import Code, Refusal
from altid.access.settings import LEEWAY_S
from altid.access.switching import to_role
from altid.access.tokens import Fault, TokenError
from tests.access.desks import PASSWORD, SETTINGS, WARD, Scene, at_desk, granted


async def at_the_screen(scene: Scene) -> tuple[Granted, Granted]:
    """The session, and the token of a page of it."""
    account = await scene.account()
    session = granted(await logon.with_password(scene.desk, scene.caller(), Typed("anne", PASSWORD)))
    assert account.id == session.identity.subject
    return session, granted(await page_tokens.for_page(scene.desk, scene.caller(), session.identity))


async def renew(scene: Scene, page: Granted, *, is_used: bool = False) -> Granted | Refusal:
    return await page_tokens.renewed(scene.desk, scene.caller(), page.identity, is_used=is_used)


def test_a_page_is_its_person_in_the_role_of_the_session(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        session, page = await at_the_screen(scene)
        assert page.refresh is None
        known = scene.desk.verifier.verify(page.access)
        whole = session.identity
        assert (known.is_page, whole.is_page) == (True, False)
        assert (known.subject, known.role, known.session) == (whole.subject, whole.role, whole.session)
        assert page.expires_in_s <= PAGE_TOKEN_S * (1 + SETTINGS.token_jitter)

    at_desk(fresh, work)


def test_it_ends_by_itself_within_minutes(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        _, page = await at_the_screen(scene)
        scene.clock.forward(PAGE_TOKEN_S * (1 + SETTINGS.token_jitter) + LEEWAY_S + 1)
        with pytest.raises(TokenError) as caught:
            scene.desk.verifier.verify(page.access)
        assert caught.value.fault is Fault.EXPIRED

    at_desk(fresh, work)


def test_it_opens_nothing_that_does_not_ask_for_pages(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        session, page = await at_the_screen(scene)
        guard = Guard(scene.desk, None, None)  # type: ignore[arg-type]
        headers = {"authorization": f"Bearer {page.access}"}
        assert guard.identify(headers, pages=True) == page.identity
        with pytest.raises(NotIdentifiedError):
            guard.identify(headers)
        with pytest.raises(NotIdentifiedError):
            guard.identify_token(page.access)
        assert guard.identify({"authorization": f"Bearer {session.access}"}, pages=True) == session.identity

    at_desk(fresh, work)


@pytest.mark.parametrize(
    ("origin", "is_known"),
    [
        (None, True),
        ("http://localhost:8080", True),
        ("https://altid.example:8443", True),
        ("http://localhost:8081", False),
        ("https://localhost.evil.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_a_page_of_another_site_is_nobody(fresh: str, origin: str | None, is_known: bool) -> None:
    """Should a token ever get there: browsers name the origin, and scripts can't."""

    async def work(scene: Scene) -> None:
        _, page = await at_the_screen(scene)
        guard = Guard(scene.desk, None, None)  # type: ignore[arg-type]
        headers = {"authorization": f"Bearer {page.access}", "host": "altid.example:8443"}
        if origin is not None:
            headers["origin"] = origin
        if is_known:
            assert guard.identify(headers, pages=True).is_page
        else:
            with pytest.raises(NotIdentifiedError):
                guard.identify(headers, pages=True)

    at_desk(fresh, work)


def test_a_page_renews_itself_but_keeps_no_session_open(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        _, page = await at_the_screen(scene)
        spent_s = 0
        while spent_s < SETTINGS.session_idle_s:
            scene.clock.forward(PAGE_TOKEN_S)
            spent_s += PAGE_TOKEN_S
            answer = await renew(scene, page)
            if isinstance(answer, Refusal):
                break
            page = answer
        assert isinstance(answer, Refusal)
        assert (answer.code, spent_s) == (Code.ENDED, SETTINGS.session_idle_s)

    at_desk(fresh, work)


def test_somebody_at_the_screen_keeps_it_open_until_its_end(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        _, page = await at_the_screen(scene)
        spent_s = 0
        while not isinstance(answer := await renew(scene, page, is_used=True), Refusal):
            page = answer
            scene.clock.forward(PAGE_TOKEN_S)
            spent_s += PAGE_TOKEN_S
        assert answer.code is Code.ENDED
        assert SETTINGS.session_idle_s < spent_s <= SETTINGS.session_s + PAGE_TOKEN_S

    at_desk(fresh, work)


@pytest.mark.parametrize("is_used", [False, True])
def test_log_off_ends_it_here_at_once_and_it_is_never_renewed(fresh: str, is_used: bool) -> None:
    async def work(scene: Scene) -> None:
        session, page = await at_the_screen(scene)
        assert await logon.log_off(scene.desk, scene.caller(), session.identity) is True
        with pytest.raises(TokenError) as caught:
            scene.desk.verifier.verify(page.access)
        assert caught.value.fault is Fault.REVOKED
        answer = await renew(scene, page, is_used=is_used)
        assert isinstance(answer, Refusal)
        assert answer.code is Code.ENDED

    at_desk(fresh, work)


def test_another_role_ends_the_pages_of_the_old_one(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        session, page = await at_the_screen(scene)
        role = session.identity.role
        granted(await to_role(scene.desk, scene.caller(), session.refresh or "", role, WARD))
        with pytest.raises(TokenError):
            scene.desk.verifier.verify(page.access)
        assert isinstance(await renew(scene, page), Refusal)

    at_desk(fresh, work)


def test_only_a_page_renews_and_only_a_session_gives(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        session, page = await at_the_screen(scene)
        for answer in (
            await page_tokens.for_page(scene.desk, scene.caller(), page.identity),
            await renew(scene, session),
        ):
            assert isinstance(answer, Refusal)
            assert answer.code is Code.NOT_ALLOWED

    at_desk(fresh, work)
