"""In whatever order changes come, and however often: the copy has the newest version of each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from altid.lookup.change import Change, Digest, Position
from altid.lookup.copy import Copy
from altid.lookup.rows import DIGEST_BYTES, PARTS, member_digest, microseconds, part_of
from tests.lookup.feeding import BEGAN, observation, patient

KEY = bytes(range(32))


def history() -> list[Change]:
    """Two patients, whose names change; results that are put right, move to the other, or are taken back."""
    told = [
        [patient("a"), patient("a", "Lund")],
        [patient("b")],
        [observation("o1", "a"), observation("o1", "b"), observation("o1", "b", 5.5)],
        [observation("o2", "a"), None],
        [observation("o3", "b"), None, observation("o3", "b", 7.0)],
    ]
    found, moment = [], BEGAN
    for versions in told:
        first = versions[0]
        assert first is not None
        for number, content in enumerate(versions, 1):
            moment += timedelta(seconds=1)
            body = None if content is None else orjson.dumps(content)
            found.append(Change(first["resourceType"], first["id"], number, moment, body))
    return found


CHANGES = history()
NEWEST = {(one.type, one.id): one for one in CHANGES}
OWNERS = {"a": "a", "b": "b", "o1": "b", "o3": "b"}


def wanted() -> dict[int, Digest]:
    """By the contract's words, from the newest versions alone."""
    found: dict[int, Digest] = {}
    for one in NEWEST.values():
        if one.body is None:
            continue
        part = part_of(OWNERS[one.id])
        known = found.get(part, Digest(0, bytes(DIGEST_BYTES)))
        digest = member_digest(one.type, one.id, one.version, microseconds(one.at))
        value = int.from_bytes(known.value, "big") ^ digest
        found[part] = Digest(known.count + 1, value.to_bytes(DIGEST_BYTES, "big"))
    return found


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    made = Copy.create(tmp_path_factory.mktemp("order") / "copy.db", KEY)
    made.sessions._writer.execute("PRAGMA synchronous = OFF")  # no power is lost here
    yield made
    made.close()


@settings(max_examples=40, deadline=None)
@given(
    order=st.permutations(CHANGES),
    repeats=st.lists(st.sampled_from(CHANGES), max_size=8),
    size=st.integers(1, 7),
)
def test_the_newest_of_each_is_there(
    copy: Copy, order: list[Change], repeats: list[Change], size: int
) -> None:
    copy.replace_parts("record", range(PARTS), [])
    told = [*order, *repeats]
    for start in range(0, len(told), size):
        copy.apply(told[start : start + size], Position("record", "1", str(start)))
    assert copy.digests("record") == wanted()
    assert {key: copy.resource(*key) for key in NEWEST} == NEWEST
    assert {found.identity.family for found in copy.search("ida")} == {"Lund", "Holm"}
    assert copy.search("ida holm")[0].identity.id == "b"
    assert [one.id for one in copy.patient_resources("a")] == ["a"]
