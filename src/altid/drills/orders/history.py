"""What the clients of an order drill remember, and what the record and the reconciliation say in the end.

Each order that is signed, and each change of one, has a *mark*: a text in its content that nothing else has.
So a version is known by its mark wherever it turns up, whatever ids and numbers the record gives it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Told:
    """One answer to one sending: a receipt, or none."""

    site: str
    sent_s: float
    told_s: float
    word: str
    """`ok`, `transient-error`, `fatal-error`; empty when no receipt came."""
    order: str = ""
    """As a receipt names it: `MedicationRequest/…`."""
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    """One version that a client wanted: all that its outbox knows of it."""

    client: int
    key: str
    patient: str
    """Id."""
    mark: str
    told: tuple[Told, ...]
    """In the order in which answers came; also of copies that the line made."""
    has_task: bool = False
    """A requisition that is signed comes with its Task: both or neither."""
    gave_up_s: float | None = None
    """When the client stopped sending it. It is in the outbox still, if it has no answer that settles it."""

    @property
    def receipts(self) -> tuple[Told, ...]:
        return tuple(one for one in self.told if one.word == "ok")

    @property
    def is_acknowledged(self) -> bool:
        return bool(self.receipts)

    @property
    def is_refused(self) -> bool:
        """The client was told that it is not registered and never will be."""
        return not self.is_acknowledged and any(one.word == "fatal-error" for one in self.told)

    @property
    def is_open(self) -> bool:
        """The client doesn't know."""
        return not self.is_acknowledged and not self.is_refused


@dataclass(frozen=True, slots=True)
class Held:
    """One version as a site's record holds it in the end."""

    order: str
    version: int
    patient: str
    mark: str
    """Of a Task: that of the requisition that it is of."""

    @property
    def is_task(self) -> bool:
        return self.order.startswith("Task/")


@dataclass(frozen=True, slots=True)
class Listed:
    """An order that the reconciliation lists as not certain."""

    key: str
    patient: str
