"""CAVE: what a patient does not tolerate, that nothing is known, or that nobody has asked.

CAVE (Latin: beware) is what Danish wards call the warning of allergy and intolerance. Its states are told
apart as FHIR does (R4 §9.1.4): a resource for each agent, a resource that says "no known allergy", or none
at all.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import NamedTuple

from altid.sample.chart import Chart
from altid.sample.coding import ATC, HL7, SNOMED, Resource, coded, coding, concept
from altid.sample.dice import Dice
from altid.sample.moments import days, stamp


class Cave(Enum):
    KNOWN = "known"
    NONE_KNOWN = "none known"
    NOT_RECORDED = "not recorded"


_TURNS = (
    Cave.KNOWN,
    Cave.NONE_KNOWN,
    Cave.NONE_KNOWN,
    Cave.NOT_RECORDED,
    Cave.KNOWN,
    Cave.NONE_KNOWN,
    Cave.KNOWN,
)
"""By turns, not by chance, so that even a handful of patients shows every state."""


class Reaction(NamedTuple):
    name: str
    snomed: str
    severity: str


_RASH = Reaction("udslæt", "271807003", "mild")
_HIVES = Reaction("nældefeber", "126485001", "moderate")
_ANAPHYLAXIS = Reaction("anafylaksi", "39579001", "severe")
_SWELLING = Reaction("angioødem", "41291007", "severe")
_NAUSEA = Reaction("kvalme", "422587007", "mild")
_DIARRHOEA = Reaction("diarré", "62315008", "mild")
_BRONCHOSPASM = Reaction("bronkospasme", "4386001", "severe")
_COUGH = Reaction("hoste", "49727002", "mild")
_MUSCLES = Reaction("muskelsmerter", "68962001", "moderate")
_CONFUSION = Reaction("konfusion", "40917007", "moderate")


class Agent(NamedTuple):
    """`avoids`: beginnings of the ATC codes that are not given to one who has it."""

    name: str
    atc: str
    snomed: str
    category: str
    kind: str
    reactions: tuple[Reaction, ...]
    avoids: tuple[str, ...]
    weight: float


_AGENTS = (
    Agent(
        "Penicilliner",
        "J01C",
        "764146007",
        "medication",
        "allergy",
        (_RASH, _HIVES, _ANAPHYLAXIS),
        ("J01C",),
        30,
    ),
    Agent("Sulfonamider", "J01E", "387406002", "medication", "allergy", (_RASH, _HIVES), ("J01E",), 6),
    Agent("Makrolider", "J01FA", "", "medication", "intolerance", (_NAUSEA, _DIARRHOEA), ("J01FA",), 4),
    Agent("Cefalosporiner", "J01DC", "", "medication", "allergy", (_RASH, _HIVES), ("J01DC",), 4),
    Agent(
        "NSAID",
        "M01A",
        "16403005",
        "medication",
        "intolerance",
        (_NAUSEA, _BRONCHOSPASM, _SWELLING),
        ("M01A",),
        12,
    ),
    Agent(
        "Acetylsalicylsyre",
        "N02BA01",
        "387458008",
        "medication",
        "allergy",
        (_HIVES, _BRONCHOSPASM),
        ("N02BA", "B01AC06", "M01A"),
        5,
    ),
    Agent(
        "Morfin", "N02AA01", "373529000", "medication", "intolerance", (_NAUSEA, _CONFUSION), ("N02AA01",), 10
    ),
    Agent("Statiner", "C10AA", "", "medication", "intolerance", (_MUSCLES,), ("C10AA",), 7),
    Agent("ACE-hæmmere", "C09AA", "", "medication", "intolerance", (_COUGH, _SWELLING), ("C09AA",), 8),
    Agent("Jodholdig kontrast", "V08A", "", "medication", "allergy", (_HIVES, _ANAPHYLAXIS), (), 5),
    Agent("Plaster", "", "", "environment", "allergy", (_RASH,), (), 6),
    Agent("Latex", "", "111088007", "environment", "allergy", (_HIVES,), (), 3),
    Agent("Jordnødder", "", "762952008", "food", "allergy", (_HIVES, _ANAPHYLAXIS), (), 3),
    Agent("Skaldyr", "", "", "food", "allergy", (_HIVES, _SWELLING), (), 2),
)

_AGENT_WEIGHTS = tuple(agent.weight for agent in _AGENTS)


class Allergy(NamedTuple):
    agent: Agent
    reaction: Reaction

    @property
    def avoids(self) -> tuple[str, ...]:
        """After anaphylaxis to penicillin cephalosporins are not given either."""
        if self.agent.atc == "J01C" and self.reaction is _ANAPHYLAXIS:
            return (*self.agent.avoids, "J01DC")
        return self.agent.avoids

    @property
    def text(self) -> str:
        """As the note has it: `Penicilliner (anafylaksi)`."""
        return f"{self.agent.name} ({self.reaction.name})"


def state(index: int) -> Cave:
    return _TURNS[index % len(_TURNS)]


def suffered(dice: Dice, cave: Cave) -> tuple[Allergy, ...]:
    """One agent or two that the patient does not tolerate; none unless `cave` is KNOWN."""
    if cave is not Cave.KNOWN:
        return ()
    first = dice.weighted(_AGENTS, _AGENT_WEIGHTS)
    agents = [first]
    if dice.chance(0.25):
        agents += [agent for agent in [dice.weighted(_AGENTS, _AGENT_WEIGHTS)] if agent is not first]
    return tuple(Allergy(agent, dice.pick(agent.reactions)) for agent in agents)


def write(
    chart: Chart,
    dice: Dice,
    patient: Resource,
    recorder: Resource,
    cave: Cave,
    allergies: tuple[Allergy, ...],
    before: datetime,
) -> None:
    """The AllergyIntolerance resources, recorded some time before that moment."""
    recorded = before - days(dice.between(20, 2500))
    if cave is Cave.NONE_KNOWN:
        chart.add("AllergyIntolerance", _no_known(patient, recorder, recorded))
    for allergy in allergies:
        chart.add("AllergyIntolerance", _allergy(allergy, patient, recorder, recorded))


def _statuses(sure: bool) -> Resource:
    verification = "confirmed" if sure else "unconfirmed"
    return {
        "clinicalStatus": coded(f"{HL7}/allergyintolerance-clinical", "active", "Active"),
        "verificationStatus": coded(f"{HL7}/allergyintolerance-verification", verification),
    }


def _no_known(patient: Resource, recorder: Resource, recorded: datetime) -> Resource:
    return {
        **_statuses(sure=True),
        "code": concept(
            "Ingen kendt allergi eller intolerans", coding(SNOMED, "716186003", "No known allergy")
        ),
        "patient": patient,
        "recordedDate": stamp(recorded),
        "recorder": recorder,
    }


def _allergy(allergy: Allergy, patient: Resource, recorder: Resource, recorded: datetime) -> Resource:
    agent, reaction = allergy
    codings = [coding(ATC, agent.atc, agent.name)] if agent.atc else []
    codings += [coding(SNOMED, agent.snomed)] if agent.snomed else []
    severe = reaction.severity == "severe"
    return {
        **_statuses(sure=reaction.severity != "mild"),
        "type": agent.kind,
        "category": [agent.category],
        "criticality": "high" if severe else "low",
        "code": concept(agent.name, *codings),
        "patient": patient,
        "recordedDate": stamp(recorded),
        "recorder": recorder,
        "reaction": [
            {
                "manifestation": [concept(reaction.name, coding(SNOMED, reaction.snomed))],
                "description": f"{reaction.name.capitalize()} ved {agent.name}",
                "severity": reaction.severity,
            }
        ],
    }
