"""The rules of *værdispring*, breaking the glass before a patient: who may, how long, with what reason."""

from __future__ import annotations

from altid.access.identity import Role

KINDS = ("acute", "consent", "incomplete-relation", "other-law")
BREAK = frozenset({Role.DOCTOR, Role.NURSE, Role.PHARMACIST})
"""Who treats may need to see whom nothing else opens (sundhedsloven § 42 a)."""
OVERRIDE_S = 8 * 3600
"""A shift: whoever still needs it then has grounds of another kind, or says why anew."""
REASON_CHARACTERS_MIN, REASON_CHARACTERS_MAX = 10, 1_000


class OverrideError(ValueError):
    """It can't be done so. Holds nothing of what was written."""

    def __init__(self, text_en: str, text_da: str) -> None:
        super().__init__(text_en)
        self.text_en, self.text_da = text_en, text_da


def checked_reason(kind: str, reason: str) -> str:
    """The reason as it is kept. Raises `OverrideError`."""
    kept = " ".join(reason.split())
    if kind not in KINDS or not REASON_CHARACTERS_MIN <= len(kept) <= REASON_CHARACTERS_MAX:
        raise OverrideError(
            f"Choose a kind, and write a reason of {REASON_CHARACTERS_MIN} to {REASON_CHARACTERS_MAX} "
            "characters.",
            f"Vælg en type, og skriv en begrundelse på {REASON_CHARACTERS_MIN} til "
            f"{REASON_CHARACTERS_MAX} tegn.",
        )
    if not kept.isprintable():
        raise OverrideError(
            "The reason has signs that can't be shown.", "Begrundelsen har tegn, som ikke kan vises."
        )
    return kept
