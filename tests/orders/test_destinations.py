"""`orders.toml`: what is wrong is told with its line; without certificates nothing leaves this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from altid.orders.downstream.destinations import Downstream, OrdersFileError, read_destinations

GOOD = """
[sender]
application = "EPJ"

[[destination]]
name = "pharmacy"
address = "127.0.0.1:6661"
takes = ["MedicationRequest"]

[[destination]]
name = "laboratory"
address = "lab.example.org:6662"
takes = ["ServiceRequest"]
categories = ["http://snomed.info/sct|108252007"]
certificate = "ours.pem"
key = "ours.key"
authority = "region.pem"
late_s = 60

[listener]
address = "127.0.0.1:2575"

[[source]]
application = "LABKA"
facility = "RH"
client = "labka"
"""


def read(folder: Path, text: str) -> Downstream:
    for name in ("ours.pem", "ours.key", "region.pem"):
        (folder / name).touch()
    path = folder / "orders.toml"
    path.write_text(text)
    return read_destinations(path)


def test_all_that_a_file_can_say(tmp_path: Path) -> None:
    read_all = read(tmp_path, GOOD)
    pharmacy, laboratory = read_all.destinations
    assert (pharmacy.name, pharmacy.host, pharmacy.port, pharmacy.tls) == (
        "pharmacy",
        "127.0.0.1",
        6661,
        None,
    )
    assert pharmacy.sender_application == laboratory.sender_application == "EPJ"
    assert laboratory.tls is not None
    assert laboratory.tls.authority == str(tmp_path / "region.pem")
    assert laboratory.late_s == 60
    assert read_all.listener is not None
    assert read_all.listener.sources[0].client == "labka"


def test_without_a_file_nobody_is_sent_anything(tmp_path: Path) -> None:
    assert read_destinations(tmp_path / "orders.toml") == Downstream()


@pytest.mark.parametrize(
    ("before", "after", "line", "text"),
    [
        ('name = "laboratory"', 'name = "pharmacy"', 11, "two destinations have the same name"),
        (
            'address = "127.0.0.1:6661"',
            'address = "ph.example.org:6661"',
            7,
            "without TLS only on this machine",
        ),
        ('address = "lab.example.org:6662"', 'address = "lab"', 12, "address is HOST:PORT"),
        ('takes = ["ServiceRequest"]', 'takes = ["Patient"]', 13, "takes names some of"),
        ('key = "ours.key"\n', "", 10, "key is missing"),
        ('key = "ours.key"', 'key = "nowhere.key"', 16, "key names no file"),
        ("late_s = 60", "late_s = true", 18, "late_s is a number from 1 to 86400"),
        ("late_s = 60", "lates = 60", 18, "nothing is known of 'lates'"),
        ('client = "labka"\n', "", 23, "client is missing"),
        ('address = "127.0.0.1:2575"', 'address = "10.0.0.1:2575"', 21, "without TLS only on this machine"),
        ("[[source]]", "[[sauce]]", 20, "nobody may call"),
        ("[sender]", "[server]", 2, "nothing is known of 'server'"),
        ("[sender]", "[sender", 2, "no TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line(
    tmp_path: Path, before: str, after: str, line: int, text: str
) -> None:
    assert before in GOOD
    with pytest.raises(OrdersFileError) as caught:
        read(tmp_path, GOOD.replace(before, after))
    assert f"line {line}" in str(caught.value)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_with_tls_each_source_names_its_certificate(tmp_path: Path) -> None:
    with_tls = '\ncertificate = "ours.pem"\nkey = "ours.key"\nauthority = "region.pem"'
    text = GOOD.replace('address = "127.0.0.1:2575"', f'address = "0.0.0.0:2575"{with_tls}')
    with pytest.raises(OrdersFileError, match="line 26: peer is missing"):
        read(tmp_path, text)
    listener = read(tmp_path, text + 'peer = "labka.example.org"\n').listener
    assert listener is not None
    assert listener.sources[0].peer == "labka.example.org"
