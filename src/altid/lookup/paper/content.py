"""What stands on paper, in words: data for the templates, with every label in the language of the print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from altid.lookup.bar import Bar
from altid.screen.views.admission import admission_of
from altid.screen.views.cave import Cave, CaveState, cave_of
from altid.screen.views.chart import Chart
from altid.screen.views.flags import flags_of
from altid.screen.views.identity import Identity, identity_of
from altid.screen.views.medication import Group, Medication, medications_of
from altid.screen.views.moments import ZONE
from altid.screen.views.plan import plans_of
from altid.screen.views.plans import requisitions_of
from altid.screen.views.problems import problems_of
from altid.screen.views.readings import Kind
from altid.screen.views.results import Analysis, results_of
from altid.screen.views.unconfirmed import unconfirmed_of
from altid.screen.views.vitals import vitals_of
from altid.screen.words import Words, dosing
from altid.screen.words.speaker import joined, person_name

RESULTS_MAX = 12
"""On a report: those that stand out first, then the newest."""
_LABELS = (
    "title.report",
    "title.medication",
    "bed",
    "name",
    "cpr",
    "age",
    "cave",
    "limits",
    "unconfirmed",
    "drug",
    "dose",
    "last",
    "next",
    "results",
    "pending",
    "vitals",
    "problems",
    "plan",
    "medication",
    "printed",
    "page",
    "of",
    "left-out",
    "given-by",
    "reason",
)


@dataclass(frozen=True, slots=True)
class Head:
    """What stands on every page: where, of when the data are, when it was printed."""

    words: Words
    bar: Bar
    place: str
    printed: datetime

    def data(self) -> dict[str, Any]:
        words = self.words
        return {
            "lang": words.language,
            "label": {key: words.text(f"paper.{key}") for key in _LABELS},
            "place": self.place,
            "data": self.bar.sentence,
            "advice": self.bar.advice,
            "printed": words.instant(self.printed),
        }

    @property
    def today(self) -> date:
        return self.printed.astimezone(ZONE).date()


def ward_content(head: Head, charts: Sequence[Chart], left_out: int) -> dict[str, Any]:
    """Of a ward's patients, in the order of their beds. `left_out`: how many this print may not show."""
    return {**head.data(), "left_out": left_out, "patients": [patient_of(head, chart) for chart in charts]}


def who_of(words: Words, identity: Identity, today: date) -> dict[str, str]:
    unknown = words.text("value.not-given")
    return {
        "name": person_name(identity, unknown),
        "cpr": identity.number.value if identity.number else unknown,
        "born": words.day(identity.born) if identity.born else unknown,
        "age": words.age(identity, today) or unknown,
        "sex": words.code("sex", identity.sex),
    }


def patient_of(head: Head, chart: Chart) -> dict[str, Any]:
    words = head.words
    stay = next(iter(admission_of(chart).current), None)
    return {
        "who": who_of(words, identity_of(chart.patient), head.today),
        "bed": (stay.place.bed if stay else None) or words.text("value.not-given"),
        "reason": ", ".join(stay.reasons) if stay else "",
        "cave": cave_text(words, cave_of(chart)),
        "cave_known": cave_of(chart).state is CaveState.KNOWN,
        "limits": _limits(words, chart),
        "unconfirmed": _unconfirmed(words, chart),
        "drugs": _drugs(words, chart),
        "results": _results(words, chart),
        "pending": _pending(words, chart),
        "vitals": _vitals(words, chart),
        "problems": _problems(words, chart),
        "plans": _plans(words, chart),
    }


def cave_text(words: Words, cave: Cave) -> str:
    """In four states; with agents, reactions and severity where they are known."""
    if cave.state is not CaveState.KNOWN:
        return words.text(f"cave.state.{cave.state}")
    lines = (
        joined(
            [
                allergy.agent or words.text("cave.agent-not-given"),
                ", ".join(allergy.reactions) or None,
                words.code("severity", allergy.severity) if allergy.severity else None,
            ]
        )
        for allergy in cave.allergies
    )
    return "; ".join(lines)


def _limits(words: Words, chart: Chart) -> str:
    flags = flags_of(chart)
    if not flags.is_known:
        return words.text("state.unavailable")
    said = [flag.words or words.text("value.not-given") for flag in flags.limits]
    return "; ".join(said) or words.text("treatment-limits.none")


def _unconfirmed(words: Words, chart: Chart) -> list[str]:
    found = unconfirmed_of(chart)
    if not found.is_known:
        return [words.text("state.unavailable")]
    unknown = words.text("value.not-given")
    return [f"{one.name or unknown} ({words.text(f'unconfirmed.{one.waits}')})" for one in found.orders]


def _drugs(words: Words, chart: Chart) -> list[dict[str, str]]:
    found = medications_of(chart)
    if not found.is_known:
        return [
            {
                "group": words.text("state.unavailable"),
                "drug": "",
                "dose": "",
                "last": "",
                "next": "",
                "why": "",
            }
        ]
    return [_drug(words, group, row) for group, rows in found.current for row in rows]


def _drug(words: Words, group: Group, row: Medication) -> dict[str, str]:
    lines = [
        joined([dosing.amount(words, line), dosing.manner(words, line)]) or line.written or ""
        for line in row.dosages
    ]
    generic = row.drug.generic.lower() if row.drug.generic else None
    name = joined([generic, row.drug.product]) or words.text("medication.drug-not-given")
    return {
        "group": words.text(f"medication.group.{group}"),
        "drug": f"{words.text('medication.forbidden')}: {name}" if row.is_forbidden else name,
        "dose": "; ".join(line for line in lines if line) or words.text("medication.dosage-not-given"),
        "last": words.moment(row.last.at) if row.last else words.text("medication.not-seen-given"),
        "next": _next(words, row),
        "why": ", ".join(row.indications),
    }


def _next(words: Words, row: Medication) -> str:
    if row.due is None:
        return ""
    about = f"{words.text('medication.due.about')} " if row.due.is_about else ""
    missed = f"{words.text('medication.due.missed')} " if row.due.is_overdue else ""
    return f"{missed}{about}{words.moment(row.due.at)}"


def _results(words: Words, chart: Chart) -> list[str]:
    found = results_of(chart, Kind.LABORATORY)
    if not found.is_known:
        return [words.text("state.unavailable")]
    ranked = sorted(found.analyses, key=lambda one: not _stands_out(one))
    return [_result(words, one) for one in ranked[:RESULTS_MAX]]


def _stands_out(analysis: Analysis) -> bool:
    return analysis.latest.judgement is not None and analysis.latest.judgement.stands_out


def _result(words: Words, analysis: Analysis) -> str:
    latest = analysis.latest
    value = words.value(latest.value) if latest.value is not None else words.text("value.none")
    arrow = latest.judgement.arrow if latest.judgement else ""
    name = analysis.name or words.text("value.not-given")
    return f"{name} {value} {words.unit(latest.value)} {arrow} ({words.moment(latest.at)})".replace("  ", " ")


def _pending(words: Words, chart: Chart) -> list[str]:
    found = requisitions_of(chart)
    if not found.is_known:
        return [words.text("state.unavailable")]
    unknown = words.text("value.not-given")
    return [f"{one.name or unknown} ({words.moment(one.asked)})" for one in found.pending]


def _vitals(words: Words, chart: Chart) -> str:
    found = vitals_of(chart)
    if not found.is_known:
        return words.text("state.unavailable")
    said = []
    for sign in found.signs:
        name = words.text(f"sign.{sign.known}") if sign.known else sign.name or ""
        if sign.latest.value is not None:
            said.append(f"{name} {words.value(sign.latest.value)} {words.unit(sign.latest.value)}".strip())
    at = f" ({words.moment(found.rounds[0])})" if found.rounds else ""
    return ", ".join(said) + at if said else words.text("vitals.none")


def _problems(words: Words, chart: Chart) -> str:
    found = problems_of(chart)
    if not found.is_known:
        return words.text("state.unavailable")
    return "; ".join(one.name for one in found.current if one.name) or words.text("problems.none")


def _plans(words: Words, chart: Chart) -> list[dict[str, str]]:
    found = plans_of(chart)
    if not found.is_known:
        return [{"head": words.text("state.unavailable"), "body": ""}]
    return [
        {"head": joined([plan.title, words.moment(plan.at), plan.by], ", "), "body": plan.body}
        for plan in found.plans[:2]
    ]
