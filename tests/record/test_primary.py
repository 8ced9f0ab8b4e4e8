"""The servers of an address."""

from __future__ import annotations

import pytest

from altid.record.primary import hosts_of


@pytest.mark.parametrize(
    ("dsn", "each"),
    [
        ("postgresql://u@a:1/d", ["postgresql://u@a:1/d"]),
        (
            "postgresql://u:p%40ss@a:1,b:2/d?target_session_attrs=primary",
            ["postgresql://u:p%40ss@a:1/d", "postgresql://u:p%40ss@b:2/d"],
        ),
        ("postgresql://u@[::1]:1,[::2]:1/d", ["postgresql://u@[::1]:1/d", "postgresql://u@[::2]:1/d"]),
        ("postgresql://u@/d?host=%2Ftmp%2Fx&port=1", ["postgresql://u@/d?host=%2Ftmp%2Fx&port=1"]),
        (
            "postgresql://a,b/d?sslmode=require",
            ["postgresql://a/d?sslmode=require", "postgresql://b/d?sslmode=require"],
        ),
    ],
)
def test_an_address_names_one_server_or_several(dsn: str, each: list[str]) -> None:
    assert [host.dsn for host in hosts_of(dsn)] == each


def test_a_server_is_named_without_its_password() -> None:
    assert [host.name for host in hosts_of("postgresql://u:secret@a:1,b:2/d")] == ["a:1", "b:2"]
