"""The drugs that the region stocks: ATC code, form, strength, and how they are counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from altid.sample.coding import ATC, SNOMED, Resource, coding, concept, made, plain, quantity, reference


class Form(NamedTuple):
    """A dose form, what one calls one and several of it, and how it is taken."""

    name: str
    snomed: str
    one: str
    several: str
    route: str


class Route(NamedTuple):
    name: str
    snomed: str


ROUTES = {
    "oral": Route("oral anvendelse", "26643006"),
    "iv": Route("intravenøs anvendelse", "47625008"),
    "sc": Route("subkutan anvendelse", "34206005"),
    "inhaled": Route("til inhalation", "447694001"),
    "sublingual": Route("sublingual anvendelse", "37839007"),
}

TABLET = Form("tablet", "385055001", "tablet", "tabletter", "oral")
DEPOT = Form("depottablet", "", "tablet", "tabletter", "oral")
CAPSULE = Form("kapsel", "385049006", "kapsel", "kapsler", "oral")
SACHET = Form("pulver til oral opløsning", "", "brev", "breve", "oral")
INJECTION = Form("injektionsvæske", "385219001", "mg", "mg", "iv")
GRAMS = Form("pulver til injektion/infusion", "", "g", "g", "iv")
UNDER_SKIN = Form("injektionsvæske", "385219001", "mg", "mg", "sc")
INFUSED_UNITS = Form("infusionsvæske", "385229008", "IE", "IE", "iv")
UNITS = Form("injektionsvæske", "385219001", "IE", "IE", "sc")
PEN = Form("injektionsvæske i pen", "385219001", "injektion", "injektioner", "sc")
INFUSION = Form("infusionsvæske", "385229008", "mL", "mL", "iv")
INFUSED = Form("infusionsvæske", "385229008", "mg", "mg", "iv")
INHALER = Form("inhalationspulver", "", "inhalation", "inhalationer", "inhaled")
SPRAY = Form("inhalationsspray", "", "pust", "pust", "inhaled")
NEBULISER = Form("inhalationsvæske til nebulisator", "", "dosis", "doser", "inhaled")
MOUTH_SPRAY = Form("sublingualspray", "", "pust", "pust", "sublingual")


class Drug(NamedTuple):
    """`strength` is what people read; one of the form (a tablet, a puff) holds `amount` `unit` (UCUM).

    Forms that are counted in mg, g, IE (international units) or mL hold one of it.
    """

    key: str
    atc: str
    substance: str
    trade: str
    form: Form
    strength: str
    amount: float
    unit: str

    @property
    def display(self) -> str:
        return f"{self.substance} ({self.trade}) {self.form.name} {self.strength}"


_TABLE: tuple[tuple[str, str, str, str, Form, str, float, str], ...] = (
    ("paracetamol", "N02BE01", "paracetamol", "Panodil", TABLET, "500 mg", 500, "mg"),
    ("ibuprofen", "M01AE01", "ibuprofen", "Ibumetin", TABLET, "400 mg", 400, "mg"),
    ("morfin", "N02AA01", "morfin", "Morfin", TABLET, "10 mg", 10, "mg"),
    ("morfin-injection", "N02AA01", "morfin", "Morfin", UNDER_SKIN, "10 mg/mL", 1, "mg"),
    ("oxycodon", "N02AA05", "oxycodon", "OxyNorm", CAPSULE, "5 mg", 5, "mg"),
    ("metformin", "A10BA02", "metformin", "Metformin", TABLET, "500 mg", 500, "mg"),
    ("empagliflozin", "A10BK03", "empagliflozin", "Jardiance", TABLET, "10 mg", 10, "mg"),
    ("semaglutid", "A10BJ06", "semaglutid", "Ozempic", PEN, "1 mg", 1, "mg"),
    ("glargin", "A10AE04", "insulin glargin", "Lantus", UNITS, "100 IE/mL", 1, "[iU]"),
    ("aspart", "A10AB05", "insulin aspart", "NovoRapid", UNITS, "100 IE/mL", 1, "[iU]"),
    ("aspart-infusion", "A10AB05", "insulin aspart", "NovoRapid", INFUSED_UNITS, "1 IE/mL", 1, "[iU]"),
    ("furosemid", "C03CA01", "furosemid", "Furix", TABLET, "40 mg", 40, "mg"),
    ("furosemid-iv", "C03CA01", "furosemid", "Furix", INJECTION, "10 mg/mL", 1, "mg"),
    ("spironolacton", "C03DA01", "spironolacton", "Spirix", TABLET, "25 mg", 25, "mg"),
    ("metoprolol", "C07AB02", "metoprolol", "Selo-Zok", DEPOT, "50 mg", 50, "mg"),
    ("ramipril", "C09AA05", "ramipril", "Ramipril", TABLET, "5 mg", 5, "mg"),
    ("losartan", "C09CA01", "losartan", "Losartan", TABLET, "50 mg", 50, "mg"),
    ("amlodipin", "C08CA01", "amlodipin", "Norvasc", TABLET, "5 mg", 5, "mg"),
    ("atorvastatin", "C10AA05", "atorvastatin", "Zarator", TABLET, "40 mg", 40, "mg"),
    ("simvastatin", "C10AA01", "simvastatin", "Zocor", TABLET, "40 mg", 40, "mg"),
    ("magnyl", "B01AC06", "acetylsalicylsyre", "Hjertemagnyl", TABLET, "75 mg", 75, "mg"),
    ("clopidogrel", "B01AC04", "clopidogrel", "Plavix", TABLET, "75 mg", 75, "mg"),
    ("ticagrelor", "B01AC24", "ticagrelor", "Brilique", TABLET, "90 mg", 90, "mg"),
    ("apixaban", "B01AF02", "apixaban", "Eliquis", TABLET, "5 mg", 5, "mg"),
    ("apixaban-2", "B01AF02", "apixaban", "Eliquis", TABLET, "2,5 mg", 2.5, "mg"),
    ("rivaroxaban", "B01AF01", "rivaroxaban", "Xarelto", TABLET, "20 mg", 20, "mg"),
    ("tinzaparin", "B01AB10", "tinzaparin", "Innohep", UNITS, "10.000 IE/mL", 1, "[iU]"),
    ("fondaparinux", "B01AX05", "fondaparinux", "Arixtra", PEN, "2,5 mg", 2.5, "mg"),
    ("nitroglycerin", "C01DA02", "glyceryltrinitrat", "Nitrolingual", MOUTH_SPRAY, "0,4 mg/dosis", 0.4, "mg"),
    ("pantoprazol", "A02BC02", "pantoprazol", "Pantoloc", TABLET, "40 mg", 40, "mg"),
    ("pantoprazol-iv", "A02BC02", "pantoprazol", "Pantoloc", INJECTION, "40 mg", 1, "mg"),
    ("levothyroxin", "H03AA01", "levothyroxin", "Eltroxin", TABLET, "50 mikrogram", 50, "ug"),
    ("sertralin", "N06AB06", "sertralin", "Zoloft", TABLET, "50 mg", 50, "mg"),
    ("mirtazapin", "N06AX11", "mirtazapin", "Remeron", TABLET, "15 mg", 15, "mg"),
    ("alendronat", "M05BA04", "alendronat", "Fosamax", TABLET, "70 mg", 70, "mg"),
    ("calcium", "A12AX", "calcium og D-vitamin", "Unikalk Forte", TABLET, "400 mg + 19 mikrogram", 400, "mg"),
    ("tamsulosin", "G04CA02", "tamsulosin", "Omnic", CAPSULE, "0,4 mg", 0.4, "mg"),
    ("allopurinol", "M04AA01", "allopurinol", "Allopurinol", TABLET, "100 mg", 100, "mg"),
    ("methotrexat", "L04AX03", "methotrexat", "Methotrexat", TABLET, "2,5 mg", 2.5, "mg"),
    ("folinsyre", "B03BB01", "folsyre", "Folimet", TABLET, "5 mg", 5, "mg"),
    ("prednisolon", "H02AB06", "prednisolon", "Prednisolon", TABLET, "25 mg", 25, "mg"),
    ("prednisolon-5", "H02AB06", "prednisolon", "Prednisolon", TABLET, "5 mg", 5, "mg"),
    ("tiotropium", "R03BB04", "tiotropium", "Spiriva", INHALER, "18 mikrogram/dosis", 18, "ug"),
    ("symbicort", "R03AK07", "budesonid og formoterol", "Symbicort", INHALER, "160/4,5 mikrogram", 160, "ug"),
    ("salbutamol", "R03AC02", "salbutamol", "Ventoline", SPRAY, "0,1 mg/dosis", 0.1, "mg"),
    ("ipramol", "R03AL02", "salbutamol og ipratropium", "Ipramol", NEBULISER, "2,5 mg + 0,5 mg", 2.5, "mg"),
    ("benzylpenicillin", "J01CE01", "benzylpenicillin", "Benzylpenicillin", GRAMS, "1,2 g", 1, "g"),
    ("pivmecillinam", "J01CA08", "pivmecillinam", "Selexid", TABLET, "400 mg", 400, "mg"),
    ("piptazo", "J01CR05", "piperacillin/tazobactam", "Tazocin", GRAMS, "4 g/0,5 g", 1, "g"),
    ("cefuroxim", "J01DC02", "cefuroxim", "Zinacef", GRAMS, "1,5 g", 1, "g"),
    ("meropenem", "J01DH02", "meropenem", "Meronem", GRAMS, "1 g", 1, "g"),
    ("clarithromycin", "J01FA09", "clarithromycin", "Klacid", TABLET, "500 mg", 500, "mg"),
    ("metronidazol", "J01XD01", "metronidazol", "Metronidazol", INFUSED, "5 mg/mL", 1, "mg"),
    ("kaleorid", "A12BA01", "kaliumchlorid", "Kaleorid", DEPOT, "750 mg", 750, "mg"),
    ("natriumchlorid", "B05BB01", "natriumchlorid", "Natriumchlorid", INFUSION, "9 mg/mL", 1, "mL"),
    ("macrogol", "A06AD65", "macrogol, kombinationer", "Movicol", SACHET, "13,8 g", 13.8, "g"),
    ("ondansetron", "A04AA01", "ondansetron", "Zofran", TABLET, "4 mg", 4, "mg"),
    ("zopiclon", "N05CF01", "zopiclon", "Imoclone", TABLET, "3,75 mg", 3.75, "mg"),
    ("melatonin", "N05CH01", "melatonin", "Circadin", DEPOT, "2 mg", 2, "mg"),
    ("donepezil", "N06DA02", "donepezil", "Aricept", TABLET, "10 mg", 10, "mg"),
    ("madopar", "N04BA02", "levodopa og benserazid", "Madopar", CAPSULE, "100 mg + 25 mg", 100, "mg"),
    ("lamotrigin", "N03AX09", "lamotrigin", "Lamictal", TABLET, "100 mg", 100, "mg"),
    ("jern", "B03AA07", "ferrosulfat", "Ferro Duretter", DEPOT, "100 mg", 100, "mg"),
)

DRUGS = {row[0]: Drug(*row) for row in _TABLE}


def drug_reference(region: str, drug: Drug) -> Resource:
    return reference(f"Medication/{region}-{drug.key}", drug.display)


def resources(region: str) -> Iterator[Resource]:
    """A Medication for each drug."""
    for drug in DRUGS.values():
        form = concept(drug.form.name, *([coding(SNOMED, drug.form.snomed)] if drug.form.snomed else []))
        yield made(
            "Medication",
            f"{region}-{drug.key}",
            {
                "code": concept(
                    f"{drug.trade} {drug.strength} {drug.form.name}", coding(ATC, drug.atc, drug.substance)
                ),
                "status": "active",
                "form": form,
                "ingredient": [
                    {
                        "itemCodeableConcept": concept(drug.substance),
                        "isActive": True,
                        "strength": _strength(drug),
                    }
                ],
            },
        )


_HOLDS = {
    "furosemid-iv": (10.0, "mg", "mL"),
    "glargin": (100.0, "[iU]", "mL"),
    "aspart": (100.0, "[iU]", "mL"),
    "aspart-infusion": (1.0, "[iU]", "mL"),
    "tinzaparin": (10_000.0, "[iU]", "mL"),
    "morfin-injection": (10.0, "mg", "mL"),
    "metronidazol": (5.0, "mg", "mL"),
    "natriumchlorid": (9.0, "mg", "mL"),
    "benzylpenicillin": (1.2, "g", "hætteglas"),
    "cefuroxim": (1.5, "g", "hætteglas"),
    "meropenem": (1.0, "g", "hætteglas"),
    "pantoprazol-iv": (40.0, "mg", "hætteglas"),
    "piptazo": (4.0, "g", "hætteglas"),
}
"""What a millilitre or a vial (*hætteglas*) holds, for drugs that are dosed by the substance and not by
piece.
"""


def _strength(drug: Drug) -> Resource:
    amount, unit, per = _HOLDS.get(drug.key, (drug.amount, drug.unit, drug.form.one))
    return {
        "numerator": quantity(plain(amount), UNIT_NAMES[unit], unit),
        "denominator": quantity(1, per, "mL" if per == "mL" else "1"),
    }


UNIT_NAMES = {"mg": "mg", "g": "g", "ug": "mikrogram", "[iU]": "IE", "mL": "mL"}
