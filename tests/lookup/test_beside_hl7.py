"""HL7 v2 into the copy: who lies where, results, medication; each message once, none lost."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from altid.hl7 import acknowledgement
from altid.hl7.mllp import framed, read_frame
from altid.hl7.text import escape, parse
from altid.lookup.beside.hl7 import inbox
from altid.lookup.beside.hl7.inbox import count_held, place, try_again
from altid.lookup.beside.hl7.listener import listen
from altid.lookup.beside.naming import TAG_SYSTEM
from altid.lookup.beside.sources import Hl7Source, Tls
from altid.lookup.beside.store import HELD
from tests.certificates import Authority
from tests.lookup.beside_messages import PERSON, SOURCE, VISIT, message, visit
from tests.lookup.beside_store import StandIn

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)


def placed(*messages: bytes, store: StandIn | None = None) -> StandIn:
    store = store or StandIn()
    for one in messages:
        assert place(store, SOURCE, one, NOW) == ""
    return store


def of(store: StandIn, type_: str) -> list[dict[str, Any]]:
    return [one for key, one in store.here().items() if key.startswith(f"{type_}/")]


def only(store: StandIn, type_: str) -> dict[str, Any]:
    (found,) = of(store, type_)
    return found


def bed(store: StandIn) -> str:
    """The name of the bed where the only stay is now."""
    present = [one for one in only(store, "Encounter")["location"] if "end" not in one.get("period", {})]
    (entry,) = present
    kind, _, id_ = entry["location"]["reference"].partition("/")
    return store.here()[f"{kind}/{id_}"]["name"]


def test_an_admission_makes_the_patient_the_stay_the_ward_and_the_bed() -> None:
    store = placed(message("ADT^A01", PERSON, VISIT))
    patient, stay = only(store, "Patient"), only(store, "Encounter")
    assert patient["name"] == [{"use": "official", "family": "Sørensen", "given": ["Åse", "Ærø"]}]
    assert (patient["birthDate"], patient["gender"]) == ("1959-07-01", "female")
    assert {name: patient["identifier"][1][name] for name in ("system", "value")} == {
        "system": "urn:oid:1.2.208.176.1.2",
        "value": "0107590000",
    }
    assert {"system": TAG_SYSTEM, "code": "adt"} in patient["meta"]["tag"]
    assert (stay["status"], stay["class"]["code"], bed(store)) == ("in-progress", "IMP", "2-A")
    assert stay["participant"][0]["individual"]["display"] == "Ib Holm"
    assert only(store, "Organization")["identifier"][0]["value"] == "441211000016002"
    assert stay["serviceProvider"]["reference"] == f"Organization/{only(store, 'Organization')['id']}"


def test_a_stay_from_its_beginning_to_its_end() -> None:
    store = placed(message("ADT^A05", PERSON, VISIT.replace("20261128080000", "")))
    assert only(store, "Encounter")["status"] == "planned"
    placed(message("ADT^A01", PERSON, VISIT, id_="2"), store=store)
    placed(message("ADT^A02", PERSON, visit("M1^3^B^HOSP"), id_="3", at="20261128083000"), store=store)
    assert bed(store) == "3-B"
    placed(message("ADT^A12", PERSON, VISIT, id_="4", at="20261128083500"), store=store)
    assert (bed(store), len(only(store, "Encounter")["location"])) == ("2-A", 1)
    placed(message("ADT^A03", PERSON, VISIT, id_="5", at="20261128084000"), store=store)
    stay = only(store, "Encounter")
    assert (stay["status"], stay["period"]["end"]) == ("finished", "2026-11-28T08:40:00+01:00")
    assert stay["location"][-1]["period"]["end"] == "2026-11-28T08:40:00+01:00"
    placed(message("ADT^A13", PERSON, VISIT, id_="6", at="20261128085000"), store=store)
    stay = only(store, "Encounter")
    assert (stay["status"], "end" in stay["period"], bed(store)) == ("in-progress", False, "2-A")
    placed(message("ADT^A11", PERSON, VISIT, id_="7", at="20261128085500"), store=store)
    assert only(store, "Encounter")["status"] == "cancelled"


def test_an_update_leaves_what_it_does_not_name_and_takes_away_what_it_says_is_not_there() -> None:
    store = placed(message("ADT^A01", PERSON, VISIT))
    changed = 'PID|||4711^^^PAS^PI||||""|||||||||||||||||||||||Y'
    placed(message("ADT^A08", changed, id_="2"), store=store)
    patient = only(store, "Patient")
    assert (patient["name"][0]["family"], "birthDate" in patient) == ("Sørensen", False)
    assert patient["deceasedBoolean"] is True
    assert len(patient["identifier"]) == 2


def test_a_message_that_comes_again_changes_nothing() -> None:
    first = message("ADT^A01", PERSON, VISIT)
    moved = message("ADT^A02", PERSON, visit("M1^3^B^HOSP"), id_="2")
    store = placed(first, moved)
    before = dict(store.changes)
    placed(first, moved, message("ADT^A02", PERSON, visit("M1^3^B^HOSP"), id_="3"), store=store)
    assert store.changes == before


def test_allergies_are_sent_whole_and_silence_says_nothing() -> None:
    two = ("AL1|1|DA|J01CE01^Penicillin^ATC|SV|Rash", "AL1|2|FA|^Nuts|MO|Swelling")
    store = placed(message("ADT^A01", PERSON, VISIT, *two))
    assert {one["code"]["text"] for one in of(store, "AllergyIntolerance")} == {"Penicillin", "Nuts"}
    penicillin = next(o for o in of(store, "AllergyIntolerance") if o["code"]["text"] == "Penicillin")
    assert (penicillin["criticality"], penicillin["reaction"][0]["severity"]) == ("high", "severe")
    placed(message("ADT^A08", PERSON, VISIT, id_="2"), store=store)
    assert len(of(store, "AllergyIntolerance")) == 2
    placed(message("ADT^A08", PERSON, VISIT, two[1], id_="3"), store=store)
    assert only(store, "AllergyIntolerance")["code"]["text"] == "Nuts"
    placed(message("ADT^A08", PERSON, VISIT, 'AL1|1||""', id_="4"), store=store)
    assert of(store, "AllergyIntolerance") == []


def test_diagnoses_are_those_of_their_stay() -> None:
    diagnosis = "DG1|1||DJ189^Pneumonia^SKS||20261128|A"
    store = placed(message("ADT^A01", PERSON, VISIT, diagnosis))
    assert only(store, "Condition")["encounter"]["reference"] == f"Encounter/{only(store, 'Encounter')['id']}"
    other = VISIT.replace("|V1|", "|V2|")
    placed(message("ADT^A01", PERSON, other, "DG1|1||DI10^Hypertension^SKS", id_="2"), store=store)
    assert len(of(store, "Condition")) == 2
    placed(message("ADT^A08", PERSON, other, 'DG1|1||""', id_="3"), store=store)
    assert only(store, "Condition")["code"]["text"] == "Pneumonia"


def test_results_come_and_are_corrected() -> None:
    value = "OBX|1|NM|NPU03429^Sodium^NPU||{}|mmol/L^^UCUM|137-145|L|||{}|||20261128070000"
    report = "OBR|1|O1|F1|NPU^Electrolytes^NPU|||20261128070000|||||||||||||||||||F"
    store = placed(message("ORU^R01", PERSON, report, value.format("131", "F")))
    placed(message("ORU^R01", PERSON, report, value.format("132", "C"), id_="2"), store=store)
    observation = only(store, "Observation")
    assert (observation["valueQuantity"]["value"], observation["status"]) == (132, "corrected")
    assert observation["subject"]["reference"] == f"Patient/{only(store, 'Patient')['id']}"
    assert only(store, "DiagnosticReport")["result"] == [{"reference": f"Observation/{observation['id']}"}]


def test_medication_is_ordered_given_and_stopped() -> None:
    order = (
        "ORC|{}|P1|||||||20261128",
        "RXE|^Q8H|J01CE01^benzylpenicillin^ATC|1200||mg^^UCUM",
        "RXR|IV^Intravenous",
    )
    store = placed(message("RDE^O11", PERSON, order[0].format("NW"), *order[1:]))
    request = only(store, "MedicationRequest")
    assert (request["status"], request["dosageInstruction"][0]["text"]) == ("active", "1200 mg, Q8H")
    assert request["dosageInstruction"][0]["timing"]["repeat"] == {
        "frequency": 1,
        "period": 8,
        "periodUnit": "h",
    }
    given_ = "RXA|0|1|20261128080000|20261128080000|J01CE01^benzylpenicillin^ATC|1200|mg^^UCUM|||7^Holm^Ib"
    placed(message("RAS^O17", PERSON, "ORC|OK|P1", given_, id_="2"), store=store)
    administration = only(store, "MedicationAdministration")
    assert administration["request"]["reference"] == f"MedicationRequest/{request['id']}"
    assert administration["dosage"]["dose"]["value"] == 1200
    placed(message("RDE^O25", PERSON, order[0].format("DC"), *order[1:], id_="3"), store=store)
    assert only(store, "MedicationRequest")["status"] == "stopped"


def test_two_own_numbers_with_one_cpr_number_are_two_until_the_sender_merges_them() -> None:
    other = PERSON.replace("4711", "4712")
    result = ("OBR|1||F1|X^X^L", "OBX|1|ST|X^X^L||text")
    store = placed(
        message("ADT^A28", PERSON),
        message("ADT^A28", other, id_="2"),
        message("ORU^R01", PERSON, *result, id_="3"),
    )
    assert len(of(store, "Patient")) == 2
    only_cpr = "PID|||0107590000^^^CPR&1.2.208.176.1.2&ISO^NNDNK"
    assert place(store, SOURCE, message("ORU^R01", only_cpr, *result, id_="4"), NOW) == "several-patients"
    placed(message("ADT^A40", other, "MRG|4711^^^PAS^PI", id_="5"), store=store)
    (kept,) = [one for one in of(store, "Patient") if one["active"]]
    (former,) = [one for one in of(store, "Patient") if not one["active"]]
    assert former["link"] == [{"other": {"reference": f"Patient/{kept['id']}"}, "type": "replaced-by"}]
    assert {one["subject"]["reference"] for one in of(store, "Observation")} == {f"Patient/{kept['id']}"}
    placed(message("ADT^A08", PERSON, VISIT, id_="6"), store=store)  # by the former number
    assert only(store, "Encounter")["subject"]["reference"] == f"Patient/{kept['id']}"


def test_who_was_known_by_a_cpr_number_alone_gets_the_senders_number() -> None:
    only_cpr = "PID|||0107590000^^^CPR&1.2.208.176.1.2&ISO^NNDNK||Sørensen^Åse"
    store = placed(message("ADT^A28", only_cpr), message("ADT^A08", PERSON, id_="2"))
    assert len(only(store, "Patient")["identifier"]) == 2


@pytest.mark.parametrize("charset", ["8859/1", "UNICODE UTF-8"])
def test_danish_letters_arrive(charset: str) -> None:
    store = placed(message("ADT^A01", PERSON, VISIT, charset=charset))
    assert only(store, "Patient")["name"][0]["given"] == ["Åse", "Ærø"]


HELD_ONES = [
    (b"no message", "no-header"),
    (message("SIU^S12", PERSON), "unknown-kind"),
    (message("ADT^A01", VISIT), "no-patient"),
    (message("ADT^A01", "PID|||||Nobody", VISIT), "no-patient-number"),
    (message("ADT^A01", PERSON, "PV1||I|M1"), "no-visit-number"),
    (message("ADT^A01", PERSON.replace("19590701", "first of July"), VISIT), "no-time"),
    (message("ADT^A01", PERSON.replace("19590701", "19591301"), VISIT), "not-valid"),
    (message("ADT^A40", PERSON), "no-former-number"),
    (message("RDE^O11", PERSON, "ORC|ZZ|P1", "RXE||X^X^L|1"), "unknown-order-control"),
    (message("ADT^A01", PERSON, VISIT, id_=""), "no-control-id"),
    (message("ADT^A01", PERSON, VISIT).replace("Å".encode(), b"\xc5"), "wrong-charset"),
]


@pytest.mark.parametrize(("data", "code"), HELD_ONES, ids=[code for _, code in HELD_ONES])
def test_what_cannot_be_understood_is_held_with_its_bytes(data: bytes, code: str) -> None:
    store = StandIn()
    assert place(store, SOURCE, data, NOW) == code
    assert place(store, SOURCE, data, NOW) == code
    with store.reading() as connection:
        rows = connection.execute("SELECT state, code, message FROM beside_message").fetchall()
    assert (rows, store.here(), store.meta(HELD)) == ([("held", code, data)], {}, "1")


def test_what_is_tried_again_undoes_nothing_that_came_later(monkeypatch: pytest.MonkeyPatch) -> None:
    store = placed(message("ADT^A01", PERSON, VISIT, at="20261128080000"))
    moved = message("ADT^A02", PERSON, visit("M1^3^B^HOSP"), id_="2", at="20261128081000")
    with monkeypatch.context() as not_understood:
        not_understood.setattr(inbox, "take", _not_understood)
        assert place(store, SOURCE, moved, NOW) == "unknown-kind"
    placed(message("ADT^A02", PERSON, visit("M1^4^C^HOSP"), id_="3", at="20261128082000"), store=store)
    heartbeat = store.heartbeats["adt"]
    with store.writing() as connection:
        connection.execute("UPDATE beside_message SET state = 'waiting' WHERE state = 'held'")
    assert try_again(store, SOURCE, NOW) == 1
    assert (bed(store), count_held(store), store.heartbeats["adt"]) == ("4-C", 0, heartbeat)


def _not_understood(*_: Any) -> Any:
    raise inbox.Hl7Error("unknown-kind")


def test_the_hour_that_comes_twice_loses_nothing() -> None:
    store = placed(
        message("ADT^A01", PERSON, VISIT, at="20261025025000"),
        message("ADT^A02", PERSON, visit("M1^3^B^HOSP"), id_="2", at="20261025021000"),
    )
    assert bed(store) == "3-B"


def test_a_clock_that_is_fast_does_not_make_the_data_young() -> None:
    store = placed(message("ADT^A01", PERSON, VISIT, at="20281128080000"))
    assert store.heartbeats["adt"].at == NOW


def test_a_sender_can_say_that_it_is_alive() -> None:
    store = placed(message("NMD^N02"))
    assert (store.here(), store.heartbeats["adt"].at.isoformat()) == ({}, "2026-11-28T07:15:00+00:00")


PIECES = st.text(st.sampled_from('|^~&\\\r0123ABCMPØ"-. '), max_size=40)
SEGMENTS = st.sampled_from(
    ["PID", "PV1", "PV2", "AL1", "DG1", "OBR", "OBX", "ORC", "RXE", "RXA", "MRG", "NTE"]
)
KINDS = ["ADT^A01", "ADT^A02", "ADT^A03", "ADT^A08", "ADT^A40", "ORU^R01", "RDE^O11", "RAS^O17", "ZZZ^Z01"]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(KINDS), st.lists(st.tuples(SEGMENTS, PIECES), max_size=6), st.booleans())
def test_whatever_is_sent_is_in_the_copy_or_held(
    kind: str, segments: list[tuple[str, str]], with_person: bool
) -> None:
    store = StandIn()
    lines = [f"{name}|{text}" for name, text in segments]
    data = message(kind, *([PERSON, VISIT] if with_person else []), *lines)
    code = place(store, SOURCE, data, NOW)
    assert code != "fault"
    with store.reading() as connection:
        (row,) = connection.execute("SELECT state, code, message FROM beside_message").fetchall()
    assert row == (("held", code, data) if code else ("applied", "", None))


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_a_name_arrives_as_it_was(name: str) -> None:
    person = PERSON.replace("Sørensen", escape(f"N{name}"))
    assert only(placed(message("ADT^A28", person)), "Patient")["name"][0]["family"] == f"N{name}"


def test_a_sender_calls_and_is_answered() -> None:
    async def talk() -> list[str]:
        async with listening(store, SOURCE) as port:
            return await call(
                port,
                message("ADT^A01", PERSON, VISIT),
                message("SIU^S12", PERSON, id_="2"),
                message("ADT^A01", PERSON, VISIT, id_="3", application="OTHER"),
            )

    store = StandIn()
    assert asyncio.run(talk()) == ["AA", "AR", "AR"]
    assert (len(of(store, "Patient")), store.meta(HELD)) == (1, "1")


def test_a_caller_must_show_a_certificate_with_its_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = Tls(*map(Path, authority.made("altid.example.org")))
    source = replace(SOURCE, tls=tls, peer="pas.example.org")

    async def talk() -> list[str]:
        strangers = Authority(tmp_path / "strangers", believed=str(tls.authority))
        async with listening(store, source) as port:
            words = []
            for whose, name in (
                (authority, "pas.example.org"),
                (authority, "other.example.org"),
                (strangers, "pas.example.org"),
            ):
                context = ssl.create_default_context(cafile=str(tls.authority))
                context.check_hostname = False
                context.load_cert_chain(*whose.made(name)[:2])
                words += await call(port, message("ADT^A01", PERSON, VISIT), context=context)
            return words

    store = StandIn()
    assert asyncio.run(talk()) == ["AA", "AR", "nothing"]
    assert count_held(store) == 0  # a stranger fills no disk


@asynccontextmanager
async def listening(store: StandIn, source: Hl7Source) -> AsyncIterator[int]:
    opened: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(listen(store, source, opened=opened))
    try:
        yield await asyncio.wait_for(opened, 30)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def call(port: int, *messages: bytes, context: ssl.SSLContext | None = None) -> list[str]:
    words = []
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        for one in messages:
            writer.write(framed(one))
            answer = await asyncio.wait_for(read_frame(reader), 30)
            words.append(acknowledgement.read(parse(answer)).code[:2] if answer else "nothing")
        writer.close()
    except (ssl.SSLError, ConnectionError):
        words.append("nothing")
    return words


def test_a_copy_that_can_not_be_written_makes_the_sender_keep_its_message() -> None:
    class Full(StandIn):
        def apply(self, *_: Any, **__: Any) -> None:
            raise OSError("disk full")

    async def answer() -> bytes:
        from altid.lookup.beside.hl7.listener import Answering

        return await Answering(Full(), SOURCE).answer(message("ADT^A01", PERSON, VISIT), frozenset())

    assert acknowledgement.read(parse(asyncio.run(answer()))).code[:2] == "AE"
