"""The proof of one reconciliation: JSON with its figures in plain, all orders sealed, and a tag over all.

Anybody may read when it was made, the time that it is about, counts, each site's digest and what was not
read. Keys, patients and signers are sealed under the region's secret (AES-256-GCM), and bound to the rest.
The tag (HMAC-SHA-256) can only be made with that secret, and each proof names the SHA-256 of the one before:
so one that is altered, exchanged or taken out of the row is noticed by whoever has the secret.
"""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from altid.access.secret import AccessSecret, equal, tag
from altid.orders.proofs.telling import figures, kept, kept_again, reasons
from altid.orders.todo import Why
from altid.orders.verdict import Counts, Reconciliation, SiteDigest, Uncertain
from altid.record.stored import instant

_NONCE_BYTES = 12


class AlteredError(Exception):
    """The bytes are no proof that was made with this secret."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One, as it lies in the record and in its file. `open` and `listed` alone tell whether it is genuine."""

    body: bytes
    content: Mapping[str, Any]

    @property
    def number(self) -> int:
        """The first is 1."""
        return int(self.content["number"])

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @property
    def previous(self) -> str:
        """`sha256` of the one before; empty for the first."""
        return str(self.content["previous"])

    @property
    def made(self) -> datetime:
        return datetime.fromisoformat(self.content["made"])

    @property
    def by(self) -> str:
        """Who has reconciled: "itself" with the place, or the system's user at a terminal."""
        return str(self.content["by"])

    @property
    def since(self) -> datetime:
        return datetime.fromisoformat(self.content["from"])

    @property
    def until(self) -> datetime:
        return datetime.fromisoformat(self.content["to"])

    @property
    def settled(self) -> str:
        """Why a person has said that all of it was seen to; empty: nobody has."""
        return str(self.content["settled"])

    @property
    def is_alarm(self) -> bool:
        """Something is uncertain, and nobody has said that it was seen to."""
        return not self.settled and (self.uncertain > 0 or not self.content["sitesAgree"])

    @property
    def uncertain(self) -> int:
        return sum(count for why, count in self.content["why"].items() if why != Why.NOT_SENT_AGAIN)

    @property
    def summary(self) -> dict[str, Any]:
        """For those who see no single order: operations, events, whatever watches the region."""
        told = self.content
        return {
            "number": self.number,
            "at": told["made"],
            "from": told["from"],
            "to": told["to"],
            "uncertain": self.uncertain,
            "not_sent_again": told["why"].get(Why.NOT_SENT_AGAIN, 0),
            "differs": not told["sitesAgree"],
            "unread": told["unread"],
            "settled": bool(self.settled),
        }

    def replaces(self, other: Proof) -> bool:
        """Whether it is about all of the other's time, and whoever it cleared of something was asked."""
        has_looked = self.is_alarm or bool(self.settled) or not self.content["unread"]
        return has_looked and self.since <= other.since and self.until >= other.until


class Before(NamedTuple):
    """Which one a proof follows."""

    number: int = 0
    sha256: str = ""


def prove(
    secret: AccessSecret,
    found: Reconciliation,
    before: Before,
    made: datetime,
    by: str,
    settled: str = "",
) -> Proof:
    """The proof that follows another. `settled`: as `Proof.settled`."""
    plain = {
        "number": before.number + 1,
        "previous": before.sha256,
        "made": instant(made),
        "by": by,
        "settled": settled,
        "why": reasons(found),
        **figures(found),
    }
    orders = zlib.compress(_dump([kept(one) for one in found.listed]))
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + AESGCM(_key(secret)).encrypt(nonce, orders, _dump(plain))
    content = {**plain, "sealed": base64.b64encode(sealed).decode()}
    content["tag"] = _tag(secret, content)
    return Proof(_dump(content) + b"\n", content)


def read_proof(body: bytes) -> Proof:
    """The proof of such bytes, of which nothing is verified yet. Raises `AlteredError`."""
    try:
        content = orjson.loads(body)
        proof = Proof(body, content)
        # Whoever shows it relies on these being there.
        _ = proof.number, proof.previous, proof.made, proof.by, proof.since, proof.until, proof.summary
    except (ValueError, KeyError, TypeError, AttributeError):
        raise AlteredError("it is no proof") from None
    return proof


def verify(secret: AccessSecret, proof: Proof) -> None:
    """Raises `AlteredError` unless every byte is as it was made."""
    content = {name: value for name, value in proof.content.items() if name != "tag"}
    given = str(proof.content.get("tag")).encode()
    if not equal(_tag(secret, content).encode(), given) or _dump(proof.content) + b"\n" != proof.body:
        raise AlteredError("it was altered")


def opened(secret: AccessSecret, proof: Proof) -> Reconciliation:
    """The result that it is the proof of. Raises `AlteredError`."""
    verify(secret, proof)
    content = proof.content
    plain = {name: value for name, value in content.items() if name not in ("sealed", "tag")}
    sealed = base64.b64decode(content["sealed"])
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        orders = orjson.loads(zlib.decompress(AESGCM(_key(secret)).decrypt(nonce, text, _dump(plain))))
        listed = [kept_again(one) for one in orders]
    except (InvalidTag, zlib.error, ValueError, KeyError, TypeError):
        raise AlteredError("it was altered") from None
    return _result(proof, listed)


def _result(proof: Proof, listed: Sequence[Uncertain]) -> Reconciliation:
    content = proof.content
    uncertain = tuple(one for one in listed if one.why is not Why.NOT_SENT_AGAIN)
    return Reconciliation(
        proof.since,
        proof.until,
        uncertain,
        Counts(content["intents"], content["registered"], content["held"], len(uncertain)),
        tuple(SiteDigest(one["site"], one["versions"], one["sha256"]) for one in content["sites"]),
        tuple(content["unread"]),
        tuple(one for one in listed if one.why is Why.NOT_SENT_AGAIN),
    )


def faults_of(secret: AccessSecret, proofs: Mapping[int, bytes]) -> list[str]:
    """What is wrong with a row of proofs, by their numbers; nothing if none was altered and none is missing.

    That the newest were taken away can't be told from the others: compare with the record.
    """
    found: list[str] = []
    before: Proof | None = None
    for number in range(1, max(proofs, default=0) + 1):
        try:
            if number not in proofs:
                raise AlteredError("it is missing")
            proof = read_proof(proofs[number])
            verify(secret, proof)
            if proof.number != number:
                raise AlteredError(f"it is number {proof.number}")
            if (before and proof.previous != before.sha256) or (number == 1 and proof.previous):
                raise AlteredError("it does not follow the one before")
            before = proof
        except AlteredError as error:
            found.append(f"{number}: {error}")
            before = None
    return found


def says_the_same(found: Reconciliation, before: Reconciliation) -> bool:
    """Whether nothing has become of the one since the other: it needs no proof of its own."""
    return (
        found.unread == before.unread
        and found.sites_agree == before.sites_agree
        and {(one.identity, one.why) for one in found.listed}
        == {(one.identity, one.why) for one in before.listed}
    )


def _dump(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _key(secret: AccessSecret) -> bytes:
    return secret.derive("seal reconciliation")


def _tag(secret: AccessSecret, content: Mapping[str, Any]) -> str:
    return tag(secret.derive("mark reconciliation"), _dump(content)).hex()
