"""What a dosage can't be read for: raised while reading, found while checking."""

from __future__ import annotations


class UnreadableError(Exception):
    """`field` is the path within `dosageInstruction`, such as `[0].timing`; `text` Danish and English."""

    def __init__(self, code: str, field: str, text: tuple[str, str]) -> None:
        self.code, self.field, self.text = code, field, text
        super().__init__(f"{code} at {field}")


UNREADABLE = (
    "Doseringen siger noget, som Altid ikke kan kontrollere, og afvises derfor.",
    "The dosage says something that Altid cannot check, and is therefore refused.",
)
"""In Danish and English: what is said is a way of dosing that Altid has no check for."""
