"""`altid orders reconcile`: its exit code, what it tells, on paper and in a sheet, and that it is audited."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from altid.cli.app import run
from altid.orders import gathering
from altid.orders.intent import End
from altid.orders.paper import as_pdf
from altid.orders.reconcile import reconcile
from altid.orders.sheet import as_csv, plain_cell
from altid.orders.todo import Why
from altid.orders.verdict import Ward
from altid.record.postgres import Cluster
from altid.record.roles import APP_ROLE
from altid.record.write import create
from altid.record.write_key import new_key
from altid.screen.words import LANGUAGES
from running import make_database
from tests.access.auditing import SECRET, sql

from .ordering import PATIENT, patient
from .test_gathering import register
from .test_reconcile import FAULTS, SOUND, Fate, evidence, identity, promise, world
from .test_recovery import Stage, dead, intent, staged

LATER = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", '=HYPERLINK("http://x","y")')


@pytest.fixture
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@pytest.fixture
def data(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder as `altid serve` leaves it, with two orders that are registered."""
    (tmp_path / "access.key").write_text(SECRET.value.hex())
    (tmp_path / "access.key").chmod(0o600)
    monkeypatch.setenv("ALTID_DATA", str(tmp_path))
    monkeypatch.setenv("ALTID_DATABASE_URL", dsn)
    register(dsn, tmp_path / "intents", "one", "two")
    return tmp_path


def die_with(dsn: str, data: Path, key: str) -> None:
    async def work(stage: Stage) -> None:
        await stage.registrar.writer.write(create(patient(), PATIENT), new_key())
        await dead(data / "intents", intent(key))

    staged(dsn, data / "elsewhere", work)


def test_all_certain_is_exit_0_with_the_evidence(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["orders", "reconcile", "--to", LATER]) == 0
    told = capsys.readouterr().out
    assert "0 uncertain of 2 intents, 2 versions" in told
    assert "site A: 2 versions, sha256 " in told


def test_one_uncertain_is_exit_1_and_nobody_is_named_unasked(
    dsn: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    die_with(dsn, data, "lost")
    assert run(["orders", "reconcile", "--to", LATER, "--json"]) == 1
    text = capsys.readouterr().out
    (one,) = json.loads(text)["uncertain"]
    assert (one["key"], one["why"], one["sites"]) == ("lost", Why.NO_OUTCOME, [])
    assert one["todo"]["da"] != one["todo"]["en"]
    assert PATIENT not in text
    assert "Tove" not in text
    assert run(["orders", "reconcile", "--to", LATER, "--json", "--patients"]) == 1
    (one,) = json.loads(capsys.readouterr().out)["uncertain"]
    assert (one["patient"], one["name"], one["signer"]) == (PATIENT, "Tove Testesen", "Anne Holm")
    assert run(["orders", "reconcile", "--to", LATER]) == 1
    assert "Unknown outcome: A server took the order" in capsys.readouterr().out


def test_each_look_is_in_the_audit_with_the_patients_that_were_named(dsn: str, data: Path) -> None:
    die_with(dsn, data, "lost")
    run(["orders", "reconcile", "--to", LATER, "--quiet"])
    run(["orders", "reconcile", "--to", LATER, "--quiet", "--patients"])
    rows = sql(dsn, "SELECT convert_from(body, 'UTF8')::json AS event FROM audit ORDER BY seq")
    events = [json.loads(row["event"]) for row in rows]
    told = [(one["operation"], one.get("patients", [])) for one in events]
    assert told == [("reconcile", []), ("reconcile", [PATIENT])]


def test_paper_and_sheet_are_files_of_their_owner(
    dsn: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    die_with(dsn, data, "lost")
    sheet, paper = data / "uncertain.csv", data / "uncertain.pdf"
    options = ["--csv", str(sheet), "--pdf", str(paper), "--patients"]
    assert run(["orders", "reconcile", "--to", LATER, *options]) == 1
    assert sheet.stat().st_mode & 0o777 == paper.stat().st_mode & 0o777 == 0o600
    assert "Tove Testesen" in sheet.read_text("utf-8-sig")
    assert paper.read_bytes().startswith(b"%PDF-")


def test_an_order_under_way_is_no_case_by_itself(
    dsn: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(dead(data / "intents", intent("under-way")))
    assert run(["orders", "reconcile"]) == 0
    assert "0 uncertain" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [["--from", "yesterday"], ["--from", "2026-11-02", "--to", "2026-11-01"], ["--pdf", "/nowhere/x.pdf"]],
)
def test_what_it_can_not_do_is_one_line(
    data: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert run(["orders", "reconcile", *words]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_more_than_can_be_compared_is_one_line(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "VERSIONS_MAX", 1)
    assert run(["orders", "reconcile", "--to", LATER]) == 2
    assert "give a shorter time" in capsys.readouterr().err


def test_what_a_record_holds_does_not_steer_the_terminal(
    dsn: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(dead(data / "intents", intent("x\x1b[2J\r", id="y\x1b[2J")))
    assert run(["orders", "reconcile", "--to", LATER]) == 1
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("text", HOSTILE)
def test_no_value_becomes_a_formula(text: str) -> None:
    assert plain_cell(text) == f"'{text}"
    hostile = promise(1, None, key=text, order=text, patient=text, signer_name=text)
    found = reconcile(evidence([hostile])).placed({identity(1): Ward(text, text)})
    rows = list(csv.reader(io.StringIO(as_csv(found, {text: text}), newline="")))
    assert len(rows) == 2
    assert not any(cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r")) for cell in rows[1])


def test_paper_prints_what_stands_there_and_computes_nothing() -> None:
    hostile = '#panic("x") $ \\ * _ ` < > [ ] @x "æøå'
    bad = [promise(n, None, key=hostile, patient=hostile, signer_name=hostile) for n in range(1, 4)]
    found = reconcile(evidence([replace(one, order=hostile) for one in bad]))
    found = found.placed({identity(1): Ward(hostile, hostile)})
    assert as_pdf(found, {hostile: hostile}, datetime.now(UTC)).startswith(b"%PDF-")


def test_paper_can_be_printed_of_everything_and_of_nothing() -> None:
    for fates in (SOUND, [*FAULTS.values()] * 40, [Fate(end=End.NOT_STORED, sites=frozenset())]):
        found = reconcile(world(fates))
        for language in LANGUAGES:
            assert as_pdf(found, None, datetime.now(UTC), language).startswith(b"%PDF-")


def test_the_sheet_speaks_the_language_that_was_asked_for() -> None:
    found = reconcile(world([FAULTS[Why.LOST], Fate(end=End.NOT_STORED, sites=frozenset())]))
    heads = {language: as_csv(found, {}, language).splitlines() for language in LANGUAGES}
    assert heads["da"][0].startswith('"årsag","hospital","afsnit"')
    assert heads["en"][0].startswith('"reason","hospital","ward"')
    assert "underskrift" in heads["da"][1]
    assert [line.split(",")[0] for line in heads["en"][1:]] == [
        '"Acknowledged',
        '"Refused',
    ]


def test_each_run_leaves_evidence_and_what_is_done_to_it_is_noticed(
    dsn: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    die_with(dsn, data, "lost")
    for settled in ("", "", "the ward has seen her"):
        run(["orders", "reconcile", "--to", LATER, "--quiet", "--settled", settled])
    folder = data / "reconciliations"
    kept = {path: path.read_bytes() for path in sorted(folder.iterdir())}
    assert [path.name for path in kept] == [f"0000000{number}.json" for number in (1, 2, 3)]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in kept)
    assert run(["orders", "evidence", "verify", "--quiet"]) == 0
    assert run(["orders", "evidence", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["number"], one["uncertain"], one["settled"]) for one in told] == [
        (1, 1, False),
        (2, 1, False),
        (3, 1, True),
    ]
    for path, body in kept.items():
        path.write_bytes(body.replace(b'"intents":3', b'"intents":2'))
        assert run(["orders", "evidence", "verify", "--quiet"]) == 1
        path.unlink()
        assert run(["orders", "evidence", "verify", "--quiet"]) == 1
        path.write_bytes(body)
    assert run(["orders", "evidence", "verify", "--quiet"]) == 0
    for statement in ("DELETE FROM reconciliation", "UPDATE reconciliation SET made = now()"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):  # nor may a server
            sql(dsn, statement)


def test_after_a_restore_the_record_gets_its_evidence_back_and_numbers_go_on(
    postgres: Cluster, dsn: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(3):
        run(["orders", "reconcile", "--to", LATER, "--quiet"])
    owner = dsn.replace(f"://{APP_ROLE}@", f"://{postgres.superuser}@")
    sql(owner, "DELETE FROM reconciliation WHERE number > 1")
    assert run(["orders", "evidence", "verify", "--quiet"]) == 1
    run(["orders", "reconcile", "--to", LATER, "--quiet"])
    assert run(["orders", "evidence", "verify"]) == 0
    assert "4 reconciliations, 0 faults" in capsys.readouterr().out
