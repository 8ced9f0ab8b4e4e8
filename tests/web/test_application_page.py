"""An application asks for access: what its page says, and that a yes is to what was shown, by whom it was
shown to, while it was."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.access.accounts import Account
from altid.access.wishes import Wish
from altid.screen.headers import leading_to
from altid.screen.words import words
from altid.web import questions
from altid.web.addresses import local
from altid.web.asking_for import right
from altid.web.wishes import application_of
from tests.access.desks import SECRET
from tests.access_api.launching import BACK, told_at
from tests.web.asking import BEHIND, CHART, question, redeemed, register_chart
from tests.web.visiting import Browser, make_account


@pytest.fixture(scope="module", autouse=True)
def registered(web_dsn: str) -> None:
    register_chart(web_dsn)


def fields(html: str) -> dict[str, str]:
    """The hidden fields of the form that answers."""
    form = html.partition('action="/application/answer"')[2]
    found = {}
    for part in form.split("<input ")[1:]:
        attributes = dict(
            pair.split('="', 1) for pair in part.split(">")[0].rstrip('"').split('" ') if '="' in pair
        )
        if attributes.get("type") in ("hidden", "checkbox"):
            found[attributes["name"]] = attributes["value"].replace("&amp;", "&")
    return found


@pytest.fixture
def anna(store: Callable[..., None]) -> str:
    store("Patient", "anna", name=[{"family": "Åkjær", "given": ["Anna"]}])
    store("Patient", "nogrounds", name=[{"family": "Uden", "given": ["Ub"]}])
    return "anna"


def test_the_page_says_who_asks_for_what_and_for_how_long(browser: Browser, anna: str) -> None:
    answer = browser.get(f"/application?{question()}")
    assert answer.status_code == 200
    for said in (
        "Vækstkurven beder om adgang",
        BEHIND,
        "chart.example",
        "Læse og søge i målinger og prøvesvar, kun for den ene patient",
        "Læse og søge i diagnoser, kun for den ene patient",
        "Til du logger af",
        "ÅKJÆR",
    ):
        assert said in answer.text
    assert "UDEN" not in answer.text
    assert "form-action 'self' https://chart.example;" in answer.headers["content-security-policy"]
    assert browser.get("/").headers["content-security-policy"].count("https:") == 0


def test_the_whole_way_from_the_question_to_the_tokens(
    browser: Browser, anna: str, plain_server: str
) -> None:
    begun = browser.get(f"/access/authorize?{question()}")
    shown = browser.get(begun.headers["location"])
    sent = fields(shown.text) | {"patient": anna, "answer": "yes"}
    back = browser.post("/application/answer", data=sent)
    assert back.status_code == 303, back.text
    told = told_at(back.headers["location"])
    assert told["state"] == "af0ifjsldkj"
    tokens = redeemed(plain_server, told["code"])
    assert tokens["patient"] == anna
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    found = httpx.get(f"{plain_server}/fhir/Observation?patient={anna}", headers=headers, timeout=30)
    assert found.status_code == 200


def test_less_than_all_may_be_given(browser: Browser, anna: str, plain_server: str) -> None:
    sent = fields(browser.get(f"/application?{question()}").text)
    kept = {name: value for name, value in sent.items() if value != "patient/Condition.rs"}
    back = browser.post("/application/answer", data=kept | {"patient": anna, "answer": "yes"})
    tokens = redeemed(plain_server, told_at(back.headers["location"])["code"])
    assert tokens["scope"] == "launch/patient online_access patient/Observation.rs"


def test_no_is_told_to_the_application(browser: Browser, anna: str) -> None:
    sent = fields(browser.get(f"/application?{question()}").text)
    back = browser.post("/application/answer", data=sent | {"answer": "no"})
    assert told_at(back.headers["location"])["error"] == "access_denied"
    assert back.headers["location"].startswith(BACK)


def test_a_patient_without_grounds_can_not_be_given(browser: Browser, anna: str) -> None:
    sent = fields(browser.get(f"/application?{question()}").text)
    answer = browser.post("/application/answer", data=sent | {"patient": "nogrounds", "answer": "yes"})
    assert (answer.status_code, "location" in answer.headers) == (422, False)
    assert "ingen behandlingsrelation til den patient" in answer.text


def test_patients_are_searched_for_among_ones_own(browser: Browser, anna: str) -> None:
    page = browser.get(f"/application?{question()}").text
    carried = {name: fields(page)[name] for name in ("question", "until", "seal", "form_token")}
    found = browser.post("/application/patients", data=carried | {"search": "anna"}).text
    assert "ÅKJÆR" in found
    assert "UDEN" not in browser.post("/application/patients", data=carried | {"search": "uden"}).text


@pytest.mark.parametrize("changed", ["question", "until", "seal"])
@pytest.mark.parametrize("path", ["/application/answer", "/application/patients"])
def test_a_question_that_was_changed_gets_no_answer(
    browser: Browser, anna: str, changed: str, path: str
) -> None:
    sent = fields(browser.get(f"/application?{question()}").text) | {"patient": anna, "answer": "yes"}
    other = {"question": question(scope="user/Observation.rs"), "until": "99999999999", "seal": "0" * 64}
    answer = browser.post(path, data=sent | {changed: other[changed]})
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert "Begynd forfra i programmet" in answer.text


def test_what_another_was_shown_can_not_be_answered(
    browser: Browser, stranger: Browser, anna: str, web_dsn: str
) -> None:
    username = f"n{secrets.token_hex(5)}"
    make_account(web_dsn, username)
    stranger.log_on(username)
    sent = fields(stranger.get(f"/application?{question()}").text)
    assert browser.post("/application/answer", data=sent | {"answer": "no"}).status_code == 403
    mine = sent | {"answer": "no", "form_token": browser.form_token}
    assert browser.post("/application/answer", data=mine).status_code == 400


@pytest.mark.parametrize("path", ["/application", "/application?client_id=nobody", "/application?%ff=1"])
def test_a_question_of_nobody_leads_nowhere(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


def test_an_application_that_asks_wrongly_is_told(browser: Browser) -> None:
    answer = browser.get(f"/application?{question(scope='patient/*.cruds')}")
    assert told_at(answer.headers["location"])["error"] == "invalid_scope"


def test_whoever_is_not_logged_on_comes_back_to_the_question(stranger: Browser, doctor: Account) -> None:
    there = f"/application?{question()}"
    answer = stranger.get(there)
    assert answer.headers["location"].startswith("/logon?next=%2Fapplication%3F")
    page = stranger.get(answer.headers["location"]).text
    wanted = page.partition('name="next" value="')[2].partition('"')[0].replace("&amp;", "&")
    assert wanted == there
    assert stranger.log_on(doctor.username, next=wanted).headers["location"] == there


def test_the_language_is_switched_with_the_question_kept(browser: Browser) -> None:
    there = f"/application?{question()}"
    assert browser.get(f"{there}&lang=en").headers["location"] == there
    assert "Read and search measurements and results, of the one patient only" in browser.get(there).text


# Without a server


@given(st.text("abc&=%+.-_~", min_size=1, max_size=50))
def test_only_the_signs_of_a_query_follow_the_page(query: str) -> None:
    assert local(f"/application?{query}") == f"/application?{query}"


@pytest.mark.parametrize(
    "path",
    [
        "/application?a=//evil.example",
        "/application?a=\\evil",
        "/application?a b",
        "/application?a\r\nb",
        "/application?" + "a" * 1_801,
        "/applications?a=b",
        "/role?a=b",
        "//application?a=b",
    ],
)
def test_nothing_else_has_a_query(path: str) -> None:
    assert local(path) == "/"


def sealed(now_s: float = 1_000.0) -> dict[str, str]:
    it = questions.shown(SECRET, "session", "a=b", now_s)
    return {"question": it.query, "until": str(it.until_s), "seal": it.seal}


def test_a_seal_holds_for_its_session_and_its_time() -> None:
    assert questions.answered(SECRET, "session", sealed(), 1_000.0) == "a=b"
    assert questions.answered(SECRET, "session", sealed(), 1_600.0) == "a=b"
    assert questions.answered(SECRET, "session", sealed(), 1_601.0) is None
    assert questions.answered(SECRET, "other", sealed(), 1_000.0) is None


@given(name=st.sampled_from(["question", "until", "seal"]), value=st.text())
def test_what_is_not_as_it_was_sealed_is_nothing(name: str, value: str) -> None:
    form = sealed()
    if form[name] != value:
        assert questions.answered(SECRET, "session", form | {name: value}, 1_000.0) is None


@pytest.mark.parametrize(
    ("scope", "danish", "english"),
    [
        (
            "patient/Observation.rs",
            "Læse og søge i målinger og prøvesvar, kun for den ene patient",
            "Read and search measurements and results, of the one patient only",
        ),
        (
            "user/Condition.crus",
            "Læse, søge i, oprette og ændre diagnoser, for alle patienter, du selv kan se",
            "Read, search, create and change diagnoses, of all patients whom you can see yourself",
        ),
        (
            "patient/Basic.r",
            "Læse Basic, kun for den ene patient",
            "Read Basic, of the one patient only",
        ),
    ],
)
def test_a_scope_is_said_in_words(scope: str, danish: str, english: str) -> None:
    asking = application_of(Wish(replace(CHART, scopes=(scope,)), BACK, (scope,), "")).askings[0]
    assert (right(words("da"), asking), right(words("en"), asking)) == (danish, english)


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("https://chart.example/back?x=1", " https://chart.example"),
        ("http://127.0.0.1:8123/back", " http://127.0.0.1:8123"),
        ("https://a;script-src*/back", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_a_policy_names_the_host_that_a_form_leads_to(address: str, target: str) -> None:
    assert f"form-action 'self'{target}; " in leading_to(address)
