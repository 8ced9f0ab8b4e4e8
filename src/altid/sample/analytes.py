"""What the laboratories measure: NPU codes, units, and the usual Danish reference intervals for adults.

Names are the national short names (*kortnavne*), where the letters after the semicolon say what was measured
in: P plasma, B blood, P(aB) plasma of arterial blood.
"""

from __future__ import annotations

from typing import NamedTuple

from altid.sample.cpr import Sex


class Limits(NamedTuple):
    """A reference interval; either end may be open."""

    low: float | None
    high: float | None


class Unit(NamedTuple):
    """As people read it, and in UCUM."""

    name: str
    ucum: str


class Analyte(NamedTuple):
    """One analysis. What is possible in a living person lies within `possible`."""

    key: str
    npu: str
    name: str
    short: str
    unit: Unit
    digits: int
    men: Limits
    women: Limits
    possible: tuple[float, float]

    def limits(self, sex: Sex) -> Limits:
        return self.men if sex == "male" else self.women


_MMOL = Unit("mmol/L", "mmol/L")
_UMOL = Unit("µmol/L", "umol/L")
_MG = Unit("mg/L", "mg/L")
_NG = Unit("ng/L", "ng/L")
_UG = Unit("µg/L", "ug/L")
_G = Unit("g/L", "g/L")
_FEU = Unit("mg/L FEU", "mg/L{FEU}")
_ACTIVITY = Unit("U/L", "U/L")
_CELLS = Unit("× 10⁹/L", "10*9/L")
_KPA = Unit("kPa", "kPa")
_PER_MOL = Unit("mmol/mol", "mmol/mol")
_FILTERED = Unit("mL/min", "mL/min")
_MIU = Unit("× 10⁻³ IU/L", "m[IU]/L")
_NONE = Unit("", "1")

_Range = tuple[float | None, float | None]
_Row = tuple[str, str, str, str, Unit, int, _Range, _Range | None, tuple[float, float]]

_TABLE: tuple[_Row, ...] = (
    ("hb", "NPU02319", "Hæmoglobin;B", "Hb", _MMOL, 1, (8.3, 10.5), (7.3, 9.5), (3.2, 12)),
    ("leukocytes", "NPU02593", "Leukocytter;B", "Leukocytter", _CELLS, 1, (3.5, 8.8), None, (0.8, 45)),
    ("neutrophils", "NPU02902", "Neutrofilocytter;B", "Neutrofile", _CELLS, 2, (1.5, 7.5), None, (0.3, 40)),
    ("platelets", "NPU03568", "Trombocytter;B", "Trombocytter", _CELLS, 0, (145, 350), (165, 400), (20, 900)),
    ("crp", "NPU19748", "C-reaktivt protein [CRP];P", "CRP", _MG, 0, (None, 8), None, (1, 480)),
    ("sodium", "NPU03429", "Natrium;P", "Na", _MMOL, 0, (137, 145), None, (112, 162)),
    ("potassium", "NPU03230", "Kalium;P", "K", _MMOL, 1, (3.5, 4.4), None, (2.4, 6.9)),
    ("creatinine", "NPU18016", "Kreatinin;P", "Kreatinin", _UMOL, 0, (60, 105), (45, 90), (35, 850)),
    ("egfr", "DNK35302", "eGFR / 1,73m² (CKD-EPI);Nyre", "eGFR", _FILTERED, 0, (60, None), None, (4, 140)),
    ("urea", "NPU01459", "Karbamid;P", "Karbamid", _MMOL, 1, (3.5, 8.1), None, (1.5, 45)),
    ("albumin", "NPU19673", "Albumin;P", "Albumin", _G, 0, (36, 45), None, (15, 50)),
    ("alat", "NPU19651", "Alanintransaminase [ALAT];P", "ALAT", _ACTIVITY, 0, (10, 70), (10, 45), (5, 2500)),
    ("alp", "NPU27783", "Basisk fosfatase;P", "Basisk fosf.", _ACTIVITY, 0, (35, 105), None, (20, 1200)),
    ("bilirubin", "NPU01370", "Bilirubiner;P", "Bilirubin", _UMOL, 0, (5, 25), None, (2, 350)),
    ("amylase", "NPU19653", "Amylase, pankreastype;P", "Amylase", _ACTIVITY, 0, (10, 65), None, (5, 2000)),
    ("glucose", "NPU02192", "Glukose;P", "Glukose", _MMOL, 1, (4.2, 7.8), None, (2.1, 45)),
    ("hba1c", "NPU27300", "Hæmoglobin A1c (IFCC);Hb(B)", "HbA1c", _PER_MOL, 0, (None, 48), None, (25, 140)),
    ("inr", "NPU01685", "Koagulationsfaktor II+VII+X [INR];P", "INR", _NONE, 1, (None, 1.2), None, (0.9, 8)),
    ("troponin", "NPU27501", "Troponin T;P", "Troponin T", _NG, 0, (None, 14), None, (3, 9000)),
    ("probnp", "NPU21571", "NT-proBNP;P", "NT-proBNP", _NG, 0, (None, 300), None, (30, 30000)),
    ("d-dimer", "NPU19767", "Fibrin D-dimer;P", "D-dimer", _FEU, 2, (None, 0.50), None, (0.15, 20)),
    ("magnesium", "NPU02647", "Magnesium;P", "Mg", _MMOL, 2, (0.71, 0.94), None, (0.35, 1.4)),
    ("tsh", "NPU03577", "Thyrotropin [TSH];P", "TSH", _MIU, 2, (0.30, 4.00), None, (0.01, 60)),
    ("ldl", "NPU01568", "Kolesterol LDL;P", "LDL", _MMOL, 1, (None, 3.0), None, (0.6, 8)),
    ("ferritin", "NPU19763", "Ferritin;P", "Ferritin", _UG, 0, (15, 300), (12, 200), (4, 2500)),
    ("ph", "NPU12474", "pH;P(aB)", "pH", _NONE, 2, (7.37, 7.45), None, (6.95, 7.60)),
    ("co2", "NPU01470", "pCO2;P(aB)", "pCO2", _KPA, 1, (4.7, 6.0), (4.3, 5.7), (2.2, 14)),
    ("o2", "NPU08977", "pO2;P(aB)", "pO2", _KPA, 1, (9.6, 13.7), None, (4.5, 40)),
    ("bicarbonate", "NPU02410", "Hydrogenkarbonat (standard);P", "HCO3", _MMOL, 1, (22, 27), None, (4, 45)),
    ("lactate", "NPU03943", "Laktat;P(aB)", "Laktat", _MMOL, 1, (0.5, 1.6), None, (0.4, 14)),
    ("ketones", "NPU02424", "3-Hydroxybutyrat;P", "Ketoner", _MMOL, 1, (None, 0.5), None, (0.1, 9)),
)

ANALYTES = {
    key: Analyte(key, npu, name, short, unit, digits, Limits(*men), Limits(*(women or men)), possible)
    for key, npu, name, short, unit, digits, men, women, possible in _TABLE
}

GASES = ("ph", "co2", "o2", "bicarbonate", "lactate")
"""Arterial puncture: drawn by a doctor on the ward and measured there."""

REPORTED_FROM = {"crp": 4, "troponin": 6, "d-dimer": 0.27}
"""Below this the analyser only says "less than"."""

REPORTED_TO = {"egfr": 90}
"""Above this only "more than" is reported."""

ALARMS = {
    "hb": Limits(4.5, None),
    "sodium": Limits(120, 155),
    "potassium": Limits(2.8, 6.2),
    "glucose": Limits(2.5, 25),
    "inr": Limits(None, 5),
    "ph": Limits(7.20, 7.60),
    "lactate": Limits(None, 4),
}
"""Outside these the laboratory phones the ward at once."""

NO_LIMITS = Limits(None, None)


def printed(analyte: Analyte, value: float) -> tuple[str, float]:
    """What stands before the number on the report ("<", ">" or nothing) and the number."""
    lowest, highest = REPORTED_FROM.get(analyte.key), REPORTED_TO.get(analyte.key)
    if lowest is not None and value < lowest:
        return "<", lowest
    if highest is not None and value > highest:
        return ">", highest
    return "", value
