"""Who may do what with orders: the documentation says what the table says."""

from __future__ import annotations

import re
from pathlib import Path

from altid.access.identity import Role
from altid.orders.actions import RULES
from altid.orders.intent import Action
from altid.orders.policy import TABLE

PAGE = Path(__file__).parent.parent.parent / "docs" / "orders.md"


def test_the_documentation_has_the_table_of_rights() -> None:
    section = PAGE.read_text().partition("## Who may do what\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\w+) \| ([^|]*)\| ([^|]*)\|$", section, re.MULTILINE)
    told = {
        Role(role): (medication.strip(), asked.strip()) for role, medication, asked in rows if role != "role"
    }
    held = {role for by_role in TABLE.values() for role in by_role}
    assert told == {role: (said(role, "MedicationRequest"), said(role, "ServiceRequest")) for role in held}


def said(role: Role, type_: str) -> str:
    actions = TABLE[type_].get(role, frozenset())
    return "everything" if actions == frozenset(Action) else ", ".join(sorted(actions))


def test_whoever_may_act_may_do_what_can_be_done() -> None:
    for type_, by_role in TABLE.items():
        possible = {*map(str, RULES[type_]), Action.DRAFT}
        some = [actions for actions in by_role.values() if actions != frozenset(Action)]
        assert all(actions <= possible for actions in some)
