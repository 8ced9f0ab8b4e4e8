"""`[[beside]]` in opslag.toml: what is there is read, and a mistake is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from altid.lookup.beside.sources import FhirSource, Hl7Source, Login, Tls, read_sources
from altid.tomlfile import read_table

GOOD = """
[[beside]]
kind = "fhir"
name = "lab1"
url = "https://epj.example.org/fhir/"
login = "key"
login_file = "key"
token_url = "https://epj.example.org/token"
client_id = "altid"

[[beside]]
kind = "hl7"
name = "adt"
address = "10.1.2.3:2575"
application = "PAS"
facility = "HOSP"
certificate = "key"
key = "key"
authority = "key"
peer = "pas.example.org"
charset = "8859/1"
wards = ["M1 = 441211000016002"]
"""


class BadFileError(ValueError):
    pass


def read(folder: Path, text: str) -> tuple[FhirSource | Hl7Source, ...]:
    (folder / "key").touch()
    (folder / "opslag.toml").write_text(text)
    top = read_table(folder / "opslag.toml", BadFileError)
    assert top is not None
    return read_sources(top)


def test_all_of_it_is_read(tmp_path: Path) -> None:
    server, sender = read(tmp_path, GOOD)
    key = tmp_path / "key"
    login = Login("key", key, "https://epj.example.org/token", "altid")
    assert server == FhirSource("lab1", "https://epj.example.org/fhir", login)
    assert sender == Hl7Source(
        "adt",
        "10.1.2.3",
        2575,
        "PAS",
        "HOSP",
        Tls(key, key, key),
        "pas.example.org",
        "8859/1",
        "",
        {"M1": "441211000016002"},
    )


@pytest.mark.parametrize(
    ("good", "bad", "line", "said"),
    [
        ('name = "lab1"', 'name = "a.b"', 4, "name is a small letter"),
        ('name = "adt"', 'name = "lab1"', 13, "same name"),
        ('"fhir"', '"soap"', 3, "kind is fhir or hl7"),
        (
            "https://epj.example.org/fhir/",
            "http://epj.example.org/fhir",
            5,
            "without TLS only on this machine",
        ),
        ("https://epj.example.org/fhir/", "https://a:b@epj.example.org/fhir", 5, "holds no password"),
        ('login_file = "key"', 'login_file = "none"', 7, "names no file"),
        ('certificate = "key"\n', "", 14, "without TLS only on this machine"),
        ('peer = "pas.example.org"', "", 11, "peer is missing"),
        ("8859/1", "latin1", 21, "charset is"),
        ("M1 = 441211000016002", "M1", 22, "wards are like"),
        ('client_id = "altid"', 'client_id = "altid"\nsecret = "x"', 10, "nothing is known of 'secret'"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, good: str, bad: str, line: int, said: str) -> None:
    with pytest.raises(BadFileError) as told:
        read(tmp_path, GOOD.replace(good, bad, 1))
    assert f"line {line}:" in str(told.value)
    assert said in str(told.value)


def test_the_documented_example_is_read(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "lookup-beside.md"
    example = page.read_text().partition("```toml\n")[2].partition("```")[0]
    for name in ("their-ca.pem", "private.jwk", "altid.pem", "altid.key"):
        (tmp_path / name).touch()
    assert [one.name for one in read(tmp_path, example)] == ["lab1", "adt"]
