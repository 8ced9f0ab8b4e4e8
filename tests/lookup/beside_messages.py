"""Messages of HL7 v2 as a patient administration, a laboratory and a pharmacy send them."""

from __future__ import annotations

from altid.lookup.beside.sources import Hl7Source

SOURCE = Hl7Source("adt", "127.0.0.1", 0, "PAS", "HOSP", wards={"M1": "441211000016002"})
PERSON = "PID|||4711^^^PAS^PI~0107590000^^^CPR&1.2.208.176.1.2&ISO^NNDNK||Sørensen^Åse^Ærø^^^^L||19590701|F"
VISIT = "PV1||I|M1^2^A^HOSP||||77^Holm^Ib||||||||||||V1|||||||||||||||||||||||||20261128080000"


def message(
    kind: str,
    *segments: str,
    id_: str = "1",
    at: str = "20261128081500",
    charset: str = "UNICODE UTF-8",
    application: str = "PAS",
) -> bytes:
    event = kind.partition("^")[2]
    head = f"MSH|^~\\&|{application}|HOSP|ALTID||{at}||{kind}|{id_}|P|2.5.1||||||{charset}"
    parts = [head, *([f"EVN|{event}|{at}"] if kind.startswith("ADT") else []), *segments]
    return "".join(f"{part}\r" for part in parts).encode("iso-8859-1" if charset == "8859/1" else "utf-8")


def visit(place: str, **more: str) -> str:
    """A PV1 at that place; `discharged`: PV1-45."""
    return VISIT.replace("M1^2^A^HOSP", place) + ("|" + more["discharged"] if "discharged" in more else "")
