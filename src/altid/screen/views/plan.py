"""Assessment and plan: what the latest notes say of what is the matter and what is to be done."""

from __future__ import annotations

import re
from dataclasses import dataclass

from altid.screen.views.chart import Chart
from altid.screen.views.moments import Moment
from altid.screen.views.notes import KINDS, Note, notes_of

__all__ = ["KINDS", "Plan", "Plans", "plans_of"]

PLANS_MAX = 3
"""The last rounds; what is older is in the notes."""
_CHARACTERS_MAX = 2_000

_WORDS = r"vurdering|konklusion|plan|behandlingsplan|assessment|impression|conclusion"
_EDGE = r"[ \t#*=-]*"
_HEADING = re.compile(
    rf"{_EDGE}(?:{_WORDS})(?:[ \t]*(?:og|and|/|&|,)[ \t]*(?:{_WORDS}))*[ \t*=]*"
    r"(?P<mark>:)?[ \t*]*(?P<rest>.*)",
    re.IGNORECASE,
)
"""A line that begins the part: with a colon there may be text behind it, without it stands alone."""
_OTHER = re.compile(
    rf"{_EDGE}(?:aktuelt|anamnese|tidligere(?: og kroniske)?(?: sygdomme)?|allergier?|cave|"
    r"medicin[^.:]{0,30}|objektivt?|objektiv undersøgelse|paraklinik|socialt?|eksponeringer|subjektivt?|"
    r"subjective|objective|history|medications?|examination|investigations)[ \t*=]*:?[ \t*]*",
    re.IGNORECASE,
)
"""A heading that ends it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What stands under the headings of one note."""

    title: str | None
    at: Moment | None
    by: str | None
    status: str | None
    body: str
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Plans:
    is_known: bool
    plans: tuple[Plan, ...] = ()


def plans_of(chart: Chart) -> Plans:
    """Out of DocumentReference and DiagnosticReport, newest first; notes without such a part are passed
    over, for they are below in full."""
    notes = notes_of(chart)
    if not notes.is_known:
        return Plans(is_known=False)
    found: list[Plan] = []
    for note in notes.notes:
        plan = _plan(note)
        if plan is not None:
            found.append(plan)
        if len(found) == PLANS_MAX:
            break
    return Plans(True, tuple(found))


def _plan(note: Note) -> Plan | None:
    said = part_of(note.body or "")
    if not said:
        return None
    is_cut = len(said) > _CHARACTERS_MAX or note.is_cut
    return Plan(note.title, note.at, note.by, note.status, said[:_CHARACTERS_MAX], is_cut)


def part_of(body: str) -> str:
    """What stands under the headings of assessment and plan; "" where there are none."""
    kept: list[str] = []
    inside = False
    for line in body.splitlines():
        heading = _HEADING.fullmatch(line)
        if heading and (heading["mark"] or not heading["rest"]):
            inside = True
            if heading["rest"]:
                kept.append(heading["rest"])
        elif inside and _OTHER.fullmatch(line):
            inside = False
        elif inside:
            kept.append(line.rstrip())
    return "\n".join(kept).strip()
