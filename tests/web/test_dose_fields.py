"""The dose form gives back the dosage that it was filled with: the fields that Python makes of an order, and
the FHIR that the page's script makes of them again, in a real browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import altid.web
from altid.fhir import json as fhir_json
from altid.orders import dosage, dose_text
from altid.orders.dose import Dosage, Line, Rounds, Span
from altid.web.dose_fields import fields_of
from altid.web.ordering import SCHEDULES
from tests.orders.dosages import lines

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(_CHROMIUM is None, reason="there is no Chromium on this machine")

_SCRIPT = Path(altid.web.__file__).parent / "static" / "dosing.js"
_ROUTE = {"text": "oral anvendelse"}

days = st.builds(Span, days=st.integers(1, 90))
ends = st.sampled_from((Span("2026-11-17", "2026-11-24"), Span("2026-11-17T08:00:00+01:00")))
steps = st.lists(lines, min_size=1, max_size=3)


def _placed(made: list[Line], step: int, span: Span) -> list[Line]:
    return [replace(line, step=step, span=span) for line in made]


plain = st.builds(lambda made, span: Dosage(tuple(_placed(made, 1, span))), steps, ends | days)
tapered = st.builds(
    lambda first, length, last, span: Dosage((*_placed(first, 1, length), *_placed(last, 2, span))),
    steps,
    days,
    steps,
    days | st.just(Span()),
)


@pytest.fixture(scope="module")
def script() -> Iterator[Callable[[str, Any], Any]]:
    """Asks a function of the script."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.route("**/*", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
        page.goto("http://altid.test/")
        page.evaluate(
            """async (text) => {
              const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
              window.dosing = await import(url);
            }""",
            _SCRIPT.read_text(),
        )
        ask = "([name, given]) => window.dosing[name](given)"
        yield lambda name, given_: page.evaluate(ask, [name, given_])
        browser.close()


def _order(made: Dosage) -> dict[str, Any]:
    validity = {"validityPeriod": {"start": "2026-11-17"}} if not made.start else {}
    order = {
        "dosageInstruction": dosage.write(made, route=_ROUTE),
        "dispenseRequest": validity,
        "extension": [
            {"url": "https://altid.dk/fhir/StructureDefinition/review-date", "valueDate": "2027-01-01"}
        ],
    }
    read: dict[str, Any] = fhir_json.loads(fhir_json.dumps(order))
    return read


def _alike(made: Dosage) -> list[set[str]]:
    """Step by step what is taken, with times of the day one by one."""
    return [
        {
            dose_text.line_text(one) + str(one.span)
            for line in some
            for one in (_each_time(line) if isinstance(line.schedule, Rounds) else [line])
        }
        for some in made.steps
    ]


def _each_time(line: Line) -> list[Line]:
    assert isinstance(line.schedule, Rounds)
    return [replace(line, schedule=Rounds((when,))) for when in line.schedule.when]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=plain | tapered)
def test_what_the_form_is_filled_with_it_gives_back(script: Callable[..., Any], made: Dosage) -> None:
    fields = fields_of(_order(made))
    assert fields is not None
    filled = _whole(fields)
    assert script("faults", filled) == []
    given_back = script("dosing", filled)
    again = fhir_json.loads(json.dumps(given_back["dosageInstruction"]).encode())
    assert _alike(dosage.read(again)) == _alike(made)
    assert all(line["route"] == _ROUTE for line in again)
    begins = made.start or given_back["validity"]["start"]
    assert begins.startswith("2026-11-17")


def _whole(fields: dict[str, Any]) -> dict[str, Any]:
    """As the form reads it: with all its fields."""
    blank = dict.fromkeys(
        ("amount", "to", "rate", "times", "clock", "count", "minutes", "most", "doses", "needed-for"), ""
    )
    empty = {**blank, "meals": [], "weekdays": [], "rounds": [], "rate-unit": "mL"}
    return {
        **fields,
        "steps": [
            {**step, "lines": [{**empty, **line} for line in step["lines"]]} for step in fields["steps"]
        ],
    }


QUANTITY = {"value": 1, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
DAILY = {"frequency": 1, "period": 1, "periodUnit": "d"}


def line(**more: Any) -> dict[str, Any]:
    return {"timing": {"repeat": DAILY}, "doseAndRate": [{"doseQuantity": QUANTITY}], **more}


def period(start: str, end: str) -> dict[str, Any]:
    return {"timing": {"repeat": {**DAILY, "boundsPeriod": {"start": start, "end": end}}}}


@pytest.mark.parametrize(
    "instructions",
    [
        [],
        [{"text": "som aftalt"}],
        [line(maxDosePerAdministration=QUANTITY)],
        [line(route={"text": "oral"}), line(route={"text": "rektal"})],
        [line(sequence=1), line(sequence=2)],
        [line(**period("2026-11-01", "2026-11-07")), line(**period("2026-11-08", "2026-11-14"))],
        [
            line(sequence=1, **period("2026-11-01", "2026-11-07")),
            line(sequence=2, **period("2026-11-10", "2026-11-14")),
        ],
    ],
    ids=["none", "words", "more limits", "two routes", "no length", "apart without steps", "with a gap"],
)
def test_what_the_form_could_not_give_back_is_not_put_in(instructions: list[dict[str, Any]]) -> None:
    assert fields_of({"dosageInstruction": instructions}) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("2026-11-01", "2026-11-07"), ("2026-11-08", "2026-11-14")),
        (
            ("2026-11-01T08:00:00+01:00", "2026-11-08T08:00:00+01:00"),
            ("2026-11-08T08:00:00+01:00", "2026-11-15"),
        ),
    ],
)
def test_steps_that_are_told_by_their_days_are_told_by_how_many(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    steps_ = [line(sequence=1, **period(*first)), line(sequence=2, **period(*second))]
    fields = fields_of({"dosageInstruction": steps_})
    assert fields is not None
    assert [step["days"] for step in fields["steps"]] == ["7", ""]
    assert (fields["start"], fields["end"]) == ("2026-11-01", second[1])


def test_a_coded_reason_and_what_the_form_does_not_ask_for_stay(script: Callable[..., Any]) -> None:
    pain = {"coding": [{"system": "http://snomed.info/sct", "code": "22253000", "display": "smerte"}]}
    most = {"numerator": QUANTITY, "denominator": {"value": 1, "code": "d"}}
    water = [{"text": "med vand"}]
    asked = {"doseAndRate": [{"doseQuantity": QUANTITY}], "maxDosePerPeriod": most, "route": _ROUTE}
    order = {
        "dosageInstruction": [{**asked, "asNeededCodeableConcept": pain, "additionalInstruction": water}]
    }
    fields = fields_of(order)
    assert fields is not None
    (again,) = script("dosing", _whole(fields))["dosageInstruction"]
    assert (again["asNeededCodeableConcept"], again["additionalInstruction"]) == (pain, water)


@pytest.mark.parametrize(
    ("typed", "times"),
    [
        ("6 14 22", ["06:00", "14:00", "22:00"]),
        ("0630, 14.30 og 22:15", ["06:30", "14:30", "22:15"]),
        ("24", ["00:00"]),
        ("", None),
        ("6 6:00", None),
        ("25", None),
        ("6 x", None),
    ],
)
def test_times_are_understood_as_they_are_typed(
    script: Callable[..., Any], typed: str, times: list[str] | None
) -> None:
    assert script("clocks", typed) == times


@pytest.mark.parametrize("typed", ["", "1.000", "12.500", "1.000,5", "en", "-1", "1 000", "1e3", "½"])
def test_what_is_no_number_is_never_guessed(script: Callable[..., Any], typed: str) -> None:
    fields = {
        "steps": [
            {"days": "", "lines": [{"schedule": "times", "amount": typed, "times": "3", "unit": "mg"}]}
        ],
        "route": _ROUTE,
        "start": "2026-11-17",
        "end": "2026-11-18",
    }
    assert script("faults", fields) == [{"step": 0, "line": 0, "name": "amount", "why": "number"}]


def test_the_form_offers_every_schedule_that_there_is() -> None:
    assert set(SCHEDULES) == {
        "times",
        "rounds",
        "clock",
        "meals",
        "needed",
        "weekly",
        "every",
        "once",
        "continuous",
    }
