"""CAVE in its four states."""

from __future__ import annotations

from typing import Any

import pytest

from altid.screen.views.cave import CaveState, cave_of
from tests.screen.charts import HL7, SNOMED, chart, coded

CLINICAL = f"{HL7}/allergyintolerance-clinical"
VERIFICATION = f"{HL7}/allergyintolerance-verification"
NO_KNOWN_ALLERGY = coded(SNOMED, "716186003", "No known allergy")


def allergy(agent: str = "Penicilliner", **elements: Any) -> dict[str, Any]:
    return {"resourceType": "AllergyIntolerance", "code": {"text": agent}, **elements}


def test_a_known_agent_has_reaction_and_severity() -> None:
    reactions = [{"manifestation": [{"text": "udslæt"}], "severity": "mild"}]
    reactions += [{"manifestation": [{"text": "anafylaksi"}], "severity": "severe"}]
    cave = cave_of(chart(allergy(reaction=reactions)))
    found = cave.allergies[0]
    assert (cave.state, found.agent, found.reactions, found.severity) == (
        CaveState.KNOWN,
        "Penicilliner",
        ("udslæt", "anafylaksi"),
        "severe",
    )


def test_that_nothing_is_known_must_have_been_said() -> None:
    cave = cave_of(chart(allergy(code=NO_KNOWN_ALLERGY)))
    assert (cave.state, cave.statements) == (CaveState.NONE_KNOWN, ("No known allergy",))


def test_nothing_said_is_not_recorded() -> None:
    assert cave_of(chart()).state is CaveState.NOT_RECORDED


def test_what_could_not_be_read_is_unavailable() -> None:
    assert cave_of(chart(unread=("AllergyIntolerance",))).state is CaveState.UNAVAILABLE


def test_an_agent_outweighs_the_statement_that_there_is_none() -> None:
    assert cave_of(chart(allergy(code=NO_KNOWN_ALLERGY), allergy())).state is CaveState.KNOWN


@pytest.mark.parametrize("status", ["entered-in-error", "refuted"])
def test_a_withdrawn_agent_is_no_cave(status: str) -> None:
    withdrawn = allergy(verificationStatus=coded(VERIFICATION, status))
    assert cave_of(chart(withdrawn)).state is CaveState.NOT_RECORDED


def test_a_withdrawn_denial_is_not_recorded() -> None:
    withdrawn = allergy(code=NO_KNOWN_ALLERGY, verificationStatus=coded(VERIFICATION, "entered-in-error"))
    assert cave_of(chart(withdrawn)).state is CaveState.NOT_RECORDED


def test_a_resolved_agent_stands_apart() -> None:
    cave = cave_of(chart(allergy(clinicalStatus=coded(CLINICAL, "resolved"))))
    assert (cave.state, [past.agent for past in cave.past]) == (CaveState.NOT_RECORDED, ["Penicilliner"])


def test_an_agent_without_a_status_counts() -> None:
    assert cave_of(chart(allergy())).state is CaveState.KNOWN


def test_the_gravest_comes_first() -> None:
    mild = allergy("Plaster", reaction=[{"severity": "mild"}])
    severe = allergy("Latex", reaction=[{"severity": "severe"}])
    unknown = allergy("Æg")
    cave = cave_of(chart(unknown, mild, severe))
    assert [found.agent for found in cave.allergies] == ["Latex", "Plaster", "Æg"]
