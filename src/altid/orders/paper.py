"""Uncertain orders on paper, for a ward to work through: set by Typst.

Values are given to it as data, never as markup: whatever stands in a record is printed as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import typst

from altid.orders.receipt import Detail
from altid.orders.todo import NAMES, action_name, said
from altid.orders.verdict import Reconciliation, Uncertain
from altid.screen.words import Language

_DENMARK = ZoneInfo("Europe/Copenhagen")


def as_pdf(
    found: Reconciliation, names: Mapping[str, str] | None, made: datetime, language: Language = "da"
) -> bytes:
    """The list as PDF. `names`: of patients by id; None leaves all people out."""
    texts = {key: said(text, language) for key, text in _TEXTS.items()}
    unknown = texts["unknown"]
    content = {
        "language": language,
        "t": texts,
        "made": _time(made),
        "since": _time(found.since),
        "until": _time(found.until),
        "counts": {
            "intents": found.counts.intents,
            "registered": found.counts.registered,
            "held": found.counts.held,
            "uncertain": found.counts.uncertain,
        },
        "unread": list(found.unread),
        "agree": found.sites_agree,
        "digests": [
            {"site": one.site, "count": str(one.count), "sha256": one.sha256} for one in found.digests
        ],
        "affected": [
            [
                one.ward.hospital or unknown,
                one.ward.ward or unknown,
                str(one.patients),
                str(one.orders),
            ]
            for one in found.affected
        ],
        "orders": [_order(one, names, language) for one in found.uncertain],
        "beside": [_order(one, names, language) for one in found.not_sent_again],
    }
    pdf = typst.compile(_TEMPLATE.encode(), format="pdf", sys_inputs={"content": json.dumps(content)})
    assert isinstance(pdf, bytes)
    return pdf


def _order(one: Uncertain, names: Mapping[str, str] | None, language: Language) -> dict[str, str]:
    unknown = said(_TEXTS["unknown"], language)
    people = "" if names is None else f"{names.get(one.patient, '')} ({one.patient or unknown})".strip()
    return {
        "why": said(NAMES[one.why], language),
        "where": ", ".join(filter(None, (one.ward.hospital, one.ward.ward))) or unknown,
        "what": " ".join(filter(None, (action_name(one.action, language), one.order))),
        "key": one.key,
        "at": _time(one.at),
        "people": people,
        "signer": "" if names is None else one.signer_name,
        "sources": ", ".join(one.sources),
        "sites": ", ".join(one.sites) or said(_TEXTS["nowhere"], language),
        "todo": said(one.todo, language),
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(_DENMARK).strftime("%d-%m-%Y %H:%M:%S")


_TEXTS = {
    "title": Detail("Afstemning af ordinationer", "Reconciliation of orders"),
    "from": Detail("Fra", "From"),
    "to": Detail("til", "to"),
    "zone": Detail("Dansk tid.", "Danish time."),
    "uncertain": Detail("usikre ordinationer.", "uncertain orders."),
    "registered": Detail("registrerede versioner,", "versions registered,"),
    "intents": Detail("noteret af serverne,", "noted by servers,"),
    "held": Detail("ubekræftet hos browsere.", "unconfirmed in browsers."),
    "unread": Detail("Ikke læst:", "Not read:"),
    "not-whole": Detail("Afstemningen er ikke fuldstændig.", "The reconciliation is not complete."),
    "affected": Detail("Berørte afsnit", "Affected wards"),
    "hospital": Detail("Hospital", "Hospital"),
    "ward": Detail("Afsnit", "Ward"),
    "patients": Detail("Patienter", "Patients"),
    "orders": Detail("Ordinationer", "Orders"),
    "todo": Detail("Det, der skal gøres", "What to do"),
    "beside": Detail("Afvist, og ikke sendt igen", "Refused, and not sent again"),
    "seen": Detail("set til", "seen to"),
    "patient": Detail("Patient:", "Patient:"),
    "signer": Detail("Ordineret af:", "Ordered by:"),
    "key": Detail("Nøgle:", "Key:"),
    "sources": Detail("kilder:", "sources:"),
    "found": Detail("findes hos:", "held by:"),
    "signature": Detail("Dato og underskrift:", "Date and signature:"),
    "evidence": Detail("Bevis", "Evidence"),
    "agree": Detail("Stederne har det samme.", "The sites hold the same."),
    "differ": Detail("Stederne har ikke det samme.", "The sites do not hold the same."),
    "versions": Detail("versioner", "versions"),
    "unknown": Detail("ukendt", "unknown"),
    "nowhere": Detail("intet sted", "no site"),
}

_TEMPLATE = """
#let content = json(bytes(sys.inputs.content))
#let t = content.t
#set document(title: t.title)
#set page(paper: "a4", margin: 18mm, numbering: "1 / 1", header: align(right, text(8pt)[
  #t.title · #content.made]))
#set text(lang: content.language, size: 10pt)
#set table(stroke: 0.5pt + gray, inset: 5pt)
#let listed(orders) = for (number, one) in orders.enumerate(start: 1) {
  block(breakable: false, width: 100%, stroke: 0.5pt + gray, inset: 7pt)[
    *#number. #one.why* #h(1fr) #box(width: 9pt, height: 9pt, stroke: 0.7pt) #t.seen #linebreak()
    #one.where · #one.what · #one.at #linebreak()
    #if one.people != "" [#t.patient #one.people #linebreak()]
    #if one.signer != "" [#t.signer #one.signer #linebreak()]
    #text(8pt)[#t.key #one.key · #t.sources #one.sources · #t.found #one.sites]
    #v(1pt)
    #one.todo
    #v(3pt)
    #t.signature #box(width: 1fr, line(length: 100%, stroke: 0.5pt))
  ]
}
= #t.title
#t.from #content.since #t.to #content.until. #t.zone

*#content.counts.uncertain #t.uncertain*
#content.counts.registered #t.registered #content.counts.intents #t.intents
#content.counts.held #t.held

#if content.unread.len() > 0 [*#t.unread #content.unread.join(", "). #t.at("not-whole")*]

#if content.affected.len() > 0 [
  == #t.affected
  #table(columns: (1fr, 1fr, auto, auto), table.header([*#t.hospital*], [*#t.ward*], [*#t.patients*],
    [*#t.orders*]), ..content.affected.flatten())
]
#if content.orders.len() > 0 [
  == #t.todo
  #listed(content.orders)
]
#if content.beside.len() > 0 [
  == #t.beside
  #listed(content.beside)
]
== #t.evidence
#if content.agree [#t.agree] else [*#t.differ*]
#for one in content.digests [
  - #one.site: #one.count #t.versions, SHA-256 #text(7pt, one.sha256)
]
"""
