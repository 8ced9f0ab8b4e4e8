"""A provider that is slow or away: who is in stays in, and nobody else notices."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from altid.access import accounts, applications, clients, codes, entries, logon
from altid.access.audit.event import Action
from altid.access.audit.recorder import open_audit
from altid.access.clients import Client
from altid.access.codes import Given
from altid.access.federation import limits
from altid.access.federation.limits import AT_ONCE, FAILURES_MAX, FETCH_S_MAX
from altid.access.federation.out import depart
from altid.access.guard import Guard
from altid.access.logon import Typed
from altid.access.permit import Origin
from altid.access.reaching import Reaches
from tests.access.auditing import sql, until
from tests.access.desks import PASSWORD, SECRET, SETTINGS, Scene, at_desk, granted
from tests.access.federating import ORIGIN, Beside, beside, code_of
from tests.access.openid_provider import provider_at
from tests.access_api.launching import challenge_of
from tests.ports import free_port

GRACE = replace(SETTINGS, federated_session_s=3600, federated_grace_s=1800)


def go_down(here: Beside) -> None:
    here.provider.fails = True
    for _ in range(FAILURES_MAX):
        here.peer.health.failed()


async def refreshed(here: Beside, token: str | None) -> object:
    return await logon.with_refresh(here.scene.desk, here.scene.caller(), token or "")


def test_while_it_answers_one_goes_there_again_after_a_shift(fresh: str) -> None:
    async def work(here: Beside) -> None:
        begun = granted(await here.log_on())
        here.scene.clock.forward(3599)
        begun = granted(await refreshed(here, begun.refresh))
        here.scene.clock.forward(1)
        assert code_of(await refreshed(here, begun.refresh)) == "session-ended"
        granted(await here.log_on())

    beside(fresh, work, settings=GRACE)


def test_an_application_that_acts_for_somebody_ends_with_them_then(fresh: str) -> None:
    async def work(here: Beside) -> None:
        desk, caller = here.scene.desk, here.scene.caller
        chart = Client("chart", "Chart", "1", ("user/Patient.r",), redirect_uris=("https://chart.example",))
        begun = granted(await here.log_on())
        verifier = "v" * 43
        given = Given(
            chart.id,
            chart.redirect_uris[0],
            challenge_of(verifier),
            None,
            begun.identity.session,
            ("user/Patient.r", "online_access"),
            None,
        )
        async with desk.database.writing() as connection:
            await clients.add(connection, chart, desk.clock())
            code = await codes.make(connection, given, desk.clock() + 60, desk.rng)
        proof = applications.Proof(chart.id)
        where = {"code": code, "redirect_uri": given.redirect_uri, "verifier": verifier}
        its = granted(await applications.with_code(desk, caller(), proof, **where))
        here.scene.clock.forward(3599)
        its = granted(await applications.with_refresh(desk, caller(), proof, its.refresh or ""))
        here.scene.clock.forward(1)
        assert code_of(await applications.with_refresh(desk, caller(), proof, its.refresh or "")) == (
            "invalid_grant"
        )

    beside(fresh, work, settings=GRACE)


def test_while_it_is_away_one_stays_in_until_the_grace_is_over(fresh: str) -> None:
    async def work(here: Beside) -> None:
        begun = granted(await here.log_on())
        go_down(here)
        here.scene.clock.forward(3600 + 1700)
        begun = granted(await refreshed(here, begun.refresh))
        here.scene.clock.forward(101)
        assert code_of(await refreshed(here, begun.refresh)) == "session-ended"

    beside(fresh, work, settings=GRACE)


def test_as_soon_as_it_is_back_it_is_asked(fresh: str) -> None:
    async def work(here: Beside) -> None:
        begun = granted(await here.log_on())
        go_down(here)
        here.scene.clock.forward(3700)
        begun = granted(await refreshed(here, begun.refresh))
        here.peer.health.succeeded()
        assert code_of(await refreshed(here, begun.refresh)) == "session-ended"

    beside(fresh, work, settings=GRACE)


def test_a_local_session_knows_nothing_of_it(fresh: str) -> None:
    async def work(here: Beside) -> None:
        await here.scene.account("bo")
        begun = granted(
            await logon.with_password(here.scene.desk, here.scene.caller(), Typed("bo", PASSWORD))
        )
        here.scene.clock.forward(3700)
        granted(await refreshed(here, begun.refresh))

    beside(fresh, work, settings=GRACE)


def test_a_provider_that_is_away_is_told_at_once_and_local_logon_is_the_emergency_way(fresh: str) -> None:
    async def work(here: Beside) -> None:
        assert here.scene.desk.federation.local_logon is Action.LOGON
        go_down(here)
        began_s = time.monotonic()
        answer = await depart(here.scene.desk, here.scene.caller(), here.peer, origin=ORIGIN, wanted="/")
        assert code_of(answer) == "provider-down"
        assert time.monotonic() - began_s < FETCH_S_MAX
        assert here.scene.desk.federation.is_emergency
        assert here.scene.desk.federation.local_logon is Action.EMERGENCY_LOGON
        (offer,) = here.scene.desk.federation.offers()
        assert offer.is_down

    beside(fresh, work)


def test_a_logon_by_the_emergency_way_is_an_event_of_its_own(fresh: str, tmp_path: Path) -> None:
    async def work(here: Beside) -> None:
        desk, caller = here.scene.desk, here.scene.caller()
        await here.scene.account("bo")
        async with open_audit(tmp_path / "audit", SECRET, "A", desk.database, "A") as audit:
            guard = Guard(desk, audit, Reaches(desk.database))
            for is_away in (False, True):
                if is_away:
                    go_down(here)
                answer = await logon.with_password(desk, caller, Typed("bo", PASSWORD))
                for operation in ("password", "badge"):
                    await entries.keep_logon(guard, caller, Origin(caller.address), answer, operation)

    beside(fresh, work)
    found = sql(fresh, "SELECT action FROM audit WHERE action LIKE '%logon' ORDER BY seq")
    assert [row["action"] for row in found] == ["logon", "logon", "emergency-logon", "logon"]


def test_a_local_password_of_somebody_whom_it_vouches_for_works_only_while_it_is_away(fresh: str) -> None:
    async def work(here: Beside) -> None:
        identity = granted(await here.log_on()).identity
        desk, caller = here.scene.desk, here.scene.caller()
        hashed = await desk.passwords.hash(PASSWORD)
        async with desk.database.writing() as connection:
            await accounts.set_password(connection, identity.subject, hashed, here.scene.clock())
        typed = Typed("anne@region", PASSWORD)
        assert code_of(await logon.with_password(desk, caller, typed)) == "use-provider"
        changed = await logon.with_new_password(desk, caller, typed, "en ny og lang sætning")
        assert code_of(changed) == "use-provider"
        go_down(here)
        granted(await logon.with_password(desk, caller, typed))

    beside(fresh, work)


def test_what_was_learnt_of_it_outlives_an_outage(fresh: str) -> None:
    async def work(here: Beside) -> None:
        await here.log_on()
        go_down(here)
        here.provider.fails = False
        here.peer.health.succeeded()
        before = here.provider.asked.count("/keys")
        granted(await here.log_on())
        assert here.provider.asked.count("/keys") == before

    beside(fresh, work)


def test_the_watch_sees_that_it_went_and_that_it_came_back(fresh: str, monkeypatch: object) -> None:
    assert hasattr(monkeypatch, "setattr")
    monkeypatch.setattr("altid.access.federation.health.LOOK_EVERY_S", 0.02)
    monkeypatch.setattr("altid.access.federation.health.PAUSE_S_MIN", 0.02)

    async def work(here: Beside) -> None:
        here.provider.fails = True
        await until(lambda: here.peer.health.is_down)
        here.provider.fails = False
        await until(lambda: not here.peer.health.is_down)

    beside(fresh, work)


def test_a_provider_that_hangs_slows_no_local_logon(fresh: str) -> None:
    async def work(here: Beside) -> None:
        await here.scene.account("bo")
        departures = [await here.go() for _ in range(AT_ONCE + 40)]
        returns = [here.provider.log_on(departure.url) for departure in departures]
        here.provider.hangs = True
        hanging = [
            asyncio.create_task(here.come(one.cookie, *back))
            for one, back in zip(departures, returns, strict=True)
        ]
        await until(lambda: len(here.provider.authorizations) >= AT_ONCE)
        began_s = time.monotonic()
        granted(await logon.with_password(here.scene.desk, here.scene.caller(), Typed("bo", PASSWORD)))
        assert time.monotonic() - began_s < FETCH_S_MAX
        assert here.peer.health.line.line.busy <= AT_ONCE
        answers = await asyncio.wait_for(asyncio.gather(*hanging), 3 * FETCH_S_MAX)
        assert {code_of(answer) for answer in answers} <= {"provider-down", "busy", "too-late"}
        assert here.peer.health.is_down

    beside(fresh, work)


def test_a_provider_that_was_never_there_keeps_no_server_from_starting(fresh: str) -> None:
    async def work(scene: Scene) -> None:
        (peer,) = scene.desk.federation.peers
        await scene.account("bo")
        granted(await logon.with_password(scene.desk, scene.caller(), Typed("bo", PASSWORD)))
        answer = await depart(scene.desk, scene.caller(), peer, origin=ORIGIN, wanted="/")
        assert code_of(answer) == "provider-down"

    at_desk(fresh, work, providers=(provider_at(f"http://127.0.0.1:{free_port()}"),))


def test_an_answer_without_end_is_cut(fresh: str) -> None:
    async def work(here: Beside) -> None:
        here.provider.metadata = {"much": "x" * (limits.ANSWER_BYTES_MAX + 1)}
        answer = await depart(here.scene.desk, here.scene.caller(), here.peer, origin=ORIGIN, wanted="/")
        assert code_of(answer) == "provider-down"

    beside(fresh, work)
