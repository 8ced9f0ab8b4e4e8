"""The account of somebody whom a provider knows: made at the first logon, brought up to date at each."""

from __future__ import annotations

import asyncio

import pytest

from altid.access import accounts, logon
from altid.access.accounts import Account
from altid.access.identity import Level, Role
from tests.access.desks import PASSWORD, WARD, granted
from tests.access.federating import Beside, beside, code_of

OTHER_WARD = "32891000016002"


async def account_at(here: Beside, username: str) -> Account:
    async with here.scene.desk.database.reading() as connection:
        found = await accounts.find(connection, username)
    assert found is not None
    return found


def test_the_first_logon_makes_the_account_and_the_next_finds_it(fresh: str) -> None:
    async def work(here: Beside) -> None:
        first, second = granted(await here.log_on()), granted(await here.log_on())
        assert first.identity.subject == second.identity.subject
        account = await account_at(here, "anne@region")
        assert (account.name, account.roles, account.password) == ("Anne Holm", (Role.DOCTOR,), None)

    beside(fresh, work)


def test_each_logon_brings_it_up_to_date(fresh: str) -> None:
    async def work(here: Beside) -> None:
        granted(await here.log_on())
        changed = await here.log_on(name="Anne Lund", groups=["EPJ-Sygeplejerske"], sor=[OTHER_WARD])
        identity = granted(changed).identity
        assert (identity.name, identity.role, identity.organisation) == ("Anne Lund", Role.NURSE, OTHER_WARD)

    beside(fresh, work)


def test_a_role_that_was_taken_away_ends_what_is_open_in_it(fresh: str) -> None:
    async def work(here: Beside) -> None:
        as_doctor = granted(await here.log_on())
        granted(await here.log_on(groups=["EPJ-Sygeplejerske"]))
        answer = await logon.with_refresh(here.scene.desk, here.scene.caller(), as_doctor.refresh or "")
        assert code_of(answer) == "session-ended"

    beside(fresh, work)


def test_a_closed_account_stays_out_and_as_it_was(fresh: str) -> None:
    async def work(here: Beside) -> None:
        granted(await here.log_on())
        async with here.scene.desk.database.writing() as connection:
            await accounts.disable(connection, "anne@region", here.scene.clock())
        assert code_of(await here.log_on(name="Another", groups=["EPJ-Sygeplejerske"])) == "disabled"
        account = await account_at(here, "anne@region")
        assert (account.name, account.roles) == ("Anne Holm", (Role.DOCTOR,))

    beside(fresh, work)


def test_nobody_comes_into_a_local_account_by_its_name(fresh: str) -> None:
    async def work(here: Beside) -> None:
        local = await here.scene.account("anne")
        planted = await here.scene.account("anne@region")
        identity = granted(await here.log_on()).identity
        assert identity.subject not in (local.id, planted.id)
        granted(
            await logon.with_password(here.scene.desk, here.scene.caller(), logon.Typed("anne", PASSWORD))
        )

    beside(fresh, work)


def test_the_same_name_of_two_people_is_two_accounts(fresh: str) -> None:
    async def work(here: Beside) -> None:
        one, other = granted(await here.log_on()), granted(await here.log_on(sub="another"))
        assert one.identity.subject != other.identity.subject

    beside(fresh, work)


@pytest.mark.parametrize("name", ["", "<script>", "x" * 500, "-", "anne holm", 7, None, "ANNE\u0000"])
def test_whatever_the_provider_calls_somebody_the_account_has_a_name_that_we_allow(
    shared: str, name: object
) -> None:
    async def work(here: Beside) -> None:
        identity = granted(await here.log_on(preferred_username=name, sub=f"of {name!r}"[:200])).identity
        async with here.scene.desk.database.reading() as connection:
            account = await accounts.by_id(connection, identity.subject)
        assert account is not None
        assert account.username.endswith("@region")
        assert accounts.is_username(account.username)

    beside(shared, work)


def test_two_first_logons_at_once_make_one_account(fresh: str) -> None:
    async def work(here: Beside) -> None:
        departures = [await here.go() for _ in range(3)]
        returns = [here.provider.log_on(departure.url) for departure in departures]
        answers = await asyncio.gather(
            *(here.come(one.cookie, *back) for one, back in zip(departures, returns, strict=True))
        )
        assert len({granted(answer).identity.subject for answer in answers}) == 1

    beside(fresh, work)


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"groups": ["Printere"]}, "not-mapped"),
        ({"groups": None}, "not-mapped"),
        ({"groups": {"EPJ-Laege": True}}, "not-mapped"),
        ({"groups": "epj-laege"}, "not-mapped"),
        ({"sor": []}, "not-mapped"),
        ({"sor": ["no place"]}, "not-mapped"),
        ({"sor": None}, "not-mapped"),
    ],
    ids=str,
)
def test_whoever_is_not_mapped_is_refused_and_gets_no_account(
    fresh: str, claims: dict[str, object], code: str
) -> None:
    async def work(here: Beside) -> None:
        assert code_of(await here.log_on(**claims)) == code
        async with here.scene.desk.database.reading() as connection:
            assert await connection.fetchval("SELECT count(*) FROM account") == 0

    beside(fresh, work)


@pytest.mark.parametrize(
    ("acr", "level"),
    [
        ("https://data.gov.dk/concept/core/nsis/loa/High", Level.HIGH),
        ("https://data.gov.dk/concept/core/nsis/Substantial", Level.SUBSTANTIAL),
        ("Low", Level.LOW),
        ("very high", Level.LOW),
        (["High", "Low"], Level.LOW),
        (None, Level.LOW),
    ],
    ids=str,
)
def test_the_level_is_what_the_provider_says_and_else_the_lowest(
    shared: str, acr: object, level: Level
) -> None:
    async def work(here: Beside) -> None:
        assert granted(await here.log_on(acr=acr)).identity.level is level

    beside(shared, work)


def test_a_work_place_of_many_is_the_first_of_those_given(fresh: str) -> None:
    async def work(here: Beside) -> None:
        await here.log_on(sor=[OTHER_WARD, WARD])
        assert (await account_at(here, "anne@region")).organisations == (OTHER_WARD, WARD)

    beside(fresh, work)
