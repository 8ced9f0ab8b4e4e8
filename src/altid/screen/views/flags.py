"""Treatment limits (*behandlingsniveau*) and other warnings: FHIR Flag and advance directives."""

from __future__ import annotations

from dataclasses import dataclass

from altid.screen.views.chart import Chart, author_of
from altid.screen.views.elements import (
    HL7,
    SNOMED,
    Resource,
    codes,
    codings,
    concept_text,
    concepts_text,
    elements,
    first_moment,
    period,
)
from altid.screen.views.moments import Moment, sort_key

LIMIT_KINDS = ("Flag", "Consent")
_LIMIT_CATEGORY = "treatment-limit"
_NO_RESUSCITATION = {"304253006", "304252001"}
"""SNOMED CT: not for resuscitation; for resuscitation."""
_ADVANCE_DIRECTIVE = "adr"
"""Consent.scope: advance care directive."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One line: what it says, since when, and who decided."""

    words: str | None
    since: Moment | None
    by: str | None


@dataclass(frozen=True, slots=True)
class Flags:
    """`limits` say what is not to be done; `warnings` are all other active flags."""

    is_known: bool
    limits: tuple[Flag, ...] = ()
    warnings: tuple[Flag, ...] = ()


def flags_of(chart: Chart) -> Flags:
    """The active flags, and active consents that are advance directives."""
    if not chart.all_read(*LIMIT_KINDS):
        return Flags(is_known=False)
    active = [
        flag for flag in chart.of("Flag") if flag.get("status") == "active" and not _is_over(chart, flag)
    ]
    directives = [c for c in chart.of("Consent") if c.get("status") == "active" and _is_directive(c)]
    limits = [_flag(chart, flag) for flag in active if _is_limit(flag)]
    limits += [_directive(chart, consent) for consent in directives]
    warnings = [_flag(chart, flag) for flag in active if not _is_limit(flag)]
    return Flags(True, _newest_first(limits), _newest_first(warnings))


def _is_over(chart: Chart, flag: Resource) -> bool:
    end = period(flag.get("period"))[1]
    return end is not None and end.at < chart.read_at


def _is_limit(flag: Resource) -> bool:
    named = {code for category in elements(flag.get("category")) for _, code, _ in codings(category)}
    return _LIMIT_CATEGORY in named or bool(codes(flag.get("code"), SNOMED) & _NO_RESUSCITATION)


def _flag(chart: Chart, flag: Resource) -> Flag:
    return Flag(
        concept_text(flag.get("code")), period(flag.get("period"))[0], author_of(chart, flag, "author")
    )


def _is_directive(consent: Resource) -> bool:
    return _ADVANCE_DIRECTIVE in codes(consent.get("scope"), f"{HL7}/consentscope")


def _directive(chart: Chart, consent: Resource) -> Flag:
    words = ", ".join(concepts_text(consent.get("category"))) or None
    return Flag(
        words, first_moment(consent, "dateTime"), author_of(chart, consent, "performer", "organization")
    )


def _newest_first(flags: list[Flag]) -> tuple[Flag, ...]:
    return tuple(sorted(flags, key=lambda flag: sort_key(flag.since), reverse=True))
