"""Orders leave: each at least once and never applied twice, each patient's in their order, whatever dies."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from altid.orders.downstream.hl7.orders import control_id
from altid.record.postgres import Cluster
from nodes import a_pair, both
from tests.orders.posts import (
    Post,
    Sending,
    a_post,
    ask,
    in_order,
    medication,
    patient,
    put,
    requisition,
    sending,
    states,
    wait_for_dispatcher,
    wait_until,
)
from tests.running import make_database

SEED = int(os.environ.get("ALTID_SEED", "0")) or random.SystemRandom().getrandbits(32)


@pytest.fixture
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    with a_post(tmp_path / "post") as made:
        yield made


@pytest.fixture
def sent(dsn: str, post: Post) -> Iterator[Sending]:
    put(dsn, patient("p1"), patient("p2"))
    with sending(dsn, {"pharmacy": post.port}) as processes:
        wait_for_dispatcher(dsn)
        yield processes


def only_acknowledged(dsn: str, count: int) -> bool:
    return states(dsn) == {"acknowledged": count}


def test_what_was_there_before_a_destination_is_not_sent(dsn: str, post: Post) -> None:
    put(dsn, patient("p1"), medication("old", "p1"))
    with sending(dsn, {"pharmacy": post.port}):
        wait_for_dispatcher(dsn)
        put(dsn, medication("new", "p1"))
        wait_until(lambda: only_acknowledged(dsn, 1))
    assert [one["order"] for one in post.applied] == ["MedicationRequest/new"]


def test_an_order_leaves_with_each_version_and_its_control_code(dsn: str, post: Post, sent: Sending) -> None:
    put(dsn, medication("m", "p1", "draft"))
    for status in ("active", "active", "on-hold", "active", "stopped"):
        put(dsn, medication("m", "p1", status))
    wait_until(lambda: only_acknowledged(dsn, 5))
    assert [one["control"] for one in post.applied] == ["NW", "XO", "HD", "RL", "DC"]
    assert [one["version"] for one in post.applied] == [2, 3, 4, 5, 6]
    assert post.applied[0]["control_id"] == control_id("MedicationRequest", "m", 2)


def test_what_is_no_signed_order_stays(dsn: str, post: Post, sent: Sending) -> None:
    tag = {"tag": [{"system": "https://altid.dk/fhir/tag", "code": "test-order"}]}
    put(
        dsn,
        medication("draft", "p1", "draft"),
        medication("draft", "p1", "cancelled"),
        medication("history", "p1", "completed"),
        medication("canary", "p1", meta=tag),
        medication("plan", "p1", intent="plan"),
        requisition("real", "p1"),
        requisition("real", "p1", "completed"),
        medication("last", "p1"),
    )
    wait_until(lambda: len(post.applied) == 2)
    assert [one["order"] for one in post.seen] == ["ServiceRequest/real", "MedicationRequest/last"]


@pytest.mark.parametrize("mood", ["busy", "hang-up", "torn", "wrong-id", "lost-answer", "twice", "slow"])
def test_a_receiver_that_misbehaves_gets_each_order_in_the_end_and_applies_it_once(
    dsn: str, post: Post, sent: Sending, mood: str
) -> None:
    post.be(mood, share=0.5, s=0.05)
    put(dsn, *(medication(f"m{number}", f"p{number % 2 + 1}") for number in range(12)))
    wait_until(lambda: only_acknowledged(dsn, 12))
    assert sorted(one["order"] for one in post.applied) == sorted(
        f"MedicationRequest/m{number}" for number in range(12)
    )


def test_an_order_waits_for_the_one_before_it_and_for_nobody_elses(
    dsn: str, post: Post, sent: Sending
) -> None:
    post.be("busy", only="/first")
    put(dsn, medication("first", "p1"), medication("second", "p1"), medication("other", "p2"))
    wait_until(lambda: "MedicationRequest/other" in {one["order"] for one in post.applied})
    assert "MedicationRequest/second" not in {one["order"] for one in post.seen}
    post.be("well")
    wait_until(lambda: only_acknowledged(dsn, 3))
    assert [one["order"] for one in post.applied if one["patient"] == "p1"] == [
        "MedicationRequest/first",
        "MedicationRequest/second",
    ]


def test_a_refused_order_is_a_dead_letter_and_lets_the_next_pass(dsn: str, post: Post, sent: Sending) -> None:
    post.be("refuse", only="/bad")
    put(dsn, medication("bad", "p1"), medication("good", "p1"))
    wait_until(lambda: states(dsn) == {"acknowledged": 1, "refused": 1})
    assert ask(dsn, "SELECT code FROM delivery WHERE state = 'refused'") == "AR"


def test_what_can_not_be_said_is_never_sent(dsn: str, post: Post, sent: Sending) -> None:
    put(dsn, medication("not", "p1", doNotPerform=True), medication("good", "p1"))
    wait_until(lambda: states(dsn) == {"acknowledged": 1, "refused": 1})
    assert [one["order"] for one in post.seen] == ["MedicationRequest/good"]
    assert ask(dsn, "SELECT code FROM delivery WHERE state = 'refused'") == "not-encodable doNotPerform"


def test_a_dispatcher_and_a_receiver_killed_at_random_points(dsn: str, post: Post, sent: Sending) -> None:
    sys.stdout.write(f"ALTID_SEED={SEED}\n")
    rng = random.Random(SEED)
    orders, patients = 60, 5
    put(dsn, *(patient(f"p{number}") for number in range(patients)))
    ended = threading.Event()

    def write_on() -> None:
        for number in range(orders):
            of = f"p{rng.randrange(patients)}"
            put(dsn, medication(f"m{number}", of))
            put(dsn, medication(f"m{number}", of, "stopped"))
        ended.set()

    writer = threading.Thread(target=write_on)
    writer.start()
    moods = random.Random(SEED + 1)
    rounds = 0
    while rounds < 8 or not ended.is_set():
        rounds += 1
        post.be(moods.choice(("well", "lost-answer", "busy", "torn", "twice", "die")), share=0.2)
        time.sleep(moods.uniform(0.2, 0.9))
        if moods.random() < 0.7:
            sent.kill()
            sent.start()
        if moods.random() < 0.4:
            post.kill()
            post.start()
    writer.join()
    post.be("well")
    wait_until(lambda: only_acknowledged(dsn, 2 * orders))
    applied = post.applied
    assert len({one["control_id"] for one in applied}) == len(applied) == 2 * orders
    assert in_order(applied)
    made = asyncio.run(_in_lanes(dsn))
    taken = [(f"Patient/{one['patient']}", one["order"], one["version"]) for one in applied]
    for lane in {lane for lane, _, _ in made}:
        assert [one for one in taken if one[0] == lane] == [one for one in made if one[0] == lane]


async def _in_lanes(dsn: str) -> list[tuple[str, str, int]]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT lane, type || '/' || id, version FROM delivery ORDER BY number")
        return [tuple(row) for row in rows]
    finally:
        await connection.close()


def test_two_dispatchers_take_turns_and_one_goes_on_when_the_other_dies(
    dsn: str, post: Post, sent: Sending
) -> None:
    sent.start()
    put(dsn, *(medication(f"m{number}", "p1") for number in range(20)))
    wait_until(lambda: only_acknowledged(dsn, 20))
    assert len(post.seen) == 20  # nobody else has sent any of them


def test_a_new_primary_knows_what_was_sent(tmp_path: Path) -> None:
    with a_pair() as (a, b), a_post(tmp_path / "post") as post:
        dsn = both(a, b)
        put(a.dsn(), patient("p1"))
        with sending(dsn, {"pharmacy": post.port}, b.dsn("altid_app")):
            wait_for_dispatcher(a.dsn())
            post.be("lost-answer", share=0.3)
            put(a.dsn(), *(medication(f"m{number}", "p1") for number in range(10)))
            wait_until(lambda: len(post.applied) >= 3)
            a.kill()
            asyncio.run(b.ask("ALTER SYSTEM SET synchronous_standby_names = ''"))
            asyncio.run(b.ask("SELECT pg_reload_conf()"))
            assert asyncio.run(b.ask("SELECT pg_promote()"))
            put(b.dsn(), medication("after", "p1"))
            wait_until(lambda: only_acknowledged(b.dsn(), 11))
        assert [one["order"] for one in post.applied] == [
            *(f"MedicationRequest/m{number}" for number in range(10)),
            "MedicationRequest/after",
        ]
