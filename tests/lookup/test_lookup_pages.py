"""The pages of the lookup record: what they show, to whom, and that nothing can be written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from altid.access.audit.event import Action
from altid.access.grounds import PlaceTooWideError
from altid.fhir import json
from altid.lookup.age import Watch
from altid.lookup.app import lookup_app
from altid.lookup.change import Change, Heartbeat, Position
from altid.lookup.copy import Copy
from altid.lookup.finding import WardRow
from altid.lookup.settings import Kind, Settings
from altid.sample import REFERENCE
from tests.lookup.asking import Asking
from tests.lookup.door import COOKIE, Door, Seen
from tests.lookup.sampled import NOW, sampled_copy

IN_BED = "r1-p0"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    made = sampled_copy(tmp_path_factory.mktemp("copy") / "copy.db")
    yield made
    made.close()


@pytest.fixture(scope="module")
def ward(copy: Copy) -> WardRow:
    """One with patients in it."""
    return next(row for row in copy.wards() if row.taken > 1)


@pytest.fixture
def door(copy: Copy) -> Door:
    return Door({patient: Seen("tests") for patient in copy.patients()})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, "Afsnit B12", Kind.WARD, "B12")


def client_of(copy: Copy, door: Door, settings: Settings) -> Asking:
    watch = Watch(lambda: NOW, lambda: 0.0)
    app = lookup_app(copy, door, settings, watch=watch)
    return Asking(app, settings.listen.url, COOKIE)


@pytest.fixture
def client(copy: Copy, door: Door, settings: Settings) -> Asking:
    return client_of(copy, door, settings)


@pytest.fixture
def beat(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set when the source was last alive, and when we heard of it; None: never."""

    def beat(at: datetime | None, received: datetime | None = None) -> None:
        told = None if at is None else Heartbeat(at, received or at)
        monkeypatch.setattr(copy, "heartbeat", lambda: told)

    return beat


def test_the_bar_tells_time_and_age_of_the_data(client: Asking) -> None:
    shown = client.get("/").text
    said = re.sub(r"<[^>]+>", "", shown).replace("\u00a0", " ")
    assert re.search(r"LÆSEADGANG – data fra \d+\. \w+ 2026 \d\d:\d\d, 17 min gamle", said)
    assert "Forsinkede" in said


@pytest.mark.parametrize("path", ["/", "/ward/WARD", f"/patient/{IN_BED}"])
def test_every_page_has_the_bar_and_it_can_not_be_closed(client: Asking, ward: WardRow, path: str) -> None:
    path = path.replace("WARD", ward.id)
    shown = client.get(path).text
    bar = shown[shown.index('id="age"') :]
    assert "<button" not in bar[: bar.index("</section>")]


@pytest.mark.parametrize(
    ("minutes", "state", "word"),
    [
        (0, "current", "Aktuelle"),
        (5, "late", "Forsinkede"),
        (60, "old", "Gamle"),
        (600, "very-old", "Meget gamle"),
    ],
)
def test_three_thresholds_are_told_in_words(
    client: Asking, beat: Callable[..., None], minutes: int, state: str, word: str
) -> None:
    beat(NOW - timedelta(minutes=minutes))
    shown = client.get("/").text
    assert f'data-age-state="{state}"' in shown
    assert word in shown


def test_an_age_that_nobody_knows_is_told_as_unknown(client: Asking, beat: Callable[..., None]) -> None:
    beat(None)
    shown = client.get(f"/patient/{IN_BED}").text
    assert "dataenes alder er ukendt" in shown
    assert "data-ticking" not in shown


def test_data_from_the_future_mean_that_our_clock_is_wrong(client: Asking, beat: Callable[..., None]) -> None:
    beat(NOW + timedelta(hours=1), NOW)
    shown = client.get("/").text
    assert "alderen kan ikke beregnes" in shown
    assert "Uret på denne maskine passer ikke" in shown


def test_the_age_stands_in_the_banner_too(client: Asking) -> None:
    shown = client.get(f"/patient/{IN_BED}").text
    banner = shown[shown.index('class="banner-age"') :]
    assert "17 min" in banner[: banner.index("</p>")]


def test_the_ward_lists_its_patients_by_bed(client: Asking, ward: WardRow, copy: Copy) -> None:
    shown = client.get(f"/ward/{ward.id}").text
    names = [bed.identity.family.upper() for bed in copy.ward(ward.id) if bed.identity.family]
    places = [shown.index(name) for name in names]
    assert names
    assert places == sorted(places)


def test_a_patients_page_has_what_is_needed_first(client: Asking) -> None:
    shown = client.get(f"/patient/{IN_BED}").text
    for name in (
        "cave",
        "unconfirmed",
        "medication",
        "results",
        "vitals",
        "problems",
        "plan",
        "appointments",
    ):
        assert f'<h2 id="{name}">' in shown


def test_the_plan_is_what_stands_under_its_heading(client: Asking) -> None:
    shown = client.get(f"/patient/{IN_BED}").text
    plan = shown[shown.index('<h2 id="plan">') :]
    assert 'class="body"' in plan[: plan.index("</section>")]
    assert "Paraklinik" not in plan[: plan.index("</section>")]


@pytest.mark.parametrize("part", ["medication", "results", "notes", "timeline"])
def test_each_part_has_a_page(client: Asking, part: str) -> None:
    answer = client.get(f"/patient/{IN_BED}/{part}")
    assert answer.status_code == 200
    assert "Kan ikke vises på grund af en fejl" not in answer.text


def test_no_page_has_a_control_that_writes(client: Asking, ward: WardRow) -> None:
    for path in ("/", f"/ward/{ward.id}", f"/patient/{IN_BED}", f"/patient/{IN_BED}/medication"):
        actions = set(re.findall(r'<form[^>]*method="post"[^>]*action="([^"]+)"', client.get(path).text))
        assert actions <= {"/search", "/logoff"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/", f"/patient/{IN_BED}", "/fhir/Patient/x", "/nowhere"])
def test_whatever_writes_is_refused_with_the_reason(
    client: Asking, door: Door, method: str, path: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert "Opslag kan kun læses" in answer.text
    assert door.looks == []


def test_a_program_is_refused_in_both_languages(client: Asking) -> None:
    outcome = client.put("/fhir/Patient/x", json={}).json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert "can only be read" in outcome["issue"][0]["details"]["text"]


def test_nobody_known_is_led_to_the_logon(client: Asking, door: Door) -> None:
    client.cookies.clear()
    answer = client.get(f"/patient/{IN_BED}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/logon?next=%2Fpatient%2F{IN_BED}")
    assert door.looks == []


def test_a_look_is_kept_before_the_answer_leaves(client: Asking, door: Door) -> None:
    client.get(f"/patient/{IN_BED}")
    assert door.looks == [("patient", (IN_BED,), Action.READ)]


def test_nothing_is_shown_where_looks_can_not_be_kept(
    client: Asking, ward: WardRow, door: Door, copy: Copy
) -> None:
    door.cannot_keep = True
    for path in (f"/ward/{ward.id}", f"/patient/{IN_BED}"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert "Adgangsloggen" in answer.text
        assert not any(
            bed.identity.family.upper() in answer.text for bed in copy.ward(ward.id) if bed.identity.family
        )


def test_without_grounds_only_the_identity_is_shown(client: Asking, door: Door) -> None:
    door.grounds = {}
    answer = client.get(f"/patient/{IN_BED}")
    assert answer.status_code == 403
    assert 'id="medication"' not in answer.text
    assert f'action="/patient/{IN_BED}/override"' in answer.text


def test_what_the_role_may_not_read_is_said_to_be_closed(client: Asking, door: Door) -> None:
    door.unreadable = frozenset({"Condition"})
    shown = client.get(f"/patient/{IN_BED}").text
    problems = shown[shown.index('<h2 id="problems">') :]
    assert 'class="closed"' in problems[: problems.index("</section>")]


def test_who_is_not_in_the_copy_may_be_in_the_record(client: Asking) -> None:
    answer = client.get("/patient/nobody")
    assert answer.status_code == 404
    assert "ikke i denne kopi" in answer.text


def test_a_search_finds_by_cpr_with_and_without_its_dash(client: Asking, ward: WardRow, copy: Copy) -> None:
    bed = copy.ward(ward.id)[0].identity
    assert bed.number is not None
    for sought in (bed.number.value, bed.number.value.replace("-", "")):
        answer = client.post("/search", data={"search": sought}, headers={"sec-fetch-site": "same-origin"})
        assert f'href="/patient/{bed.id}"' in answer.text


def test_a_search_finds_wards(client: Asking, ward: WardRow) -> None:
    answer = client.post("/search", data={"search": ward.name}, headers={"sec-fetch-site": "same-origin"})
    assert f'href="/ward/{ward.id}"' in answer.text


def test_a_search_from_another_site_is_refused(client: Asking) -> None:
    answer = client.post("/search", data={"search": "a"}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403


def test_the_language_is_switched_on_the_same_page(client: Asking) -> None:
    answer = client.get(f"/patient/{IN_BED}?lang=en")
    assert answer.headers["location"] == f"/patient/{IN_BED}"
    client.cookies.set("lang", "en")
    assert "READ ONLY – data of" in client.get(f"/patient/{IN_BED}").text


def test_how_it_stands_is_told_without_a_logon_and_without_patients(client: Asking) -> None:
    client.cookies.clear()
    told = client.get("/health/ready").json()
    assert (told["age_s"], told["state"], told["data_at"]) == (1025, "late", REFERENCE.isoformat())
    assert client.get("/health/live").status_code == 200


def test_pages_are_never_kept_and_carry_the_policy(client: Asking) -> None:
    for path in ("/", f"/patient/{IN_BED}", "/nowhere"):
        headers = client.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert "script-src 'self'" in headers["content-security-policy"]


def test_the_ward_says_how_many_orders_wait(client: Asking, copy: Copy, ward: WardRow) -> None:
    bed = copy.ward(ward.id)[0].identity.id
    order = {
        "resourceType": "ServiceRequest",
        "id": "not-signed",
        "status": "draft",
        "intent": "order",
        "code": {"text": "CT af cerebrum"},
        "subject": {"reference": f"Patient/{bed}"},
    }
    change = Change("ServiceRequest", "not-signed", 1, NOW, json.dumps(order))
    copy.apply([change], Position("record", "1", "2"))
    assert "1 ordination" in client.get(f"/ward/{ward.id}").text
    shown = client.get(f"/patient/{bed}").text
    waiting = shown[shown.index('<h2 id="unconfirmed">') :]
    assert "CT af cerebrum" in waiting[: waiting.index("</section>")]


def test_a_place_with_too_many_patients_is_told_so(
    client: Asking, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_wide(*_: object) -> Seen:
        raise PlaceTooWideError

    monkeypatch.setattr(door, "sight", too_wide)
    answer = client.get(f"/patient/{IN_BED}")
    assert (answer.status_code, "Vælg dit afsnit" in answer.text) == (403, True)
