"""The judge of an order drill: from the clients' memories, the final record and the reconciliation's list.

It knows nothing of how either works, and none of the product's own tables.

- *missing*: an order was acknowledged, and the record doesn't hold it where the receipt says;
- *doubled*: a version that was wanted once is there twice, whatever the number of times that it was sent;
- *unfounded*: the record holds what nobody sent, or what its client was told had been refused;
- *torn*: a requisition is there without its Task, or a Task without its requisition;
- *forked*: receipts for one key tell of different orders or versions;
- *unlisted*: an order that its client doesn't know of and the record doesn't hold, which the reconciliation
  doesn't list;
- *wrongly listed*: one that it lists although the outcome is known;
- *patients*: those listed, and not exactly those of the orders that are truly uncertain.

An order whose client doesn't know and that the record holds is certain: whoever asks for its receipt is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from altid.drills.orders.history import Held, Listed, Signed

_EXAMPLES_MAX = 20
"""A verdict names so many offences; the histories in the evidence hold all."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found."""

    acknowledged: int
    missing: int
    doubled: int
    unfounded: int
    torn: int
    forked: int
    unlisted: int
    wrongly_listed: int
    patients_missing: int
    patients_wrong: int
    uncertain: int
    """Orders that are truly uncertain: their clients don't know and the record doesn't hold them."""
    told_late: int
    """Orders that the record holds and whose clients had not been told when the drill ended."""
    examples: tuple[str, ...]

    @property
    def offences(self) -> int:
        return (
            self.missing
            + self.doubled
            + self.unfounded
            + self.torn
            + self.forked
            + self.unlisted
            + self.wrongly_listed
            + self.patients_missing
            + self.patients_wrong
        )

    @property
    def passed(self) -> bool:
        """Nothing was wrong, and there was something to judge."""
        return self.acknowledged > 0 and not self.offences


def check(signed: Sequence[Signed], held: Iterable[Held], listed: Sequence[Listed]) -> Verdict:
    """Judge a whole run by what one site holds."""
    every = list(dict.fromkeys(held))
    by_mark = _by_mark(version for version in every if not version.is_task)
    tasks = _by_mark(version for version in every if version.is_task)
    uncertain = [one for one in signed if one.is_open and not by_mark.get(one.mark)]
    missing = list(_missing(signed, by_mark))
    doubled = [*_doubled(by_mark), *_doubled(tasks)]
    torn = list(_torn(signed, by_mark, tasks))
    unfounded = list(_unfounded(signed, by_mark))
    forked = list(_forked(signed))
    unlisted = [f"{one.key} is uncertain and not listed" for one in _without(uncertain, listed)]
    wrong = [f"{one.key} is listed, and its outcome is known" for one in _without(listed, uncertain)]
    theirs, told = {one.patient for one in uncertain}, {one.patient for one in listed}
    patients = [f"patient {one} is affected and not listed" for one in sorted(theirs - told)]
    patients += [f"patient {one} is listed and not affected" for one in sorted(told - theirs)]
    return Verdict(
        acknowledged=sum(one.is_acknowledged for one in signed),
        missing=len(missing),
        doubled=len(doubled),
        unfounded=len(unfounded),
        torn=len(torn),
        forked=len(forked),
        unlisted=len(unlisted),
        wrongly_listed=len(wrong),
        patients_missing=len(theirs - told),
        patients_wrong=len(told - theirs),
        uncertain=len(uncertain),
        told_late=sum(one.is_open for one in signed) - len(uncertain),
        examples=tuple(
            [*missing, *doubled, *unfounded, *torn, *forked, *unlisted, *wrong, *patients][:_EXAMPLES_MAX]
        ),
    )


def _by_mark(versions: Iterable[Held]) -> dict[str, list[Held]]:
    found: defaultdict[str, list[Held]] = defaultdict(list)
    for version in versions:
        found[version.mark].append(version)
    return dict(found)


def _torn(
    signed: Sequence[Signed], by_mark: dict[str, list[Held]], tasks: dict[str, list[Held]]
) -> Iterable[str]:
    """All of a transaction or nothing, whatever became of it otherwise."""
    wanted = {one.mark for one in signed if one.has_task}
    for mark in sorted(wanted & by_mark.keys() - tasks.keys()):
        yield f"{mark} is there without its Task"
    for mark in sorted(tasks.keys() - (wanted & by_mark.keys())):
        yield f"{mark} has a Task, and {'is no requisition' if mark in by_mark else 'is not there'}"


def _missing(signed: Sequence[Signed], by_mark: dict[str, list[Held]]) -> Iterable[str]:
    for one in signed:
        if not one.is_acknowledged:
            continue
        there = [(held.order, held.version, held.patient) for held in by_mark.get(one.mark, ())]
        if not there:
            yield f"{one.key} was acknowledged at {one.receipts[0].told_s:.3f} and is missing"
        elif not any((told.order, told.version, one.patient) in there for told in one.receipts):
            yield f"{one.key} was acknowledged, and is not where its receipt says"


def _doubled(by_mark: dict[str, list[Held]]) -> Iterable[str]:
    for mark, versions in by_mark.items():
        if len(versions) > 1:
            places = ", ".join(sorted(f"{held.order} version {held.version}" for held in versions))
            yield f"{mark} is there {len(versions)} times: {places}"


def _unfounded(signed: Sequence[Signed], by_mark: dict[str, list[Held]]) -> Iterable[str]:
    sent = {one.mark: one for one in signed}
    for mark in by_mark:
        if mark not in sent:
            yield f"{mark} is there, and nobody sent it"
        elif sent[mark].is_refused:
            yield f"{sent[mark].key} was refused, and is there"


def _forked(signed: Sequence[Signed]) -> Iterable[str]:
    for one in signed:
        places = {(told.order, told.version) for told in one.receipts}
        if len(places) > 1:
            yield f"{one.key} has {len(places)} different receipts"
        if one.is_acknowledged and any(told.word == "fatal-error" for told in one.told):
            yield f"{one.key} was acknowledged and refused"


def _without(some: Sequence[Signed | Listed], others: Sequence[Signed | Listed]) -> list[Signed | Listed]:
    """Those whose key none of the others has."""
    keys = {other.key for other in others}
    return [one for one in some if one.key not in keys]
