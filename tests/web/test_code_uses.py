"""Emergency codes that were used at a copy stand before operations until somebody has seen to them."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

import pytest

from altid.access import code_uses
from altid.access.identity import Role
from tests.access.desks import WARD
from tests.web.test_list_and_block_pages import browser_of
from tests.web.visiting import run

REASON = "Ingen kunne logge ind"


@pytest.fixture
def name(web_dsn: str) -> str:
    """Of whoever has used a code, told twice."""
    name, which = f"Vikar {secrets.token_hex(6)}", f"opslag.00000000/{secrets.randbelow(10**9)}"
    said = {"ward": WARD, "name": name, "reason": REASON}
    for _ in range(2):
        run(web_dsn, lambda c: code_uses.keep(c, "stue-3", which, said, datetime.now(UTC)))
    return name


@pytest.mark.parametrize("role", [Role.OPERATIONS, Role.AUDITOR])
def test_it_is_shown_once_until_it_is_seen_to(web_server: str, web_dsn: str, name: str, role: Role) -> None:
    with browser_of(web_server, web_dsn, role) as (client, _):
        assert 'href="/emergency-codes"' in client.get("/").text
        html = client.get("/emergency-codes").text
        assert html.count(name) == 1
        assert REASON in html
        card = html[html.index(name) :]
        use = re.search(r'name="use" value="([^"]+)"', card)
        assert use is not None
        assert client.post("/emergency-codes", data={"use": use[1]}).status_code == 303
        assert name not in client.get("/emergency-codes").text


def test_it_is_for_nobody_else(web_server: str, web_dsn: str, name: str) -> None:
    with browser_of(web_server, web_dsn, Role.DOCTOR) as (client, _):
        answer = client.get("/emergency-codes")
        assert (answer.status_code, name in answer.text) == (403, False)
        assert client.post("/emergency-codes", data={"use": "x"}).status_code == 403


@pytest.mark.parametrize("use", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_what_is_not_there_is_not_seen_to(web_server: str, web_dsn: str, use: str) -> None:
    with browser_of(web_server, web_dsn, Role.OPERATIONS) as (client, _):
        assert client.post("/emergency-codes", data={"use": use}).status_code == 303
