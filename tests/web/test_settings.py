"""One's own settings: the ward that stands first on the start page."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from altid.access.identity import Role
from tests.web.test_wards import PHYSICAL, browser_of


def test_the_chosen_ward_stands_first(web_server: str, web_dsn: str, store: Callable[..., None]) -> None:
    place = f"77{secrets.randbelow(10**9):09d}016"
    owner = {"reference": "Organization/first-o"}
    sor = [{"system": "urn:oid:1.2.208.176.1.1", "value": place}]
    store("Organization", "first-o", name="Hospital", identifier=sor)
    for name in ("a", "b"):
        kind = {"coding": [{"system": PHYSICAL, "code": "wa"}]}
        store(
            "Location", f"first-{name}", name=f"Afsnit {name}", managingOrganization=owner, physicalType=kind
        )
    with browser_of(web_server, web_dsn, Role.NURSE, place) as browser:
        assert browser.post("/settings", data={"ward": "first-b"}).status_code == 303
        shown = browser.get("/").text
        assert shown.index("/ward/first-b") < shown.index("/ward/first-a")
        browser.post("/settings", data={"ward": "of-another-place"})
        shown = browser.get("/").text
        assert shown.index("/ward/first-a") < shown.index("/ward/first-b")
