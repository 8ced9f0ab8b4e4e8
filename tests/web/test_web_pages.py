"""The pages over HTTP, from a real server on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest

from altid.access.accounts import Account
from altid.access.audit.event import Event
from altid.access.audit.unavailable import AuditUnavailableError, Cause
from altid.orders.synthetic import canary_patient
from altid.record.database import Limits
from altid.web.loading import PATIENTS_SHOWN_MAX
from tests.access.desks import PASSWORD
from tests.web.visiting import asking

CPR = "urn:oid:1.2.208.176.1.2"
HL7 = "http://terminology.hl7.org/CodeSystem"

Put = Callable[..., None]


@pytest.fixture
def anna(put: Put) -> str:
    """A patient in bed, with a result and a note."""
    put(
        "Patient",
        "anna",
        identifier=[{"system": CPR, "value": "1203485678"}],
        name=[{"use": "official", "family": "Åkjær-Jensen", "given": ["Anna"]}],
        gender="female",
        birthDate="1948-03-12",
    )
    physical = {"coding": [{"system": f"{HL7}/location-physical-type", "code": "bd"}]}
    ward = {"coding": [{"system": f"{HL7}/location-physical-type", "code": "wa"}]}
    put("Location", "ward", name="Hjertesygdomme H1", physicalType=ward)
    put(
        "Location", "bed", name="Stue 3, seng 1", physicalType=physical, partOf={"reference": "Location/ward"}
    )
    put(
        "Encounter",
        "stay",
        status="in-progress",
        **{"class": {"system": f"{HL7}/v3-ActCode", "code": "IMP"}},
        subject={"reference": "Patient/anna"},
        period={"start": "2026-11-15T11:00:00+01:00"},
        location=[{"location": {"reference": "Location/bed"}}],
    )
    put(
        "Observation",
        "potassium",
        status="final",
        category=[{"coding": [{"system": f"{HL7}/observation-category", "code": "laboratory"}]}],
        code={"text": "Kalium;P"},
        subject={"reference": "Patient/anna"},
        effectiveDateTime="2026-11-17T07:00:00+01:00",
        valueQuantity={"value": 3.5, "unit": "mmol/L"},
    )
    put(
        "AllergyIntolerance",
        "penicillin",
        code={"text": "Penicilliner"},
        patient={"reference": "Patient/anna"},
    )
    return "anna"


def search(browser: httpx.Client, text: str) -> str:
    answer = browser.post("/", data={"search": text})
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("text", ["åkjær", "anna åkjær", "120348-5678 åkjær", "12.03.1948", "akj ann"])
def test_a_patient_is_found(browser: httpx.Client, anna: str, text: str) -> None:
    assert f'href="/patient/{anna}"' in search(browser, text)


@pytest.mark.parametrize("text", ["120348-5678", "1203485678", " 120348 5678 "])
def test_a_number_alone_leads_straight_to_the_patient(browser: httpx.Client, anna: str, text: str) -> None:
    answer = browser.post("/", data={"search": text})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/patient/{anna}")


def test_nobody_is_shown_who_was_not_asked_for(browser: httpx.Client, anna: str) -> None:
    for answer in (browser.get("/"), browser.post("/", data={"search": " ,; "})):
        assert answer.status_code == 200
        assert "/patient/" not in answer.text


def test_two_who_are_alike_are_told_apart(browser: httpx.Client, put: Put) -> None:
    for number, day in enumerate(("1950-03-01", "1951-04-02")):
        put("Patient", f"twin-{number}", name=[{"family": "Dobbeltgænger", "given": ["Ib"]}], birthDate=day)
    put("Patient", "twin-not", name=[{"family": "Dobbeltgænger", "given": ["Liv"]}], birthDate="1970-01-01")
    html = search(browser, "dobbeltgænger")
    rows = re.findall(r"<tr>\n<th scope=\"row\">.*?</tr>", html, re.S)
    assert [("kan forveksles" in row, "twin-not" in row) for row in rows].count((True, False)) == 2
    assert [("kan forveksles" in row, "twin-not" in row) for row in rows].count((False, True)) == 1
    assert "1.\xa0mar\xa01950" in html
    assert "se på CPR-nummeret" in html


def test_too_many_who_are_found_are_counted(browser: httpx.Client, put: Put) -> None:
    for number in range(PATIENTS_SHOWN_MAX + 3):
        put("Patient", f"many-{number}", name=[{"family": "Mangfoldig"}])
    html = search(browser, "mangfoldig")
    assert f'Fundne patienter <span class="count">{PATIENTS_SHOWN_MAX + 3}</span>' in html
    assert f"Kun {PATIENTS_SHOWN_MAX} af dem er vist" in html


@pytest.mark.parametrize("text", ["anna hansen", "120348-5679", "13.03.1948"])
def test_all_that_was_written_must_hold(browser: httpx.Client, anna: str, text: str) -> None:
    assert f'href="/patient/{anna}"' not in search(browser, text)


def test_the_list_tells_where_the_patient_lies(browser: httpx.Client, anna: str) -> None:
    row = re.search(
        rf'<tr>(?:(?!</tr>).)*/patient/{anna}".*?</tr>', search(browser, "120348-5678 anna"), re.S
    )
    assert row is not None
    assert "Hjertesygdomme H1" in row.group()
    assert "Stue 3, seng 1" in row.group()


def test_nobody_that_the_canary_signs_for_is_in_the_list(browser: httpx.Client, put: Put) -> None:
    put("Patient", canary_patient("A", "server-1"), name=[{"family": "Kanarie"}])
    assert "/patient/altid-canary" not in search(browser, "Kanarie")


def test_what_was_searched_is_in_no_address(browser: httpx.Client, anna: str) -> None:
    html = search(browser, "120348-5678 anna")
    addresses = re.findall(r'(?:href|action|src)="([^"]*)"', html)
    assert [address for address in addresses if "120348" in address or "5678" in address] == []


def test_searching_by_the_address_searches_nothing(browser: httpx.Client, anna: str) -> None:
    assert 'value=""' in browser.get("/", params={"search": "120348-5678"}).text


def test_a_search_that_finds_nobody_says_what_to_try(browser: httpx.Client, anna: str) -> None:
    assert "Ingen patient passer" in search(browser, "findes ikke")


@pytest.mark.parametrize("text", ["x" * 300, "a " * 20])
def test_too_long_a_search_is_refused(browser: httpx.Client, text: str) -> None:
    answer = browser.post("/", data={"search": text})
    assert (answer.status_code, "Søgningen kan ikke bruges" in answer.text) == (400, True)


def test_a_form_that_never_ends_is_refused(browser: httpx.Client) -> None:
    assert browser.post("/", content=b"search=" + b"x" * 50_000).status_code == 400


def test_the_patient_page_shows_the_chart(browser: httpx.Client, anna: str) -> None:
    text = browser.get(f"/patient/{anna}").text
    for part in (
        "ÅKJÆR-JENSEN, Anna",
        "Penicilliner",
        "Hjertesygdomme H1",
        "Stue 3, seng 1",
        "Kalium;P",
        "3,5",
    ):
        assert part in text


def test_what_a_patient_said_of_another_is_not_shown(browser: httpx.Client, put: Put, anna: str) -> None:
    put("Patient", "child")
    put(
        "AllergyIntolerance",
        "nuts",
        code={"text": "Jordnødder"},
        patient={"reference": "Patient/child"},
        asserter={"reference": f"Patient/{anna}"},
    )
    assert "Jordnødder" not in browser.get(f"/patient/{anna}").text
    assert "Jordnødder" in browser.get("/patient/child").text


def test_the_patient_page_changes_nothing_of_the_record(browser: httpx.Client, anna: str) -> None:
    """What it changes is one's own list."""
    html = browser.get(f"/patient/{anna}").text
    assert re.findall(r'<form[^>]*action="([^"]*)"', html) == ["/", "/logoff", f"/patient/{anna}/list"]
    assert browser.post(f"/patient/{anna}").status_code == 405


@pytest.mark.parametrize("path", ["/", "/patient/anna", "/patient/nobody", "/nowhere"])
def test_no_page_is_kept_or_framed(browser: httpx.Client, anna: str, path: str) -> None:
    headers = browser.get(path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "path", ["/patient/nobody", "/patient/%2e%2e", "/patient/" + "a" * 65, "/nowhere", "/static/../pages.py"]
)
def test_what_is_not_there_says_so_in_the_same_look(browser: httpx.Client, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert "Siden findes ikke" in answer.text


def test_a_deleted_patient_is_gone(browser: httpx.Client, put: Put) -> None:
    put("Patient", "deleted")
    browser.delete("/fhir/Patient/deleted")
    answer = browser.get("/patient/deleted")
    assert (answer.status_code, "er slettet" in answer.text) == (410, True)


def test_danish_is_the_first_language(browser: httpx.Client) -> None:
    answer = browser.get("/")
    assert '<html lang="da">' in answer.text
    assert answer.headers["content-language"] == "da"


def test_the_language_is_remembered_and_leaves_the_address(browser: httpx.Client, anna: str) -> None:
    switch = browser.get(f"/patient/{anna}?lang=en")
    assert (switch.status_code, switch.headers["location"]) == (303, f"/patient/{anna}")
    assert "httponly" in switch.headers["set-cookie"].lower()
    assert '<html lang="en">' in browser.get(f"/patient/{anna}").text


def test_an_unknown_language_changes_nothing(browser: httpx.Client) -> None:
    assert '<html lang="da">' in browser.get("/?lang=xx").text


def static_addresses(browser: httpx.Client) -> list[str]:
    return re.findall(r'(?:href|src)="(/static/[^"]*)"', browser.get("/").text)


def test_every_file_that_a_page_asks_for_is_there(browser: httpx.Client) -> None:
    addresses = static_addresses(browser)
    assert any("screen.css" in address for address in addresses)
    assert {browser.get(address).status_code for address in addresses} == {200}


def test_a_file_by_its_digest_is_kept(browser: httpx.Client) -> None:
    address = static_addresses(browser)[0]
    assert "immutable" in browser.get(address).headers["cache-control"]


def test_a_file_by_another_digest_is_asked_for_again(browser: httpx.Client) -> None:
    answer = browser.get("/static/screen.css?v=older")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


def test_an_unchanged_file_is_not_sent_twice(browser: httpx.Client) -> None:
    tag = browser.get("/static/screen.css").headers["etag"]
    again = browser.get("/static/screen.css", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_a_file_goes_packed_to_whoever_takes_it(browser: httpx.Client) -> None:
    plain = browser.get("/static/screen.css", headers={"Accept-Encoding": "gzip;q=0, identity"})
    packed = browser.get("/static/screen.css", headers={"Accept-Encoding": "gzip, br"})
    assert (plain.headers.get("content-encoding"), packed.headers["content-encoding"]) == (None, "gzip")
    assert plain.content == packed.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2


# When the record does not answer


@pytest.mark.parametrize("path", ["/", "/patient/anna"])
def test_a_record_that_does_not_answer_is_said_to_be_away(
    web_dsn: str, anna: str, doctor: Account, tmp_path: Path, path: str
) -> None:
    async def ask() -> httpx.Response:
        limits = Limits(read_connections=1, acquire_s=0.05)
        async with (
            asking(web_dsn, limits, tmp_path, doctor) as (client, database),
            database.reading(),
        ):
            return await client.get(path)

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Journalen svarer ikke" in answer.text


def test_a_part_that_cannot_be_read_leaves_the_rest(
    web_dsn: str,
    anna: str,
    doctor: Account,
    tmp_path: Path,
    postgres_superuser_dsn: Callable[[str], str],
) -> None:
    async def ask() -> str:
        holder = await asyncpg.connect(postgres_superuser_dsn(web_dsn))
        try:
            limits = Limits(read_statement_ms=300)
            async with (
                asking(web_dsn, limits, tmp_path, doctor) as (client, _),
                holder.transaction(),
            ):
                # The newest results are found by the index of dates; the rest of the chart is not.
                await holder.execute("LOCK TABLE index_date IN ACCESS EXCLUSIVE MODE")
                return (await client.get(f"/patient/{anna}")).text
        finally:
            await holder.close()

    html = asyncio.run(ask())
    assert "Penicilliner" in html
    assert "Kalium;P" not in html
    assert "journalen svarede ikke på denne del" in html


# When the audit can't keep what is looked at


@dataclass
class BrokenAudit:
    """Without a `fault` it is seen to be broken only when something is told."""

    fault: Cause | None

    async def record(self, _event: Event) -> None:
        raise AuditUnavailableError(Cause.DISK)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (None, "kan ikke skrives"),
        (Cause.DISK, "kan ikke skrives"),
        (Cause.FULL, "er fuld"),
        (Cause.SLOW, "er for langsom"),
        (Cause.CLOSED, "ved at stoppe"),
    ],
)
@pytest.mark.parametrize("path", ["/list", "/patient/anna"])
def test_what_cannot_be_told_is_not_shown(
    web_dsn: str, anna: str, doctor: Account, tmp_path: Path, path: str, told: str, fault: Cause | None
) -> None:
    async def ask() -> httpx.Response:
        async with asking(web_dsn, Limits(), tmp_path, doctor, BrokenAudit(fault)) as (client, _):
            return await client.get(path)

    answer = asyncio.run(ask())
    assert answer.status_code == 503
    assert told in answer.text
    assert "KJÆR" not in answer.text


def test_nobody_is_let_in_untold(web_dsn: str, doctor: Account, tmp_path: Path) -> None:
    async def ask() -> httpx.Response:
        async with asking(web_dsn, Limits(), tmp_path, doctor, BrokenAudit(None)) as (client, _):
            data = {"username": doctor.username, "password": PASSWORD}
            return await client.post("/logon", data=data, headers={"origin": "http://pages"})

    answer = asyncio.run(ask())
    assert answer.status_code == 503
    assert "set-cookie" not in answer.headers
