"""From one site to the other in the same session, on a real database: what a ticket is good for, and what a
session that has moved is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from altid.access import enrolling, handover, logon, page_tokens, switching
from altid.access.door import Granted
from altid.access.guard import Guard, NotIdentifiedError
from altid.access.handover import TICKET_S, Moved, Ticket
from altid.access.logon import Typed
from altid.access.refusal import Code, Refusal
from altid.access.settings import LEEWAY_S
from tests.access.desks import PASSWORD, SETTINGS, Scene, at_desk, granted

HERE = "b.example:8443"


async def at_the_screen(scene: Scene) -> tuple[Granted, Granted]:
    """The session, and the token of a page of it."""
    await scene.account()
    session = granted(await logon.with_password(scene.desk, scene.caller(), Typed("anne", PASSWORD)))
    return session, granted(await page_tokens.for_page(scene.desk, scene.caller(), session.identity))


async def ticket_of(scene: Scene, page: Granted) -> Ticket:
    text = await handover.ticket_for(scene.desk, scene.caller(), page.identity, HERE)
    assert isinstance(text, str)
    ticket = handover.read_ticket(scene.desk, text, HERE)
    assert ticket is not None
    return ticket


async def moved(scene: Scene, ticket: Ticket) -> Moved:
    answer = await handover.arrived(scene.desk, scene.caller(), ticket)
    assert isinstance(answer, Moved)
    return answer


def code(answer: object) -> Code:
    assert isinstance(answer, Refusal), answer
    return answer.code


def test_the_session_goes_on_with_whom_it_is_and_its_refresh_token_is_untouched(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        session, page = await at_the_screen(scene)
        here = (await moved(scene, await ticket_of(scene, page))).granted
        same = ("subject", "role", "organisation", "level", "session")
        assert [getattr(here.identity, name) for name in same] == [
            getattr(session.identity, name) for name in same
        ]
        assert here.refresh is None
        assert session.refresh is not None
        granted(await logon.with_refresh(scene.desk, scene.caller(), session.refresh))

    at_desk(fresh, work)


def test_a_ticket_is_good_once_for_seconds_and_at_the_address_where_it_was_asked_for(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        _, page = await at_the_screen(scene)
        text = await handover.ticket_for(scene.desk, scene.caller(), page.identity, HERE)
        assert isinstance(text, str)
        for elsewhere in ("", "a.example:8443", "b.example", f"{HERE}0"):
            assert handover.read_ticket(scene.desk, text, elsewhere) is None
        fellow = replace(scene.desk, settings=replace(SETTINGS, site="B"))
        assert handover.read_ticket(fellow, text, HERE) is not None, "gateways send on to each other"
        for changed in ("", text[:-1], f"{text}x", text.replace(".", "-"), f"x{text[1:]}"):
            assert handover.read_ticket(scene.desk, changed, HERE) is None
        first = handover.read_ticket(scene.desk, text, HERE)
        assert first is not None
        await moved(scene, first)
        assert code(await handover.arrived(scene.desk, scene.caller(), first)) is Code.ENDED
        late = await ticket_of(scene, page)
        scene.clock.forward(TICKET_S + 1)
        assert code(await handover.arrived(scene.desk, scene.caller(), late)) is Code.ENDED

    at_desk(fresh, work)


def test_a_session_that_has_ended_or_was_left_moves_nowhere(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        session, page = await at_the_screen(scene)
        ticket = await ticket_of(scene, page)
        there = await moved(scene, await ticket_of(scene, page))
        await logon.log_off(scene.desk, scene.caller(), there.granted.identity)
        assert code(await handover.arrived(scene.desk, scene.caller(), ticket)) is Code.ENDED
        assert code(await handover.gone_on(scene.desk, scene.caller(), there.stay)) is Code.ENDED
        assert code(await handover.ticket_for(scene.desk, scene.caller(), page.identity, HERE)) is Code.ENDED
        assert session.refresh is not None
        assert code(await logon.with_refresh(scene.desk, scene.caller(), session.refresh)) is Code.ENDED

    at_desk(fresh, work)


def test_only_a_pages_token_gets_a_ticket(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        session, page = await at_the_screen(scene)
        there = (await moved(scene, await ticket_of(scene, page))).granted
        for identity in (session.identity, there.identity):
            answer = await handover.ticket_for(scene.desk, scene.caller(), identity, HERE)
            assert code(answer) is Code.NOT_ALLOWED

    at_desk(fresh, work)


def test_what_has_moved_opens_pages_and_makes_no_way_in(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        _, page = await at_the_screen(scene)
        there = (await moved(scene, await ticket_of(scene, page))).granted
        guard = Guard(scene.desk, None, None)  # type: ignore[arg-type]
        assert guard.identify_token(there.access, moved=True) == there.identity
        for pages in (True, False):
            with pytest.raises(NotIdentifiedError):
                guard.identify({"authorization": f"Bearer {there.access}"}, pages=pages)
        desk, caller = scene.desk, scene.caller()
        assert code(await enrolling.ask(desk, caller, there.identity)) is Code.NOT_ALLOWED
        assert code(await switching.choices(desk, caller, there.identity)) is Code.NOT_ALLOWED
        assert granted(await page_tokens.for_page(desk, caller, there.identity)).identity.is_page

    at_desk(fresh, work)


def test_it_stays_as_long_as_it_is_used(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        _, page = await at_the_screen(scene)
        there = await moved(scene, await ticket_of(scene, page))
        scene.clock.forward(SETTINGS.token_s_max + LEEWAY_S + 1)
        again = granted(await handover.gone_on(scene.desk, scene.caller(), there.stay))
        assert again.identity.is_moved
        for changed in ("", there.stay[:-1], f"{there.stay}x"):
            assert code(await handover.gone_on(scene.desk, scene.caller(), changed)) is Code.ENDED
        scene.clock.forward(SETTINGS.session_idle_s + 1)
        assert code(await handover.gone_on(scene.desk, scene.caller(), there.stay)) is Code.ENDED

    at_desk(fresh, work)
