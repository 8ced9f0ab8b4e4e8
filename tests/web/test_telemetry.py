"""What browsers tell: cut to one form that can't hold a patient's data, kept within bounds, put together."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.web import telemetry_files
from altid.web.clients import Tempo
from altid.web.telemetry import MEASURES_MAX, TIMES, TelemetryError, measures_of
from altid.web.telemetry_files import TelemetryFiles
from altid.web.telemetry_summary import clients_of, percentile

KIND = "GET /patient/{id}"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ALLOWED = {*TIMES, "route", "error", "site", "version", "status", "at", "network"}


def taken(*measures: Any, **about: Any) -> list[dict[str, Any]]:
    body = json.dumps({"measures": list(measures), **about}).encode()
    return measures_of(body, {KIND}, {"keys.js"})


def test_a_good_measure_is_kept() -> None:
    told = {"route": KIND, "site": "A", "version": "0.9.1", "total": 120.04, "status": 200}
    assert taken(told, network="wifi") == [{"network": "wifi", **told, "total": 120.0}]


@pytest.mark.parametrize(
    "bad",
    [
        {"route": "GET /patient/0101011234", "total": 1},
        {"route": ["GET /patient/{id}"]},
        {"total": 1},
        "GET /patient/{id}",
        None,
    ],
)
def test_what_is_no_measure_is_left_out(bad: Any) -> None:
    assert taken(bad) == []


@pytest.mark.parametrize(
    "more",
    [
        {"url": "/patient/0101011234"},
        {"error": "Anna Åkjær could not be read"},
        {"at": "keys.js:12 0101011234"},
        {"at": "anna.js:12"},
        {"site": "0101011234"},
        {"version": "010101.1234"},
        {"total": "0101011234"},
        {"total": 1e9},
        {"total": -1},
        {"total": True},
        {"status": 0},
    ],
)
def test_what_a_measure_may_not_hold_is_cut_off(more: dict[str, Any]) -> None:
    assert taken({"route": KIND, **more}) == [{"route": KIND}]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from([*ALLOWED, "name", "measures"]), inner)
        ),
    )
)
def test_whatever_is_sent_only_the_form_comes_through(told: Any) -> None:
    for found in taken({"route": KIND, "extra": told, "error": told, "total": told}):
        assert found.keys() <= ALLOWED
        assert isinstance(found.get("total", 0.0), float | int)


@given(st.binary(max_size=200))
def test_whatever_bytes_come_they_are_measures_or_refused(body: bytes) -> None:
    with suppress(TelemetryError):
        assert isinstance(measures_of(body, {KIND}, ()), list)


def test_a_batch_has_an_end() -> None:
    assert len(taken(*[{"route": KIND}] * (MEASURES_MAX + 5))) == MEASURES_MAX


def test_an_address_that_tells_too_often_must_wait_for_the_next_minute() -> None:
    now = [0.0]
    tempo = Tempo(lambda: now[0])
    while tempo.allows("10.0.0.1"):
        pass
    assert tempo.allows("10.0.0.2")
    now[0] = 61.0
    assert tempo.allows("10.0.0.1")


def test_files_hold_the_newest_days_alone(tmp_path: Path) -> None:
    kept = TelemetryFiles(tmp_path / "telemetry")
    for day in range(20):
        kept.keep([{"route": KIND, "total": float(day)}], "place", NOW + timedelta(days=day))
    names = sorted(file.name for file in (tmp_path / "telemetry").iterdir())
    assert len(names) == telemetry_files.DAYS_MAX
    assert names[-1] == "2026-12-17.ndjson"
    newest = list(kept.newest(NOW + timedelta(days=19)))
    assert [each["total"] for each in newest] == [18.0, 19.0]


def test_a_day_has_room_for_so_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry_files, "DAY_BYTES_MAX", 500)
    kept = TelemetryFiles(tmp_path)
    for _ in range(100):
        kept.keep([{"route": KIND}], "place", NOW)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 700


def test_a_line_that_was_cut_is_passed_over(tmp_path: Path) -> None:
    kept = TelemetryFiles(tmp_path)
    kept.keep([{"route": KIND}], "", NOW)
    with (tmp_path / "2026-11-28.ndjson").open("ab") as file:
        file.write(b'{"told": {"at"')
    assert [each["route"] for each in kept.newest(NOW)] == [KIND]


def test_measures_are_put_together_by_page_site_and_place() -> None:
    told = {"at": "2026-11-28T12:00:00+00:00", "place": "ward"}
    about = {"told": told, "route": KIND, "site": "A", "version": "1.0.0"}
    slow = [{**about, "total": float(each), "server": 5.0} for each in range(1, 101)]
    fast = [{**about, "site": "B", "total": 1.0}]
    wrong = [{**about, "version": "0.9.0", "error": "TypeError", "at": "keys.js:1"}] * 2
    found = clients_of([*slow, *fast, *wrong], "1.0.0")
    assert [(one.site, one.count, one.p50_ms, one.p99_ms) for one in found.speeds] == [
        ("A", 100, 50.0, 99.0),
        ("B", 1, 1.0, 1.0),
    ]
    assert [(one.error, one.count) for one in found.faults] == [("TypeError", 2)]
    at_home = {**about, "told": {**told, "ward": "w1"}, "network": "wifi", "total": 2.0}
    [speed] = clients_of([at_home], "1.0.0").speeds
    assert (speed.place, speed.ward, speed.network) == ("ward", "w1", "wifi")
    assert [(one.version, one.is_current) for one in found.versions] == [("1.0.0", True), ("0.9.0", False)]


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_a_value_that_so_many_do_not_pass(values: list[float], share: int) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= share * len(values)


def test_answers_tell_their_time_and_their_kind(stranger: httpx.Client) -> None:
    assert 'route;desc="GET /logon"' in stranger.get("/logon").headers["server-timing"]
    told = stranger.get("/patient/0101011234").headers["server-timing"]
    assert 'route;desc="GET /patient/{id}"' in told
    assert "0101011234" not in told
    told = stranger.get("/fhir/Patient/0101011234").headers["server-timing"]
    assert 'route;desc="GET /fhir/*"' in told
    assert 'route;desc="GET /*"' in stranger.get("/nowhere/0101011234").headers["server-timing"]


def test_only_pages_of_ours_may_tell(stranger: httpx.Client) -> None:
    batch = json.dumps({"measures": [{"route": KIND, "total": 1}]})
    strange = {"origin": "https://elsewhere.example"}
    assert (
        httpx.post(f"{stranger.base_url}/telemetry", content=batch, headers=strange, timeout=30).status_code
        == 403
    )
    assert stranger.post("/telemetry", content=batch).status_code == 200
    assert stranger.post("/telemetry", content=b"x" * 40_000).status_code == 400
