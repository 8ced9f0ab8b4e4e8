"""The narrative: readable XHTML, and nothing that runs or loads by itself."""

from __future__ import annotations

from typing import Any

import pytest
from valid_resources import Resource, patient

from altid.fhir.validation import validate

XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


def found(resource: Any) -> list[tuple[str | None, str]]:
    return [(issue.expression, issue.code) for issue in validate(resource)]


def narrative(div: Any) -> Resource:
    return patient(text={"status": "additional", "div": div})


@pytest.mark.parametrize(
    "inner",
    [
        "<p>Nancy &amp; Carl &#230;</p>",
        '<table class="a"><tr><td colspan="2" style="color: red">a</td></tr></table>',
        '<a href="https://example.org/x?y=1">a</a><a href="#b">b</a><a name="x"/>',
        '<a href="Patient/1?a=b:c">c</a>',
        '<img src="#picture" alt="a"/>',
        '<img src="data:image/png;base64,AAAA"/><img src="data: image/gif;base64,AAAA"/>',
        '<span lang="da" xml:lang="da">hej</span>',
        "<!-- a comment -->tekst",
    ],
)
def test_readable_xhtml_is_accepted(inner: str) -> None:
    assert validate(narrative(f"<div {XHTML}>{inner}</div>")) == []


@pytest.mark.parametrize(
    "div",
    [
        "<div>no namespace</div>",
        f"<p {XHTML}>no div</p>",
        f"<div {XHTML}>not closed",
        f"<div {XHTML}>a</div><div {XHTML}>b</div>",
        f"<div {XHTML}>&nbsp;</div>",
        f'<!DOCTYPE div [<!ENTITY a "b">]><div {XHTML}>&a;</div>',
        f'<!DOCTYPE div SYSTEM "file:///etc/passwd"><div {XHTML}>a</div>',
        f"<?php a ?><div {XHTML}>a</div>",
        f"<div {XHTML}>\ud800</div>",
        "text",
        "",
    ],
)
def test_a_narrative_is_one_plain_div(div: str) -> None:
    assert found(narrative(div)) == [("Patient.text.div", "value")]


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>",
        '<p onclick="alert(1)">a</p>',
        '<iframe src="https://example.org"/>a',
        '<svg xmlns="http://www.w3.org/2000/svg"><p/></svg>a',
        '<form action="x">a</form>',
        "<style>p {}</style>a",
        '<a href="javascript:alert(1)">a</a>',
        '<a href=" java&#10;script:alert(1)">a</a>',
        '<a href="JaVaScRiPt:alert(1)">a</a>',
        '<a href="data:text/html,x">a</a>',
        '<a href="vbscript:x/y">a</a>',
        '<img src="data:image/svg+xml;base64,AA"/>',
        '<x:p xmlns:x="http://example.org">a</x:p>',
        "   ",
        "<p/>",
    ],
)
def test_a_narrative_that_runs_loads_or_says_nothing_is_refused(inner: str) -> None:
    assert found(narrative(f"<div {XHTML}>{inner}</div>")) == [("Patient.text.div", "invariant")]


def test_a_narrative_is_a_string() -> None:
    assert found(narrative(7)) == [("Patient.text.div", "structure")]
