"""The record looked at as its users will: found, opened, written, and the same at both sites."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from altid.access.programs import Credentials, bearer
from altid.cli.demoing.filling import altid
from altid.cli.demoing.narrator import Narrator

_ANSWER_S_MAX = 30.0
_OF_NOBODY = (b'"code":{"text":"drill"}', b'"code":"HTEST"')
"""What the drills' own registers hold, and what is signed as a test all the time: they are no part of the
record that is compared."""

_COUNT = "/fhir/Patient?_summary=count&_tag:not=http://terminology.hl7.org/CodeSystem/v3-ActReason|HTEST"
"""Nobody for whom only test orders are signed."""


async def look(
    address: str, patients: int, program: Credentials, doctor: str | None, narrator: Narrator, where: str = ""
) -> str:
    """Look at a server's record; gives the id of a patient with a page worth seeing. Raises `DemoError`.

    `program` sees all. `doctor` is the token of somebody at the ward of the first patients: for the page.
    """
    headers = await program.headers()
    async with httpx.AsyncClient(base_url=address, timeout=_ANSWER_S_MAX, headers=headers) as http:
        unknown = await http.get("/fhir/Patient", headers={"Authorization": "Bearer nobody"})
        narrator.expect(unknown.status_code == 401, f"{where}without a token nothing is answered")
        counted = (await _get(http, _COUNT, narrator))["total"]
        narrator.expect(counted >= patients, f"{where}{counted} patients can be found")
        admitted = await _get(
            http,
            "/fhir/Encounter?status=in-progress&_include=Encounter:subject&_count=1",
            narrator,
            bearer(doctor) if doctor else None,
        )
        found = next(
            entry["resource"] for entry in admitted["entry"] if entry["resource"]["resourceType"] == "Patient"
        )
        narrator.expect(
            "name" in found, f"{where}an admitted patient is found with the admission", quiet=True
        )
        results = await _get(http, f"/fhir/Observation?patient={found['id']}&_sort=-date&_count=50", narrator)
        entries = results.get("entry", ())
        narrator.expect(bool(entries), f"{where}{len(entries)} of an admitted patient's results are read")
        kept = await _keeps_digits(http)
        narrator.expect(kept, f"{where}a decimal comes back with the digits it was written with")
        if doctor:
            page = await http.get(f"/patient/{found['id']}", headers={"Cookie": f"altid={doctor}"})
            shown = page.text.casefold()
            is_theirs = page.status_code == 200 and found["name"][0]["family"].casefold() in shown
            narrator.expect(is_theirs, f"{where}the patient's page opens for the doctor and shows the name")
        return str(found["id"])


async def _get(
    http: httpx.AsyncClient, path: str, narrator: Narrator, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    response = await http.get(path, headers=headers)
    narrator.expect(response.status_code == 200, f"GET {path.partition('?')[0]} is answered", quiet=True)
    content: dict[str, Any] = response.json()
    return content


async def _keeps_digits(http: httpx.AsyncClient) -> bool:
    body = (
        b'{"resourceType":"Basic","id":"demo","code":{"text":"x"},'
        b'"extension":[{"url":"https://altid.dk/x","valueDecimal":1.00}]}'
    )
    await http.put("/fhir/Basic/demo", content=body, headers={"content-type": "application/fhir+json"})
    return b'"valueDecimal":1.00' in (await http.get("/fhir/Basic/demo")).content


class Digest(NamedTuple):
    """A site's whole record, but for what drills write: how many resources, and a digest of all bytes."""

    resources: int
    sha256: str


async def digests(data: Path, addresses: dict[str, str], folder: Path) -> dict[str, Digest]:
    """Read everything of the region in the data folder from each FHIR base, at the same time, into `folder`.

    Raises `DemoError`.
    """
    region = ["--data", str(data)]
    await asyncio.gather(
        *(
            altid(*region, "--quiet", "export", "--server", address, "--out", str(folder / name))
            for name, address in addresses.items()
        )
    )
    return {name: await asyncio.to_thread(digest, folder / name) for name in addresses}


def digest(folder: Path) -> Digest:
    """Of an export: its files by name, their lines in order."""
    told, resources = hashlib.sha256(), 0
    for path in sorted(folder.glob("*.ndjson.gz")):
        with gzip.open(path) as file:
            for line in file:
                if not any(mark in line for mark in _OF_NOBODY):
                    told.update(line)
                    resources += 1
    return Digest(resources, told.hexdigest())
