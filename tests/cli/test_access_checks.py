"""`altid doctor` on the access secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from altid.access.folder import new_secret, prepare
from altid.cli.access_checks import access_findings
from altid.record.postgres.account import current
from altid.region import layout
from altid.region.builtin import builtin_region
from altid.region.guarding import prepare_guard
from altid.region.layout import Layout, load_secrets


@pytest.fixture
def region(tmp_path: Path) -> Layout:
    where, built_in = Layout(tmp_path), builtin_region()
    layout.make(where, built_in, current())
    for site in built_in.sites:
        assert prepare_guard(where, site, load_secrets(where), current()) is None
    return where


def levels(data: Path) -> list[str]:
    return [finding.level for finding in access_findings(data)]


def test_before_the_first_start_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert levels(tmp_path) == []


def test_a_secret_as_it_should_be_is_fine(tmp_path: Path) -> None:
    prepare(tmp_path, current())
    assert levels(tmp_path) == ["ok"]


def test_one_that_others_may_read_fails(tmp_path: Path) -> None:
    prepare(tmp_path, current())
    (tmp_path / "access.key").chmod(0o644)
    [finding] = access_findings(tmp_path)
    assert (finding.level, "chmod 600" in finding.text) == ("fail", True)


def test_both_sites_of_a_region_are_looked_at(region: Layout) -> None:
    assert levels(region.data) == ["ok", "ok"]


def test_a_site_with_another_secret_fails(region: Layout) -> None:
    prepare(region.place("B").root, current(), new_secret())
    assert levels(region.data) == ["ok", "fail"]
