"""A page's script at the record: its token, which is good at every server and of no use to others."""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from altid.access.accounts import Account
from altid.access.page_tokens import PAGE_TOKEN_S
from altid.access.secret import AccessSecret
from altid.screen.headers import POLICY, SECURITY, reaching
from altid.server.origins import ForOrigins
from altid.web.tokens import PAGE_HEADER, PATH, outbox_key
from tests.orders.ordering import drug, medication, unsigned
from tests.web.visiting import Browser, give_grounds, make_account

REGION = "http://localhost:8080"
"""An origin of the region (`GuardSettings.public_url`), as that of the other site is."""
HOSTILE = "https://epj.evil.example"
ASKS = {PAGE_HEADER: "open"}
ENDS_WITHIN_S = 20.0
"""Three seconds, and as much again for a machine that is busy."""


@pytest.fixture(scope="module")
def person(web_dsn: str) -> Account:
    made = make_account(web_dsn, "page-token")
    for patient in ("anna", "child"):
        give_grounds(web_dsn, made.id, patient)
    return made


@pytest.fixture
def screen(plain_server: str, person: Account) -> Iterator[Browser]:
    """A browser in which a doctor has logged on."""
    with Browser(base_url=plain_server, timeout=30) as client:
        assert client.log_on(person.username).status_code == 303
        yield client


@pytest.fixture
def script(screen: Browser) -> dict[str, str]:
    """What the page's script sends."""
    return {"authorization": f"Bearer {token_of(screen)}"}


def token_of(screen: Browser) -> str:
    answer = screen.get(PATH, headers=ASKS)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


def anna(put: Callable[..., None]) -> None:
    put("Patient", "anna", name=[{"family": "Testesen", "given": ["Anna"]}], birthDate="1950-01-01")


def test_a_page_is_told_its_token_when_it_ends_whose_it_is_and_where_the_sites_are(
    screen: Browser, person: Account
) -> None:
    answer = screen.get(PATH, headers=ASKS)
    told = answer.json()
    assert set(told) == {"token", "expires", "expiresIn", "account", "site", "sites", "outboxKey"}
    assert told["account"] == person.id
    assert told["expiresIn"] <= 1.2 * PAGE_TOKEN_S
    assert told["sites"] == [{"name": told["site"], "url": REGION}]
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers


def test_it_is_good_at_every_server(
    web_server: str, script: dict[str, str], put: Callable[..., None]
) -> None:
    anna(put)
    found = httpx.get(f"{web_server}/fhir/Patient/anna", headers=script, timeout=30)
    assert (found.status_code, found.json()["id"]) == (200, "anna")


def test_another_server_renews_it_without_a_cookie(web_server: str, script: dict[str, str]) -> None:
    answer = httpx.post(f"{web_server}{PATH}", headers={**script, **ASKS}, timeout=30)
    assert answer.status_code == 200
    assert answer.json()["token"] != script["authorization"].removeprefix("Bearer ")
    assert httpx.post(f"{web_server}{PATH}", headers=script, timeout=30).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {PAGE_HEADER: "1"},
        {**ASKS, "sec-fetch-site": "cross-site"},
        {**ASKS, "sec-fetch-site": "same-site"},
        {**ASKS, "origin": HOSTILE},
        {**ASKS, "origin": "null"},
    ],
)
def test_nobody_but_a_script_of_the_page_gets_one(screen: Browser, headers: dict[str, str]) -> None:
    answer = screen.get(PATH, headers=headers)
    assert (answer.status_code, "token" in answer.json()) == (403, False)


def test_without_a_session_there_is_none_and_no_page_either(plain_server: str) -> None:
    answer = httpx.get(f"{plain_server}{PATH}", headers=ASKS, timeout=30)
    assert (answer.status_code, answer.json()["error"]) == (401, "not-logged-on")


def test_a_session_whose_access_token_has_run_out_goes_on(screen: Browser) -> None:
    del screen.cookies["altid"]
    assert token_of(screen)
    assert screen.cookies["altid"]


def test_it_opens_no_way_in_and_no_page(plain_server: str, screen: Browser, script: dict[str, str]) -> None:
    assert httpx.get(f"{plain_server}/access/me", headers=script, timeout=30).status_code == 401
    begun = httpx.post(f"{plain_server}/access/passkey/register/begin", headers=script, json={}, timeout=30)
    assert begun.status_code == 401
    cookies = {"altid": script["authorization"].removeprefix("Bearer ")}
    assert httpx.get(f"{plain_server}/", cookies=cookies, timeout=30).status_code == 303


def test_a_cookie_alone_opens_neither_record_nor_orders(screen: Browser) -> None:
    assert screen.get("/fhir/Patient/anna").status_code == 401
    assert httpx.Client.post(screen, "/orders", json=medication()).status_code == 401


def test_log_off_ends_it_here_at_once_and_elsewhere_within_seconds(
    screen: Browser, web_server: str, script: dict[str, str]
) -> None:
    where = "/fhir/Patient/anna"
    assert screen.post("/logoff", data={}).status_code == 303
    assert screen.get(where, headers=script).status_code == 401
    end_s = time.monotonic() + ENDS_WITHIN_S
    while httpx.get(f"{web_server}{where}", headers=script, timeout=30).status_code != 401:
        assert time.monotonic() < end_s
    assert httpx.post(f"{web_server}{PATH}", headers={**script, **ASKS}, timeout=30).status_code == 401


# Other origins


def preflight(server: str, origin: str, path: str = "/orders") -> httpx.Response:
    headers = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, altid-patient, content-type, idempotency-key",
    }
    return httpx.options(f"{server}{path}", headers=headers)


@pytest.mark.parametrize("path", ["/orders", "/orders/receipts/x", "/fhir/Patient", PATH, "/health/live"])
def test_a_page_of_the_region_may_ask_from_another_address(plain_server: str, path: str) -> None:
    answer = preflight(plain_server, REGION, path)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == REGION
    asked = answer.headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "altid-patient", "idempotency-key", "if-match", PAGE_HEADER} <= set(asked)
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", [HOSTILE, "null", "http://localhost:8081", "http://localhost:8080.evil.example"]
)
def test_a_page_of_anybody_else_may_not(plain_server: str, script: dict[str, str], origin: str) -> None:
    for answer in (
        preflight(plain_server, origin),
        httpx.get(f"{plain_server}/fhir/Patient/anna", headers={**script, "origin": origin}, timeout=30),
    ):
        assert answer.status_code >= 400
        assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize("path", ["/", "/logon", "/access/logon", "/patient/anna", "/orderss"])
def test_pages_and_ways_in_are_shared_with_no_origin(plain_server: str, path: str) -> None:
    answer = preflight(plain_server, REGION, path)
    assert answer.headers.get("access-control-allow-origin") in (None, "*")
    assert httpx.get(f"{plain_server}{path}", headers={"origin": REGION}, timeout=30).headers.get(
        "access-control-allow-origin"
    ) in (None, "*")


def test_a_page_reads_receipts_and_refusals_from_there(plain_server: str, script: dict[str, str]) -> None:
    answer = httpx.get(
        f"{plain_server}/orders/receipts/{uuid.uuid4()}", headers={**script, "origin": REGION}, timeout=30
    )
    assert (answer.status_code, answer.headers["altid-receipt"]) == (200, "never-seen")
    assert answer.headers["access-control-allow-origin"] == REGION
    assert "altid-receipt" in answer.headers["access-control-expose-headers"]
    refused = httpx.get(f"{plain_server}/orders/receipts/x", headers={"origin": REGION}, timeout=30)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, REGION)


def test_the_policy_of_a_page_lets_its_scripts_ask_the_sites_and_nobody_else() -> None:
    sites = (("A", "https://a.example:8443"), ("B", "https://b.example:8443"))
    policy = reaching(SECURITY[POLICY], sites)
    assert "connect-src 'self' https://a.example:8443 https://b.example:8443;" in policy
    assert policy.replace(" https://a.example:8443 https://b.example:8443", "") == SECURITY[POLICY]


def test_the_lookup_records_page_may_ask_whether_a_site_is_ready_and_nothing_else() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    def named(path: str, origin: bytes) -> bool:
        told: list[Any] = []

        async def send(message: Any) -> None:
            told.append(message)

        asked = {"type": "http", "method": "GET", "path": path, "headers": [(b"origin", origin)]}
        shared = ForOrigins(application, [REGION], ["https://opslag.example"])
        asyncio.run(shared(asked, None, send))  # type: ignore[arg-type]
        return (b"access-control-allow-origin", origin) in told[0]["headers"]

    lookup = b"https://opslag.example"
    assert named("/health/ready", lookup)
    assert not any(named(path, lookup) for path in ("/fhir/Patient", PATH, "/orders", "/session/handover"))
    assert named("/session/handover", REGION.encode())
    assert not named("/health/ready", HOSTILE.encode())


def test_a_page_may_ask_the_lookup_record_and_send_a_form_to_the_sites_alone() -> None:
    policy = reaching(
        SECURITY[POLICY], (("A", "https://a.example"),), "https://opslag.example/x; script-src *"
    )
    assert "form-action 'self' https://a.example;" in policy
    assert "connect-src 'self' https://a.example https://opslag.example;" in policy
    assert "script-src *" not in policy


# The patient on the screen


@pytest.fixture
def sign(web_server: str, script: dict[str, str], put: Callable[..., None]) -> Callable[..., httpx.Response]:
    """A POST below /orders at the other server, as the page's script sends it."""
    anna(put)
    put("Patient", "child", name=[{"family": "Testesen", "given": ["Barn"]}], birthDate="2015-01-01")
    prescribed = drug()
    put("Medication", prescribed["id"], **{k: v for k, v in prescribed.items() if k != "resourceType"})

    def sign(body: Any, seen: str | None, path: str = "", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if seen is not None:
            named["altid-patient"] = seen
        key = {"idempotency-key": str(uuid.uuid4())}
        return httpx.post(
            f"{web_server}/orders{path}", json=body, headers={**script, **key, **named}, timeout=30
        )

    return sign


def order(patient: str) -> dict[str, Any]:
    return unsigned(medication(patient_=patient))


def test_an_order_of_the_patient_on_the_screen_is_signed(sign: Callable[..., httpx.Response]) -> None:
    answer = sign(order("anna"), "Patient/anna")
    assert (answer.status_code, answer.headers.get("altid-receipt")) == (201, "ok"), answer.text


@pytest.mark.parametrize("seen", [None, "anna", "Patient/", "Patient/anna, Patient/child"])
def test_a_page_must_say_who_is_on_the_screen(sign: Callable[..., httpx.Response], seen: str | None) -> None:
    refused = sign(order("anna"), seen)
    assert (refused.status_code, refused.headers["altid-receipt"]) == (400, "fatal-error")
    assert "Altid-Patient" in refused.json()["issue"][0]["diagnostics"]


def test_an_order_of_another_patient_is_refused(sign: Callable[..., httpx.Response]) -> None:
    refused = sign(order("child"), "Patient/anna", accept_language="da")
    issue = refused.json()["issue"][0]
    assert (refused.status_code, refused.headers["altid-receipt"]) == (422, "fatal-error")
    assert issue["expression"] == ["MedicationRequest.subject"]
    assert "en anden patient" in issue["details"]["text"]
    bundle = {"resourceType": "Bundle", "type": "transaction"}
    both = {**bundle, "entry": [{"resource": order("anna")}, {"resource": order("child")}]}
    refused = sign(both, "Patient/anna")
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"] == ["Bundle.entry[1].resource.subject"]


def test_an_act_upon_another_patients_order_is_refused_and_does_nothing(
    sign: Callable[..., httpx.Response], web_server: str, script: dict[str, str]
) -> None:
    made = sign(order("child"), "Patient/child").json()["order"]
    for seen, status in (("Patient/anna", 422), (None, 400)):
        refused = sign({"reason": "Fejl"}, seen, f"/{made}/stop", if_match='W/"1"')
        assert (refused.status_code, refused.headers["altid-receipt"]) == (status, "fatal-error")
    stored = httpx.get(f"{web_server}/fhir/{made}", headers=script, timeout=30).json()
    assert (stored["status"], stored["meta"]["versionId"]) == ("active", "1")
    assert sign({"reason": "Fejl"}, "Patient/child", f"/{made}/stop", if_match='W/"1"').status_code == 200


def test_a_check_needs_no_patient_but_says_if_it_is_another(sign: Callable[..., httpx.Response]) -> None:
    assert sign(order("anna"), None, "/check").status_code == 200
    assert sign(order("anna"), "Patient/child", "/check").status_code == 422


def test_what_a_page_writes_as_fhir_is_about_the_patient_on_the_screen(
    web_server: str, script: dict[str, str], sign: Callable[..., httpx.Response]
) -> None:
    note = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Puls"},
        "subject": {"reference": "Patient/anna"},
    }

    def write(seen: str | None, body: Any = note, path: str = "/Observation") -> httpx.Response:
        named = {} if seen is None else {"altid-patient": seen}
        return httpx.post(f"{web_server}/fhir{path}", json=body, headers={**script, **named}, timeout=30)

    assert write("Patient/anna").status_code == 201
    assert (write("Patient/child").status_code, write(None).status_code) == (422, 400)
    entry = {"resource": note, "request": {"method": "POST", "url": "Observation"}}
    together = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert write("Patient/anna", together, "").status_code == 200
    assert (write("Patient/child", together, "").status_code, write(None, together, "").status_code) == (
        422,
        400,
    )


def test_the_key_of_an_outbox_follows_from_the_account_alone(
    screen: Browser, script: dict[str, str], web_server: str
) -> None:
    first, second = (screen.get(PATH, headers=ASKS).json() for _ in range(2))
    assert first["outboxKey"] == second["outboxKey"]
    assert len(base64.b64decode(first["outboxKey"])) == 32
    renewed = httpx.post(f"{web_server}{PATH}", headers={**script, **ASKS}, timeout=30).json()
    assert "outboxKey" not in renewed, "a token alone opens no outbox"


def test_each_account_and_region_has_its_own_key() -> None:
    one, other = AccessSecret(b"a" * 32), AccessSecret(b"b" * 32)
    keys = [outbox_key(secret, account) for secret in (one, other) for account in ("anna", "bo")]
    assert len(set(keys)) == 4
