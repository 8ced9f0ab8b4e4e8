"""`altid audit` on a data folder as `altid serve` leaves it, with its PostgreSQL running."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from altid.access.audit.event import Action
from altid.access.audit.recorder import Audit
from altid.cli.app import run
from tests.access.auditing import SECRET, auditing, look, sql, until


@contextmanager
def recorded(dsn: str, data: Path) -> Iterator[list[str]]:
    """Two looks and a broken glass; gives the options that find them."""

    async def work(audit: Audit) -> None:
        await audit.record(look(1))
        await audit.record(look(2, "p-2"))
        await audit.record(replace(look(3, "p-2"), action=Action.OVERRIDE, grounds=("override",)))
        await until(lambda: audit.shipper.shipped_seq == 3)

    auditing(dsn, data / "audit", work)
    (data / "access.key").write_text(SECRET.value.hex())
    (data / "access.key").chmod(0o600)
    yield ["--data", str(data), "--database-url", dsn]


def test_it_proves_that_the_log_is_whole(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with recorded(dsn, tmp_path) as options:
        assert run(["audit", "verify", *options]) == 0
        assert "3 events of 1 writers" in capsys.readouterr().out
        assert run(["audit", "verify", "--json", "--since", "2027-01-01", *options]) == 0
        assert json.loads(capsys.readouterr().out)["sound"] is True


def test_its_exit_code_tells_that_something_was_altered(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with recorded(dsn, tmp_path) as options:
        sql(dsn.replace("altid_app@", "altid@"), "DELETE FROM audit WHERE seq = 2")
        assert run(["audit", "verify", *options]) == 1
        told = capsys.readouterr().out
        assert "missing: A." in told
        assert "NOT SOUND" in told


def test_it_searches(dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with recorded(dsn, tmp_path) as options:
        assert run(["audit", "search", "--patient", "p-2", "--json", *options]) == 0
        found = json.loads(capsys.readouterr().out)["events"]
        assert [event["id"] for event in found] == ["o-3", "o-2"]
        assert run(["audit", "search", "--overrides", *options]) == 0
        assert "1 events" in capsys.readouterr().out


def test_it_exports(dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with recorded(dsn, tmp_path) as options:
        assert run(["audit", "export", "--patient", "p-2", "--as", "minlog", *options]) == 0
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [row["reason"] for row in rows] == ["Værdispring", "Indlagt eller i ambulant forløb på stedet"]
        assert run(["audit", "export", "--out", str(tmp_path / "looks.ndjson"), *options]) == 0
        assert (tmp_path / "looks.ndjson").read_text().count('"AuditEvent"') == 3


@pytest.mark.parametrize("words", [["verify"], ["search"], ["search", "--since", "yesterday"]])
def test_what_it_cannot_do_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert run(["audit", *words, "--data", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
