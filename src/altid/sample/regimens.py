"""How a drug is taken: the schedule, its Danish text, and FHIR `Dosage` (R4 §2.1.28).

The Danish habit of four times of the day is the shared medicines card's too: *morgen*, *middag*, *aften*,
*nat*, which are FHIR's MORN, NOON, EVE and NIGHT.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from altid.sample.coding import SNOMED, Resource, coding, concept, danish, plain, quantity
from altid.sample.drugs import DRUGS, ROUTES, UNIT_NAMES, Drug
from altid.sample.moments import clock, days, stamp

_TIMES = (("MORN", "morgen", 8), ("NOON", "middag", 12), ("EVE", "aften", 18), ("NIGHT", "nat", 22))
"""FHIR's code, the Danish word, and the hour at which the ward gives the round."""

_TIME_WORDS = {code: word for code, word, _ in _TIMES}

_WEEKDAYS = {"mon": "mandag", "tue": "tirsdag", "wed": "onsdag", "thu": "torsdag", "sun": "søndag"}
_WEEKDAY_NUMBERS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "sun": 6}

Amounts = tuple[float, float, float, float]


class Regimen(NamedTuple):
    """One way of taking a drug. Amounts count what the form is counted in: tablets, mg, IE, puffs."""

    drug: str
    daily: Amounts = (0, 0, 0, 0)
    """Morning, noon, evening, night."""
    each: float = 0
    """One dose, when it is given by the clock, as needed, weekly or once."""
    hours: tuple[int, ...] = ()
    """By the clock."""
    most: int = 0
    """As needed: doses in 24 hours at most."""
    weekday: str = ""
    once: bool = False
    over_hours: float = 0
    """An infusion: hours that each dose runs."""
    rate: float = 0
    """A continuous infusion: what runs in an hour."""
    steps: tuple[tuple[int, Amounts], ...] = ()
    """A taper: days and amounts; the last step's days are 0 when it goes on."""
    course_days: int = 0


REGIMENS = {
    "paracetamol": Regimen("paracetamol", (2, 2, 2, 2)),
    "paracetamol-needed": Regimen("paracetamol", each=2, most=4),
    "ibuprofen": Regimen("ibuprofen", (1, 1, 1, 0)),
    "morfin-needed": Regimen("morfin", each=0.5, most=6),
    "morfin-relief": Regimen("morfin-injection", each=2.5, most=12),
    "oxycodon-needed": Regimen("oxycodon", each=1, most=6),
    "metformin": Regimen("metformin", (2, 0, 2, 0)),
    "metformin-uneven": Regimen("metformin", (2, 0, 1, 0)),
    "metformin-half": Regimen("metformin", (1, 0, 1, 0)),
    "empagliflozin": Regimen("empagliflozin", (1, 0, 0, 0)),
    "semaglutid": Regimen("semaglutid", each=1, weekday="sun"),
    "glargin": Regimen("glargin", (0, 0, 0, 18)),
    "aspart": Regimen("aspart", (6, 6, 6, 0)),
    "aspart-infusion": Regimen("aspart-infusion", rate=6),
    "furosemid": Regimen("furosemid", (1, 0, 0, 0)),
    "furosemid-twice": Regimen("furosemid", (1, 1, 0, 0)),
    "furosemid-iv": Regimen("furosemid-iv", each=40, hours=(8, 14)),
    "spironolacton": Regimen("spironolacton", (1, 0, 0, 0)),
    "metoprolol": Regimen("metoprolol", (1, 0, 0, 0)),
    "metoprolol-twice": Regimen("metoprolol", (1, 0, 1, 0)),
    "ramipril": Regimen("ramipril", (1, 0, 0, 0)),
    "losartan": Regimen("losartan", (1, 0, 0, 0)),
    "amlodipin": Regimen("amlodipin", (1, 0, 0, 0)),
    "atorvastatin": Regimen("atorvastatin", (0, 0, 1, 0)),
    "atorvastatin-high": Regimen("atorvastatin", (0, 0, 2, 0)),
    "simvastatin": Regimen("simvastatin", (0, 0, 1, 0)),
    "magnyl": Regimen("magnyl", (1, 0, 0, 0)),
    "magnyl-load": Regimen("magnyl", each=4, once=True),
    "clopidogrel": Regimen("clopidogrel", (1, 0, 0, 0)),
    "clopidogrel-load": Regimen("clopidogrel", each=4, once=True),
    "ticagrelor": Regimen("ticagrelor", (1, 0, 1, 0)),
    "apixaban": Regimen("apixaban", (1, 0, 1, 0)),
    "apixaban-low": Regimen("apixaban-2", (1, 0, 1, 0)),
    "apixaban-embolism": Regimen("apixaban", steps=((7, (2, 0, 2, 0)), (0, (1, 0, 1, 0)))),
    "rivaroxaban": Regimen("rivaroxaban", (0, 0, 1, 0)),
    "tinzaparin": Regimen("tinzaparin", (0, 0, 4500, 0)),
    "fondaparinux": Regimen("fondaparinux", (1, 0, 0, 0)),
    "nitroglycerin-needed": Regimen("nitroglycerin", each=1, most=8),
    "pantoprazol": Regimen("pantoprazol", (1, 0, 0, 0)),
    "pantoprazol-twice": Regimen("pantoprazol", (1, 0, 1, 0)),
    "pantoprazol-iv-load": Regimen("pantoprazol-iv", each=80, once=True),
    "levothyroxin": Regimen("levothyroxin", (2, 0, 0, 0)),
    "levothyroxin-low": Regimen("levothyroxin", (1, 0, 0, 0)),
    "sertralin": Regimen("sertralin", (1, 0, 0, 0)),
    "mirtazapin": Regimen("mirtazapin", (0, 0, 0, 1)),
    "alendronat": Regimen("alendronat", each=1, weekday="mon"),
    "calcium": Regimen("calcium", (1, 0, 1, 0)),
    "tamsulosin": Regimen("tamsulosin", (1, 0, 0, 0)),
    "allopurinol": Regimen("allopurinol", (2, 0, 0, 0)),
    "methotrexat": Regimen("methotrexat", each=6, weekday="mon"),
    "folinsyre": Regimen("folinsyre", each=1, weekday="tue"),
    "prednisolon-course": Regimen("prednisolon", (1.5, 0, 0, 0), course_days=5),
    "prednisolon-taper": Regimen(
        "prednisolon-5",
        steps=((7, (4, 0, 0, 0)), (7, (3, 0, 0, 0)), (7, (2, 0, 0, 0)), (14, (1, 0, 0, 0))),
    ),
    "tiotropium": Regimen("tiotropium", (1, 0, 0, 0)),
    "symbicort": Regimen("symbicort", (2, 0, 2, 0)),
    "salbutamol-needed": Regimen("salbutamol", each=2, most=6),
    "ipramol": Regimen("ipramol", (1, 1, 1, 1)),
    "benzylpenicillin": Regimen("benzylpenicillin", each=1.2, hours=(0, 6, 12, 18)),
    "pivmecillinam": Regimen("pivmecillinam", (1, 1, 1, 0), course_days=5),
    "piptazo": Regimen("piptazo", each=4, hours=(6, 14, 22)),
    "cefuroxim": Regimen("cefuroxim", each=1.5, hours=(6, 14, 22)),
    "meropenem": Regimen("meropenem", each=1, hours=(6, 14, 22)),
    "clarithromycin": Regimen("clarithromycin", (1, 0, 1, 0)),
    "metronidazol": Regimen("metronidazol", each=500, hours=(6, 14, 22)),
    "kaleorid": Regimen("kaleorid", (2, 0, 2, 0)),
    "natriumchlorid": Regimen("natriumchlorid", each=1000, hours=(8, 20), over_hours=8),
    "macrogol": Regimen("macrogol", (1, 0, 0, 0)),
    "ondansetron-needed": Regimen("ondansetron", each=1, most=3),
    "zopiclon-needed": Regimen("zopiclon", each=1, most=1),
    "melatonin": Regimen("melatonin", (0, 0, 0, 1)),
    "donepezil": Regimen("donepezil", (0, 0, 0, 1)),
    "madopar": Regimen("madopar", (1, 1, 1, 1)),
    "lamotrigin": Regimen("lamotrigin", (1, 0, 1, 0)),
    "jern": Regimen("jern", (1, 0, 0, 0)),
}


def drug_of(key: str) -> Drug:
    return DRUGS[REGIMENS[key].drug]


def dosages(key: str, start: datetime, end: datetime | None) -> list[Resource]:
    """The `dosageInstruction` of an order that runs from `start` to `end` (open when there is none)."""
    regimen, drug = REGIMENS[key], drug_of(key)
    if regimen.steps:
        return _tapering(regimen, drug, start)
    if any(regimen.daily):
        return [
            _dosage(drug, _group_text(regimen, drug, amount, when), amount, _timing(start, end, when=when))
            for amount, when in _daily_groups(regimen.daily)
        ]
    if regimen.rate:
        return [_continuous(key, regimen, drug, _period(start, end))]
    dosage = _dosage(drug, summary(key), regimen.each, _timing_of_each(regimen, start, end))
    if regimen.most:
        dosage["asNeededBoolean"] = True
        dosage["maxDosePerPeriod"] = {
            "numerator": _dose(drug, regimen.each * regimen.most),
            "denominator": quantity(1, "døgn", "d"),
        }
    if regimen.over_hours:
        rate = quantity(plain(regimen.each / regimen.over_hours), "mL/time", "mL/h")
        dosage["doseAndRate"][0]["rateQuantity"] = rate
    return [dosage]


def summary(key: str) -> str:
    """The whole dosage in Danish words: `2 tabletter (1000 mg) morgen, middag, aften og nat`."""
    regimen, drug = REGIMENS[key], drug_of(key)
    if regimen.steps:
        return ", derefter ".join(_step_text(drug, *step) for step in regimen.steps)
    if any(regimen.daily):
        return _daily_text(regimen, drug)
    if regimen.rate:
        return f"{danish(regimen.rate)} {drug.form.one}/time som kontinuerlig infusion"
    one = _count(drug, regimen.each)
    if regimen.most:
        times = "1 gang" if regimen.most == 1 else f"{regimen.most} gange"
        return f"{one} efter behov, højst {times} i døgnet"
    if regimen.weekday:
        return f"{one} hver {_WEEKDAYS[regimen.weekday]} (kun én gang om ugen)"
    if regimen.once:
        return f"{one} som engangsdosis"
    hours = _listed([f"{hour or 24:02d}" for hour in sorted(regimen.hours, key=lambda hour: hour or 24)])
    over = f" over {danish(regimen.over_hours)} timer" if regimen.over_hours else ""
    return f"{one}{over} {len(regimen.hours)} gange i døgnet kl. {hours}"


def due(key: str, start: datetime, since: datetime, until: datetime) -> Iterator[tuple[datetime, float]]:
    """When doses were to be given after `since` and up to `until`, and how much; none for as-needed drugs."""
    regimen = REGIMENS[key]
    if regimen.once:
        if since < start <= until:
            yield start, regimen.each
        return
    day = clock(since, 0)
    while day <= until:
        for hour, amount in _rounds(regimen, start, day):
            at = clock(day, hour)
            if max(since, start) < at <= until:
                yield at, amount
        day += days(1)


def dose(key: str, amount: float) -> Resource:
    """`amount` of what the regimen's drug is counted in, as a quantity of the substance."""
    return _dose(drug_of(key), amount)


def route(drug: Drug) -> Resource:
    way = ROUTES[drug.form.route]
    return concept(way.name, coding(SNOMED, way.snomed))


def _rounds(regimen: Regimen, start: datetime, day: datetime) -> list[tuple[int, float]]:
    """Hour and amount of each dose of that day."""
    if regimen.hours:
        return [(hour, regimen.each) for hour in regimen.hours]
    if regimen.weekday:
        return [(8, regimen.each)] if day.weekday() == _WEEKDAY_NUMBERS[regimen.weekday] else []
    amounts = regimen.daily
    gone = (day - clock(start, 0)).days
    if regimen.course_days and gone >= regimen.course_days:
        return []
    for length, step in regimen.steps:
        amounts = step
        gone -= length
        if gone < 0 or not length:
            break
    return [(hour, amount) for (_, _, hour), amount in zip(_TIMES, amounts, strict=True) if amount]


def _tapering(regimen: Regimen, drug: Drug, start: datetime) -> list[Resource]:
    dosages: list[Resource] = []
    begins = start
    for length, amounts in regimen.steps:
        ends = begins + days(length) if length else None
        for amount, when in _daily_groups(amounts):
            text = _step_text(drug, length, amounts)
            dosage = _dosage(drug, text, amount, _timing(begins, ends, when=when))
            dosages.append({"sequence": len(dosages) + 1, **dosage})
        begins = ends or begins
    return dosages


def _step_text(drug: Drug, length: int, amounts: Amounts) -> str:
    text = _daily_text(Regimen(drug.key, amounts), drug)
    return f"{text} i {length} dage" if length else text


def _continuous(key: str, regimen: Regimen, drug: Drug, period: Resource) -> Resource:
    rate = quantity(plain(regimen.rate), f"{UNIT_NAMES[drug.unit]}/time", f"{drug.unit}/h")
    return {
        "text": summary(key),
        "timing": {"repeat": {"boundsPeriod": period}},
        "route": route(drug),
        "doseAndRate": [{"rateQuantity": rate}],
    }


def _dosage(drug: Drug, text: str, amount: float, timing: Resource) -> Resource:
    return {
        "text": text,
        "timing": timing,
        "route": route(drug),
        "doseAndRate": [{"doseQuantity": _dose(drug, amount)}],
    }


def _dose(drug: Drug, amount: float) -> Resource:
    return quantity(plain(round(amount * drug.amount, 4)), UNIT_NAMES[drug.unit], drug.unit)


def _timing(start: datetime, end: datetime | None, when: tuple[str, ...]) -> Resource:
    repeat = {"frequency": len(when), "period": 1, "periodUnit": "d", "when": list(when)}
    return {"repeat": {"boundsPeriod": _period(start, end), **repeat}}


def _timing_of_each(regimen: Regimen, start: datetime, end: datetime | None) -> Resource:
    repeat: Resource = {"boundsPeriod": _period(start, end)}
    if regimen.most:
        repeat |= {"frequency": 1, "frequencyMax": regimen.most, "period": 1, "periodUnit": "d"}
    elif regimen.weekday:
        repeat |= {"frequency": 1, "period": 1, "periodUnit": "wk", "dayOfWeek": [regimen.weekday]}
    elif regimen.once:
        repeat |= {"count": 1}
    else:
        times = [f"{hour:02d}:00:00" for hour in regimen.hours]
        repeat |= {"frequency": len(times), "period": 1, "periodUnit": "d", "timeOfDay": times}
    return {"repeat": repeat}


def _period(start: datetime, end: datetime | None) -> Resource:
    return {"start": stamp(start), "end": stamp(end)} if end else {"start": stamp(start)}


def _daily_groups(amounts: Amounts) -> list[tuple[float, tuple[str, ...]]]:
    """Equal doses together: (2, 0, 2, 1) becomes 2 at MORN and EVE, and 1 at NIGHT."""
    groups: dict[float, list[str]] = {}
    for (code, _, _), amount in zip(_TIMES, amounts, strict=True):
        if amount:
            groups.setdefault(amount, []).append(code)
    return [(amount, tuple(codes)) for amount, codes in groups.items()]


def _daily_text(regimen: Regimen, drug: Drug) -> str:
    return _listed(
        [_group_text(regimen, drug, amount, codes) for amount, codes in _daily_groups(regimen.daily)]
    )


def _group_text(regimen: Regimen, drug: Drug, amount: float, codes: tuple[str, ...]) -> str:
    text = f"{_count(drug, amount)} {_listed([_TIME_WORDS[code] for code in codes])}"
    return f"{text} i {regimen.course_days} dage" if regimen.course_days else text


def _count(drug: Drug, amount: float) -> str:
    """`1 tablet`, `2 tabletter (1000 mg)`, `4500 IE`."""
    word = drug.form.one if amount <= 1 else drug.form.several
    text = f"{danish(amount)} {word}"
    if amount == 1 or drug.amount == 1:
        return text
    return f"{text} ({danish(round(amount * drug.amount, 4))} {UNIT_NAMES[drug.unit]})"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} og {words[-1]}"
