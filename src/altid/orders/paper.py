"""Uncertain orders on paper, in Danish, for a ward to work through: set by Typst.

Values are given to it as data, never as markup: whatever stands in a record is printed as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import typst

from altid.orders.reconcile import Reconciliation, Uncertain
from altid.orders.todo import NAMES, action_da

_DENMARK = ZoneInfo("Europe/Copenhagen")


def as_pdf(found: Reconciliation, names: Mapping[str, str] | None, made: datetime) -> bytes:
    """The list as PDF. `names`: of patients by id; None leaves all people out."""
    content = {
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
                one.ward.hospital or _UNKNOWN,
                one.ward.ward or _UNKNOWN,
                str(one.patients),
                str(one.orders),
            ]
            for one in found.affected
        ],
        "orders": [_order(one, names) for one in found.uncertain],
    }
    pdf = typst.compile(_TEMPLATE.encode(), format="pdf", sys_inputs={"content": json.dumps(content)})
    assert isinstance(pdf, bytes)
    return pdf


def _order(one: Uncertain, names: Mapping[str, str] | None) -> dict[str, str]:
    people = "" if names is None else f"{names.get(one.patient, '')} ({one.patient or _UNKNOWN})".strip()
    return {
        "why": NAMES[one.why].da,
        "where": ", ".join(filter(None, (one.ward.hospital, one.ward.ward))) or _UNKNOWN,
        "what": " ".join(filter(None, (action_da(one.action), one.order))),
        "key": one.key,
        "at": _time(one.at),
        "people": people,
        "signer": "" if names is None else one.signer_name,
        "sources": ", ".join(one.sources),
        "sites": ", ".join(one.sites) or "intet sted",
        "todo": one.todo.da,
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(_DENMARK).strftime("%d-%m-%Y %H:%M:%S")


_UNKNOWN = "ukendt"

_TEMPLATE = """
#let content = json(bytes(sys.inputs.content))
#set document(title: "Afstemning af ordinationer")
#set page(paper: "a4", margin: 18mm, numbering: "1 / 1", header: align(right, text(8pt)[
  Afstemning af ordinationer · #content.made]))
#set text(lang: "da", size: 10pt)
#set table(stroke: 0.5pt + gray, inset: 5pt)
= Afstemning af ordinationer
Fra #content.since til #content.until. Dansk tid.

*#content.counts.uncertain usikre ordinationer.*
#content.counts.registered registrerede versioner, #content.counts.intents noteret af serverne,
#content.counts.held ubekræftet hos browsere.

#if content.unread.len() > 0 [*Ikke læst: #content.unread.join(", "). Afstemningen er ikke fuldstændig.*]

#if content.affected.len() > 0 [
  == Berørte afsnit
  #table(columns: (1fr, 1fr, auto, auto), table.header([*Hospital*], [*Afsnit*], [*Patienter*],
    [*Ordinationer*]), ..content.affected.flatten())
]
#if content.orders.len() > 0 [
  == Det, der skal gøres
  #for (number, one) in content.orders.enumerate(start: 1) {
    block(breakable: false, width: 100%, stroke: 0.5pt + gray, inset: 7pt)[
      *#number. #one.why* #h(1fr) #box(width: 9pt, height: 9pt, stroke: 0.7pt) set til #linebreak()
      #one.where · #one.what · #one.at #linebreak()
      #if one.people != "" [Patient: #one.people #linebreak()]
      #if one.signer != "" [Ordineret af: #one.signer #linebreak()]
      #text(8pt)[Nøgle: #one.key · kilder: #one.sources · findes hos: #one.sites]
      #v(1pt)
      #one.todo
      #v(3pt)
      Dato og underskrift: #box(width: 1fr, line(length: 100%, stroke: 0.5pt))
    ]
  }
]
== Bevis
#if content.agree [Stederne har det samme.] else [*Stederne har ikke det samme.*]
#for one in content.digests [
  - #one.site: #one.count versioner, SHA-256 #text(7pt, one.sha256)
]
"""
