"""Which orders of a time are certain, from what journals, sites and browsers say independently of each other.

Pure: plain data in, plain data out. An order is certain when it is registered at every site that was asked,
or when whoever signed it was told that it is not. Everything else is for a person, with what to do.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from altid.orders.evidence import Evidence, Promise, Shown, Version
from altid.orders.intent import End
from altid.orders.synthetic import is_canary_patient
from altid.orders.todo import Why
from altid.orders.verdict import Counts, Reconciliation, SiteDigest, Uncertain, Ward
from altid.orders.versions import KEYED


def reconcile(evidence: Evidence) -> Reconciliation:
    """Compare all that is said of each key."""
    real = _without_tests(evidence)
    cases = _cases(real)
    judged = [(case, _why(case, real)) for case in cases.values()]
    uncertain = [_listed(case, why) for case, why in judged if why is not None]
    uncertain += _unseen(real, cases, {one.identity for one in uncertain})
    uncertain.sort(key=_by_why)
    told = [_listed(case, Why.NOT_SENT_AGAIN) for case, why in judged if why is None and _is_let_go(case)]
    known = {each for held in real.held for each in held.identities}
    not_sent_again = sorted((one for one in told if one.identity not in known), key=_by_why)
    in_window = {one.identity for held in real.holdings for one in _window(held.versions, real)}
    counts = Counts(len(real.promises), len(in_window), len(real.held), len(uncertain))
    digests = tuple(digest(held.site, _window(held.versions, real)) for held in real.holdings)
    return Reconciliation(
        real.since, real.until, tuple(uncertain), counts, digests, real.unread, tuple(not_sent_again)
    )


def digest(site: str, versions: Iterable[Version]) -> SiteDigest:
    """Count, and SHA-256 over the sorted lines of order, version, key and digest of the body."""
    lines = sorted(f"{one.order} {one.version} {one.write_key} {one.digest.hex()}\n" for one in versions)
    return SiteDigest(site, len(lines), hashlib.sha256("".join(lines).encode()).hexdigest())


@dataclass(slots=True)
class _Case:
    """All that is said of one key."""

    promises: list[Promise]
    versions: list[tuple[str, Version]]
    """With their sites."""
    shown: list[tuple[str, Shown]]

    @property
    def sites(self) -> tuple[str, ...]:
        return tuple(sorted({site for site, _ in self.versions}))


def _cases(evidence: Evidence) -> dict[bytes, _Case]:
    cases: dict[bytes, _Case] = defaultdict(lambda: _Case([], [], []))
    for promise in evidence.promises:
        cases[promise.identity].promises.append(promise)
    for holding in evidence.holdings:
        for version in holding.versions:
            cases[version.identity].versions.append((holding.site, version))
        for shown in holding.shown:
            cases[shown.identity].shown.append((holding.site, shown))
    return dict(cases)


def _by_why(one: Uncertain) -> tuple[int, datetime, bytes]:
    """The most serious first."""
    return list(Why).index(one.why), one.at, one.identity


def _listed(case: _Case, why: Why) -> Uncertain:
    sources = {promise.writer for promise in case.promises} | {site for site, _ in case.shown}
    if case.promises:
        first = case.promises[0]
        order, key, action, patient = first.order, first.key, first.action, first.patient
        identity, name, at = first.identity, first.signer_name, first.at
    elif case.shown:
        row = case.shown[0][1]
        order, key, action, patient = row.order, row.key, row.action, row.patient
        identity, name, at = row.identity, row.signer_name, row.at
    else:
        version = case.versions[0][1]
        order, key, action, patient = version.order, version.write_key, "", version.patient
        identity, name, at = version.identity, "", version.at
    told = tuple(sorted(sources or case.sites))
    return Uncertain(identity, why, key, order, action, patient, name, at, told, case.sites)


def _why(case: _Case, evidence: Evidence) -> Why | None:
    """The most serious reason; None where all is certain."""
    if _is_twice(case):
        return Why.KEY_TWICE
    if any(one.version and not one.digest for _, one in case.versions):
        return Why.LOST  # the key is there, and what it has made isn't
    if case.versions:
        if len({(one.order, one.version, one.digest) for _, one in case.versions}) > 1:
            return Why.DIFFERS
        return Why.ONE_SITE if len(case.sites) < len(evidence.holdings) else None
    if any(row.is_open for _, row in case.shown):
        return Why.RECOVERED
    if case.shown:
        return None  # a person has decided
    ends = {one.end for one in case.promises if not _is_beside(one, evidence)}
    if not ends & {End.REGISTERED, End.SHOWN, None}:
        return None
    if not evidence.holdings:
        return Why.NOT_READ  # nobody was asked, so nothing is known to be missing
    return Why.LOST if ends & {End.REGISTERED, End.SHOWN} else Why.NO_OUTCOME


def _is_let_go(case: _Case) -> bool:
    """Nothing but that whoever signed was told: not registered now, send it again."""
    ends = {one.end for one in case.promises}
    return ends == {End.NOT_STORED} and not case.versions and not case.shown


def _is_twice(case: _Case) -> bool:
    """One key, and more than one content that somebody may rely on."""
    relied = {one.write_key for one in case.promises if one.end in (None, End.REGISTERED, End.SHOWN)}
    kept = {one.write_key for _, one in case.versions if one.version}
    return len(relied | kept) > 1 or len(case.sites) < len(case.versions)


def _is_beside(one: Promise, evidence: Evidence) -> bool:
    """Written together with orders, without a row of its own: the journal tells its end, or they do."""
    if one.type in KEYED:
        return False
    if one.end is not None:
        return True
    held = {version.identity for holding in evidence.holdings for version in holding.versions}
    together = (one.writer, one.at)
    return any((other.writer, other.at) == together and other.identity in held for other in evidence.promises)


def _unseen(evidence: Evidence, cases: Mapping[bytes, _Case], known: set[bytes]) -> Iterator[Uncertain]:
    """What browsers hold and no site has, each key once."""
    seen = {identity for identity, case in cases.items() if case.versions or case.shown} | known
    for held in evidence.held:
        if held.is_released or seen.intersection(held.identities):
            continue
        seen.add(held.identities[0])
        ward = Ward("", held.ward)
        yield Uncertain(
            held.identities[0],
            Why.UNSEEN if evidence.holdings else Why.NOT_READ,
            held.key,
            held.kind,
            held.action,
            held.patient,
            held.signer,
            held.at,
            ("browser",),
            (),
            ward,
        )


def _window(versions: Sequence[Version], evidence: Evidence) -> list[Version]:
    return [one for one in versions if evidence.since <= one.at < evidence.until]


def _without_tests(evidence: Evidence) -> Evidence:
    """A key that anybody knows as a test order's is one wherever it is found."""
    tests = {one.identity for one in evidence.promises if one.is_test or is_canary_patient(one.patient)}
    for holding in evidence.holdings:
        tests |= {one.identity for one in holding.versions if one.is_test or is_canary_patient(one.patient)}
        tests |= {one.identity for one in holding.shown if is_canary_patient(one.patient)}
    holdings = [
        replace(
            holding,
            versions=tuple(one for one in holding.versions if one.identity not in tests),
            shown=tuple(one for one in holding.shown if one.identity not in tests),
        )
        for holding in evidence.holdings
    ]
    return replace(
        evidence,
        promises=tuple(one for one in evidence.promises if one.identity not in tests),
        held=tuple(
            one
            for one in evidence.held
            if not tests & set(one.identities) and not is_canary_patient(one.patient)
        ),
        holdings=tuple(holdings),
    )
