"""What systemd is told: `sd_notify` without a library."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from altid.region import notify


def listening(address: str) -> socket.socket:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    line.bind(address)
    line.settimeout(30)
    return line


def test_systemd_is_told_at_its_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with listening(str(tmp_path / "notify")) as line:
        notify.tell(notify.READY)
        assert line.recv(64) == b"READY=1"


def test_a_socket_outside_of_the_file_system_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"altid-test-notify-{os.getpid()}"
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    with listening(f"\0{name}") as line:
        notify.tell(notify.ALIVE)
        assert line.recv(64) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "nonsense"])
def test_without_systemd_nothing_happens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify.tell(notify.STOPPING)
