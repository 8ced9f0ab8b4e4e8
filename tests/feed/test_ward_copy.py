"""A ward's copy has its own patients and nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from altid.access.copies import AFTER_STAY, is_kept
from altid.access.identity import Role
from tests.feed.reading import Reader, execute, reader_of, register, wait_until
from tests.feed.ward import ELSEWHERE, GONE, HERE, observation, patient, stay

HIDDEN = ("p-elsewhere", "p-long-gone", "p-moved", "o-elsewhere", "opaque", "nobodys", "canary", "secret")


def test_it_loads_its_patients_and_what_is_about_nobody(ward: Reader) -> None:
    ward.load(count=2)
    ward.follow()
    assert ward.get("patients").json()["patients"] == sorted([GONE, HERE])
    assert {"Patient/p-here", "Observation/o-here", "Encounter/e-p-gone", "Organization/other"} <= ward.names
    assert ward.is_same()


def test_no_answer_holds_anything_of_others(ward: Reader, fhir: httpx.Client) -> None:
    ward.load()
    told = [ward.get("snapshot").text, ward.get("patients").text, ward.get("digests").text]
    told.append(ward.get("changes", after="0.0", epoch=ward.epoch).text)
    told += [ward.get(f"group/{number}").text for number in range(0, 1024, 128)]
    told.append(ward.get("entry").text)
    for text in told:
        assert not any(f'"{name}' in text or f"/{name}" in text for name in HIDDEN)


@pytest.mark.parametrize("id_", [ELSEWHERE, "p-long-gone", "p-moved", "no-such"])
def test_a_patient_of_others_is_as_if_never_there(ward: Reader, id_: str) -> None:
    assert ward.get(f"patient/{id_}").status_code == 404


def test_groups_of_others_are_empty(ward: Reader) -> None:
    _, told = ward.told_digests()
    ward.load()
    ward.follow()
    assert told == ward.digests()


def test_changes_of_others_are_passed_over(ward: Reader, fhir: httpx.Client) -> None:
    ward.load()
    ward.follow()
    for number in range(3):
        fhir.put("/Observation/o-elsewhere", json=observation("o-elsewhere", ELSEWHERE, number))
        fhir.put("/Observation/o-here", json=observation("o-here", HERE, number))
    wait_until(lambda: ward.follow() and ward.held["Observation/o-here"]["version"] >= 4)
    assert "Observation/o-elsewhere" not in ward.held


def test_what_turns_out_to_be_about_somebody_else_is_gone(ward: Reader, fhir: httpx.Client) -> None:
    fhir.put("/Observation/o-wrong", json=observation("o-wrong", HERE)).raise_for_status()
    ward.load()
    ward.follow()
    wait_until(lambda: ward.follow() and "Observation/o-wrong" in ward.names)
    fhir.put("/Observation/o-wrong", json=observation("o-wrong", ELSEWHERE)).raise_for_status()
    wait_until(lambda: ward.follow() and "Observation/o-wrong" not in ward.names)
    assert ward.held["Observation/o-wrong"]["body"] is None
    assert ward.is_same()


def test_a_deletion_is_told_to_whom_it_concerns(ward: Reader, fhir: httpx.Client) -> None:
    for id_, of in (("d-here", HERE), ("d-there", ELSEWHERE)):
        fhir.put(f"/Observation/{id_}", json=observation(id_, of)).raise_for_status()
    ward.load()
    wait_until(lambda: ward.follow() and "Observation/d-here" in ward.names)
    fhir.delete("/Observation/d-there").raise_for_status()
    fhir.delete("/Observation/d-here").raise_for_status()
    wait_until(lambda: ward.follow() and "Observation/d-here" not in ward.names)
    assert "Observation/d-there" not in ward.held


def test_somebody_who_is_admitted_is_kept_at_once(ward: Reader, fhir: httpx.Client) -> None:
    fhir.put("/Patient/p-new", json=patient("p-new")).raise_for_status()
    fhir.put("/Observation/o-of-new", json=observation("o-of-new", "p-new")).raise_for_status()
    ward.load()
    ward.follow()
    assert "Patient/p-new" not in ward.names
    fhir.put("/Encounter/e-p-new", json=stay("p-new", "ward-bed")).raise_for_status()
    wait_until(lambda: "p-new" in ward.get("patients").json()["patients"])
    *told, _ = ward.lines("patient/p-new")
    ward.take(told)
    assert {"Patient/p-new", "Observation/o-of-new", "Encounter/e-p-new"} <= ward.names
    assert ward.is_same()


def test_who_is_no_copy_reads_nothing(server: str, dsn: str, site: Reader) -> None:
    register(dsn, "no-copy", "system/*.rs")
    paths = ("heartbeat", "snapshot", "changes", "digests", "group/1", "patients", f"patient/{HERE}", "entry")
    askers = [
        ("no-copy", ("system/*.cruds",), Role.SYSTEM),
        ("no-copy", ("system/feed",), Role.SYSTEM),
        ("not-registered", ("system/feed",), Role.SYSTEM),
        ("site-copy", ("system/*.rs",), Role.SYSTEM),
        ("somebody", ("system/feed",), Role.DOCTOR),
    ]
    for subject, scopes, role in askers:
        with reader_of(server, dsn, subject, *scopes, role=role) as reader:
            for path in paths:
                assert reader.get(path, after="0.0", epoch="1").status_code in (400, 403), (subject, path)
            assert reader.client.post("/feed/looks", json={"copy": "x", "looks": []}).status_code == 403


def test_the_feeds_scope_opens_nothing_else(ward: Reader, site: Reader) -> None:
    for reader in (ward, site):
        for path in ("/fhir/Patient", "/fhir/Patient/p-here", "/fhir/Organization", "/orders/outbox"):
            assert reader.client.get(path).status_code in (403, 404), path


def test_a_place_that_was_closed_reads_nothing_more(server: str, dsn: str) -> None:
    register(dsn, "closed-copy", "system/feed")
    with reader_of(server, dsn, "closed-copy", "system/feed") as reader:
        assert reader.get("digests").status_code == 200
        execute(dsn, "UPDATE client SET disabled_at = now() WHERE id = 'closed-copy'")
        assert reader.get("digests").status_code in (401, 403)
        assert reader.get("entry").status_code in (401, 403)


NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
PLACES = frozenset({"Location/a", "Organization/a"})


@pytest.mark.parametrize(
    ("encounter", "kept"),
    [
        ({"status": "in-progress", "location": [{"location": {"reference": "Location/a"}}]}, True),
        ({"status": "in-progress", "location": [{"location": {"reference": "Location/b"}}]}, False),
        ({"status": "planned", "location": [{"location": {"reference": "Location/a"}}]}, False),
        ({"status": "in-progress", "serviceProvider": {"reference": "Organization/a"}}, True),
        ({"status": "entered-in-error", "serviceProvider": {"reference": "Organization/a"}}, False),
        ({"status": "finished", "serviceProvider": {"reference": "Organization/a"}}, False),
        (
            {
                "status": "finished",
                "period": {"end": "2026-11-27T12:00:00Z"},
                "location": [{"location": {"reference": "Location/a"}}],
            },
            True,
        ),
        (
            {
                "status": "finished",
                "period": {"end": "2026-11-25T12:00:00Z"},
                "location": [{"location": {"reference": "Location/a"}}],
            },
            False,
        ),
        (
            {
                "status": "in-progress",
                "location": [
                    {"location": {"reference": "Location/a"}, "period": {"end": "2026-11-25T12:00:00Z"}},
                    {"location": {"reference": "Location/b"}},
                ],
            },
            False,
        ),
        (
            {
                "status": "in-progress",
                "location": [{"location": {"reference": "Location/a"}, "status": "completed"}],
            },
            False,
        ),
        ({"status": "finished", "period": {"end": "long ago"}, "location": []}, False),
    ],
)
def test_whose_stay_counts(encounter: dict[str, object], kept: bool) -> None:
    assert is_kept(encounter, PLACES, NOW - AFTER_STAY) is kept
