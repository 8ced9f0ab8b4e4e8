"""Names and texts that would like to be something else, on every screen: shown as they are, and nothing more.

Whatever is told of a patient, a drug, a ward or a colleague comes from somewhere else. Here all of it has
scripts, markup, templates, signs that turn the direction of writing, emoji, and no place to break a line.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from altid.access.identity import Role
from tests.orders.ordering import medication, requisition
from tests.screen.charts import HL7, coded
from tests.web.at_the_screen import WAIT_MS, chromium, needs_chromium, playwright
from tests.web.screens import SCREENS, Screen
from tests.web.test_documents import LETTER, PICTURE
from tests.web.visiting import Browser, give_grounds, make_account

pytestmark = needs_chromium

_WIDTH = 1366
_TURNED = "\u202e"
"""RIGHT-TO-LEFT OVERRIDE: what follows is written from right to left, unless the page keeps it apart."""
_SCRIPT = "<script>window.hit=1</script>"
_IMAGE = "\"'><img src=x onerror=window.hit=1>"
_TEMPLATE, _RESULT = "{{7*1177}}${7*1177}", "8239"
_HOSTILE = f"{_SCRIPT}{_IMAGE}{_TEMPLATE}</title></textarea>😀👩🏽‍⚕️{_TURNED}gnorw"
_COLLEAGUE = f"{_SCRIPT}{_IMAGE}{{{{7*1177}}}}"
"""Of people who log on: up to 120 signs that can be seen."""
_LONG = _HOSTILE + "W" * (4_000 - len(_HOSTILE))
"""As long as a long note, and without a space."""
_SCREENS = [screen._replace(path=screen.path.replace("screen-", "hostile-")) for screen in SCREENS]
_PATIENT, _NEIGHBOUR, _WARD = "hostile-anna", "hostile-other", "hostile-ward"
_REVERSED = """
(sign) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  const left = (node, place) => {
    const range = document.createRange();
    range.setStart(node, place);
    range.setEnd(node, place + 1);
    return range.getBoundingClientRect();
  };
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.data.search(/[A-Za-z]{2}/);
    if (at < 0 || node.data.includes(sign) || !node.parentElement.checkVisibility()) continue;
    const [first, second] = [left(node, at), left(node, at + 1)];
    if (first.width && first.top === second.top && first.left > second.left) found.push(node.data.trim());
  }
  return found;
}
"""


@pytest.fixture(scope="module")
def place() -> str:
    return f"77{secrets.randbelow(10**9):09d}016"


@pytest.fixture(scope="module")
def ward(store: Callable[..., None], place: str) -> None:
    """As the screens' own ward (`test_every_screen`), told by somebody who means ill."""
    _fill(store, place)


def _fill(store: Callable[..., None], place: str) -> None:
    owner, physical = {"reference": "Organization/hostile-o"}, f"{HL7}/location-physical-type"
    sor = [{"system": "urn:oid:1.2.208.176.1.1", "value": place}]
    store("Organization", "hostile-o", name=_HOSTILE, identifier=sor)
    store("Location", _WARD, name=_HOSTILE, managingOrganization=owner, physicalType=coded(physical, "wa"))
    for number, patient in enumerate((_PATIENT, _NEIGHBOUR), 1):
        bed, subject = f"{_WARD}-{number}", {"reference": f"Patient/{patient}"}
        store(
            "Location",
            bed,
            name=_HOSTILE,
            physicalType=coded(physical, "bd"),
            partOf={"reference": f"Location/{_WARD}"},
        )
        family = _LONG if patient == _PATIENT else _HOSTILE
        store("Patient", patient, name=[{"family": family, "given": [_HOSTILE]}], birthDate="1950-03-01")
        store(
            "Encounter",
            f"hostile-e-{number}",
            status="in-progress",
            **{"class": {"code": "IMP"}},
            subject=subject,
            serviceProvider=owner if patient == _PATIENT else {"reference": "Organization/elsewhere"},
            location=[{"location": {"reference": f"Location/{bed}"}}],
        )
    _fill_chart(store, {"reference": f"Patient/{_PATIENT}"}, owner)


def _fill_chart(store: Callable[..., None], subject: dict[str, str], owner: dict[str, str]) -> None:
    text, note = {"text": _LONG}, [{"text": _LONG}]
    store("AllergyIntolerance", "hostile-a", patient=subject, code=text, note=note)
    store("Condition", "hostile-c", subject=subject, code=text, note=note)
    store(
        "Appointment",
        "hostile-t",
        status="booked",
        start="2030-01-01T08:00:00+01:00",
        description=_LONG,
        participant=[{"actor": subject, "status": "accepted"}],
    )
    store("Medication", "hostile-m", status="active", code={"text": _HOSTILE})
    drug = {"reference": "Medication/hostile-m", "display": _HOSTILE}
    order = medication(patient_=_PATIENT, medicationReference=drug, reasonCode=[text], note=note)
    order["dosageInstruction"][0] |= {"patientInstruction": _LONG, "text": _LONG}
    store(order.pop("resourceType"), "hostile-order", **order)
    asked = requisition(_PATIENT, code=text, reasonCode=[text], performer=[owner], note=note)
    store(asked.pop("resourceType"), "hostile-requisition", **asked)
    letter, picture = ({"contentType": media, "data": data} for media, data in (LETTER, PICTURE))
    content = [{"attachment": {**one, "title": _LONG}} for one in (letter, picture)]
    date = "2026-01-05T10:00:00+01:00"
    store(
        "DocumentReference",
        "hostile-document",
        status="current",
        type=text,
        description=_LONG,
        date=date,
        subject=subject,
        content=content,
    )
    for category in ("laboratory", "vital-signs"):
        store(
            "Observation",
            f"hostile-{category}",
            status="final",
            category=[coded(f"{HL7}/observation-category", category)],
            code={"text": _LONG, "coding": [{"system": "http://loinc.org", "code": "8310-5"}]},
            subject=subject,
            effectiveDateTime="2026-01-01T08:00:00+01:00",
            valueQuantity={"value": 4, "unit": _HOSTILE},
            note=note,
        )


@pytest.fixture(scope="module")
def sessions(web_server: str, web_dsn: str, ward: None, place: str) -> Callable[[Role], list[dict[str, str]]]:
    """The cookies of somebody of a role, whose own name is no better; the doctor has written a note."""
    known: dict[Role, list[dict[str, str]]] = {}

    def cookies_of(role: Role) -> list[dict[str, str]]:
        if role not in known:
            name = f"h{secrets.token_hex(6)}"
            account = make_account(web_dsn, name, roles=(role,), organisations=(place,), name=_COLLEAGUE)
            if role in (Role.DOCTOR, Role.NURSE):
                give_grounds(web_dsn, account.id, _PATIENT, role, place)
            with Browser(base_url=web_server, timeout=30) as client:
                assert client.log_on(name).status_code == 303
                known[role] = [
                    {"name": each.name, "value": each.value or "", "url": web_server}
                    for each in client.cookies.jar
                ]
        return known[role]

    return cookies_of


@pytest.fixture(scope="module")
def look(web_server: str, ward: None) -> Iterator[SimpleNamespace]:
    """One window, and what its console complained of: a script that the page's policy stopped, for one."""
    with chromium() as browser:
        context = browser.new_context(base_url=web_server, viewport={"width": _WIDTH, "height": 768})
        context.set_default_timeout(WAIT_MS)
        page, complaints = context.new_page(), []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        yield SimpleNamespace(context=context, page=page, complaints=complaints)


@pytest.mark.parametrize("screen", _SCREENS, ids=lambda screen: screen.name)
def test_what_somebody_is_called_is_text(
    screen: Screen, look: Any, sessions: Callable[[Role], list[dict[str, str]]]
) -> None:
    look.context.clear_cookies()
    look.context.add_cookies(sessions(screen.role) if screen.role else [])
    look.complaints.clear()
    page = look.page
    answer = page.goto(screen.path)
    assert answer.status == screen.status
    if screen.role is not None and screen.status != 404:
        playwright.expect(page.locator("body")).to_contain_text(_SCRIPT)
    assert page.evaluate("window.hit") is None
    assert _RESULT not in page.content()
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= _WIDTH
    assert page.evaluate(_REVERSED, _TURNED) == []
    own = "the server responded with a status of" if screen.status >= 400 else "\0"
    assert [one for one in look.complaints if own not in one] == []


def test_a_long_note_is_text_too(look: Any, sessions: Callable[[Role], list[dict[str, str]]]) -> None:
    page = look.page
    look.context.clear_cookies()
    look.context.add_cookies(sessions(Role.DOCTOR))
    look.complaints.clear()
    page.goto(f"/patient/{_PATIENT}/notes")
    page.fill("#body", _LONG)
    page.click("button[value=sign]")
    playwright.expect(page.locator("#body")).to_have_value("")
    written = page.locator("section[aria-labelledby=notes]")
    playwright.expect(written).to_contain_text(re.compile(re.escape(_LONG[:200])))
    assert page.evaluate("window.hit") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= _WIDTH
    assert page.evaluate(_REVERSED, _TURNED) == []
    assert look.complaints == []
