"""Coming in at a place that asks nobody: who is let in, what is kept of it, and when it closes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette

from altid.access.audit.event import Action
from altid.access.audit.unavailable import AuditUnavailableError
from altid.access.grounds import Grounds
from altid.access.journal.segment import Reader
from altid.access.journal.unavailable import Cause
from altid.access.secret import AccessSecret
from altid.lookup import keys
from altid.lookup.copy import Copy
from altid.lookup.entry import people
from altid.lookup.entry.contact import DAY_S
from altid.lookup.entry.courier import Courier
from altid.lookup.entry.entry import Entry, EntrySettings, open_entry
from altid.lookup.entry.locked import locked_app
from altid.lookup.entry.person import Person
from altid.lookup.entry.proving import prove
from altid.lookup.entry.routes import entry_routes
from tests.lookup.asking import Asking
from tests.lookup.places import (
    HERS,
    KEY,
    NEXT_DOOR,
    PASSWORD,
    PIN,
    THEIRS,
    WARD,
    Record,
    account,
    new_copy,
    told,
)

PASSPHRASE, OPERATIONS = "kold blæst over fjorden", "driftens egen sætning"
REASON = "Strømmen er gået i hele huset"
WAYS_IN = ("/logon", "/logon/pin", "/logon/code")


@dataclass
class Place:
    """A place that runs, a browser before it, and the record at the other end of the line."""

    entry: Entry
    file: Copy
    record: Record
    browser: httpx.AsyncClient
    folder: Path
    closed: list[str] = field(default_factory=list)

    @property
    def courier(self) -> Courier:
        assert self.entry.courier is not None
        return self.entry.courier

    async def post(self, path: str, **form: str) -> httpx.Response:
        return await self.browser.post(path, data=form, headers={"sec-fetch-site": "same-origin"})

    async def log_on(self, password: str = PASSWORD, username: str = "nina") -> httpx.Response:
        return await self.post("/logon", username=username, password=password)

    def person(self) -> Person | None:
        """Who is in, by the browser's cookie."""
        cookie = self.browser.cookies.get("altid-opslag")
        found = self.entry.sessions.find(cookie)
        return found if found is not None and self.entry._may_stay(found) else None

    def kept(self) -> list[dict[str, Any]]:
        """All looks that are on the disk, the oldest first."""
        journal = self.entry.looks.journal
        reader = Reader(journal.folder, journal.sealer)
        reader.skip_to(0)
        return [orjson.loads(record.body) for record in reader.read(journal.head.seq, 1000)]

    @property
    def actions(self) -> list[str]:
        return [look["event"]["action"] for look in self.kept()]


@asynccontextmanager
async def place(tmp_path: Path, **settings: Any) -> AsyncIterator[Place]:
    file, record, closed = new_copy(tmp_path / "copy.db"), Record(), list[str]()
    with file.writing() as connection:
        people.replace(connection, told())
    made = EntrySettings(tmp_path, "stue 3", (WARD,), hash_threads=1, **settings)
    async with open_entry(file, KEY, made, record, closed.append) as entry:
        app = Starlette(routes=entry_routes(entry))
        transport = httpx.ASGITransport(app, client=("10.0.0.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://opslag") as browser:
            yield Place(entry, file, record, browser, tmp_path, closed)


def at_a_place(tmp_path: Path, work: Callable[[Place], Awaitable[None]], **settings: Any) -> None:
    async def run() -> None:
        async with place(tmp_path, **settings) as here:
            await work(here)

    asyncio.run(run())


def test_a_last_known_account_gets_in_with_no_record_anywhere(tmp_path: Path) -> None:
    async def work(here: Place) -> None:
        here.record.is_away = True
        answer = await here.log_on()
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        person = here.person()
        assert person is not None
        assert (person.name, person.role, person.identity.organisation) == ("Nina Nør", "nurse", WARD)
        assert person.place == "Afsnit A"
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert here.actions == ["logon"]

    at_a_place(tmp_path, work)


@pytest.mark.parametrize(
    ("username", "password"), [("nina", "en forkert adgangskode"), ("nobody", PASSWORD), ("", "")]
)
def test_nobody_else_does_and_both_are_told_the_same(tmp_path: Path, username: str, password: str) -> None:
    async def work(here: Place) -> None:
        answer = await here.log_on(password, username)
        assert answer.status_code == 401
        assert "Brugernavn eller adgangskode er forkert." in answer.text
        assert password not in answer.text or not password
        assert here.person() is None
        assert here.kept()[0]["event"]["outcome"] == "refused"
        assert "nobody" not in orjson.dumps(here.kept()).decode()

    at_a_place(tmp_path, work)


def test_guessing_is_slowed(tmp_path: Path) -> None:
    async def work(here: Place) -> None:
        codes = [(await here.log_on("en forkert adgangskode")).status_code for _ in range(5)]
        assert codes == [401, 401, 401, 401, 429]
        assert (await here.log_on()).status_code == 429

    at_a_place(tmp_path, work)


def test_a_closed_account_is_out_with_the_next_word_of_the_record(tmp_path: Path) -> None:
    async def work(here: Place) -> None:
        await here.log_on()
        here.record.entry = told(accounts=[account(disabled=True)])
        assert await here.courier.go()
        assert here.person() is None
        assert "Kontoen er lukket" in (await here.log_on()).text

    at_a_place(tmp_path, work)


def test_so_is_one_that_the_record_does_not_know_any_more_or_has_moved(tmp_path: Path) -> None:
    async def work(here: Place) -> None:
        for changed in ([], [account(organisations=["elsewhere"])], [account(roles=["auditor"])]):
            here.record.entry = told()
            await here.courier.go()
            assert (await here.log_on()).status_code == 303
            here.record.entry = told(accounts=changed)
            await here.courier.go()
            assert here.person() is None

    at_a_place(tmp_path, work)


def test_a_pin_opens_for_its_shift_and_five_wrong_ones_end_it(tmp_path: Path) -> None:
    async def work(here: Place) -> None:
        assert (await here.post("/logon/pin", username="nina", pin=PIN)).status_code == 303
        with here.file.writing() as connection:
            connection.execute("UPDATE reentry SET wrong = 4")
        assert (await here.post("/logon/pin", username="nina", pin="111112")).status_code == 401
        assert (await here.post("/logon/pin", username="nina", pin=PIN)).status_code == 401
        await here.courier.go()  # the record tells the same PIN again
        assert (await here.post("/logon/pin", username="nina", pin=PIN)).status_code in (401, 429)

    at_a_place(tmp_path, work)


class TestCode:
    def test_it_opens_the_ward_once_a_name_and_a_reason_are_given(self, tmp_path: Path) -> None:
        async def work(here: Place) -> None:
            code = await here.entry.door.make_code(WARD, random.Random(1))
            wanted = {"ward": WARD, "code": code.lower(), "name": "Vikar Vest", "reason": REASON}
            for missing in ("name", "reason"):
                assert (await here.post("/logon/code", **{**wanted, missing: ""})).status_code == 422
            assert here.person() is None
            assert (await here.post("/logon/code", **wanted)).status_code == 303
            person = here.person()
            assert person is not None
            assert person.is_by_code
            assert here.entry.sight(person, HERS).grounds == "admitted"
            assert here.entry.sight(person, THEIRS).grounds is None
            [look] = here.kept()
            assert look["event"]["action"] == "emergency-code"
            assert look["event"]["subject"] == f"code:{WARD}"
            assert look["said"] == {"ward": WARD, "name": "Vikar Vest", "reason": REASON}
            assert code.replace("-", "") not in orjson.dumps(here.kept()).decode()
            await here.courier.go()
            assert here.record.looks[0]["said"]["reason"] == REASON

        at_a_place(tmp_path, work)

    def test_a_mistyped_one_is_told_so_and_is_no_guess(self, tmp_path: Path) -> None:
        async def work(here: Place) -> None:
            code = await here.entry.door.make_code(WARD, random.Random(1))
            wrong = ("2" if code[0] != "2" else "3") + code[1:]
            for _ in range(6):
                answer = await here.post("/logon/code", ward=WARD, code=wrong, name="Vikar V", reason=REASON)
                assert (answer.status_code, "tastet forkert" in answer.text) == (422, True)
            answer = await here.post("/logon/code", ward=WARD, code=code, name="Vikar V", reason=REASON)
            assert answer.status_code == 303

        at_a_place(tmp_path, work)

    def test_one_that_is_good_once_is_good_once_also_for_two_at_once(self, tmp_path: Path) -> None:
        async def work(here: Place) -> None:
            code = await here.entry.door.make_code(WARD, random.Random(1), once=True)
            wanted = {"ward": WARD, "code": code, "name": "Vikar V", "reason": REASON}
            answers = await asyncio.gather(*(here.post("/logon/code", **wanted) for _ in range(3)))
            statuses = sorted(answer.status_code for answer in answers)
            # Where checking takes its time, whoever would wait for too long is sent away unchecked.
            assert (statuses[0], set(statuses[1:]) <= {401, 503}) == (303, True)
            assert (await here.post("/logon/code", **wanted)).status_code == 401

        at_a_place(tmp_path, work)

    def test_a_new_one_puts_out_whoever_came_in_by_the_old(self, tmp_path: Path) -> None:
        async def work(here: Place) -> None:
            code = await here.entry.door.make_code(WARD, random.Random(1))
            await here.post("/logon/code", ward=WARD, code=code, name="Vikar V", reason=REASON)
            await here.entry.door.make_code(WARD, random.Random(2))
            assert here.person() is None
            answer = await here.post("/logon/code", ward=WARD, code=code, name="Vikar V", reason=REASON)
            assert answer.status_code == 401

        at_a_place(tmp_path, work)

    def test_it_breaks_no_glass(self, tmp_path: Path) -> None:
        async def work(here: Place) -> None:
            code = await here.entry.door.make_code(WARD, random.Random(1))
            await here.post("/logon/code", ward=WARD, code=code, name="Vikar V", reason=REASON)
            person = here.person()
            assert person is not None
            answer = await here.post(
                f"/patient/{THEIRS}/override", kind="acute", reason=REASON, form_token=person.form_token
            )
            assert answer.status_code == 422
            assert here.entry.sight(person, THEIRS).grounds is None

        at_a_place(tmp_path, work)


class TestGlass:
    def test_broken_glass_opens_one_patient_and_the_record_is_told_why(self, tmp_path: Path) -> None:
        async def work(here: Place) -> None:
            here.record.is_away = True
            await here.log_on()
            person = here.person()
            assert person is not None
            assert here.entry.sight(person, THEIRS).grounds is None
            form = {"kind": "acute", "reason": REASON, "form_token": person.form_token}
            answer = await here.post(f"/patient/{THEIRS}/override", **form)
            assert answer.headers["location"] == f"/patient/{THEIRS}"
            assert here.entry.sight(person, THEIRS).grounds == "override"
            here.record.is_away = False
            await here.courier.go()
            told_of = here.record.looks[-1]
            assert told_of["event"]["patients"] == [THEIRS]
            assert (told_of["said"]["kind"], told_of["said"]["reason"]) == ("acute", REASON)
            # The record has not told it back yet: it still holds.
            assert here.entry.sight(person, THEIRS).grounds == "override"

        at_a_place(tmp_path, work)

    @pytest.mark.parametrize("form", [{"kind": "acute", "reason": "kort"}, {"kind": "no", "reason": REASON}])
    def test_without_a_kind_and_a_reason_it_holds(self, tmp_path: Path, form: dict[str, str]) -> None:
        async def work(here: Place) -> None:
            await here.log_on()
            person = here.person()
            assert person is not None
            answer = await here.post(f"/patient/{THEIRS}/override", **form, form_token=person.form_token)
            assert answer.status_code == 422
            assert here.entry.sight(person, THEIRS).grounds is None
            assert here.kept()[-1]["event"]["outcome"] == "refused"

        at_a_place(tmp_path, work)

    def test_a_form_of_another_site_or_session_is_refused(self, tmp_path: Path) -> None:
        async def work(here: Place) -> None:
            await here.log_on()
            form = {"kind": "acute", "reason": REASON}
            assert (await here.post(f"/patient/{THEIRS}/override", **form)).status_code == 403
            for path in WAYS_IN:
                strange = await here.browser.post(path, data={}, headers={"sec-fetch-site": "cross-site"})
                assert strange.status_code == 403

        at_a_place(tmp_path, work)


class TestLooks:
    def test_every_look_is_kept_before_it_is_answered_and_forwarded_once(self, tmp_path: Path) -> None:
        async def work(here: Place) -> None:
            here.record.is_away = True
            await here.log_on()
            person = here.person()
            assert person is not None
            await here.entry.look(person, None, "patient", (HERS,), grounds=(Grounds.ADMITTED,))
            await here.entry.look(person, None, "ward", (HERS,), action=Action.PRINT)
            assert not await here.courier.go()
            assert here.actions == ["logon", "read", "print"]
            here.record.is_away, here.record.loses_answers = False, True
            assert not await here.courier.go()
            assert await here.courier.go()
            assert here.record.actions == ["logon", "read", "print"]
            look = here.record.looks[1]["event"]
            assert (look["site"], look["operation"], look["grounds"]) == (
                "stue 3",
                "opslag:patient",
                ["admitted"],
            )

        at_a_place(tmp_path, work)

    def test_a_record_that_was_restored_is_told_again(self, tmp_path: Path) -> None:
        async def work(here: Place) -> None:
            await here.log_on()
            await here.courier.go()
            here.record.looks.clear()
            await here.courier.go()
            assert here.record.actions == ["logon"]

        at_a_place(tmp_path, work)

    def test_nothing_is_shown_and_nobody_let_in_where_looks_can_not_be_kept(self, tmp_path: Path) -> None:
        async def work(here: Place) -> None:
            await here.log_on()
            person = here.person()
            assert person is not None
            await here.entry.looks._appender.finish()
            with pytest.raises(AuditUnavailableError) as refused:
                await here.entry.look(person, None, "patient", (HERS,))
            assert refused.value.cause is Cause.CLOSED
            here.browser.cookies.clear()
            assert (await here.log_on()).status_code == 503
            assert here.person() is None

        at_a_place(tmp_path, work)

    def test_they_are_proven_on_disk_and_an_altered_one_is_found(self, tmp_path: Path) -> None:
        async def work(here: Place) -> None:
            await here.log_on()
            await here.log_on()

        at_a_place(tmp_path, work)
        proof = prove(tmp_path, AccessSecret(KEY))
        assert (proof.sound, proof.looks) == (True, 2)
        [segment] = (tmp_path / "looks").glob("*/*.journal")
        data = bytearray(segment.read_bytes())
        data[-1] ^= 1
        segment.write_bytes(data)
        assert not prove(tmp_path, AccessSecret(KEY)).sound
        segment.write_bytes(data[:200])
        assert not prove(tmp_path, AccessSecret(KEY)).sound


class TestClosed:
    def test_after_its_days_alone_it_locks_itself_and_a_restart_does_not_help(self, tmp_path: Path) -> None:
        keys.add_seals(
            tmp_path, KEY, keys.Secrets("kold blæst over fjorden", operations="driftens egen sætning")
        )

        async def work(here: Place) -> None:
            here.record.is_away = True
            await here.log_on()
            here.entry.contact._silent_s = 8 * DAY_S
            here.entry._check()
            assert here.closed == ["out of touch for too long"]
            assert here.person() is None
            answer = await here.browser.get("/logon")
            assert (answer.status_code, "låst" in answer.text) == (503, True)
            assert (await here.log_on()).status_code == 503

        at_a_place(tmp_path, work)
        assert keys.ways(tmp_path) == (keys.Way.OPERATIONS,)
        with pytest.raises(keys.LockedError):
            keys.open_key(tmp_path, keys.Secrets(PASSPHRASE))

    def test_a_revoked_place_tells_its_looks_and_wipes_its_key_at_its_next_contact(
        self, tmp_path: Path
    ) -> None:
        keys.add_seals(tmp_path, KEY, keys.Secrets(operations="driftens egen sætning"))

        async def work(here: Place) -> None:
            await here.log_on()
            here.record.entry = {"at": told()["at"], "revoked": True, "place": "stue 3"}
            await here.courier.go()
            assert here.record.actions == ["logon"]
            assert here.closed == ["revoked"]
            assert here.person() is None

        at_a_place(tmp_path, work)
        assert keys.ways(tmp_path) == ()

    def test_a_locked_place_has_one_page_at_every_address(self, tmp_path: Path) -> None:
        asked = Asking(locked_app("out of touch for too long"), "http://opslag", {})
        for path in ("/", "/patient/hers", "/logon"):
            answer = asked.get(path)
            assert (answer.status_code, "har låst sig selv" in answer.text) == (503, True)
        assert "trukket tilbage" in Asking(locked_app("revoked"), "http://opslag", {}).get("/").text

    @pytest.mark.parametrize("status", [401, 403, 404, 500])
    def test_a_record_that_does_not_know_it_wipes_nothing(self, tmp_path: Path, status: int) -> None:
        async def work(here: Place) -> None:
            before_s = here.entry.contact.silent_s
            here.record.status = status
            assert not await here.courier.go()
            assert here.closed == []
            assert here.entry.contact.silent_s >= before_s
            assert (await here.log_on()).status_code == 303

        at_a_place(tmp_path, work)


def test_the_logon_page_offers_the_ways_that_there_are(tmp_path: Path) -> None:
    async def work(here: Place) -> None:
        html = (await here.browser.get("/logon")).text
        assert 'action="/logon/pin"' in html
        assert 'action="/logon/code"' not in html
        await here.entry.door.make_code(WARD, random.Random(1))
        html = (await here.browser.get("/logon?next=/patient/hers")).text
        assert "Afsnit A" in html
        assert 'value="/patient/hers"' in html
        await here.log_on()
        html = (await here.browser.get("/role")).text
        assert "Vælg rolle" in html
        assert "sygeplejerske, Afsnit A (nu)" in html

    at_a_place(tmp_path, work)


def test_a_session_ends_by_itself_and_by_logging_off(tmp_path: Path) -> None:
    async def work(here: Place) -> None:
        await here.log_on()
        person = here.person()
        assert person is not None
        cookie = here.browser.cookies.get("altid-opslag")
        answer = await here.post("/logoff", form_token=person.form_token)
        assert answer.headers["location"] == "/logon"
        assert here.entry.sessions.find(cookie) is None
        assert here.actions == ["logon", "logoff"]

    at_a_place(tmp_path, work)


@pytest.mark.parametrize(
    "path", ["//evil", "https://evil", "/\\evil", "/logon", "/logoff", "/a/../..", "/%2f"]
)
def test_nobody_is_led_elsewhere_after_a_logon(tmp_path: Path, path: str) -> None:
    async def work(here: Place) -> None:
        answer = await here.post("/logon", username="nina", password=PASSWORD, next=path)
        assert answer.headers["location"] == "/"

    at_a_place(tmp_path, work)


def test_somebody_goes_on_at_another_place_of_the_same_account_and_no_other(tmp_path: Path) -> None:
    async def work(here: Place) -> None:
        here.record.entry = told(accounts=[account(organisations=[WARD, NEXT_DOOR])])
        await here.courier.go()
        await here.log_on()
        person = here.person()
        assert person is not None
        form = {"form_token": person.form_token}
        assert (await here.post("/role", choice="doctor 100", **form)).status_code == 422
        assert (await here.post("/role", choice=f"nurse {NEXT_DOOR}", **form)).status_code == 303
        changed = here.person()
        assert changed is not None
        assert changed.place == "Afsnit B"
        assert here.entry.sight(changed, THEIRS).grounds == "admitted"
        assert here.entry.sight(changed, HERS).grounds is None

    at_a_place(tmp_path, work)
