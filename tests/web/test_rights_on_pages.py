"""What each role sees on the pages, and what the audit knows of it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from altid.access.audit import store as audit_store
from altid.access.audit.event import Action, Outcome
from altid.access.audit.store import Entry, Query
from altid.access.grounds import SOR
from altid.access.identity import Role
from tests.access.desks import WARD
from tests.web.visiting import Browser, make_account, run

Store = Callable[..., None]
WAIT_S_MAX = 30.0
PERIOD = """
INSERT INTO patient_block (id, patient, data_low, data_high, since)
     VALUES (gen_random_uuid(), $1, '2020-01-01', '2021-01-01', now() - interval '1 hour')
"""
"""What has no date of its own may be from it."""
REASON = "Bevidstløs i modtagelsen, ukendt medicin"


@pytest.fixture
def patient(store: Store) -> str:
    """Nobody treats this one."""
    identity = f"p{secrets.token_hex(6)}"
    store("Patient", identity, name=[{"family": "Ukendt", "given": ["Ulla"]}])
    store(
        "AllergyIntolerance",
        f"a{identity}",
        code={"text": "Penicilliner"},
        patient={"reference": f"Patient/{identity}"},
    )
    return identity


def of_role(web_server: str, web_dsn: str, role: Role) -> Iterator[Browser]:
    account = make_account(web_dsn, f"r{secrets.token_hex(6)}", roles=(role,))
    with Browser(base_url=web_server, timeout=30) as client:
        assert client.log_on(account.username).status_code == 303
        yield client


@pytest.fixture
def auditor(web_server: str, web_dsn: str) -> Iterator[Browser]:
    yield from of_role(web_server, web_dsn, Role.AUDITOR)


@pytest.fixture
def treating(web_server: str, web_dsn: str) -> Iterator[Browser]:
    yield from of_role(web_server, web_dsn, Role.DOCTOR)


def wait_for(condition: Callable[[], Any]) -> Any:
    """What the condition gives as soon as that is true: grounds and the audit are some moments behind."""
    until = time.monotonic() + WAIT_S_MAX
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        asyncio.run(asyncio.sleep(0.05))
    raise AssertionError("it did not come true")


def has_grounds(client: Browser, patient: str) -> bool:
    return "Ingen behandlingsrelation" not in client.get(f"/patient/{patient}").text


def looks(dsn: str, patient: str, operation: str) -> list[Entry]:
    def find(connection: Any) -> Any:
        return audit_store.search(connection, Query(patient=patient))

    return [entry for entry in run(dsn, find) if entry.event.operation == operation]


def test_without_grounds_only_who_the_patient_is_is_shown(treating: Browser, patient: str) -> None:
    html = treating.get(f"/patient/{patient}").text
    assert "UKENDT, Ulla" in html
    assert "Ingen behandlingsrelation" in html
    assert "Penicilliner" not in html
    assert "Aktuel medicin" not in html


def test_broken_glass_opens_the_record_and_is_followed_up(
    treating: Browser, auditor: Browser, web_dsn: str, patient: str
) -> None:
    answer = treating.post(f"/patient/{patient}/override", data={"kind": "acute", "reason": REASON})
    assert answer.headers["location"] == f"/patient/{patient}"
    wait_for(lambda: "Penicilliner" in treating.get(f"/patient/{patient}").text)
    assert "Åbnet ved værdispring" in treating.get(f"/patient/{patient}").text
    told = wait_for(lambda: looks(web_dsn, patient, "page:override"))
    assert [entry.event.action for entry in told] == [Action.OVERRIDE]
    html = auditor.get("/follow-up").text
    assert REASON in html
    override = told[0].event.id
    unsaid = auditor.post("/follow-up", data={"override": override, "finding": "unjustified", "remark": ""})
    assert (unsaid.status_code, "hvorfor det ikke var berettiget" in unsaid.text) == (422, True)
    done = auditor.post("/follow-up", data={"override": override, "finding": "justified", "remark": ""})
    assert done.headers["location"] == "/follow-up"
    assert override not in auditor.get("/follow-up").text
    twice = auditor.post("/follow-up", data={"override": override, "finding": "justified", "remark": ""})
    assert twice.status_code == 422


def admit(store: Store, patient: str) -> None:
    """To the ward where they all work."""
    store("Organization", "w9", identifier=[{"system": SOR, "value": WARD}])
    store(
        "Encounter",
        f"e{patient}",
        status="in-progress",
        **{"class": {"code": "IMP"}},
        subject={"reference": f"Patient/{patient}"},
        serviceProvider={"reference": "Organization/w9"},
    )


def test_a_period_that_broken_glass_opens_is_seen_at_once(
    treating: Browser, web_dsn: str, patient: str, store: Store
) -> None:
    admit(store, patient)
    wait_for(partial(has_grounds, treating, patient))
    run(web_dsn, lambda connection: connection.execute(PERIOD, patient))
    wait_for(lambda: "Penicilliner" not in treating.get(f"/patient/{patient}").text)
    treating.post(f"/patient/{patient}/override", data={"kind": "consent", "reason": REASON})
    assert "Penicilliner" in treating.get(f"/patient/{patient}").text


@pytest.mark.parametrize(
    ("kind", "reason"), [("acute", "kort"), ("acute", " " * 20), ("nosy", REASON), ("", REASON)]
)
def test_glass_is_not_broken_without_a_kind_and_a_reason(
    treating: Browser, web_dsn: str, patient: str, kind: str, reason: str
) -> None:
    answer = treating.post(f"/patient/{patient}/override", data={"kind": kind, "reason": reason})
    assert answer.status_code == 422
    assert "Penicilliner" not in treating.get(f"/patient/{patient}").text
    told = wait_for(lambda: looks(web_dsn, patient, "page:override"))
    assert [(each.event.action, each.event.outcome) for each in told] == [(Action.OVERRIDE, Outcome.REFUSED)]


@pytest.mark.parametrize("role", [Role.SECRETARY, Role.OPERATIONS, Role.AUDITOR, Role.ADMINISTRATOR])
def test_glass_is_not_broken_by_who_treats_nobody(
    web_server: str, web_dsn: str, patient: str, role: Role
) -> None:
    for client in of_role(web_server, web_dsn, role):
        answer = client.post(f"/patient/{patient}/override", data={"kind": "acute", "reason": REASON})
        assert answer.status_code == 403
    told = wait_for(lambda: looks(web_dsn, patient, "page:override"))
    assert [(each.event.action, each.event.outcome) for each in told] == [(Action.OVERRIDE, Outcome.REFUSED)]


@pytest.mark.parametrize("role", [Role.OPERATIONS, Role.AUDITOR, Role.ADMINISTRATOR])
def test_who_may_find_no_patients_is_shown_none(
    web_server: str, web_dsn: str, patient: str, role: Role
) -> None:
    for client in of_role(web_server, web_dsn, role):
        assert "viser ingen patienter" in client.get("/").text
        assert "Ukendt" not in client.post("/", data={"search": "ukendt"}).text
        answer = client.get(f"/patient/{patient}")
        assert answer.status_code == 403
        assert "Ulla" not in answer.text


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.AUDITOR, Role.SYSTEM)])
@pytest.mark.parametrize("path", ["/follow-up", "/looks"])
def test_only_the_auditor_follows_up(web_server: str, web_dsn: str, path: str, role: Role) -> None:
    for client in of_role(web_server, web_dsn, role):
        assert client.get(path).status_code == 403
        assert client.post(path, data={"patient": "anna", "days": "7"}).status_code in (403, 422)


def test_what_a_role_may_not_read_never_looks_like_none(
    web_server: str, web_dsn: str, patient: str, store: Store
) -> None:
    admit(store, patient)
    for client in of_role(web_server, web_dsn, Role.SECRETARY):
        wait_for(partial(has_grounds, client, patient))
        html = client.get(f"/patient/{patient}").text
        assert "Penicilliner" not in html
        assert "Ingen aktuel medicin" not in html
        assert "Ikke registreret: ingen har noteret" not in html
        assert html.count("Vises ikke for din rolle") >= 7
        assert "Ingen kommende aftaler" in html


def test_a_look_is_in_the_audit_and_shown_to_the_auditor(
    treating: Browser, auditor: Browser, web_dsn: str, patient: str
) -> None:
    treating.get(f"/patient/{patient}")
    treating.post("/", data={"search": "ukendt ulla"})
    wait_for(lambda: looks(web_dsn, patient, "page:patient-identity"))
    searched = wait_for(lambda: looks(web_dsn, patient, "page:patients"))
    assert searched[0].event.parameters == ("name",)
    html = auditor.post("/looks", data={"patient": patient, "days": "1"}).text
    assert "page:patient-identity" in html
    own = wait_for(lambda: looks(web_dsn, patient, "page:looks"))
    assert own[0].event.who.role == "auditor"


@pytest.mark.parametrize("sought", ["", "<script>", "a b", "x" * 70])
def test_what_is_no_id_is_not_searched_for(auditor: Browser, sought: str) -> None:
    html = auditor.post("/looks", data={"patient": sought, "days": "1"}).text
    assert "Skriv patientens id" in html
    assert "<script>" not in html
