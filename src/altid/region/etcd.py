"""etcd: how a member is started, and the few calls that the region makes, over its JSON gateway.

Keys and values are base64 in the gateway; 64-bit numbers are strings.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from altid.region import certificates
from altid.region.http import CONNECT_S_MAX, Connection, HttpError
from altid.region.programs import Programs
from altid.region.topology import Place, Region

_HEARTBEAT_MS, _ELECTION_MS = 50, 500
"""Measured: with these a lost raft leader costs half a second; the two sites are milliseconds apart."""

_QUOTA_BYTES = 512 * 1024 * 1024
"""Patroni and the guardian keep some twenty small keys."""


def peer_url(place: Place) -> str:
    """Where the place's member talks to the others."""
    return f"https://{place.host}:{place.etcd_peer}"


def command(
    region: Region, place: Place, folder: str, pki: Path, programs: Programs, *, joins: bool = False
) -> list[str]:
    """The command line of a place's member. It reads its identity in `pki` anew for every connection.

    With `joins` it takes the place of a lost one (see `replace`), if it has no memory yet.
    """
    members = ",".join(f"{one.name}={peer_url(one)}" for one in region.places)
    client, peer = f"https://{place.host}:{place.etcd_client}", peer_url(place)
    identity, authority = str(certificates.identity(pki)), str(certificates.authority(pki))
    options = {
        "name": place.name,
        "data-dir": folder,
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": members,
        "initial-cluster-token": f"altid-{region.name}",
        "initial-cluster-state": "existing" if joins else "new",
        "cert-file": identity,
        "key-file": identity,
        "trusted-ca-file": authority,
        "peer-cert-file": identity,
        "peer-key-file": identity,
        "peer-trusted-ca-file": authority,
        "peer-cert-allowed-hostname": certificates.MAY_BE_MEMBER,
        "heartbeat-interval": str(_HEARTBEAT_MS),
        "election-timeout": str(_ELECTION_MS),
        "auto-compaction-retention": "1h",
        "quota-backend-bytes": str(_QUOTA_BYTES),
        "logger": "zap",
        "log-level": "warn",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [str(programs.etcd), *flags, "--client-cert-auth", "--peer-client-cert-auth", "--pre-vote=true"]


class KeyValue(NamedTuple):
    """One key with the revision of its last change and the lease that it hangs on (0: none)."""

    value: str
    mod_revision: int
    lease: int


class Member(NamedTuple):
    """One member of etcd: its number, and where it talks to the others."""

    number: int
    peer_urls: tuple[str, ...]


class EtcdError(Exception):
    """No member answered, or there is no quorum. Names no value."""


class EtcdClient:
    """Calls the first member that answers, in the order given: the nearest first."""

    def __init__(
        self,
        members: Sequence[Place],
        timeout_s: float,
        tls: ssl.SSLContext | None,
        *,
        connect_s_max: float = CONNECT_S_MAX,
    ) -> None:
        self._connections = [
            Connection(place.host, place.etcd_client, tls, connect_s_max=connect_s_max) for place in members
        ]
        self._timeout_s = timeout_s

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    async def get(self, key: str) -> KeyValue | None:
        """The key's newest value (linearizable: the members have agreed on it). Raises `EtcdError`."""
        answer = await self._call("/v3/kv/range", {"key": encoded(key)})
        found = answer.get("kvs") or []
        return _key_value(found[0]) if found else None

    async def prefix(self, start: str) -> dict[str, KeyValue]:
        """All keys that start with `start` (linearizable). Raises `EtcdError`."""
        end = start[:-1] + chr(ord(start[-1]) + 1)
        answer = await self._call("/v3/kv/range", {"key": encoded(start), "range_end": encoded(end)})
        return {_decoded(one["key"]): _key_value(one) for one in answer.get("kvs") or []}

    async def transaction(self, compare: list[dict[str, Any]], success: list[dict[str, Any]]) -> bool:
        """Do `success` if all of `compare` hold, in one step; true if it was done.

        Raises `EtcdError`, and then whether it was done is unknown: so no other member is tried.
        """
        answer = await self._call("/v3/kv/txn", {"compare": compare, "success": success}, once=True)
        return bool(answer.get("succeeded"))

    async def revoke(self, lease: int) -> None:
        """End a lease; all keys that hang on it vanish. Raises `EtcdError`; one that is gone is no error."""
        await self._call("/v3/lease/revoke", {"ID": str(lease)}, accept=(404,))

    async def cluster(self) -> list[Member]:
        """The members. Raises `EtcdError`."""
        answer = await self._call("/v3/cluster/member/list", {})
        return [Member(int(one["ID"]), tuple(one.get("peerURLs", ()))) for one in answer.get("members") or []]

    async def remove_member(self, number: int) -> None:
        """Forget a member for good. Raises `EtcdError`; one that is gone is no error."""
        await self._call("/v3/cluster/member/remove", {"ID": str(number)}, accept=(404,))

    async def add_member(self, peer: str) -> None:
        """Announce a member that has yet to start. Raises `EtcdError`."""
        await self._call("/v3/cluster/member/add", {"peerURLs": [peer]}, once=True)

    async def _call(
        self, path: str, body: dict[str, Any], *, once: bool = False, accept: tuple[int, ...] = ()
    ) -> dict[str, Any]:
        last = "no member is known"
        for connection in self._connections:
            member = f"{connection.host}:{connection.port}"
            try:
                answer = await connection.ask("POST", path, json.dumps(body).encode(), s_max=self._timeout_s)
            except HttpError as error:
                last = f"{member}: {error}"
                if once and error.sent:
                    break
                continue
            if answer.status == 200 or answer.status in accept:
                return _object(answer.body)
            last = f"{member}: HTTP {answer.status}"
            if once:
                break
        raise EtcdError(last)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        raise EtcdError("an answer that is no JSON") from None
    return value if isinstance(value, dict) else {}


def encoded(text: str) -> str:
    """Text as the gateway wants it."""
    return base64.b64encode(text.encode()).decode()


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()


def _key_value(raw: dict[str, Any]) -> KeyValue:
    return KeyValue(_decoded(raw.get("value", "")), int(raw["mod_revision"]), int(raw.get("lease", 0)))


def members(region: Region, nearest: Place | None = None) -> list[Place]:
    """The places in the order to ask them: the nearest first, then the witness, then the rest."""
    return sorted(region.places, key=lambda one: (one != nearest, one is not region.witness))
