"""A patient's documents: listed, opened, and never more than what they say that they are."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altid.access.identity import Role
from altid.web import attachments
from altid.web.attachments import AttachmentError, held_by, sent, words_of
from altid.web.documents import SHOWN_MAX
from tests.web.test_rights_on_pages import looks, wait_for
from tests.web.test_wards import browser_of
from tests.web.visiting import Browser, give_grounds, make_account

Store = Callable[..., None]
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
HTML = b"<p>Kort <b>forl\xc3\xb8b</b></p><script>alert(1)</script><img src=x onerror=alert(2)>"
HOSTILE = '"><script>alert(3)</script>\r\nSet-Cookie: a=b; filename="../../x'


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


LETTER = ("text/html; charset=utf-8", encoded(HTML))
PICTURE = ("image/png", encoded(PNG))


@pytest.fixture(scope="module")
def place() -> str:
    return f"77{secrets.randbelow(10**9):09d}016"


@pytest.fixture
def patient(web_server: str) -> str:
    return f"doc-{secrets.token_hex(5)}"


@pytest.fixture
def nurse(web_server: str, web_dsn: str, store: Store, patient: str, place: str) -> Iterator[Browser]:
    """Who has the patient on their list."""
    store("Patient", patient, name=[{"family": "Papir", "given": ["Pia"]}])
    account = make_account(web_dsn, f"d{secrets.token_hex(6)}", roles=(Role.NURSE,), organisations=(place,))
    give_grounds(web_dsn, account.id, patient, Role.NURSE, place)
    with Browser(base_url=web_server, timeout=30) as client:
        assert client.log_on(account.username).status_code == 303
        yield client


def write(store: Store, patient: str, *attached: dict[str, Any], **more: Any) -> str:
    """A document of these attachments; its address."""
    identity = f"dr-{secrets.token_hex(5)}"
    elements = {"type": {"text": "Epikrise"}, "date": "2026-01-05T10:00:00+01:00", **more}
    store(
        "DocumentReference",
        identity,
        status="current",
        subject={"reference": f"Patient/{patient}"},
        content=[{"attachment": attachment} for attachment in attached],
        **elements,
    )
    return f"/patient/{patient}/documents/DocumentReference/{identity}"


def test_text_is_shown_as_text_in_the_patients_frame(nurse: Browser, store: Store, patient: str) -> None:
    there = write(store, patient, {"contentType": LETTER[0], "data": LETTER[1]})
    assert f'href="{there}/0"' in nurse.get(f"/patient/{patient}/documents").text
    html = nurse.get(f"{there}/0").text
    assert '<div class="document-text">Kort forløb</div>' in html
    assert "PAPIR, Pia" in html
    assert "alert" not in html
    assert nurse.get(f"{there}/0/content").status_code == 404


@pytest.mark.parametrize(("media", "content"), [("image/png", PNG), ("application/pdf", PDF)])
def test_a_picture_goes_out_by_itself_and_can_run_nothing(
    nurse: Browser, store: Store, patient: str, media: str, content: bytes
) -> None:
    there = write(store, patient, {"contentType": media, "data": encoded(content), "title": HOSTILE})
    html = nurse.get(f"{there}/0").text
    assert f'src="{there}/0/content"' in html
    assert "<script>alert" not in html
    answer = nurse.get(f"{there}/0/content")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, content, media)
    policy = answer.headers["content-security-policy"]
    assert "sandbox" in policy.split("; ")
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"].startswith('inline; filename="dokument.')
    assert "set-cookie" not in answer.headers or "a=b" not in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("attached", "said"),
    [
        ({"contentType": "image/png", "data": encoded(HTML)}, "beskadiget"),
        ({"contentType": "application/pdf", "data": encoded(PNG)}, "beskadiget"),
        ({"contentType": "image/svg+xml", "data": encoded(b"<svg/>")}, "vises ikke her"),
        ({"contentType": "application/x-msdownload", "data": encoded(b"MZ")}, "vises ikke her"),
        ({"contentType": "image/png", "url": "https://elsewhere.example/x.png"}, "et andet sted"),
        ({"contentType": "image/png", "url": "Binary/none"}, "et andet sted"),
        (
            {
                "contentType": "text/plain",
                "data": encoded(b"x"),
                "hash": encoded(hashlib.sha1(b"y", usedforsecurity=False).digest()),
            },
            "kontrolsum",
        ),
    ],
)
def test_what_is_not_what_it_says_is_not_shown(
    nurse: Browser, store: Store, patient: str, attached: dict[str, Any], said: str
) -> None:
    there = write(store, patient, attached)
    assert said in nurse.get(f"{there}/0").text
    assert nurse.get(f"{there}/0/content").status_code == 404


def test_a_file_beside_the_document_must_say_whose_it_is(
    nurse: Browser, store: Store, patient: str, web_server: str
) -> None:
    for name, owner in (("mine", patient), ("other", "somebody-else"), ("nobody", None)):
        told = {"securityContext": {"reference": f"Patient/{owner}"}} if owner else {}
        store("Binary", f"{patient}-{name}", contentType="image/png", data=encoded(PNG), **told)
    attached = [{"contentType": "image/png", "url": f"Binary/{patient}-{name}"} for name in ("mine", "other")]
    attached.append({"contentType": "image/png", "url": f"{web_server}/fhir/Binary/{patient}-nobody"})
    there = write(store, patient, *attached)
    assert nurse.get(f"{there}/0/content").content == PNG
    for number in (1, 2):
        assert nurse.get(f"{there}/{number}/content").status_code == 404
        assert "hører til denne patient" in nurse.get(f"{there}/{number}").text


def test_a_document_is_not_opened_at_another_patients_address(
    nurse: Browser, store: Store, patient: str
) -> None:
    store("Patient", f"{patient}-2", name=[{"family": "Anden"}])
    there = write(store, f"{patient}-2", {"contentType": "text/plain", "data": encoded(b"hemmeligt")})
    answer = nurse.get(there.replace(f"{patient}-2", patient) + "/0")
    assert (answer.status_code, "hemmeligt" in answer.text) == (404, False)
    assert "hemmeligt" not in nurse.get(f"{there}/0").text


@pytest.mark.parametrize("path", ["Patient/x/0", "DocumentReference/none/0", "DocumentReference/%00/0"])
def test_what_is_no_document_is_not_found(nurse: Browser, patient: str, path: str) -> None:
    assert nurse.get(f"/patient/{patient}/documents/{path}").status_code == 404


def test_reports_and_compositions_are_documents(nurse: Browser, store: Store, patient: str) -> None:
    subject = {"reference": f"Patient/{patient}"}
    form = {"contentType": "application/pdf", "data": encoded(PDF)}
    common = {"status": "final", "code": {"text": "Røntgen af thorax"}, "subject": subject}
    when = {"issued": "2026-01-06T10:00:00+01:00"}
    store("DiagnosticReport", f"{patient}-r", presentedForm=[form], **when, **common)
    store("DiagnosticReport", f"{patient}-r2", **when, **common)
    words = '<div xmlns="http://www.w3.org/1999/xhtml"><p>Kontrol</p><p>om en uge</p></div>'
    section = {"title": "Plan", "text": {"status": "generated", "div": words}}
    store(
        "Composition",
        f"{patient}-c",
        status="final",
        type={"text": "Statusattest"},
        subject=subject,
        date="2026-01-07T10:00:00+01:00",
        author=[{"display": "Læge Bo"}],
        title="Attest",
        section=[section],
    )
    html = nurse.get(f"/patient/{patient}/documents").text
    assert html.index("Attest") < html.index("Røntgen af thorax")
    assert f"{patient}-r2" not in html
    text = nurse.get(f"/patient/{patient}/documents/Composition/{patient}-c/0").text
    assert "Plan\nKontrol\n\nom en uge" in text


def test_older_documents_are_a_page_away(nurse: Browser, store: Store, patient: str) -> None:
    for number in range(SHOWN_MAX + 5):
        hour = min(number, SHOWN_MAX - 20)  # many have the same, as what was scanned in one go has
        day = f"2026-01-{hour // 24 + 1:02}T{23 - hour % 24:02}:00:00+01:00"
        write(store, patient, {"contentType": "text/plain", "data": encoded(b"x")}, date=day)
    seen: list[str] = []
    path: str | None = f"/patient/{patient}/documents"
    while path is not None:
        html = nurse.get(path).text
        seen += [part.partition('"')[0] for part in html.split("/documents/DocumentReference/")[1:]]
        after = html.split("/documents?before=")[1:]
        path = f"/patient/{patient}/documents?before={after[0].partition(chr(34))[0]}" if after else None
    assert len(set(seen)) == len(seen) == SHOWN_MAX + 5


def test_whoever_does_not_treat_reads_no_document(
    web_server: str, web_dsn: str, nurse: Browser, store: Store, patient: str
) -> None:
    there = write(store, patient, {"contentType": "image/png", "data": encoded(PNG)})
    with browser_of(web_server, web_dsn, Role.NURSE, "99887766") as stranger:
        for path in (f"{there}/0/content", f"{there}/0", f"/patient/{patient}/documents"):
            answer = stranger.get(path)
            assert "Ingen behandlingsrelation" in answer.text
            assert PNG not in answer.content


def test_each_look_at_a_document_is_told(nurse: Browser, web_dsn: str, store: Store, patient: str) -> None:
    there = write(store, patient, {"contentType": "image/png", "data": encoded(PNG)})
    nurse.get(f"{there}/0")
    nurse.get(f"{there}/0/content")
    identity = there.rpartition("/")[2]

    def told() -> bool:
        found = looks(web_dsn, patient, "page:patient-document")
        return [each.event.id for each in found if each.event.id == identity] == [identity] * 2

    wait_for(told)


@given(st.binary(max_size=300), st.sampled_from([*attachments._BEGINNINGS, "text/plain", "text/html", "a/b"]))
def test_whatever_the_bytes_are_they_are_shown_as_said_or_refused(content: bytes, media: str) -> None:
    try:
        held = held_by({"contentType": media}, encoded(content))
    except AttachmentError:
        assert not content.startswith(attachments._BEGINNINGS[media])
        return
    if media.startswith("text/"):
        assert isinstance(words_of(held)[0], str)
        with pytest.raises(AttachmentError):
            sent(held)
    elif media != "a/b":
        assert sent(held).headers["content-type"] == media


@given(st.text(max_size=200))
def test_whatever_stands_for_base64_is_decoded_or_refused(data: str) -> None:
    with suppress(AttachmentError):
        assert isinstance(held_by({"contentType": "text/plain"}, data).content, bytes)


def test_too_big_a_content_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "BYTES_MAX", 10)
    with pytest.raises(AttachmentError) as refused:
        held_by({"contentType": "text/plain"}, encoded(b"x" * 20))
    assert refused.value.key == "document.not.too-big"
