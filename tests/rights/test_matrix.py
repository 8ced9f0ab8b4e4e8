"""Role by resource by relation: what each way of FHIR shows, counts and changes, on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import asyncpg
import httpx
import pytest

from altid.access.glass import BREAK
from altid.access.identity import Level, Role
from altid.access.tokens import Subject
from altid.api.settings import FhirSettings
from altid.record.postgres import Cluster
from rights import hospital
from rights.askers import ASKERS, Asker
from rights.hospital import ACCOUNT, TYPES, About, Relation, id_of, mark
from rights.interactions import CHANGES, COUNTS, MOVE, READS, is_counted, is_shown, leaks
from rights.table import PAGE, page
from running import make_database, running_worker
from tests.guards import EVERYTHING, bearer, minted

Ask = Callable[[Asker], httpx.Client]
Seen = dict[tuple[str, str, str], str]

_MAY_SEE_SOMETHING = {Relation.ADMITTED, Relation.REFERRED, Relation.LISTED, Relation.OVERRIDE}
_HIDDEN = [relation.value for relation in Relation if relation not in _MAY_SEE_SOMETHING]


@pytest.fixture(scope="module")
def dsn(postgres: Cluster) -> str:
    return make_database(postgres)


@pytest.fixture(scope="module")
def server(dsn: str) -> Iterator[str]:
    with running_worker(dsn, FhirSettings(), doorman=False) as address:
        yield f"{address}/fhir"


@pytest.fixture(scope="module")
def loader(dsn: str, server: str) -> Iterator[httpx.Client]:
    """The system that has brought the hospital in."""
    subject = Subject("loader", "Loader", Role.SYSTEM, "", Level.HIGH, "s", (EVERYTHING,))
    with httpx.Client(base_url=server, headers=_token(dsn, subject), timeout=30) as client:
        for content in (*hospital.organisations(), *hospital.patients(), *hospital.resources()):
            _put(client, content)
        asyncio.run(_relate(dsn))
        yield client


@pytest.fixture(scope="module")
def clients(dsn: str, server: str, loader: httpx.Client) -> Iterator[dict[str, httpx.Client]]:
    """A client for each asker."""
    opened = {}
    for asker in ASKERS:
        subject = Subject(
            asker.subject,
            asker.name,
            asker.role,
            asker.organisation,
            Level.HIGH,
            "s",
            asker.scopes,
            asker.patient,
        )
        opened[asker.name] = httpx.Client(base_url=server, headers=_token(dsn, subject), timeout=30)
    yield opened
    for client in opened.values():
        client.close()


def _token(dsn: str, subject: Subject) -> dict[str, str]:
    return bearer(asyncio.run(minted(dsn, subject, life_s=3600)))


def _put(client: httpx.Client, content: hospital.Resource) -> None:
    answer = client.put(f"/{content['resourceType']}/{content['id']}", json=content)
    assert answer.status_code in (200, 201), answer.text


async def _relate(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(hospital.GROUNDS, ACCOUNT, hospital.WARD, list(Role))
        await connection.execute(hospital.OVERRIDE, ACCOUNT, hospital.WARD, list(BREAK))
        await connection.execute(hospital.BLOCK, Relation.BLOCKED, ACCOUNT, None, None)
        await connection.execute(
            hospital.BLOCK, Relation.PERIOD, ACCOUNT, hospital.BLOCKED_FROM, hospital.BLOCKED_TO
        )
    finally:
        await connection.close()


class Look(NamedTuple):
    """What one answer tells."""

    shows: bool
    counts: bool
    leaked: list[str]
    """Patients without grounds who are mentioned."""


@pytest.fixture(scope="module")
def looks(clients: dict[str, httpx.Client]) -> dict[tuple[str, str, str], dict[str, Look]]:
    """(asker, type, relation) -> what each way of reading and counting tells."""
    found: dict[tuple[str, str, str], dict[str, Look]] = {}
    for asker in ASKERS:
        for about in TYPES:
            for relation in Relation:
                ways = {}
                for way, ask in (READS | COUNTS).items():
                    answer = ask(clients[asker.name], about, relation)
                    counts = way in COUNTS and is_counted(answer)
                    ways[way] = Look(is_shown(answer, about, relation), counts, leaks(answer, _HIDDEN))
                found[asker.name, about.type, relation] = ways
    return found


@pytest.fixture(scope="module")
def shown(looks: dict[tuple[str, str, str], dict[str, Look]]) -> dict[tuple[str, str, str], set[str]]:
    """(asker, type, relation) -> the ways that show the resource."""
    return {key: {way for way in READS if ways[way].shows} for key, ways in looks.items()}


@pytest.mark.parametrize("asker", ASKERS, ids=lambda asker: asker.name)
def test_every_way_shows_the_same(asker: Asker, shown: dict[tuple[str, str, str], set[str]]) -> None:
    for about in TYPES:
        for relation in Relation:
            ways = shown[asker.name, about.type, relation]
            # Who may not read Patient can't come in by one.
            if ways and asker.scopes:
                continue
            assert ways in (set(), set(READS)), (about.type, relation, set(READS) - ways)


@pytest.mark.parametrize("ward", [hospital.WARD, hospital.OTHER_WARD])
@pytest.mark.parametrize("count", [1, 2, 1000])
@pytest.mark.parametrize("asker", ASKERS, ids=lambda asker: asker.name)
def test_who_lies_in_a_ward_is_shown_as_by_a_search_of_all(
    asker: Asker, clients: dict[str, httpx.Client], ward: str, count: int
) -> None:
    client, provider = clients[asker.name], f"Organization/o{ward}"
    everybody = client.get("/Encounter?_count=1000")
    expected = [
        resource["id"]
        for resource in _resources(everybody)
        if resource.get("serviceProvider", {}).get("reference") == provider
    ]
    found: list[str] = []
    address = f"/Encounter?service-provider={provider}&_count={count}"
    while address:
        answer = client.get(address)
        assert answer.status_code == everybody.status_code
        found += [resource["id"] for resource in _resources(answer)]
        links = {link["relation"]: link["url"] for link in answer.json().get("link", [])}
        address = links.get("next", "")
    assert sorted(found) == sorted(expected)


def _resources(answer: httpx.Response) -> list[dict[str, Any]]:
    """The admissions in a searchset."""
    entries = answer.json().get("entry", [])
    return [entry["resource"] for entry in entries if entry["resource"]["resourceType"] == "Encounter"]


@pytest.mark.parametrize("asker", ASKERS, ids=lambda asker: asker.name)
def test_what_is_hidden_is_not_counted_and_not_found_through(
    asker: Asker,
    looks: dict[tuple[str, str, str], dict[str, Look]],
    shown: dict[tuple[str, str, str], set[str]],
) -> None:
    for about in TYPES:
        for relation in Relation:
            key = asker.name, about.type, relation
            if not shown[key]:
                assert [way for way in COUNTS if looks[key][way].counts] == [], (about.type, relation)


@pytest.mark.parametrize("asker", ASKERS, ids=lambda asker: asker.name)
def test_no_answer_whatever_mentions_a_patient_without_grounds(
    asker: Asker, looks: dict[tuple[str, str, str], dict[str, Look]]
) -> None:
    if asker.role is Role.SYSTEM:
        pytest.skip("a system's scopes know no patients")
    for about in TYPES:
        for relation in Relation:
            for way, look in looks[asker.name, about.type, relation].items():
                assert not look.leaked, (way, about.type, relation)


@pytest.mark.parametrize("about", TYPES, ids=lambda about: about.type)
def test_pages_of_everything_show_no_patient_without_grounds(
    about: About, clients: dict[str, httpx.Client]
) -> None:
    client, url = clients["doctor"], f"/{about.type}?_count=1&_sort=_lastUpdated"
    for _ in range(2 * len(Relation)):
        answer = client.get(url)
        assert answer.status_code == 200, answer.text
        assert not leaks(answer, _HIDDEN)
        following = [link["url"] for link in answer.json()["link"] if link["relation"] == "next"]
        if not following:
            return
        url = following[0]
    pytest.fail("the pages don't end")


def test_a_doctor_sees_what_is_theirs_and_is_told_what_is_not(clients: dict[str, httpx.Client]) -> None:
    client = clients["doctor"]
    mine = client.get("/Observation?patient=Patient/admitted")
    assert mine.status_code == 200
    assert mine.json()["total"] == 1
    other = client.get("/Observation?patient=Patient/elsewhere")
    assert other.status_code == 403
    assert "break the glass with a reason" in other.text
    # A list of several of whom one is hidden would look complete.
    assert client.get("/Observation?patient=Patient/admitted,Patient/elsewhere").status_code == 403


def test_what_is_hidden_reads_like_what_never_was(clients: dict[str, httpx.Client]) -> None:
    client = clients["doctor"]
    hidden, nowhere = client.get("/Observation/observation-elsewhere"), client.get("/Observation/nowhere")
    assert hidden.status_code == nowhere.status_code == 404
    assert hidden.json() == nowhere.json()


@pytest.fixture(scope="module")
def changed(
    clients: dict[str, httpx.Client], loader: httpx.Client, shown: object
) -> dict[tuple[str, str, str], set[str]]:
    """(asker, type, relation) -> the changes that were done. Each is put back."""
    done: dict[tuple[str, str, str], set[str]] = {}
    for asker in ASKERS:
        for about in TYPES:
            for relation in Relation:
                ways = set()
                for name, change in CHANGES.items():
                    answer = change.ask(clients[asker.name], about, relation)
                    assert answer.status_code in (200, 201, 204, 400, 403, 404), (name, answer.text)
                    if answer.status_code < 300:
                        ways.add(name)
                        _put_back(loader, answer, about, relation)
                done[asker.name, about.type, relation] = ways
    return done


def _put_back(loader: httpx.Client, answer: httpx.Response, about: About, patient: str) -> None:
    if answer.status_code == 201 and answer.json().get("resourceType") == about.type:
        assert loader.delete(f"/{about.type}/{answer.json()['id']}").status_code == 204
    _put(loader, hospital.resource(about.type, patient))


@pytest.mark.parametrize("asker", ASKERS, ids=lambda asker: asker.name)
def test_whoever_may_not_see_a_patient_changes_nothing_about_them(
    asker: Asker,
    shown: dict[tuple[str, str, str], set[str]],
    changed: dict[tuple[str, str, str], set[str]],
) -> None:
    for about in TYPES:
        for relation in Relation:
            done = changed[asker.name, about.type, relation]
            if not shown[asker.name, about.type, relation]:
                opened = {"create"} if about.type in ("Encounter", "Appointment") else set()
                may_write_period = {"create"} if relation is Relation.PERIOD else set()
                assert done <= opened | may_write_period, (about.type, relation, done)


def test_nobody_puts_another_patients_name_on_a_resource(clients: dict[str, httpx.Client]) -> None:
    """Neither pull one of a hidden patient over, nor push one there."""
    client = clients["doctor"]
    for about in TYPES:
        pull = MOVE("admitted")(client, about, "elsewhere")
        assert pull.status_code in (403, 404), (about.type, pull.text)
        push = MOVE("elsewhere")(client, about, "admitted")
        assert push.status_code == 403, (about.type, push.text)


def test_the_page_in_the_documentation_says_what_was_seen(
    shown: dict[tuple[str, str, str], set[str]], changed: dict[tuple[str, str, str], set[str]]
) -> None:
    seen: Seen = {}
    for key, ways in shown.items():
        letters = {CHANGES[name].letter for name in changed[key]}
        seen[key] = ("r" if ways else "") + "".join(letter for letter in "cud" if letter in letters)
    text = page(seen, len(READS) + len(COUNTS) + len(CHANGES))
    if PAGE.is_file() and PAGE.read_text() == text:
        return
    fresh = PAGE.with_suffix(".md.new")
    fresh.write_text(text)
    pytest.fail(f"docs/rights.md says something else than the server: compare it with {fresh.name}")


def test_marks_are_in_everything_about_a_patient() -> None:
    """Or a leak would not be seen."""
    for content in hospital.resources():
        patient = content["id"].partition("-")[2]
        assert mark(patient) in str(content)
        assert content["id"] == id_of(content["resourceType"], patient)
