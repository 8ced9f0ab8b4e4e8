"""`altid orders`: what waits is shown without a patient; decisions need a reason and are in the audit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from altid.cli.app import run
from altid.orders.downstream.destinations import read_destinations
from altid.record.postgres import Cluster
from tests.guards import make_guard
from tests.orders.posts import ask
from tests.running import make_database

ROOT = Path(__file__).parents[2]


@pytest.fixture
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@pytest.fixture
def orders(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A dead letter and a held message; gives the number of the first."""
    make_guard(tmp_path)
    monkeypatch.setenv("ALTID_DATA", str(tmp_path))
    monkeypatch.setenv("ALTID_DATABASE_URL", dsn)
    ask(dsn, "INSERT INTO delivery_cursor (destination, xid, rid) VALUES ('pharmacy', 1, 1)")
    ask(
        dsn,
        "INSERT INTO inbound (source, control_id, digest, state, code, message) "
        "VALUES ('labka', 'L1', sha256('x'), 'held', 'unknown-order', 'MSH')",
    )
    number = ask(
        dsn,
        "INSERT INTO delivery (destination, type, id, version, lane, state, attempts, made, code) VALUES "
        "('pharmacy', 'MedicationRequest', 'm', 2, 'Patient/p1', 'dead', 3, now(), 'AE') RETURNING number",
    )
    return str(number)


def test_dead_letters_are_shown_without_a_patient(orders: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["orders", "outbox", "--dead", "--json"]) == 1
    text = capsys.readouterr().out
    assert "p1" not in text
    shown = json.loads(text)
    assert shown["alarms"] == ["dead pharmacy", "held"]
    assert [(str(one["number"]), one["id"], one["state"]) for one in shown["deliveries"]] == [
        (orders, "m", "dead")
    ]
    assert run(["orders", "outbox"]) == 1
    assert "pharmacy: 0 waiting, oldest 0 s, 1 dead" in capsys.readouterr().out


def test_a_decision_is_kept_with_its_reason_and_in_the_audit(
    dsn: str, orders: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["orders", "outbox", "retry", orders, "--reason", "the pharmacy is back"]) == 0
    assert capsys.readouterr().out == f"{orders}: waiting\n"
    assert ask(dsn, "SELECT reason FROM delivery") == "the pharmacy is back"
    assert ask(dsn, "SELECT count(*) FROM audit WHERE action = 'administer'") == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["outbox", "discard", "4711", "--reason", "why not"], "There is no delivery 4711."),
        (["outbox", "discard", "1", "--reason", "x"], "--reason is a text of 3 to 500 characters."),
        (["outbox", "discard", "1"], "Missing option '--reason'"),
        (["inbox", "retry", "4711", "--reason", "why not"], "No message 4711 is held"),
    ],
)
def test_what_can_not_be_done_is_one_line(
    orders: str, capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    assert run(["orders", *arguments]) == 2
    said = capsys.readouterr().err
    assert text in said
    assert said.count("\n") == 1


def test_held_messages_are_shown_and_given_up(
    dsn: str, orders: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["orders", "inbox", "--json"]) == 1
    (message,) = json.loads(capsys.readouterr().out)["messages"]
    assert (message["control_id"], message["code"]) == ("L1", "unknown-order")
    number = str(message["number"])
    assert run(["orders", "inbox", "discard", number, "--reason", "sent by mistake"]) == 0
    assert ask(dsn, "SELECT state FROM inbound") == "discarded"
    assert run(["orders", "inbox", "--json"]) == 0


def test_the_example_in_the_documentation_can_be_read(tmp_path: Path) -> None:
    for name in ("pharmacy.pem", "pharmacy.key", "pharmacy-ca.pem"):
        (tmp_path / name).touch()
    path = tmp_path / "orders.toml"
    path.write_text((ROOT / "docs" / "orders.toml").read_text())
    found = read_destinations(path)
    assert [one.name for one in found.destinations] == ["pharmacy", "laboratory"]
    assert found.listener is not None
