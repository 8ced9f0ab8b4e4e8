"""A site's intent journals as its servers tell them, for whoever has not got the folder.

A site is one machine, whose servers share a folder of journals: so any of them can tell all of it. They are
asked through the site's gateway, which sends on to the other site when none of its own answers; so the answer
says whose journals they are, and another site's are not taken for them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from ssl import SSLContext
from typing import Any
from urllib.parse import urlencode

from altid.access.programs import Credentials
from altid.orders.evidence import HeldKey, Promise
from altid.orders.gathering import Ask, Journals, identities_of
from altid.orders.intent import End
from altid.orders.reading import NOTED_MAX
from altid.region.error import RegionError
from altid.region.http import Connection, HttpError
from altid.region.topology import Site

_ANSWER_S_MAX = 30.0
_CONNECT_S_MAX = 2.0
_HALVED_MAX = 10
"""A time of which a server can't tell all at once is asked about in halves, and those again: a thousandth."""
_NOTHING = Journals((), (), is_whole=False)


def intents_of(site: Site, tls: SSLContext, tokens: Credentials) -> Ask:
    """Asks the site. What can't be had makes the answer not whole, and raises nothing."""

    async def ask(since: datetime, until: datetime) -> Journals:
        connection = Connection(site.host, site.gateway, tls, connect_s_max=_CONNECT_S_MAX)
        try:
            headers = await tokens.headers()
            return await _asked(connection, site, headers, since, until, _HALVED_MAX)
        except (HttpError, RegionError):
            return _NOTHING
        finally:
            connection.close()

    return ask


async def _asked(
    connection: Connection,
    site: Site,
    headers: Mapping[str, str],
    since: datetime,
    until: datetime,
    halved_max: int,
) -> Journals:
    query = urlencode({"from": since.isoformat(), "to": until.isoformat()})
    answer = await connection.ask("GET", f"/orders/intents?{query}", headers=headers, s_max=_ANSWER_S_MAX)
    try:
        told = json.loads(answer.body)
        if answer.status != 200 or told["site"] != site.name:
            return _NOTHING
        if len(told["intents"]) + len(told["held"]) >= NOTED_MAX and halved_max:
            middle = since + (until - since) / 2
            first = await _asked(connection, site, headers, since, middle, halved_max - 1)
            second = await _asked(connection, site, headers, middle, until, halved_max - 1)
            return Journals(
                (*first.promises, *second.promises),
                (*first.held, *second.held),
                first.is_whole and second.is_whole,
            )
        return Journals(
            tuple(_promise(site.name, one) for one in told["intents"]),
            tuple(key for one in told["held"] for key in _held(one)),
            told["whole"] is True,
        )
    except (ValueError, KeyError, TypeError):
        return _NOTHING


def _promise(site: str, told: Mapping[str, Any]) -> Promise:
    (identity,) = identities_of(told["key"])[:1]
    return Promise(
        identity=identity,
        write_key=told["writeKey"],
        key=told["key"],
        site=site,
        writer=told["writer"],
        at=datetime.fromisoformat(told["at"]),
        action=told["action"],
        order=told["order"],
        patient=told["patient"],
        organisation=told["organisation"],
        signer_name=told["signerName"],
        end=End(told["outcome"]) if told["outcome"] else None,
        is_test=told["test"],
    )


def _held(told: Mapping[str, Any]) -> list[HeldKey]:
    at = datetime.fromisoformat(told["at"])
    return [
        HeldKey(
            identities_of(one["key"]), one["key"], at, one.get("patient", ""), signer=told.get("signer", "")
        )
        for one in told["held"]
    ]
