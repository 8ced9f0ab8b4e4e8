"""What doctors and nurses write: admission note, daily note, nursing note, discharge summary (*epikrise*)."""

from __future__ import annotations

import base64
from datetime import datetime

from altid.sample.allergies import Cave
from altid.sample.analytes import ANALYTES, GASES, printed
from altid.sample.chart import Chart, Visit
from altid.sample.coding import ALTID, LOINC, Resource, coded, coding, concept
from altid.sample.dice import Dice
from altid.sample.laboratory import Sample
from altid.sample.moments import stamp
from altid.sample.person import Person
from altid.sample.prescribing import Prescription
from altid.sample.stay import Stay
from altid.sample.vitals import Charted, early_warning_score

_KINDS = {
    "admission": ("Indlæggelsesnotat", "34117-2", "History and physical note"),
    "progress": ("Journalnotat, stuegang", "11506-3", "Progress note"),
    "nursing": ("Sygeplejenotat", "34746-8", "Nurse Note"),
    "discharge": ("Epikrise", "18842-5", "Discharge summary"),
    "clinic": ("Ambulant notat", "11506-3", "Progress note"),
    "death": ("Dødsnotat", "11506-3", "Progress note"),
}


AFTER_OPERATION_DAYS = 0.15
"""From the knife to the first note that can tell of it."""
_WELL_AFTER = 0.4
"""Part of the longest stay after which a patient can be well on the way ..."""
_WELL_SCORE_MAX = 2
"""... if the early warning score is no higher."""

_MORNING = (
    "Sovet det meste af natten. Vendt og hjulpet på toilettet en gang. Ringesnor inden for rækkevidde.",
    "Vågen fra kl. 4, ellers sovet godt. Smerter i ro NRS 2. Huden er intakt.",
    "Urolig først på natten, faldt til ro efter samtale. Faldscreenet. Væskeskema føres, diurese god.",
)
_LATER_ON = (
    "Spist halvdelen af maden og drukket 3 glas. Mobiliseret til stol med en person.",
    "Hjulpet med personlig hygiejne. Huden er intakt. Har haft besøg af pårørende.",
    "Oppe til måltiderne. Væskeskema føres, diurese god. Informeret om planen for i morgen.",
)
_DYING = "Lindret, trækker vejret roligt. Mundpleje og vending hver 3. time. Pårørende er til stede."
_NOON = 12
"""Notes before this hour tell of the night."""


def write(chart: Chart, kind: str, text: str, at: datetime, visit: Visit, author: Resource) -> None:
    """A DocumentReference that holds the text itself (UTF-8, base64)."""
    title, loinc, display = _KINDS[kind]
    data = text.encode()
    chart.add(
        "DocumentReference",
        {
            "status": "current",
            "docStatus": "final",
            "type": concept(title, coding(LOINC, loinc, display)),
            "category": [coded(f"{ALTID}/document-category", "note", "Notat")],
            "subject": visit.patient,
            "date": stamp(at),
            "author": [author],
            "content": [
                {
                    "attachment": {
                        "contentType": "text/plain; charset=utf-8",
                        "language": "da",
                        "data": base64.b64encode(data).decode("ascii"),
                        "size": len(data),
                        "title": title,
                        "creation": stamp(at),
                    }
                }
            ],
            "context": {"encounter": [visit.encounter]},
        },
    )


def cave(person: Person) -> str:
    """The CAVE line of a note."""
    if person.cave is Cave.KNOWN:
        return "; ".join(allergy.text for allergy in person.allergies)
    return "Ingen kendte" if person.cave is Cave.NONE_KNOWN else "Ikke afklaret, afdækkes"


def admission(
    person: Person,
    stay: Stay,
    home: list[Prescription],
    held: list[Prescription],
    charted: Charted,
    samples: list[Sample],
    limits: tuple[str, ...],
) -> str:
    """Reason, history, CAVE, medicine, findings, tests, assessment and plan."""
    story = stay.story
    how = "elektivt" if story.planned else "akut"
    known = ", ".join(disease.name for disease in person.diseases) or "Ingen af betydning"
    medicine = [f"- {each.text}" for each in home] or ["- Ingen fast medicin"]
    pauses = [f"- {each.text}: PAUSERET" for each in held]
    return "\n".join(
        [
            f"{person.age}-årig {person.pronoun}, indlagt {how}.",
            f"CAVE: {cave(person)}.",
            "",
            "Aktuelt",
            story.complaint,
            "",
            "Tidligere og kroniske sygdomme",
            f"{known}.",
            "",
            "Medicin ved indlæggelsen",
            *medicine,
            *pauses,
            "",
            "Objektivt",
            charted.text,
            story.findings,
            "",
            "Paraklinik",
            *(_results(sample) for sample in samples),
            "",
            "Vurdering og plan",
            *(f"{number}. {line}" for number, line in enumerate(story.plan, start=1)),
            f"Behandlingsniveau: {_limits_text(limits)}",
        ]
    )


def progress(stay: Stay, charted: Charted, sample: Sample) -> str:
    """A note from the ward round of the day on which `sample` was drawn."""
    assessment, plan = _assessment(stay, charted, sample.at)
    return "\n".join(
        [
            f"{stay.story.name}, indlæggelsesdøgn {int(stay.day(charted.at)) + 1}.",
            "",
            "Objektivt",
            charted.text,
            "",
            "Paraklinik",
            _results(sample),
            "",
            "Vurdering og plan",
            assessment,
            plan,
        ]
    )


def _assessment(stay: Stay, charted: Charted, at: datetime) -> tuple[str, str]:
    if stay.fatal:
        return (
            "Tiltagende påvirket trods behandling. Prognosen er drøftet med pt. og pårørende.",
            "Lindrende behandling, øvrig behandling indstilles.",
        )
    story, day = stay.story, stay.day(charted.at)
    if stay.end and stay.end.date() == at.date():
        return story.progress[0], "Udskrives i dag."
    if story.operation and day < story.operation.day + AFTER_OPERATION_DAYS:
        return f"Afventer {story.operation.name} som planlagt.", "Faster efter instruks."
    well = day > story.stays[1] * _WELL_AFTER and early_warning_score(charted) <= _WELL_SCORE_MAX
    if well:
        return story.progress[0], "Udskrivelse planlægges."
    return story.progress[1], "Ny stuegang i morgen."


def nursing(dice: Dice, stay: Stay, charted: Charted) -> str:
    text = _DYING if stay.fatal else dice.pick(_MORNING if charted.at.hour < _NOON else _LATER_ON)
    return f"{text}\n{charted.text}"


def discharge(person: Person, stay: Stay, medicine: list[Prescription], follow_up: str) -> str:
    """What the general practitioner reads."""
    story = stay.story
    changes = [f"- {each.text} ({each.because})" for each in medicine if each.start > stay.start]
    return "\n".join(
        [
            f"{person.age}-årig {person.pronoun}.",
            f"Indlagt {stay.start:%d.%m.%Y}, udskrevet {stay.until:%d.%m.%Y}.",
            f"Aktionsdiagnose: {story.name} ({story.code}).",
            f"CAVE: {cave(person)}.",
            *([f"Operation: {story.operation.name} ({story.operation.code})."] if story.operation else []),
            "",
            "Forløb",
            story.complaint,
            *story.plan[:1],
            story.progress[0],
            "",
            "Ny eller ændret medicin",
            *(changes or ["- Ingen ændringer"]),
            "",
            "Opfølgning",
            f"{follow_up}." if follow_up else "Kontrol hos egen læge efter behov.",
        ]
    )


def death(stay: Stay) -> str:
    return "\n".join(
        [
            f"Pt. er sovet stille ind kl. {stay.until:%H:%M} med pårørende til stede.",
            f"Dødsårsag: {stay.story.name}. Ingen mistanke om unaturlig død.",
            "Sikre dødstegn konstateres efter 6 timer.",
        ]
    )


def clinic(person: Person, sample: Sample, pressure: tuple[int, int], diseases: str) -> str:
    return "\n".join(
        [
            f"{person.age}-årig {person.pronoun} til ambulant kontrol: {diseases}.",
            f"CAVE: {cave(person)}.",
            f"BT {pressure[0]}/{pressure[1]} mmHg.",
            _results(sample),
            "",
            "Vurdering og plan",
            "Velbehandlet, ingen nye symptomer. Fortsætter behandlingen uændret. Ny tid er aftalt.",
        ]
    )


def _results(sample: Sample) -> str:
    """`Hb 7,4, CRP 215, ...` with the number of decimals that the laboratory reports."""
    kind = "A-gas: " if all(key in GASES for key in sample.values) else ""
    texts = []
    for key, value in sample.values.items():
        analyte = ANALYTES[key]
        comparator, shown = printed(analyte, value)
        digits = f"{shown:.{analyte.digits}f}".replace(".", ",")
        texts.append(f"{analyte.short} {comparator}{digits}")
    return f"{kind}{', '.join(texts)}."


def _limits_text(limits: tuple[str, ...]) -> str:
    return f"{'; '.join(limits)}." if limits else "Ingen begrænsninger, fuldt behandlingsniveau."
