"""Long-standing diseases: how common with age, what is taken for them, what they do to the blood tests."""

from __future__ import annotations

from typing import NamedTuple

from altid.sample.cpr import Sex
from altid.sample.dice import Dice

HOME_DISEASES_MAX = 5
"""Beyond what the story asks for, so that a chart stays readable."""


class Disease(NamedTuple):
    key: str
    code: str
    name: str
    at_50: float
    at_80: float
    """How likely at that age; in between and beyond on a line, never below nothing."""
    takes: tuple[tuple[str, ...], ...] = ()
    """Regimens: of each group the first that the patient may have."""
    because: str = ""
    """The indication as it is written on the order."""
    tests: tuple[tuple[str, float, float], ...] = ()
    """Analyte and the range of its usual value, in the analyte's unit."""
    avoids: tuple[str, ...] = ()
    """Beginnings of ATC codes, or regimens, that are not given with it."""
    sex: Sex | None = None
    excludes: tuple[str, ...] = ()


DISEASES = {
    disease.key: disease
    for disease in (
        Disease(
            "hypertension",
            "DI109",
            "Essentiel hypertension",
            0.28,
            0.62,
            (("amlodipin", "losartan"), ("losartan", "ramipril")),
            "mod forhøjet blodtryk",
        ),
        Disease(
            "diabetes-2",
            "DE119",
            "Type 2-diabetes uden komplikationer",
            0.09,
            0.2,
            (("metformin", "metformin-half"), ("empagliflozin", "semaglutid")),
            "mod sukkersyge",
            (("hba1c", 49, 72), ("glucose", 7.2, 11.5)),
            excludes=("diabetes-1",),
        ),
        Disease(
            "diabetes-1",
            "DE109",
            "Type 1-diabetes uden komplikationer",
            0.01,
            0.01,
            (("glargin",), ("aspart",)),
            "mod sukkersyge",
            (("hba1c", 54, 78), ("glucose", 7.5, 13)),
            excludes=("diabetes-2",),
        ),
        Disease(
            "cholesterol",
            "DE780",
            "Hyperkolesterolæmi",
            0.18,
            0.38,
            (("atorvastatin", "simvastatin"),),
            "mod forhøjet kolesterol",
        ),
        Disease(
            "fibrillation",
            "DI489",
            "Atrieflimren eller atrieflagren uden specifikation",
            0.02,
            0.2,
            (("metoprolol-twice", "metoprolol"), ("apixaban", "rivaroxaban")),
            "mod atrieflimren, forebyggelse af blodprop",
        ),
        Disease(
            "ischaemia",
            "DI259",
            "Kronisk iskæmisk hjertesygdom uden specifikation",
            0.05,
            0.18,
            (("magnyl", "clopidogrel"), ("atorvastatin",), ("nitroglycerin-needed",)),
            "mod åreforkalkning i hjertet",
            avoids=("M01A",),
        ),
        Disease(
            "heart-failure",
            "DI509",
            "Hjerteinsufficiens uden specifikation",
            0.01,
            0.1,
            (
                ("furosemid",),
                ("metoprolol",),
                ("ramipril", "losartan"),
                ("spironolacton",),
                ("empagliflozin",),
            ),
            "mod hjertesvigt",
            (("probnp", 600, 1800), ("creatinine", 88, 125)),
            avoids=("M01A", "C08"),
        ),
        Disease(
            "copd",
            "DJ449",
            "Kronisk obstruktiv lungesygdom uden specifikation",
            0.05,
            0.14,
            (("tiotropium",), ("symbicort",), ("salbutamol-needed",)),
            "mod KOL",
            (("co2", 5.6, 6.4), ("o2", 8.2, 9.4)),
            excludes=("asthma",),
        ),
        Disease(
            "asthma",
            "DJ459",
            "Astma uden specifikation",
            0.08,
            0.05,
            (("symbicort",), ("salbutamol-needed",)),
            "mod astma",
            avoids=("C07", "M01A"),
            excludes=("copd",),
        ),
        Disease(
            "hypothyroidism",
            "DE039",
            "Hypotyreose uden specifikation",
            0.04,
            0.08,
            (("levothyroxin", "levothyroxin-low"),),
            "mod for lavt stofskifte",
            (("tsh", 0.8, 3.4),),
        ),
        Disease(
            "depression",
            "DF329",
            "Depressiv enkeltepisode uden specifikation",
            0.08,
            0.1,
            (("sertralin", "mirtazapin"),),
            "mod depression",
        ),
        Disease(
            "osteoporosis",
            "DM819",
            "Osteoporose uden specifikation",
            0.03,
            0.3,
            (("alendronat",), ("calcium",)),
            "mod knogleskørhed",
            sex="female",
        ),
        Disease(
            "prostate",
            "DN409",
            "Hyperplasi af prostata",
            0.06,
            0.32,
            (("tamsulosin",),),
            "mod vandladningsbesvær",
            sex="male",
        ),
        Disease(
            "kidney",
            "DN183",
            "Kronisk nyreinsufficiens stadium 3",
            0.02,
            0.16,
            (),
            "",
            (("creatinine", 112, 138), ("urea", 8.5, 13)),
            avoids=("M01A", "metformin"),
        ),
        Disease(
            "rheumatoid",
            "DM069",
            "Reumatoid artritis uden specifikation",
            0.01,
            0.02,
            (("methotrexat",), ("folinsyre",)),
            "mod leddegigt",
            (("crp", 4, 18),),
            avoids=("M01A",),
            excludes=("kidney",),
        ),
        Disease(
            "gout",
            "DM109",
            "Urinsur gigt uden specifikation",
            0.02,
            0.06,
            (("allopurinol",),),
            "forebyggelse af urinsur gigt",
        ),
        Disease("dementia", "DF039", "Demens uden specifikation", 0, 0.12, (("donepezil",),), "mod demens"),
        Disease("parkinson", "DG209", "Parkinsons sygdom", 0, 0.03, (("madopar",),), "mod Parkinsons sygdom"),
        Disease(
            "epilepsy", "DG409", "Epilepsi uden specifikation", 0.01, 0.01, (("lamotrigin",),), "mod epilepsi"
        ),
        Disease(
            "arthrosis",
            "DM199",
            "Artrose uden specifikation",
            0.08,
            0.3,
            (("paracetamol-needed",),),
            "mod smerter",
        ),
        Disease(
            "reflux", "DK219", "Gastroøsofageal refluks", 0.1, 0.14, (("pantoprazol",),), "mod halsbrand"
        ),
        Disease(
            "insomnia",
            "DG470",
            "Søvnløshed",
            0.03,
            0.1,
            (("melatonin", "zopiclon-needed"),),
            "mod søvnløshed",
        ),
    )
}


def likely(disease: Disease, age: int) -> float:
    """How likely one has it at that age."""
    slope = (disease.at_80 - disease.at_50) / 30
    return max(0.0, disease.at_50 + slope * (min(age, 90) - 50))


def fall_ill(
    dice: Dice, age: int, sex: Sex, required: tuple[str, ...], without: tuple[str, ...]
) -> tuple[Disease, ...]:
    """The diseases of one person: those required, and others by age and sex; none of `without`."""
    have = [DISEASES[key] for key in required]
    barred = {*without, *(key for disease in have for key in disease.excludes)}
    for disease in DISEASES.values():
        if disease in have or disease.key in barred or disease.sex not in (None, sex):
            continue
        if any(other.key in disease.excludes for other in have):
            continue
        if len(have) < len(required) + HOME_DISEASES_MAX and dice.chance(likely(disease, age)):
            have.append(disease)
            barred.update(disease.excludes)
    return tuple(have)
