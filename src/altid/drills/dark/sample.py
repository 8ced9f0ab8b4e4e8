"""What the drill reads: a patient who lies in a ward. A region that has nobody gets synthetic patients."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any

import httpx

from altid import sample
from altid.access.programs import Credentials
from altid.region.error import RegionError
from altid.region.layout import Layout
from altid.region.operating import tokens_of
from altid.region.topology import Region
from altid.sample import places

PATIENTS = 12
_SEED = 1
_LOAD_S = 60.0


@dataclass(frozen=True, slots=True)
class Bedside:
    """A synthetic patient in bed: `ward` is the Location's id, `organisation` the ward's SOR number."""

    patient: str
    family: str
    cpr: str
    ward: str
    organisation: str


async def have_patients(where: Layout, region: Region, base: str, trust: ssl.SSLContext) -> Bedside:
    """Load the synthetic region's first patients (twice changes nothing), and say who lies where.

    Raises `RegionError`.
    """
    tokens = tokens_of(where, region, "load")
    bundles = await asyncio.to_thread(lambda: list(sample.bundles(PATIENTS, _SEED)))
    async with httpx.AsyncClient(timeout=_LOAD_S, verify=trust, trust_env=False) as client:
        for bundle in bundles:
            await _post(client, base, bundle, tokens)
    return _first(bundles)


async def _post(client: httpx.AsyncClient, base: str, bundle: Any, tokens: Credentials) -> None:
    try:
        answer = await client.post(base, json=bundle, headers=await tokens.headers())
    except httpx.HTTPError as error:
        raise RegionError(f"Synthetic patients can't be loaded: {type(error).__name__}.") from None
    if answer.status_code >= 400:
        raise RegionError(f"Synthetic patients can't be loaded: the record answers {answer.status_code}.")


def _first(bundles: list[Any]) -> Bedside:
    bed = places.BEDS[0]
    resources = [entry["resource"] for bundle in bundles for entry in bundle["entry"]]
    ward = f"Location/r{_SEED}-{bed.ward.key}"
    inside = {
        f"Location/{one['id']}" for one in resources if (one.get("partOf") or {}).get("reference") == ward
    }
    patient = next(
        one["subject"]["reference"].partition("/")[2]
        for one in resources
        if one["resourceType"] == "Encounter"
        and one["status"] == "in-progress"
        and any(place["location"]["reference"] in inside for place in one.get("location", ()))
    )
    found = next(one for one in resources if (one["resourceType"], one["id"]) == ("Patient", patient))
    cpr = next(one["value"] for one in found["identifier"] if one["system"].endswith("1.2.208.176.1.2"))
    family = next(name["family"] for name in found["name"] if "family" in name)
    return Bedside(patient, family, cpr, ward.partition("/")[2], places.ward_sor(bed.ward))
