"""The encrypted copy: what it takes, what it answers, and what it does when its file is not whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlcipher3 import dbapi2 as sqlite

from altid.fhir import json
from altid.lookup import file
from altid.lookup.change import Change, Heartbeat, Position
from altid.lookup.copy import Copy
from altid.lookup.damage import CopyDamagedError, CopyFullError, WrongKeyError
from altid.lookup.file import spare_of
from altid.screen.views.cave import CaveState
from tests.lookup.feeding import BEGAN, observation, patient
from tests.screen.charts import HL7, coded

KEY = bytes(range(32))
AT = Position("record", "1", "7")
PHYSICAL = f"{HL7}/location-physical-type"


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    made = Copy.create(tmp_path / "copy.db", KEY)
    yield made
    made.close()


def changed(resource: dict[str, Any], version: int = 1, at: datetime = BEGAN) -> Change:
    return Change(resource["resourceType"], resource["id"], version, at, orjson.dumps(resource))


def deleted(type_: str, id_: str, version: int) -> Change:
    return Change(type_, id_, version, BEGAN, None)


def ward(*beds: str) -> list[Change]:
    place = {
        "resourceType": "Location",
        "id": "w",
        "name": "Lunger L2",
        "physicalType": coded(PHYSICAL, "wa"),
    }
    inside = [
        {
            "resourceType": "Location",
            "id": bed,
            "name": f"Stue {bed}",
            "physicalType": coded(PHYSICAL, "bd"),
            "partOf": {"reference": "Location/w"},
        }
        for bed in beds
    ]
    return [changed(place), *map(changed, inside)]


def stay(identity: str, bed: str, **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": f"e-{identity}",
        "status": "in-progress",
        "class": {"code": "IMP"},
        "subject": {"reference": f"Patient/{identity}"},
        "location": [{"location": {"reference": f"Location/{bed}"}}],
        **elements,
    }


def test_a_chart_is_what_was_taken_with_its_digits(copy: Copy) -> None:
    body = orjson.dumps(observation("o", "a", 4.125)).replace(b"4.125", b"4.10")
    copy.apply([changed(patient("a")), Change("Observation", "o", 1, BEGAN, body)], AT)
    chart = copy.chart("a")
    assert chart is not None
    assert json.dumps(chart.of("Observation")[0]) == body
    assert copy.chart("b") is None
    assert copy.positions() == {"record": AT}


def test_what_is_older_or_the_same_changes_nothing(copy: Copy) -> None:
    assert copy.apply([changed(patient("a", "New"), 2)], AT) == 1
    assert copy.apply([changed(patient("a", "New"), 2), changed(patient("a", "Old"), 1)], AT) == 0
    assert [found.identity.family for found in copy.search("new")] == ["New"]
    assert copy.search("old") == ()
    assert copy.replace_patient("record", "a", [changed(patient("a", "Old"), 1)]) == 1
    assert [found.identity.family for found in copy.search("old")] == ["Old"]


def test_what_is_deleted_is_gone_and_does_not_come_back(copy: Copy) -> None:
    copy.apply([changed(patient("a")), changed(observation("o", "a"))], AT)
    copy.apply([deleted("Observation", "o", 2), changed(observation("o", "a"), 1)], AT)
    chart = copy.chart("a")
    assert chart is not None
    assert chart.of("Observation") == ()
    copy.apply([deleted("Patient", "a", 2)], AT)
    assert copy.chart("a") is None
    assert copy.search("holm") == ()


def test_a_result_that_was_put_right_moves_to_its_patient(copy: Copy) -> None:
    copy.apply([changed(patient("a")), changed(patient("b")), changed(observation("o", "a"))], AT)
    copy.apply([changed(observation("o", "b"), 2)], AT)
    charts = [copy.chart(identity) for identity in "ab"]
    assert [len(chart.of("Observation")) for chart in charts if chart] == [0, 1]


def test_the_newest_measurements_are_shown_and_that_there_are_older(copy: Copy) -> None:
    many = [observation(f"o{n}", "a", n, f"2026-11-{1 + n % 28:02d}T06:00:00Z") for n in range(310)]
    copy.apply([changed(patient("a")), *map(changed, many)], AT)
    chart = copy.chart("a")
    assert chart is not None
    times = [one["effectiveDateTime"] for one in chart.of("Observation")]
    assert (len(times), times) == (300, sorted(times, reverse=True))
    assert chart.older == {"Observation"}


def test_a_ward_lists_its_beds_and_follows_who_moves(copy: Copy) -> None:
    copy.apply([*ward("2", "10"), changed(patient("a")), changed(patient("b")), changed(stay("a", "10"))], AT)
    copy.apply([changed(stay("b", "2"))], AT)
    assert [bed.identity.id for bed in copy.ward("w")] == ["b", "a"]
    assert [bed.cave.state for bed in copy.ward("w")] == [CaveState.NOT_RECORDED] * 2
    cave = {
        "resourceType": "AllergyIntolerance",
        "id": "c",
        "patient": {"reference": "Patient/a"},
        "code": {"text": "Morfin"},
    }
    copy.apply([changed(cave)], AT)
    assert [bed.cave.state for bed in copy.ward("w")] == [CaveState.NOT_RECORDED, CaveState.KNOWN]
    copy.apply([changed(stay("b", "2", status="finished"), 2)], AT)
    assert [bed.identity.id for bed in copy.ward("w")] == ["a"]
    (row,) = copy.wards()
    assert (row.name, row.taken, row.beds) == ("Lunger L2", 1, 2)


def test_somebody_is_found_by_name_number_and_ward(copy: Copy) -> None:
    cpr = [{"system": "urn:oid:1.2.208.176.1.2", "value": "1203485678"}]
    copy.apply(
        [
            *ward("2"),
            changed(patient("a", "Åkjær-Jensen", identifier=cpr)),
            changed(patient("b", "Müller")),
            changed(stay("a", "2")),
        ],
        AT,
    )
    for text in ("åkj", "jensen", "JENSEN ida", "aakj", "120348-5678", "1203485678", "lunger", "ida l2"):
        assert [found.identity.id for found in copy.search(text)] == ["a"], text
    assert [found.identity.id for found in copy.search("muller")] == ["b"]
    assert [found.ward for found in copy.search("åkjær")] == ["w"]
    assert copy.search("ida nobody") == ()
    assert copy.search("  ") == ()


def test_the_heartbeat_is_kept(copy: Copy, tmp_path: Path) -> None:
    assert copy.heartbeat() is None
    beat = Heartbeat(BEGAN, BEGAN + timedelta(seconds=1))
    copy.apply([], AT, beat)
    copy.close()
    opened = Copy.open(tmp_path / "copy.db", KEY)
    assert opened.heartbeat() == beat
    opened.close()


def test_all_or_nothing(copy: Copy) -> None:
    with pytest.raises(ValueError, match="another resource"):
        copy.apply([changed(patient("a")), Change("Patient", "b", 1, BEGAN, b'{"resourceType":"Group"}')], AT)
    assert copy.patients() == frozenset()
    assert copy.positions() == {}


def test_forgotten_patients_leave_nothing(copy: Copy) -> None:
    copy.apply(
        [*ward("2"), changed(patient("a")), changed(stay("a", "2")), changed(observation("o", "a"))], AT
    )
    copy.forget(["a"])
    assert (copy.chart("a"), copy.search("holm"), copy.ward("w")) == (None, (), ())
    with copy.reading() as connection:
        left = connection.execute("SELECT count(*) FROM resource WHERE patient = 'a'").fetchone()
    assert left == (0,)


def test_nothing_can_be_read_without_the_key(copy: Copy, tmp_path: Path) -> None:
    copy.apply([changed(patient("a", "Hemmelig"))], AT)
    copy.save()
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert b"Hemmelig" not in content, path
        assert b"hemmelig" not in content, path
        assert b"SQLite format" not in content, path
        assert path.stat().st_mode & 0o077 == 0 or path.suffix == ".check", path
    with pytest.raises(WrongKeyError):
        Copy.open(copy.path, bytes(32))
    with pytest.raises(WrongKeyError):
        Copy.open(copy.path, b"short")
    with pytest.raises(FileNotFoundError):
        Copy.open(tmp_path / "nowhere.db", KEY)


@pytest.mark.parametrize("spoil", ["header", "middle", "cut", "empty"])
def test_a_file_that_is_not_whole_is_found_out_and_the_spare_goes_on(
    copy: Copy, tmp_path: Path, spoil: str
) -> None:
    many = [changed(observation(f"o{n}", "a")) for n in range(300)]
    copy.apply([changed(patient("a")), *many], AT)
    copy.save()
    copy.apply([changed(patient("b"))], Position("record", "1", "8"))
    copy.close()
    _spoil(tmp_path / "copy.db", spoil)
    try:
        opened = Copy.open(tmp_path / "copy.db", KEY)
    except CopyDamagedError:
        opened, had_spare = Copy.open_spare(tmp_path / "copy.db", KEY)
        assert had_spare
    else:
        assert not opened.is_whole()
        assert opened.recover()
    assert opened.is_whole()
    assert opened.positions() == {"record": AT}
    assert opened.chart("a") is not None
    assert opened.chart("b") is None
    opened.close()


def _spoil(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "header":
        content[40] ^= 0xFF
    elif how == "middle":
        content[len(content) // 2] ^= 0xFF
    elif how == "cut":
        del content[len(content) // 2 :]
    else:
        content.clear()
    path.write_bytes(content)


def test_a_file_that_is_gone_is_replaced_by_its_spare(copy: Copy) -> None:
    copy.apply([changed(patient("a"))], AT, Heartbeat(BEGAN, BEGAN))
    copy.save()
    copy.close()
    for one in file.files_of(copy.path):
        one.unlink(missing_ok=True)
    opened, had_spare = Copy.open_spare(copy.path, KEY)
    assert had_spare
    assert opened.patients() == {"a"}
    assert opened.heartbeat() == Heartbeat(BEGAN, BEGAN), "with its own age"
    opened.close()


def test_without_a_good_spare_it_begins_anew(copy: Copy, tmp_path: Path) -> None:
    copy.apply([changed(patient("a"))], AT)
    spare_of(copy.path).write_bytes(os.urandom(8192))
    assert not copy.recover()
    assert copy.positions() == {}
    assert (tmp_path / "copy.db.damaged").exists()
    copy.apply([changed(patient("a"))], AT)
    assert copy.chart("a") is not None


def test_a_full_disk_keeps_what_there_is(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's own limit stands for the disk's: it fails with the same error, in the same places."""
    copy.apply([changed(patient("a"))], AT)
    with copy.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    copy.sessions._writer.execute(f"PRAGMA max_page_count = {pages}").fetchone()
    many = [changed(observation(f"o{n}", "a")) for n in range(500)]
    with pytest.raises(CopyFullError):
        copy.apply(many, Position("record", "1", "9"))
    assert copy.positions() == {"record": AT}
    assert copy.chart("a") is not None
    copy.sessions._writer.execute("PRAGMA max_page_count = 1000000").fetchone()
    assert copy.apply(many, Position("record", "1", "9")) == 500


def test_a_session_that_only_reads_can_not_write(copy: Copy) -> None:
    with copy.reading() as connection, pytest.raises(sqlite.OperationalError):
        connection.execute("DELETE FROM resource")


def test_tables_that_are_there_stay(tmp_path: Path) -> None:
    connection = file.create(tmp_path / "c.db", KEY)
    file.make_tables(connection)
    connection.close()
    assert datetime.now(UTC) > BEGAN
