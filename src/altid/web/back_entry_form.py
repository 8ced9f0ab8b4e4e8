"""A paper form of a downtime as somebody types it in: read into plain data, or what is wrong with it.

What can't have been measured is refused, so that a slip of the keyboard (378 for 37.8) does not become a
finding; the ranges are what a living person can have, not what is normal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from altid.fhir.json import Decimal
from altid.screen.forms import Form
from altid.screen.views.moments import ZONE

NOTE_CHARACTERS_MAX = 4_000
"""A page of handwriting has half of it; a form is 32 kB at most, and a letter of it may take six bytes."""
NAME_CHARACTERS_MIN, NAME_CHARACTERS_MAX = 3, 120
OLD_DAYS_MAX = 60
"""Paper that turns up later is scanned: nobody remembers what stands behind it."""
CLOCK_S = 300
"""How far a ward's clock may be ahead of ours."""
NOTE_KINDS = ("nursing", "progress", "admission")
MINDS = ("A", "C", "V", "P", "U")
"""Alert, new confusion, voice, pain, unresponsive (NEWS2)."""

_NUMBER = re.compile(r"[A-Z0-9][A-Z0-9-]{2,38}[A-Z0-9]", re.ASCII)
_DECIMAL = re.compile(r"\d{1,3}(?:[.,]\d)?", re.ASCII)
_SIGNS = re.compile(r"[^0-9A-Za-zÆØÅæøå]")


@dataclass(frozen=True, slots=True)
class Sign:
    """What a field may hold: `low` to `high`, with a decimal or without."""

    low: float
    high: float
    has_decimal: bool = False


SIGNS: Mapping[str, Sign] = {
    "breaths": Sign(1, 80),
    "saturation": Sign(30, 100),
    "oxygen": Sign(0, 80, has_decimal=True),
    "systolic": Sign(30, 300),
    "diastolic": Sign(10, 200),
    "pulse": Sign(10, 300),
    "temperature": Sign(25, 45, has_decimal=True),
}


class PaperFormError(ValueError):
    """A field can't be taken: a key of the catalogue, with data for it. Holds nothing that was typed."""

    def __init__(self, key: str, **data: object) -> None:
        super().__init__(key)
        self.key, self.data = key, data


@dataclass(frozen=True, slots=True)
class PaperForm:
    """One form, of one patient and one moment."""

    number: str
    observed_at: datetime
    observed_by: str
    note: str = field(repr=False)
    note_kind: str = NOTE_KINDS[0]
    signs: Mapping[str, Decimal] = field(default_factory=dict, repr=False)
    mind: str | None = None


def paper_form(form: Form, now: datetime) -> PaperForm:
    """Raises `PaperFormError`."""
    signs = {name: value for name in SIGNS if (value := _sign(form, name)) is not None}
    mind, note = form.get("mind") or None, form.get("note", "").strip()
    if mind not in (None, *MINDS):
        raise PaperFormError("back-entry.bad-mind")
    if len(note) > NOTE_CHARACTERS_MAX:
        raise PaperFormError("back-entry.long-note", most=NOTE_CHARACTERS_MAX)
    if not note and not signs and mind is None:
        raise PaperFormError("back-entry.empty")
    if ("systolic" in signs) != ("diastolic" in signs):
        raise PaperFormError("back-entry.half-pressure")
    if "systolic" in signs and signs["systolic"] <= signs["diastolic"]:
        raise PaperFormError("back-entry.turned-pressure")
    kind = form.get("kind", NOTE_KINDS[0])
    if kind not in NOTE_KINDS:
        raise PaperFormError("back-entry.bad-kind")
    number, observed_at = form_number(form.get("number", "")), _observed_at(form, now)
    return PaperForm(number, observed_at, _observed_by(form), _text(note), kind, signs, mind)


def form_number(typed: str) -> str:
    """The number as it is printed. Raises `PaperFormError`."""
    number = "".join(typed.split()).upper()
    if not _NUMBER.fullmatch(number):
        raise PaperFormError("back-entry.bad-number")
    return number


def is_same_person(typed: str, number: str | None) -> bool:
    """Whether the CPR number on the paper is the patient's, however it is written."""
    return number is not None and bool(_plain(number)) and _plain(typed) == _plain(number)


def _plain(number: str) -> str:
    return _SIGNS.sub("", number).upper()


def _sign(form: Form, name: str) -> Decimal | None:
    typed, allowed = form.get(name, "").strip(), SIGNS[name]
    if not typed:
        return None
    written = typed.replace(",", ".")
    is_number = _DECIMAL.fullmatch(typed) and (allowed.has_decimal or "." not in written)
    if not is_number or not allowed.low <= float(written) <= allowed.high:
        raise PaperFormError("back-entry.bad-sign", sign=name, low=allowed.low, high=allowed.high)
    return Decimal(written)


def _observed_at(form: Form, now: datetime) -> datetime:
    """On the Danish clock, as the paper has it."""
    try:
        at = datetime.strptime(form.get("observed-at", ""), "%Y-%m-%dT%H:%M").replace(tzinfo=ZONE)
    except ValueError:
        raise PaperFormError("back-entry.bad-time") from None
    if at > now + timedelta(seconds=CLOCK_S):
        raise PaperFormError("back-entry.future")
    if at < now - timedelta(days=OLD_DAYS_MAX):
        raise PaperFormError("back-entry.old", days=OLD_DAYS_MAX)
    return at


def _observed_by(form: Form) -> str:
    name = " ".join(form.get("observed-by", "").split())
    if not NAME_CHARACTERS_MIN <= len(name) <= NAME_CHARACTERS_MAX or not name.isprintable():
        raise PaperFormError("back-entry.bad-name", least=NAME_CHARACTERS_MIN, most=NAME_CHARACTERS_MAX)
    return name


def _text(note: str) -> str:
    """With plain line ends, and nothing that can't be shown."""
    lines = note.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("".join(sign for sign in line if sign.isprintable() or sign == "\t") for line in lines)
