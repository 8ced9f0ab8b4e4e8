"""`altid doctor`: what it finds, and how it says so."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import time

import pytest
from scripted import Altid, FhirServer

from altid.cli import checks


def findings(altid: Altid, *arguments: object) -> dict[str, str]:
    altid("doctor", "--json", *arguments)
    return {finding["check"]: finding["level"] for finding in json.loads(altid.out)["findings"]}


def test_this_machine_can_run_altid(altid: Altid) -> None:
    assert altid("doctor", "--port", "0") == 0


def test_each_finding_is_a_line_with_its_level(altid: Altid) -> None:
    altid("doctor", "--port", "0")
    checked = [line.split()[1] for line in altid.out.splitlines() if "→" not in line]
    assert {"python", "postgresql", "data", "disk", "sync", "clock"} <= set(checked)


def test_doctor_leaves_no_trace_in_the_data_folder(altid: Altid) -> None:
    altid.data.mkdir()
    altid("doctor")
    assert list(altid.data.iterdir()) == []


def test_a_foreign_folder_fails_with_exit_code_1_and_says_how_to_mend_it(altid: Altid) -> None:
    altid.data.mkdir()
    (altid.data / "PG_VERSION").write_text("15\n")
    assert altid("doctor", "--quiet", "--port", "0") == 1
    assert "is itself a PostgreSQL cluster" in altid.out
    assert "→ Choose another with --data." in altid.out


def test_a_clock_that_stands_behind_what_was_written_fails(altid: Altid) -> None:
    altid.data.mkdir()
    tomorrow = time.time() + 86_400
    os.utime(altid.data, (tomorrow, tomorrow))
    assert findings(altid)["clock"] == "fail"


def test_a_port_in_use_is_a_warning(altid: Altid) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert findings(altid, "--port", taken.getsockname()[1])["port"] == "warn"


def test_too_few_open_files_fail(altid: Altid) -> None:
    """In a process of its own: this one may have more open already."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    doctor = ["-P", "-m", "altid.cli", "--data", str(altid.data), "doctor", "--json", "--port", "0"]
    program = (
        "import os, resource, sys; "
        f"resource.setrlimit(resource.RLIMIT_NOFILE, (128, {hard})); "
        "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    )
    told = subprocess.run([sys.executable, "-c", program, *doctor], capture_output=True, timeout=60)
    found = {finding["check"]: finding["level"] for finding in json.loads(told.stdout)["findings"]}
    assert found["open files"] == "fail"


def test_a_small_machine_fails(altid: Altid, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "machine_memory_bytes", lambda: 256 * 1024 * 1024)
    assert findings(altid)["memory"] == "fail"


def test_a_running_server_is_asked_whether_it_is_ready(altid: Altid, server: FhirServer) -> None:
    announce(altid, server.address)
    assert findings(altid)["server"] == "ok"


def test_a_server_that_is_not_ready_fails(altid: Altid, server: FhirServer) -> None:
    announce(altid, server.address)
    server.faults = [503]
    assert findings(altid)["server"] == "fail"


def test_a_server_that_is_gone_fails(altid: Altid) -> None:
    announce(altid, "http://127.0.0.1:1")
    assert findings(altid)["server"] == "fail"


def announce(altid: Altid, address: str) -> None:
    altid.data.mkdir()
    (altid.data / "server.json").write_text(json.dumps({"web": address}))
