"""What each site holds of the orders of a drill: how many of each, by their indication."""

from __future__ import annotations

import ssl
from collections import Counter
from dataclasses import dataclass

import httpx

from altid.access.programs import Credentials
from altid.region.error import RegionError
from altid.region.guarding import gateway_url
from altid.region.topology import Region, Site

_ASK_S_MAX = 30.0
_PAGE = 200
_PAGES_MAX = 50


@dataclass(frozen=True, slots=True)
class Orders:
    """One patient's, asked for as any client asks: at the sites' gateways."""

    region: Region
    patient: str
    tokens: Credentials
    trust: ssl.SSLContext

    async def counted(self) -> dict[str, Counter[str]]:
        """By site: how many orders have each indication. Raises `RegionError`."""
        return {site.name: await self._at(site) for site in self.region.sites}

    async def _at(self, site: Site) -> Counter[str]:
        found: Counter[str] = Counter()
        url = f"{gateway_url(site)}/fhir/MedicationRequest?patient=Patient/{self.patient}&_count={_PAGE}"
        async with httpx.AsyncClient(verify=self.trust, timeout=_ASK_S_MAX, trust_env=False) as client:
            for _ in range(_PAGES_MAX):
                answer = await client.get(url, headers=await self.tokens.headers())
                if answer.status_code != 200:
                    raise RegionError(f"{site.name} does not tell its orders: {answer.status_code}.")
                bundle = answer.json()
                orders = [entry["resource"] for entry in bundle.get("entry", ())]
                found.update(
                    one["text"] for order in orders for one in order.get("reasonCode", ()) if "text" in one
                )
                url = next((link["url"] for link in bundle.get("link", ()) if link["relation"] == "next"), "")
                if not url:
                    return found
        raise RegionError(f"{site.name} has more orders of this patient than a drill reads.")
