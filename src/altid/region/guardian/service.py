"""The guardian's process at one place: a site's watches, decides and acts, the witness' only watches."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from contextlib import suppress
from ssl import SSLContext
from typing import Any

from altid.region import events, tunnel
from altid.region.addresses import monitor_dsn
from altid.region.error import RegionError
from altid.region.etcd import EtcdClient, EtcdError, members
from altid.region.guardian import decision
from altid.region.guardian.answers import serve
from altid.region.guardian.decision import Decision, Facts, Memory, Patience, Phase, Verdict
from altid.region.guardian.deep import DeepProber, beat
from altid.region.guardian.grey import UNWRITABLE_S, GreyWatch
from altid.region.guardian.handover import Outcome, Result, hand_over
from altid.region.guardian.lease import LiveLease
from altid.region.guardian.liveness import lease_s, not_live, waits_for_other
from altid.region.guardian.view import PROBE_EVERY_S, PROBE_S_MAX, Prober
from altid.region.http import Connection, ask_json, get_json
from altid.region.layout import Layout, load_secrets
from altid.region.patroni import SENDER_TIMEOUT_S, scope_prefix
from altid.region.tls import of_place
from altid.region.topology import Place, Region, Site

_DECIDE_EVERY_S = 0.05
_ETCD_S_MAX = 1.0
_LIVE_S_MAX, _LIVE_EVERY_S = 0.3, 0.1
_LOCAL_S_MAX, _LOCAL_EVERY_S = 0.5, 0.5
_REFRESH_EVERY_S = 30.0

_log = logging.getLogger("altid.region.guardian")


class Guardian:
    """One place's guardian."""

    def __init__(self, region: Region, place: Place, layout: Layout) -> None:
        self._region, self._place, self._layout = region, place, layout
        self._probers = {
            other.name: Prober(other.host, _probed_ports(other)) for other in region.places if other != place
        }
        self._identity = of_place(layout, place)
        self._secrets = secrets = load_secrets(layout)
        self._deep = {
            site.name: DeepProber(monitor_dsn(secrets, site)) for site in region.sites if site != place
        }
        self._said: dict[str, tuple[float, dict[str, Any]]] = {}
        """When each other guardian last answered, and what."""
        self._grey: GreyWatch | None = None
        self._leader: str | None = None
        self._memory = Memory()
        self._not_live = "etcd was not asked yet"
        self._unfit = "the local Patroni was not asked yet"
        self._last: Decision | None = None
        self._last_result: Result | None = None
        self._etcd_changed = asyncio.Event()
        """Set when this guardian has changed who leads: the lease needs not wait for its turn to ask."""

    async def run(self) -> None:
        """Guard until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for prober in self._probers.values():
                tasks.create_task(prober.run())
            for deep in self._deep.values():
                tasks.create_task(deep.run())
            tasks.create_task(self._serve())
            tasks.create_task(self._refresh())
            if isinstance(self._place, Site):
                folders = self._layout.place(self._place.name)
                lease = LiveLease(folders.live)
                self._grey = GreyWatch(self._place, folders, self._secrets, lease, self._event)
                tasks.create_task(self._grey.run())
                tasks.create_task(self._ask_guardian(self._region.witness))
                tasks.create_task(self._ask_guardian(self._region.other(self._place)))
                tasks.create_task(beat(monitor_dsn(self._secrets, self._place)))
                tasks.create_task(self._ask_local(self._place))
                tasks.create_task(self._ask_etcd(self._place, self._grey, lease))
                tasks.create_task(self._guard(self._place))

    async def _serve(self) -> None:
        await serve(self._place.host, self._place.guardian, self._answer, self._identity.server)

    async def _refresh(self) -> None:
        """Take a renewed certificate over."""
        while True:
            await asyncio.sleep(_REFRESH_EVERY_S)
            try:
                self._identity.refresh()
            except OSError as error:
                _log.warning("the certificate cannot be read: %s", error.strerror)

    def _answer(self) -> dict[str, Any]:
        """What this guardian tells whoever asks: for how long it has not seen each place, and its phase."""
        now_s = time.monotonic()
        sees = {name: _rounded(prober.sighting.unseen_s(now_s)) for name, prober in self._probers.items()}
        answers = {name: _rounded(deep.sighting.unseen_s(now_s)) for name, deep in self._deep.items()}
        answer: dict[str, Any] = {"place": self._place.name, "unseen_s": sees, "unanswered_s": answers}
        if isinstance(self._place, Site):
            answer["live"] = not self._not_live
            answer["not_live"] = self._not_live
            answer["phase"] = self._memory.phase.value
            answer["reasons"] = list(self._last.reasons) if self._last else []
            answer["grey"] = self._grey.answer() if self._grey else {}
        return answer

    async def _ask_guardian(self, place: Place) -> None:
        connection = Connection(place.host, place.guardian, self._identity.client)
        try:
            while True:
                told = await ask_json(connection, "/view", PROBE_S_MAX)
                if told is not None:
                    self._said[place.name] = (time.monotonic(), told)
                await asyncio.sleep(PROBE_EVERY_S)
        finally:
            connection.close()

    async def _ask_local(self, site: Site) -> None:
        while True:
            self._unfit = await _local_unfit(site, self._identity.client)
            await asyncio.sleep(_LOCAL_EVERY_S)

    def _etcd(self, site: Site, timeout_s: float) -> EtcdClient:
        """The site's own member, then the witness'; never the other site's, which may hang."""
        return EtcdClient(members(self._region, site)[:2], timeout_s, self._identity.client)

    async def _ask_etcd(self, site: Site, grey: GreyWatch, lease: LiveLease) -> None:
        """Whether this site is live: asked of a quorum, so that one that is cut off knows that it is."""
        etcd, prefix = self._etcd(site, _LIVE_S_MAX), scope_prefix(self._region)
        try:
            while True:
                self._etcd_changed.clear()
                asked_s = time.monotonic()
                try:
                    keys = await etcd.prefix(prefix)
                    found, leader = not_live(keys, prefix, site.name), keys.get(prefix + "leader")
                    leads = leader is not None and leader.value == site.name
                    self._note_leader(leader.value if leader is not None else None)
                    if not found and not leads and grey.is_aside:
                        found = "this site has set itself aside"
                    two_sites = waits_for_other(keys, prefix)
                    self._extend(lease, grey, site, found, asked_s, leads=leads, two_sites=two_sites)
                except EtcdError:
                    found = "etcd gave no answer with a quorum"  # the lease runs out by itself
                if found != self._not_live:
                    self._event("live" if not found else "not live", reason=found)
                self._not_live = found
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LIVE_EVERY_S):
                        await self._etcd_changed.wait()
        finally:
            lease.end()
            etcd.close()

    def _extend(
        self,
        lease: LiveLease,
        grey: GreyWatch,
        site: Site,
        found: str,
        asked_s: float,
        *,
        leads: bool,
        two_sites: bool,
    ) -> None:
        if found:
            lease.end()
            return
        sighting = self._probers[self._region.other(site).name].sighting
        s = lease_s(
            leads=leads,
            asked_s=asked_s,
            seen_s=sighting.seen_at_s,
            streamed_s=grey.streamed_s(sighting.seen_at_s, is_seen=not sighting.failing),
            now_s=time.monotonic(),
            unseen_s=self._region.limits.unseen_s,
            sender_timeout_s=SENDER_TIMEOUT_S,
        )
        lease.extend(grey.lease_s(s, asked_s) if leads else s, two_sites=two_sites)

    def _note_leader(self, leader: str | None) -> None:
        """Remember that the lead has changed: a damper counts it."""
        if leader is None:
            return
        if self._leader is not None and leader != self._leader:
            self._memory = decision.lead_changed(self._memory, time.monotonic())
        self._leader = leader

    async def _guard(self, site: Site) -> None:
        other, limits = self._region.other(site), self._region.limits
        patience = Patience(limits.unseen_s, limits.unanswered_s, UNWRITABLE_S)
        etcd = self._etcd(site, _ETCD_S_MAX)
        try:
            while True:
                await asyncio.sleep(_DECIDE_EVERY_S)
                facts = self._facts(other)
                self._memory, made = decision.decide(self._memory, facts, patience)
                self._tell(made)
                if made.verdict is Verdict.HAND_OVER:
                    await self._act(etcd, site, other)
        finally:
            etcd.close()

    def _facts(self, other: Site) -> Facts:
        now_s = time.monotonic()
        at_s, said = self._said.get(self._region.witness.name, (None, {}))
        return Facts(
            now_s=now_s,
            own_unseen_s=self._probers[other.name].sighting.unseen_s(now_s),
            own_unanswered_s=self._deep[other.name].sighting.unseen_s(now_s),
            witness_unseen_s=_said(said, "unseen_s", other),
            witness_unanswered_s=_said(said, "unanswered_s", other),
            witness_age_s=None if at_s is None else now_s - at_s,
            unfit=self._unfit,
            confessed_s=self._confessed_s(other, now_s),
            full=self._grey.full() if self._grey else "",
        )

    def _confessed_s(self, other: Site, now_s: float) -> float | None:
        """For how long the leader says that it can't write; None when it doesn't say so now."""
        at_s, said = self._said.get(other.name, (None, {}))
        if self._leader != other.name or at_s is None or now_s - at_s > decision.ANSWER_AGE_S_MAX:
            return None
        grey = said.get("grey")
        figure = grey.get("unwritable_s") if isinstance(grey, dict) else None
        return float(figure) if isinstance(figure, (int, float)) else None

    async def _act(self, etcd: EtcdClient, site: Site, other: Site) -> None:
        result = await self._try(etcd, site, other)
        now_s = time.monotonic()
        if result.outcome is Outcome.DONE:
            self._etcd_changed.set()
            self._memory = decision.handed_over(self._memory, now_s)
        else:
            self._memory = decision.refused(self._memory)
        if self._last_result is None or result != self._last_result or result.outcome is Outcome.DONE:
            self._event("handover", outcome=result.outcome.value, reason=result.reason)
        self._last_result = result

    async def _try(self, etcd: EtcdClient, site: Site, other: Site) -> Result:
        unfit = await _local_unfit(site, self._identity.client)
        if unfit:
            return Result(Outcome.REFUSED, unfit)
        return await hand_over(etcd, scope_prefix(self._region), site.name, other.name)

    def _tell(self, made: Decision) -> None:
        """Log a decision whose kind is new, with its reasons."""
        before, self._last = self._last, made
        is_new = before is None or _kind(before) != _kind(made)
        if is_new and (before is not None or self._memory.phase is not Phase.WATCHING):
            phase, verdict = self._memory.phase.value, made.verdict.value
            self._event("decision", phase=phase, verdict=verdict, reasons=made.reasons)

    def _event(self, event: str, **detail: Any) -> None:
        _log.info("%s %s", event, json.dumps(detail))
        events.record(self._layout.events, self._place.name, event, part="guardian", **detail)


def _said(answer: dict[str, Any], kind: str, site: Site) -> float | None:
    """A figure of the witness' answer, if it is there."""
    figures = answer.get(kind)
    figure = figures.get(site.name) if isinstance(figures, dict) else None
    return float(figure) if isinstance(figure, (int, float)) else None


def _kind(made: Decision) -> tuple[Verdict, int]:
    """Decisions of one kind differ only in their numbers."""
    return made.verdict, len(made.reasons)


async def _local_unfit(site: Site, tls: SSLContext) -> str:
    """Why this site's database can't take the lead, or nothing. (Patroni keeps no connection.)"""
    told = await get_json(site.host, site.patroni, "/patroni", _LOCAL_S_MAX, tls)
    if told is None:
        return "the local Patroni does not answer"
    if told.get("state") != "running" or told.get("role") != "replica":
        return "the local database is not a running replica"
    if told.get("pause"):
        return "Patroni is paused"
    return ""


def _probed_ports(place: Place) -> list[int]:
    """The cheapest first: it is the only one asked while it answers."""
    ports = [place.guardian, place.etcd_peer]
    if not isinstance(place, Site):
        return ports
    return [*ports, place.patroni, place.postgres_tls if tunnel.is_needed(place) else place.postgres]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


async def guard(layout: Layout, region: Region, name: str) -> None:
    """Run the guardian of the place called `name`. Raises `RegionError` for a name that isn't one."""
    try:
        place = region.place(name)
    except KeyError:
        raise RegionError(f"The region has no place {name[:32]!r}.") from None
    await Guardian(region, place, layout).run()
