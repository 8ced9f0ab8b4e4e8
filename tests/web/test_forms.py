"""What is typed into a form is never part of an address, not even before the page's script is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any

from altid.access.identity import Role
from tests.orders.ordering import drug, medication
from tests.web.at_the_screen import WAIT_MS, chromium, log_on, needs_chromium, treats
from tests.web.visiting import give_grounds, make_account

_ROOMS = ("altid.web", "altid.screen", "altid.lookup")
_FORM = re.compile(r"<form\b[^>]*>")
_SAFE = re.compile(r'method="(post|dialog)"')
_PATIENT, _NUMBER = "forms-anna", "0304051234"


def templates() -> Iterator[tuple[str, str]]:
    """Name and text of each."""
    for room in _ROOMS:
        for file in (resources.files(room) / "templates").iterdir():
            if file.name.endswith(".html"):
                yield f"{room} {file.name}", file.read_text("utf-8")


def test_no_form_is_sent_by_its_address() -> None:
    """A form without a method is a search in the address, and addresses are logged and kept. Those that a
    script sends (`method="dialog"`) do nothing before it is there."""
    forms = [(name, form) for name, text in templates() for form in _FORM.findall(text)]
    assert len(forms) > 20
    assert [(name, form) for name, form in forms if not _SAFE.search(form)] == []


@needs_chromium
def test_a_wristband_that_is_read_too_early_goes_nowhere(
    plain_server: str, web_dsn: str, store: Callable[..., None]
) -> None:
    number = [{"system": "urn:oid:1.2.208.176.1.2", "value": _NUMBER}]
    store("Patient", _PATIENT, name=[{"family": "Testesen"}], birthDate="1905-04-03", identifier=number)
    for made in (drug(), medication(patient_=_PATIENT, id="forms-order")):
        store(made.pop("resourceType"), made.pop("id"), **made)
    nurse = make_account(web_dsn, "formsnurse", roles=(Role.NURSE,))
    give_grounds(web_dsn, nurse.id, _PATIENT, Role.NURSE)
    with chromium() as browser:
        page = without_script(browser, plain_server)
        log_on(page, nurse.username)
        treats(page, _PATIENT)
        page.goto(f"/patient/{_PATIENT}/administer")
        page.fill("#read", _NUMBER)
        page.keyboard.press("Enter")
        page.locator("#wristband button").click()
        assert page.url == f"{plain_server}/patient/{_PATIENT}/administer"
        assert page.input_value("#read") == _NUMBER


def without_script(browser: Any, address: str) -> Any:
    """A page as it is before its script has come."""
    context = browser.new_context(base_url=address, java_script_enabled=False)
    context.set_default_timeout(WAIT_MS)
    return context.new_page()
