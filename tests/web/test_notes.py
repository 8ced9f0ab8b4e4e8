"""Writing notes: drafts, signatures, addenda; once however often sent; of the patient that the eye saw."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from altid.access.identity import Role
from tests.access.desks import WARD
from tests.web.visiting import Browser, give_grounds, make_account

Store = Callable[..., None]


@pytest.fixture
def patient(store: Store) -> str:
    identity = f"n{secrets.token_hex(6)}"
    store("Patient", identity, name=[{"family": "Notat", "given": ["Ulla"]}])
    return identity


@pytest.fixture
def writer(web_server: str, web_dsn: str, patient: str) -> Any:
    """A doctor who treats the patient, with a browser."""
    account = make_account(web_dsn, f"w{secrets.token_hex(6)}", organisations=(WARD,))
    give_grounds(web_dsn, account.id, patient)
    with Browser(base_url=web_server, timeout=30) as client:
        assert client.log_on(account.username).status_code == 303
        yield client


def write(browser: Browser, patient: str, body: str, action: str = "sign", **more: str) -> httpx.Response:
    return send(browser, patient, {"body": body, "action": action, **more})


def account_of(browser: Browser, patient: str) -> str:
    """For whom the page was made, as its form says."""
    found = re.search(r'name="account" value="([^"]*)"', browser.get(f"/patient/{patient}/notes").text)
    return found[1] if found else ""


def send(browser: Browser, patient: str, fields: dict[str, str]) -> httpx.Response:
    usual = {"patient": patient, "key": str(uuid.uuid4()), "kind": "progress", "action": "sign"}
    usual["account"] = account_of(browser, patient)
    return browser.post(f"/patient/{patient}/notes", data=usual | fields)


def documents(address: str, patient: str) -> list[dict[str, Any]]:
    found = httpx.get(
        f"{address}/fhir/DocumentReference", params={"patient": f"Patient/{patient}"}, timeout=30
    )
    return [entry["resource"] for entry in found.json().get("entry", ())]


def test_a_signed_note_is_read_by_all_and_never_changed(
    writer: Browser, web_server: str, patient: str
) -> None:
    assert write(writer, patient, "Klager over <b>hoste</b>").status_code == 303
    html = writer.get(f"/patient/{patient}/notes").text
    assert "Klager over &lt;b&gt;hoste&lt;/b&gt;" in html
    (made,) = documents(web_server, patient)
    assert (made["docStatus"], made["status"]) == ("final", "current")
    answer = write(writer, patient, "Noget andet", note=made["id"], version="1")
    assert answer.status_code == 409
    assert "Noget andet" in answer.text
    (still,) = documents(web_server, patient)
    assert still["meta"]["versionId"] == "1"


def test_a_draft_is_gone_on_with_by_its_author_alone(
    writer: Browser, web_server: str, web_dsn: str, patient: str
) -> None:
    assert write(writer, patient, "Begyndt", "draft").status_code == 303
    (made,) = documents(web_server, patient)
    assert made["docStatus"] == "preliminary"
    assert f"?draft={made['id']}" in writer.get(f"/patient/{patient}/notes").text
    shown = writer.get(f"/patient/{patient}/notes?draft={made['id']}").text
    assert re.search(r"<textarea[^>]*>Begyndt</textarea>", shown)
    other = make_account(web_dsn, f"o{secrets.token_hex(6)}", organisations=(WARD,))
    give_grounds(web_dsn, other.id, patient)
    with Browser(base_url=web_server, timeout=30) as stranger:
        stranger.log_on(other.username)
        assert write(stranger, patient, "Overtaget", note=made["id"], version="1").status_code == 409
    assert write(writer, patient, "Færdig", note=made["id"], version="1").status_code == 303
    assert write(writer, patient, "For sent", "draft", note=made["id"], version="1").status_code == 409
    (signed,) = documents(web_server, patient)
    assert (signed["docStatus"], signed["meta"]["versionId"]) == ("final", "2")


def test_two_who_save_one_draft_do_not_overwrite_each_other(
    writer: Browser, web_server: str, patient: str
) -> None:
    write(writer, patient, "Begyndt", "draft")
    (made,) = documents(web_server, patient)
    assert write(writer, patient, "Et vindue", "draft", note=made["id"], version="1").status_code == 303
    answer = write(writer, patient, "Et andet", "draft", note=made["id"], version="1")
    assert answer.status_code == 409
    assert "Et andet" in answer.text


def test_what_was_wrong_is_put_right_under_it(writer: Browser, web_server: str, patient: str) -> None:
    write(writer, patient, "Venstre arm")
    (made,) = documents(web_server, patient)
    assert write(writer, patient, "Højre arm var ment", appends=made["id"]).status_code == 303
    html = writer.get(f"/patient/{patient}/notes").text
    assert re.search(r"Venstre arm</div>\s*<div class=\"addendum\">.*Højre arm var ment", html, re.S)
    added = next(one for one in documents(web_server, patient) if one["id"] != made["id"])
    assert added["relatesTo"][0]["target"]["reference"] == f"DocumentReference/{made['id']}"
    assert write(writer, patient, "Til intet", appends="nowhere").status_code == 409


def test_sent_twice_it_is_one_note(writer: Browser, web_server: str, patient: str) -> None:
    key = str(uuid.uuid4())
    for _ in range(2):
        assert write(writer, patient, "Dobbelt klik", key=key).status_code == 303
    assert len(documents(web_server, patient)) == 1
    answer = write(writer, patient, "Noget helt andet", key=key)
    assert answer.status_code == 409
    assert len(documents(web_server, patient)) == 1


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"patient": "another"}, 409),
        ({"patient": ""}, 409),
        ({"body": "  "}, 422),
        ({"body": "x" * 5_001}, 413),
        ({"kind": "nonsense"}, 422),
        ({"key": "short"}, 422),
        ({"form_token": "wrong"}, 403),
    ],
)
def test_what_is_not_right_is_not_stored_and_stays_typed(
    writer: Browser, web_server: str, patient: str, fields: dict[str, str], status: int
) -> None:
    answer = send(writer, patient, {"body": "Teksten", **fields})
    assert answer.status_code == status
    assert "Teksten" in answer.text or "body" in fields or status == 403
    assert documents(web_server, patient) == []


def test_who_may_not_write_is_refused(web_server: str, web_dsn: str, patient: str) -> None:
    username = f"f{secrets.token_hex(6)}"
    make_account(web_dsn, username, roles=(Role.OPERATIONS,))
    with Browser(base_url=web_server, timeout=30) as operations:
        operations.log_on(username)
        assert write(operations, patient, "Nej").status_code == 403
    assert documents(web_server, patient) == []
