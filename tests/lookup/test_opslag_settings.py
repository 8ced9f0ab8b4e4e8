"""`opslag.toml`: what it says, and that a mistake is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from altid.lookup.settings import Kind, SettingsError, Thresholds, read_settings

EXAMPLE = Path(__file__).parents[2] / "docs" / "opslag.toml"
WHOLE = """
name = "Sengeafsnit B12"
kind = "ward"
prefix = "B12"
wards = ["w-b12"]
credentials = "client.json"
lock_after_days = 5

[[source]]
name = "A"
url = "https://a.epj.example.org/feed/"
authority = "ca.pem"

[listen]
address = "0.0.0.0:8443"
certificate = "tls.pem"
key = "tls-key.pem"

[age]
late_s = 60

[paper]
every_min = 15
forms_at = "04:30"
"""


def write(folder: Path, text: str) -> Path:
    for name in ("client.json", "ca.pem", "tls.pem", "tls-key.pem"):
        (folder / name).write_text("")
    (folder / "opslag.toml").write_text(text.lstrip())
    return folder


def test_the_file_is_read_as_plain_data(tmp_path: Path) -> None:
    read = read_settings(write(tmp_path, WHOLE))
    assert (read.name, read.kind, read.wards) == ("Sengeafsnit B12", Kind.WARD, ("w-b12",))
    assert read.sources[0].url == "https://a.epj.example.org/feed"
    assert read.listen.url == "https://0.0.0.0:8443"
    assert (read.thresholds, read.lock_after_days) == (Thresholds(late_s=60), 5)
    assert (read.paper.every_min, read.paper.forms_at) == (15, "04:30")


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ('kind = "ward"', 'kind = "shed"', "line 2: kind is one of site, hospital, ward"),
        ('prefix = "B12"', 'prefix = "b"', "line 3: prefix has 2 to 6 capital letters or digits"),
        ('wards = ["w-b12"]', "", "line 2: a ward's copy names its wards"),
        ("lock_after_days = 5", "lock_after_days = -1", "line 6: lock_after_days is a number"),
        ("https://a.epj", "http://a.epj", "line 10: url without TLS only on this machine"),
        ('authority = "ca.pem"', 'authority = "no.pem"', "line 11: authority names no file"),
        ('key = "tls-key.pem"', "", "line 13: certificate and key belong together"),
        ("late_s = 60", "late_s = 7200", "late_s is less than old_s"),
        ('forms_at = "04:30"', 'forms_at = "4"', "line 23: forms_at is HH:MM"),
        ("every_min = 15", "evry = 15", "line 22: nothing is known of 'evry'"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, before: str, after: str, line: str) -> None:
    with pytest.raises(SettingsError) as told:
        read_settings(write(tmp_path, WHOLE.replace(before, after)))
    said = str(told.value)
    assert line in said


def test_without_a_file_the_way_to_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="altid opslag create"):
        read_settings(tmp_path)


def test_others_reach_it_only_with_tls(tmp_path: Path) -> None:
    bare = WHOLE.replace('certificate = "tls.pem"', "").replace('key = "tls-key.pem"', "")
    with pytest.raises(SettingsError, match="without TLS only on this machine"):
        read_settings(write(tmp_path, bare))


def test_the_example_says_what_is_so(tmp_path: Path) -> None:
    (tmp_path / "region.pem").write_text("")
    read = read_settings(write(tmp_path, EXAMPLE.read_text()))
    assert [source.name for source in read.sources] == ["A", "B"]
    assert (read.thresholds, read.paper.every_min) == (Thresholds(), 30)
