"""The lists of wards: who lies there, in the order of the beds, cut to what each may see."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.access.identity import Role
from altid.screen.views.ward import bed_of, by_bed
from tests.screen.charts import HL7, chart, coded
from tests.web.test_rights_on_pages import wait_for
from tests.web.visiting import Browser, make_account, run

Store = Callable[..., None]
SOR = "urn:oid:1.2.208.176.1.1"
PHYSICAL = f"{HL7}/location-physical-type"


@pytest.fixture(scope="module")
def organisation(web_server: str) -> str:
    """Of a ward that these tests alone use."""
    return f"77{secrets.randbelow(10**9):09d}016"


@pytest.fixture
def ward(store: Store, organisation: str) -> str:
    """Its Location, with two beds."""
    owner = {"reference": "Organization/ward-o"}
    store("Organization", "ward-o", name="Lunger L2", identifier=[{"system": SOR, "value": organisation}])
    store(
        "Location", "ward-l", name="Lunger L2", managingOrganization=owner, physicalType=coded(PHYSICAL, "wa")
    )
    for number in (2, 10):
        store(
            "Location",
            f"ward-l-{number}",
            name=f"Stue {number}",
            physicalType=coded(PHYSICAL, "bd"),
            partOf={"reference": "Location/ward-l"},
        )
    return "ward-l"


def admit(store: Store, patient: str, family: str, bed: int, *, left: bool = False) -> None:
    store("Patient", patient, name=[{"family": family, "given": ["Ulla"]}])
    place = {"location": {"reference": f"Location/ward-l-{bed}"}}
    store(
        "Encounter",
        f"e-{patient}",
        status="in-progress",
        **{"class": {"code": "IMP"}},
        subject={"reference": f"Patient/{patient}"},
        serviceProvider={"reference": "Organization/ward-o"},
        location=[place | ({"status": "completed", "period": {"end": "2026-01-02"}} if left else {})],
    )


@contextmanager
def browser_of(address: str, dsn: str, role: Role, organisation: str) -> Iterator[Browser]:
    username = f"w{secrets.token_hex(6)}"
    make_account(dsn, username, roles=(role,), organisations=(organisation,))
    with Browser(base_url=address, timeout=30) as client:
        assert client.log_on(username).status_code == 303
        yield client


def rows_of(html: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/patient/([^"]+)"', html)


def test_a_ward_lists_who_lies_there_by_bed(
    web_server: str, web_dsn: str, store: Store, ward: str, organisation: str
) -> None:
    admit(store, "ward-a", "Sidst", 10)
    admit(store, "ward-b", "Først", 2)
    admit(store, "ward-c", "Flyttet", 2, left=True)
    store("AllergyIntolerance", "ward-cave", patient={"reference": "Patient/ward-a"}, code={"text": "Morfin"})
    with browser_of(web_server, web_dsn, Role.NURSE, organisation) as nurse:
        wait_for(lambda: rows_of(nurse.get(f"/ward/{ward}").text) == ["ward-b", "ward-a"])
        html = nurse.get(f"/ward/{ward}").text
        assert "2 patienter, 2 senge" in html
        assert "CAVE: Morfin" in html
        assert "cave-mark not-recorded" in html
        assert f'href="/ward/{ward}"' in nurse.get("/").text
        assert nurse.get("/?lang=en").status_code == 303
        assert "2 patients, 2 beds" in nurse.get(f"/ward/{ward}").text


def test_an_order_that_nobody_has_decided_about_stands_in_the_list(
    web_server: str, web_dsn: str, store: Store, ward: str, organisation: str
) -> None:
    admit(store, "ward-d", "Venter", 2)
    tell = """INSERT INTO client_outbox VALUES
        ('account', 'pc', 'key-d', '\\x00010203040506070809', '1', 'ward-d', 'MedicationRequest', 'sign', '',
         now(), now(), NULL)"""
    run(web_dsn, lambda connection: connection.execute(tell))
    with browser_of(web_server, web_dsn, Role.NURSE, organisation) as nurse:
        wait_for(lambda: "1 ordination afventer" in nurse.get(f"/ward/{ward}").text)
        run(web_dsn, lambda connection: connection.execute("UPDATE client_outbox SET released = now()"))
        assert "ordination afventer" not in nurse.get(f"/ward/{ward}").text


VITALS = (("9279-1", 22), ("2708-6", 98), ("8867-4", 70), ("8310-5", 37), ("3151-8", 0))


def test_a_ward_sees_what_is_due_and_what_is_not_signed(
    web_server: str, web_dsn: str, store: Store, ward: str, organisation: str
) -> None:
    """One patient with a missed dose, an old score, a result that waits and a draft; one with nothing."""
    admit(store, "ward-f", "Forsinket", 10)
    admit(store, "ward-g", "Ingenting", 2)
    subject, now = {"reference": "Patient/ward-f"}, datetime.now(UTC)
    yesterday, long_ago = (now - timedelta(hours=hours) for hours in (20, 40))
    clock = [f"{(now - timedelta(hours=3)):%H}:00:00"]
    dosage = {"timing": {"repeat": {"timeOfDay": clock, "frequency": 1, "period": 1, "periodUnit": "d"}}}
    drug = {"medicationCodeableConcept": {"text": "metoprolol"}, "subject": subject, "intent": "order"}
    store("MedicationRequest", "wf-1", status="active", dosageInstruction=[dosage], **drug)
    store("MedicationRequest", "wf-2", status="draft", dosageInstruction=[dosage], **drug)
    given = {"request": {"reference": "MedicationRequest/wf-1"}, "subject": subject}
    drug = {"medicationCodeableConcept": {"text": "metoprolol"}, "dosage": {"text": "1 tablet"}}
    for number, (status, at) in enumerate((("completed", long_ago), ("entered-in-error", now))):
        when = at.isoformat(timespec="seconds")
        store(
            "MedicationAdministration",
            f"wf-g{number}",
            status=status,
            effectiveDateTime=when,
            **given,
            **drug,
        )
    for code, value in VITALS:
        store(
            "Observation",
            f"wf-{code}",
            status="final",
            category=[coded(f"{HL7}/observation-category", "vital-signs")],
            code=coded("http://loinc.org", code),
            subject=subject,
            effectiveDateTime=yesterday.isoformat(timespec="seconds"),
            valueQuantity={"value": value, "unit": "1"},
        )
    asked = {"intent": "order", "priority": "urgent", "code": {"text": "EKG"}, "subject": subject}
    store("ServiceRequest", "wf-s", status="active", occurrenceDateTime="2026-01-02", **asked)
    with browser_of(web_server, web_dsn, Role.NURSE, organisation) as nurse:
        wait_for(lambda: {"ward-f", "ward-g"} <= set(rows_of(nurse.get(f"/ward/{ward}").text)))
        html = nurse.get(f"/ward/{ward}").text
        row = re.search(r"<tr>(?:(?!</tr>).)*/patient/ward-f\".*?</tr>", html, re.S)
        assert row is not None
        for said in ("1 dosis mangler", "metoprolol", "EWS kan ikke beregnes", "1 svar afventes"):
            assert said in row.group()
        for said in ("heraf 1 haster", "heraf 1 over tiden", "1 ikke underskrevet", "skulle være målt"):
            assert said in row.group()
        # What is kept between two looks is never older than the record.
        when = {"effectiveDateTime": now.isoformat(timespec="seconds")}
        store("MedicationAdministration", "wf-g3", status="completed", **when, **given, **drug)
        assert "1 dosis mangler" not in nurse.get(f"/ward/{ward}").text
        store("MedicationAdministration", "wf-g3", status="entered-in-error", **when, **given, **drug)
        assert "1 dosis mangler" in nurse.get(f"/ward/{ward}").text
        by_time = rows_of(nurse.get(f"/ward/{ward}/due").text)
        assert by_time.index("ward-f") < by_time.index("ward-g")
        by_bed = rows_of(html)
        assert by_bed.index("ward-g") < by_bed.index("ward-f")
    with browser_of(web_server, web_dsn, Role.SECRETARY, organisation) as secretary:
        html = secretary.get(f"/ward/{ward}").text
        assert "ward-f" in html
        assert "metoprolol" not in html


def test_whoever_works_elsewhere_sees_nobody(web_server: str, web_dsn: str, store: Store, ward: str) -> None:
    admit(store, "ward-e", "Fremmed", 2)
    with browser_of(web_server, web_dsn, Role.DOCTOR, "99887766") as stranger:
        answer = stranger.get(f"/ward/{ward}")
        assert answer.status_code == 200
        assert rows_of(answer.text) == []
        assert "ingen patienter, som du har adgang til" in answer.text


def test_roles_without_patients_have_no_wards(web_server: str, web_dsn: str, ward: str) -> None:
    with browser_of(web_server, web_dsn, Role.OPERATIONS, "1") as operations:
        assert operations.get(f"/ward/{ward}").status_code == 403


@pytest.mark.parametrize("path", ["nowhere", "ward-l-2", "%00", "a" * 65])
def test_what_is_no_ward_is_not_found(browser: Browser, ward: str, path: str) -> None:
    assert browser.get(f"/ward/{path}").status_code == 404


@given(st.lists(st.tuples(st.sampled_from(["Stue ", "seng ", ""]), st.integers(1, 30)), max_size=12))
def test_beds_come_as_one_walks(names: list[tuple[str, int]]) -> None:
    def row(name: str, number: int) -> object:
        stay = {
            "resourceType": "Encounter",
            "status": "in-progress",
            "location": [
                {
                    "location": {"display": f"{name}{number}"},
                    "physicalType": coded(PHYSICAL, "bd"),
                }
            ],
        }
        return bed_of(chart(stay), 0)

    numbers: dict[str, list[int]] = {}
    for found in by_bed(row(*each) for each in names):  # type: ignore[misc]
        head, _, number = (found.bed or "").rpartition(" ")
        numbers.setdefault(head, []).append(int(number))
    assert all(each == sorted(each) for each in numbers.values())
