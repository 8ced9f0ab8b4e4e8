"""What is printed: ward reports, medication charts and forms, with identity and times on every page."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from altid.access.audit.event import Action
from altid.lookup.age import Watch
from altid.lookup.app import lookup_app
from altid.lookup.copy import Copy
from altid.lookup.finding import WardRow
from altid.lookup.paper import printer as printing
from altid.lookup.paper.forms import FormKind
from altid.lookup.paper.kept import latest
from altid.lookup.paper.printer import Printer
from altid.lookup.paper.typeset import PaperError
from altid.lookup.settings import Kind, Settings
from altid.screen.views.identity import identity_of
from altid.screen.words import words
from tests.lookup.asking import Asking
from tests.lookup.door import COOKIE, Door, Seen
from tests.lookup.sampled import NOW, sampled_copy

pytestmark = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="there is no pdftotext")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    made = sampled_copy(tmp_path_factory.mktemp("copy") / "copy.db")
    yield made
    made.close()


@pytest.fixture(scope="module")
def ward(copy: Copy) -> WardRow:
    return next(row for row in copy.wards() if row.taken > 1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, "Afsnit B12", Kind.WARD, "B12")


@pytest.fixture
def printer(copy: Copy, settings: Settings) -> Printer:
    return Printer(copy, settings, Watch(lambda: NOW, lambda: 0.0))


@pytest.fixture
def door(copy: Copy) -> Door:
    return Door({patient: Seen("tests") for patient in copy.patients()})


@pytest.fixture
def client(copy: Copy, door: Door, settings: Settings) -> Asking:
    app = lookup_app(copy, door, settings, watch=Watch(lambda: NOW, lambda: 0.0))
    return Asking(app, settings.listen.url, COOKIE)


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page, white space made single."""
    said = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return [" ".join(page.split()) for page in said.stdout.decode().split("\f") if page.strip()]


def numbers_in(pages: list[str]) -> list[str]:
    return list(dict.fromkeys(re.findall(r"B12-[0-9A-Z]{4}-\d{4}-[0-9A-Z]", " ".join(pages))))


def test_a_ward_report_has_both_times_on_every_page_and_all_patients(
    client: Asking, copy: Copy, ward: WardRow
) -> None:
    answer = client.get(f"/ward/{ward.id}/report.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    pages = pages_of(answer.content)
    for page in pages:
        assert "data fra 17. november 2026 10:00, 17 min gamle" in page
        assert "Udskrevet 17. november 2026 10:17" in page
        assert ward.name in page
    for bed in copy.ward(ward.id):
        assert bed.identity.number is not None
        assert bed.identity.number.value in pages[0]


def test_a_medication_chart_has_the_patient_on_every_page(
    client: Asking, copy: Copy, ward: WardRow, door: Door
) -> None:
    who = copy.ward(ward.id)[0].identity
    pages = pages_of(client.get(f"/patient/{who.id}/medication.pdf").content)
    assert who.number is not None
    for page in pages:
        assert who.number.value in page
        assert "CAVE" in page
        assert "17 min gamle" in page
    assert door.looks == [("medication.pdf", (who.id,), Action.PRINT)]


def test_nobody_gets_on_paper_what_they_do_not_get_on_the_screen(
    client: Asking, copy: Copy, ward: WardRow, door: Door
) -> None:
    beds = copy.ward(ward.id)
    hidden = beds[0].identity
    del door.grounds[hidden.id]
    said = " ".join(pages_of(client.get(f"/ward/{ward.id}/report.pdf").content))
    assert hidden.number is not None
    assert hidden.number.value not in said
    assert "Patienter, der ikke er med" in said
    assert door.looks == [("report.pdf", tuple(bed.identity.id for bed in beds[1:]), Action.PRINT)]


def test_prints_lie_ready_for_when_they_can_not_be_made(
    client: Asking, copy: Copy, ward: WardRow, door: Door, printer: Printer, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = replace(ward)
    monkeypatch.setattr(copy, "wards", lambda: (only,))
    assert asyncio.run(printer.print_wards()) == len(printing.KINDS)

    async def broken(*_: object) -> bytes:
        raise PaperError("broken")

    monkeypatch.setattr(printing, "typeset_apart", broken)
    answer = client.get(f"/ward/{ward.id}/report.pdf")
    assert answer.content.startswith(b"%PDF")
    assert door.looks[-1][1] == tuple(bed.identity.id for bed in copy.ward(ward.id))
    del door.grounds[copy.ward(ward.id)[0].identity.id]
    assert client.get(f"/ward/{ward.id}/report.pdf").status_code == 503


def test_only_the_last_prints_are_kept_and_none_is_readable_in_the_file(
    copy: Copy, ward: WardRow, printer: Printer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = replace(ward)
    monkeypatch.setattr(copy, "wards", lambda: (only,))

    async def quick(kind: str, _content: object) -> bytes:
        return b"%PDF of " + kind.encode()

    monkeypatch.setattr(printing, "typeset_apart", quick)
    for _ in range(settings.paper.keep + 2):
        asyncio.run(printer.print_wards())
    with copy.reading() as connection:
        (count,) = connection.execute("SELECT count(*) FROM paper WHERE kind = 'report'").fetchone()
    assert count == settings.paper.keep
    kept = latest(copy, "report", ward.id, "da")
    assert kept is not None
    assert kept.content == b"%PDF of report"
    assert b"%PDF of" not in copy.path.read_bytes()


def test_every_sheet_has_a_number_of_its_own(client: Asking) -> None:
    first = numbers_in(pages_of(client.get("/forms/observations.pdf?count=3").content))
    second = numbers_in(pages_of(client.get("/forms/admission.pdf").content))
    assert len(first) == 3
    assert len(second) == 1
    assert set(first).isdisjoint(second)


@pytest.mark.parametrize("kind", list(FormKind))
def test_a_form_can_have_the_patients_identity(
    client: Asking, copy: Copy, ward: WardRow, kind: FormKind
) -> None:
    who = copy.ward(ward.id)[0].identity
    pages = pages_of(client.get(f"/patient/{who.id}/forms/{kind}.pdf").content)
    assert who.number is not None
    assert who.number.value in pages[0]
    with copy.reading() as connection:
        rows = connection.execute(
            "SELECT kind, patient, made_by FROM form WHERE number = ?", numbers_in(pages)
        )
        assert rows.fetchall() == [(kind.value, who.id, "Nanna Sørensen")]


def test_blank_forms_lie_ready(copy: Copy, printer: Printer, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(printer.print_forms())
    kept = printer.kept("form-order", "", words("da"))
    assert kept is not None
    assert len(numbers_in(pages_of(kept.content))) == printing.BLANK_FORMS


@pytest.mark.parametrize("path", ["/forms/order.pdf?count=0", "/forms/order.pdf?count=9999", "/forms/x.pdf"])
def test_what_is_no_form_is_absent(client: Asking, path: str) -> None:
    assert client.get(path).status_code == 404


def test_whatever_stands_in_a_record_is_printed_as_it_is(copy: Copy, ward: WardRow, printer: Printer) -> None:
    chart = copy.chart(copy.ward(ward.id)[0].identity.id)
    assert chart is not None
    odd = {**chart.patient, "name": [{"family": "#panic()", "given": ["*$x_1$* @a <b> \\"]}]}
    pdf, _ = asyncio.run(
        printer.patients(
            "medication", "B12", [identity_of(odd).id], words("en"), lambda _: replace(chart, patient=odd)
        )
    )
    assert "#PANIC(), *$x_1$* @a <b> \\" in " ".join(pages_of(pdf))
