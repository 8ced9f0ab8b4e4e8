"""`altid replace`: a place whose host is lost for good gets a new one, with the same name and address.

PostgreSQL needs no help: Patroni copies the database to a site that has none. etcd does: the other members
know the old one, and a member that comes back without its memory must never be taken for it, since it could
vote twice. So the old one is removed and a new one announced, and the new host is told to join (`joins`), for
a few hours: whoever installs the same files once more later starts nothing.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from altid.record.postgres.folder import write_owned
from altid.region import events, layout
from altid.region.error import RegionError
from altid.region.etcd import EtcdClient, EtcdError, peer_url
from altid.region.layout import Layout
from altid.region.status import gather
from altid.region.tls import of_operator
from altid.region.topology import Place, Region

_ASK_S_MAX = 5.0
"""A change of members is agreed on like every other key, and may have to wait for a new raft leader."""

_JOINS_FOR = timedelta(hours=4)


async def replace(where: Layout, region: Region, name: str) -> datetime:
    """Announce a new host for the place; gives until when it may join.

    Raises `RegionError` when the place still answers, or etcd has no quorum without it.
    """
    place = _place(region, name)
    await _check_dead(where, region, place)
    others = [one for one in region.places if one != place]
    client = EtcdClient(others, _ASK_S_MAX, of_operator(where).client)
    try:
        for member in await client.cluster():
            if peer_url(place) in member.peer_urls:
                await client.remove_member(member.number)
        await client.add_member(peer_url(place))
    except EtcdError as error:
        raise RegionError(
            f"etcd did not change its members ({error}): `altid status` tells who runs."
        ) from None
    finally:
        client.close()
    until = datetime.now(UTC) + _JOINS_FOR
    account = layout.owner(where)
    layout.make_place(where, place, account)
    write_owned(where.place(place.name).joins, json.dumps({"until": until.isoformat()}) + "\n", account)
    events.record(where.events, place.name, "place replaced", until=until.isoformat(timespec="seconds"))
    return until


def _place(region: Region, name: str) -> Place:
    try:
        return region.place(name)
    except KeyError:
        names = ", ".join(place.name for place in region.places)
        raise RegionError(f"The region has no place {name[:32]!r}: {names}.") from None


async def _check_dead(where: Layout, region: Region, place: Place) -> None:
    status = await gather(where, region)
    states = {site.name: site.state for site in status.sites}
    states[region.witness.name] = status.witness["state"]
    if states[place.name] != "dead":
        raise RegionError(
            f"{place.name} still answers ({states[place.name]}): stop it there, for good, first."
        )
