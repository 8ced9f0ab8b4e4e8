"""The region, its hospitals, wards and beds, the laboratories and the general practices.

No hospital or region of these names exists. The SOR numbers (SOR: the national register of health care
organisations) are twelve digits beginning with 9990: long enough for dk-core, and known at sight.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from altid.sample.coding import (
    BASE,
    DK_CORE_CODES,
    HL7,
    SNOMED,
    Resource,
    coded,
    coding,
    concept,
    made,
    reference,
)

REGION_NAME = "Region Nordbælt"
REGION_CODE = "DK-82"
"""The towns are those of central Jutland, so the subdivision is that one's."""

BEDS_PER_WARD = 16
BEDS_FILLED_PER_WARD = 14
"""So that a ward always has a free bed to show."""

_SOR = "urn:oid:1.2.208.176.1.1"
_REGION_NUMBER = 1


class Specialty(NamedTuple):
    name: str
    snomed: str


SPECIALTIES = {
    "acute": Specialty("akutmedicin", "773568002"),
    "cardiology": Specialty("kardiologi", "394579002"),
    "endocrinology": Specialty("endokrinologi", "394583002"),
    "geriatrics": Specialty("geriatri", "394811001"),
    "internal": Specialty("intern medicin", "419192003"),
    "neurology": Specialty("neurologi", "394591006"),
    "orthopaedics": Specialty("ortopædisk kirurgi", "394801008"),
    "respiratory": Specialty("lungesygdomme", "418112009"),
    "surgery": Specialty("kirurgi", "394609007"),
}


class Hospital(NamedTuple):
    key: str
    name: str
    city: str
    postcode: str
    wards: tuple[tuple[str, str], ...]
    """Name and specialty of each ward (*afsnit*)."""


HOSPITALS = (
    Hospital(
        "h1",
        "Nordbælt Universitetshospital",
        "Aarhus N",
        "8200",
        (
            ("Hjertesygdomme, sengeafsnit H1", "cardiology"),
            ("Lungesygdomme, sengeafsnit L1", "respiratory"),
            ("Ortopædkirurgi, sengeafsnit O1", "orthopaedics"),
            ("Akutafdelingen, sengeafsnit A1", "acute"),
            ("Neurologi, apopleksiafsnit N1", "neurology"),
            ("Mave- og tarmkirurgi, sengeafsnit K1", "surgery"),
            ("Ældresygdomme, sengeafsnit G1", "geriatrics"),
            ("Diabetes og hormonsygdomme, sengeafsnit E1", "endocrinology"),
        ),
    ),
    Hospital(
        "h2",
        "Regionshospitalet Lindholt",
        "Viborg",
        "8800",
        (
            ("Ortopædkirurgi, sengeafsnit O2", "orthopaedics"),
            ("Mave- og tarmkirurgi, sengeafsnit K2", "surgery"),
            ("Hjertesygdomme, sengeafsnit H2", "cardiology"),
            ("Akutafdelingen, sengeafsnit A2", "acute"),
            ("Neurologi, apopleksiafsnit N2", "neurology"),
            ("Ældresygdomme, sengeafsnit G2", "geriatrics"),
        ),
    ),
    Hospital(
        "h3",
        "Regionshospitalet Havnsø",
        "Horsens",
        "8700",
        (
            ("Akutafdelingen, sengeafsnit A3", "acute"),
            ("Ældresygdomme, sengeafsnit G3", "geriatrics"),
            ("Medicinsk sengeafsnit M3", "internal"),
            ("Mave- og tarmkirurgi, sengeafsnit K3", "surgery"),
            ("Lungesygdomme, sengeafsnit L3", "respiratory"),
        ),
    ),
    Hospital(
        "h4",
        "Sygehuset Fjordby",
        "Holstebro",
        "7500",
        (
            ("Medicinsk sengeafsnit M4", "internal"),
            ("Apopleksi- og neurorehabilitering N4", "neurology"),
            ("Ortopædkirurgi, sengeafsnit O4", "orthopaedics"),
            ("Diabetes og hormonsygdomme, sengeafsnit E4", "endocrinology"),
        ),
    ),
)

SERVICES = (
    ("biochemistry", "Klinisk Biokemisk Afdeling", "394596001", "klinisk biokemi"),
    ("microbiology", "Klinisk Mikrobiologisk Afdeling", "408454008", "klinisk mikrobiologi"),
    ("pathology", "Patologisk Institut", "394915009", "patologisk anatomi"),
    ("radiology", "Røntgen og Skanning", "394914008", "diagnostisk radiologi"),
    ("heart", "Hjertemedicinsk Laboratorium", "394579002", "kardiologi"),
    ("therapy", "Fysio- og Ergoterapi", "722138006", "fysioterapi"),
)
"""Every hospital has these; wards send requisitions to them."""

PRACTICES = (
    "Lægehuset Algade",
    "Lægerne ved Åen",
    "Lægehuset Kastanien",
    "Familielægerne Birkevej",
    "Lægerne Bymidten",
    "Lægehuset Fjorden",
    "Praksis Torvet",
    "Lægefællesskabet Vest",
    "Lægehuset Skovbrynet",
    "Lægerne Havnegade",
    "Sundhedshuset Nord",
    "Lægehuset Markvej",
)


class Ward(NamedTuple):
    key: str
    hospital: Hospital
    name: str
    specialty: str


class Bed(NamedTuple):
    ward: Ward
    number: int

    @property
    def name(self) -> str:
        return f"Stue {(self.number + 1) // 2}, seng {2 - self.number % 2}"


WARDS = tuple(
    Ward(f"{hospital.key}-w{number}", hospital, name, specialty)
    for hospital in HOSPITALS
    for number, (name, specialty) in enumerate(hospital.wards, start=1)
)

_WARDS_TOGETHER = 2
"""Wards of each hospital that fill up side by side, so that a small region has a few lively wards."""


def _beds_in_turn() -> tuple[Bed, ...]:
    """The beds in the order in which patients are put into them."""
    beds: list[Bed] = []
    wards_most = max(len(hospital.wards) for hospital in HOSPITALS)
    for first in range(0, wards_most, _WARDS_TOGETHER):
        wave = [
            ward
            for offset in range(_WARDS_TOGETHER)
            for hospital in HOSPITALS
            for ward in WARDS
            if ward.hospital is hospital and ward.key == f"{hospital.key}-w{first + offset + 1}"
        ]
        beds += [Bed(ward, number) for number in range(1, BEDS_FILLED_PER_WARD + 1) for ward in wave]
    return tuple(beds)


BEDS = _beds_in_turn()


def ward_for(specialties: tuple[str, ...], turn: int) -> Ward:
    """A ward of one of these specialties, a different one as `turn` counts on."""
    fitting = [ward for ward in WARDS if ward.specialty in specialties]
    return fitting[turn % len(fitting)]


def ward_reference(region: str, ward: Ward) -> Resource:
    return reference(f"Organization/{region}-{ward.key}", ward.name)


def ward_place(region: str, ward: Ward) -> Resource:
    return reference(f"Location/{region}-{ward.key}", ward.name)


def bed_place(region: str, bed: Bed) -> Resource:
    return reference(f"Location/{region}-{bed.ward.key}-b{bed.number}", bed.name)


def hospital_reference(region: str, hospital: Hospital) -> Resource:
    return reference(f"Organization/{region}-{hospital.key}", hospital.name)


def service_reference(region: str, hospital: Hospital, service: str) -> Resource:
    name = next(entry[1] for entry in SERVICES if entry[0] == service)
    return reference(f"Organization/{region}-{hospital.key}-{service}", f"{name}, {hospital.name}")


def practice_reference(region: str, number: int) -> Resource:
    """General practice `number`, counted round."""
    index = number % len(PRACTICES)
    return reference(f"Organization/{region}-gp{index + 1}", PRACTICES[index])


def resources(region: str) -> Iterator[Resource]:
    """Organisations first, each after the one it is part of, then places likewise."""
    yield from _organisations(region)
    yield from _places(region)


def _organisations(region: str) -> Iterator[Resource]:
    yield _organisation(
        region, "region", _REGION_NUMBER, REGION_NAME, coded(f"{HL7}/organization-type", "prov")
    )
    for hospital_number, hospital in enumerate(HOSPITALS, start=1):
        sor = 1000 * hospital_number
        kind = coded(SNOMED, "22232009", "Hospital")
        yield _organisation(region, hospital.key, sor, hospital.name, kind, part_of=f"{region}-region")
        department = coded(f"{HL7}/organization-type", "dept", "Hospital Department")
        for number, ward in enumerate(_wards(hospital), start=1):
            yield _organisation(
                region, ward.key, sor + number, ward.name, department, f"{region}-{hospital.key}"
            )
        for number, (key, name, snomed, specialty) in enumerate(SERVICES, start=101):
            kind = concept(specialty, *department["coding"], coding(SNOMED, snomed, specialty))
            yield _organisation(
                region, f"{hospital.key}-{key}", sor + number, name, kind, f"{region}-{hospital.key}"
            )
    for number, name in enumerate(PRACTICES, start=1):
        kind = coded(SNOMED, "394761003", "GP practice site")
        yield _organisation(region, f"gp{number}", 9000 + number, name, kind)


def _organisation(
    region: str, key: str, sor: int, name: str, kind: Resource, part_of: str | None = None
) -> Resource:
    elements: Resource = {
        "identifier": [{"use": "official", "system": _SOR, "value": _sor(sor)}],
        "active": True,
        "type": [kind],
        "name": name,
    }
    if part_of:
        elements["partOf"] = reference(f"Organization/{part_of}")
    if key == "region":
        elements["identifier"].append(
            {"system": f"{DK_CORE_CODES}/dk-core-regional-subdivision-codes", "value": REGION_CODE}
        )
    return made("Organization", f"{region}-{key}", elements)


def _places(region: str) -> Iterator[Resource]:
    for hospital in HOSPITALS:
        address = {
            "use": "work",
            "city": hospital.city,
            "postalCode": hospital.postcode,
            "country": "DK",
        }
        yield _place(region, hospital.key, hospital.name, "bu", "Building", hospital.key, address=address)
        for ward in _wards(hospital):
            yield _place(region, ward.key, ward.name, "wa", "Ward", ward.key, hospital.key)
            for number in range(1, BEDS_PER_WARD + 1):
                bed = Bed(ward, number)
                yield _place(region, f"{ward.key}-b{number}", bed.name, "bd", "Bed", ward.key, ward.key)


def _place(
    region: str,
    key: str,
    name: str,
    physical: str,
    physical_name: str,
    owner: str,
    part_of: str | None = None,
    address: Resource | None = None,
) -> Resource:
    elements: Resource = {"status": "active", "name": name, "mode": "instance"}
    if address:
        elements["address"] = address
    elements["physicalType"] = coded(f"{HL7}/location-physical-type", physical, physical_name)
    elements["managingOrganization"] = reference(f"Organization/{region}-{owner}")
    if part_of:
        elements["partOf"] = reference(f"Location/{region}-{part_of}")
    return made("Location", f"{region}-{key}", elements)


def _wards(hospital: Hospital) -> list[Ward]:
    return [ward for ward in WARDS if ward.hospital is hospital]


def region_sor() -> str:
    return _sor(_REGION_NUMBER)


def hospital_sor(hospital: Hospital) -> str:
    return _sor(1000 * (HOSPITALS.index(hospital) + 1))


def ward_sor(ward: Ward) -> str:
    return _sor(1000 * (HOSPITALS.index(ward.hospital) + 1) + _wards(ward.hospital).index(ward) + 1)


def _sor(number: int) -> str:
    return f"9990{number:08d}"


def full_url(resource: Resource) -> str:
    """The address of a resource inside the sample region."""
    return f"{BASE}/{resource['resourceType']}/{resource['id']}"
