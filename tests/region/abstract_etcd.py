"""An etcd for models: keys with revisions and leases, transactions as the gateway takes them, and a log of
every change in its order, which is what watchers see."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

from altid.region.etcd import KeyValue


class Change(NamedTuple):
    """One change as a watcher sees it; value None is a deletion."""

    key: str
    value: KeyValue | None


class AbstractEtcd:
    """All calls are atomic, as raft makes them."""

    def __init__(self) -> None:
        self.revision = 1
        self.keys: dict[str, KeyValue] = {}
        self.leases: set[int] = set()
        self.log: list[Change] = []

    def grant(self) -> int:
        lease = 1000 + self.revision
        self.revision += 1
        self.leases.add(lease)
        return lease

    def put(self, key: str, value: str, lease: int = 0) -> None:
        self.revision += 1
        self._set(key, value, lease)

    def compare_and_put(self, key: str, mod_revision: int, value: str, lease: int = 0) -> bool:
        found = self.keys.get(key)
        if (found.mod_revision if found else 0) != mod_revision:
            return False
        self.put(key, value, lease)
        return True

    def end_lease(self, lease: int) -> None:
        self.leases.discard(lease)
        self.revision += 1
        for key in [key for key, found in self.keys.items() if found.lease == lease]:
            del self.keys[key]
            self.log.append(Change(key, None))

    async def prefix(self, start: str) -> dict[str, KeyValue]:
        return {key: value for key, value in self.keys.items() if key.startswith(start)}

    async def transaction(self, compare: list[dict[str, Any]], success: list[dict[str, Any]]) -> bool:
        for one in compare:
            assert (one["target"], one["result"]) == ("MOD", "EQUAL")
            found = self.keys.get(_text(one["key"]))
            if (found.mod_revision if found else 0) != int(one["mod_revision"]):
                return False
        leases = [int(one["request_put"].get("lease", 0)) for one in success]
        if any(lease and lease not in self.leases for lease in leases):
            return False
        self.revision += 1
        for one, lease in zip(success, leases, strict=True):
            put = one["request_put"]
            self._set(_text(put["key"]), _text(put["value"]), lease)
        return True

    async def revoke(self, lease: int) -> None:
        self.end_lease(lease)

    def _set(self, key: str, value: str, lease: int) -> None:
        self.keys[key] = KeyValue(value, self.revision, lease)
        self.log.append(Change(key, self.keys[key]))


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode()
