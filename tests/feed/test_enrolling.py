"""A ward's PC is made known at the region, reads its own patients with what it was given, and is revoked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from altid.access.guard import SECRET_FILE
from altid.api.settings import FhirSettings
from altid.cli.app import commands
from altid.lookup.settings import Kind, read_settings
from altid.lookup.sync.credentials import read_credentials
from altid.lookup.sync.feed import Feed
from altid.lookup.sync.line import Line
from running import running_worker
from tests.feed.reading import execute
from tests.feed.ward import GONE, HERE, WARD_SOR
from tests.guards import SECRET

NAME = "Sengeafsnit Ærø 1"


@pytest.fixture(scope="module")
def plain(server: str, dsn: str) -> Iterator[str]:
    """A server that lets in nobody without a token: the doorman's requests can't ask for one."""
    with running_worker(dsn, FhirSettings(), doorman=False) as address:
        yield address


@pytest.fixture
def altid(tmp_path: Path, dsn: str) -> Callable[..., Result]:
    """The command at a data folder whose record is the tests' own."""
    secret = tmp_path / "data" / SECRET_FILE
    secret.parent.mkdir()
    secret.touch(mode=0o600)
    secret.write_text(SECRET.value.hex() + "\n")

    def altid(*arguments: str) -> Result:
        return CliRunner().invoke(
            commands, ["opslag", *arguments, "--data", str(secret.parent), "--database-url", dsn]
        )

    return altid


def enrolled(altid: Callable[..., Result], server: str, out: Path, **more: str) -> Result:
    given = {"place": NAME, "kind": "ward", "ward": "ward-bed", "prefix": "B12", "source": server} | more
    named = [f"--{name}={value}" for name, value in given.items() if value]
    return altid("enrol", *named, "--out", str(out))


async def asked(folder: Path) -> tuple[frozenset[str], dict[str, Any]]:
    """Whom the place keeps, and what it is told of itself, with its own credentials."""
    settings = read_settings(folder)
    line = Line(settings.sources, read_credentials(Path(settings.credentials)))
    try:
        patients = frozenset[str]()
        with suppress(Exception):
            patients = await Feed(line).patients()
        return patients, json.loads((await line("GET", "/feed/entry", None)).body)
    finally:
        await line.close()


def test_a_ward_reads_its_patients_until_it_is_revoked(
    altid: Callable[..., Result], plain: str, dsn: str, tmp_path: Path
) -> None:
    out = tmp_path / "place"
    made = enrolled(altid, plain, out)
    assert made.exit_code == 0, made.output
    told = read_settings(out)
    assert (told.name, told.kind, told.wards) == (NAME, Kind.WARD, ("ward-bed",))
    assert (out / "credentials.json").stat().st_mode & 0o077 == 0
    (row,) = execute(dsn, "SELECT id, organisation, scopes FROM client WHERE name = $1", NAME)
    assert tuple(row) == ("opslag-sengeafsnit-aeroe-1", WARD_SOR, ["system/feed-ward"])
    patients, entry = asyncio.run(asked(out))
    assert patients == {HERE, GONE}
    assert entry["revoked"] is False
    revoked = altid("revoke", "--place", NAME)
    assert revoked.exit_code == 0, revoked.output
    patients, entry = asyncio.run(asked(out))
    assert patients == frozenset()
    assert entry["revoked"] is True


@pytest.mark.parametrize(
    "wrong",
    [
        {"ward": "no-such"},
        {"ward": ""},
        {"kind": "site"},
        {"prefix": "b"},
        {"place": "…"},
        {"source": "ftp://x"},
    ],
)
def test_what_can_not_be_enrolled_leaves_nothing(
    altid: Callable[..., Result], server: str, dsn: str, tmp_path: Path, wrong: dict[str, str]
) -> None:
    before = execute(dsn, "SELECT count(*) FROM client")[0][0]
    made = enrolled(altid, server, tmp_path / "place", **({"place": "Another"} | wrong))
    assert made.exit_code == 2, made.output
    assert not (tmp_path / "place").exists()
    assert execute(dsn, "SELECT count(*) FROM client")[0][0] == before


def test_a_folder_with_something_in_it_is_left(
    altid: Callable[..., Result], server: str, tmp_path: Path
) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "mine").write_text("x")
    assert enrolled(altid, server, tmp_path / "place", place="Third").exit_code == 2
    assert (tmp_path / "place" / "mine").read_text() == "x"


def test_who_was_never_enrolled_is_not_revoked(altid: Callable[..., Result]) -> None:
    assert altid("revoke", "--place", "Nobody").exit_code == 2
