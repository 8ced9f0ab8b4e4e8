"""What is told to etcd, Patroni, PostgreSQL and the servers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from altid.region import envoy, etcd, patroni
from altid.region.builtin import builtin_netns_region, builtin_region
from altid.region.distance import expected_commit
from altid.region.layout import Layout, Secrets
from altid.region.parts import Part, parts_of
from altid.region.programs import Programs
from altid.region.topology import Region
from altid.server.worker import WorkerSettings

_SECRETS = Secrets("s1", "s2", "s3", "s4", "s5")
_PROGRAMS = Programs(Path("/usr/bin/etcd"), (3, 4, 23), Path("/usr/bin/python3"), Path("/usr/lib/postgresql"))


def _patroni(region: Region) -> dict[str, Any]:
    site, folders = region.sites[1], Layout(Path("/data")).place("B")
    text = patroni.configuration(region, site, folders, _SECRETS, Path("/bin"), Path("/data/record.conf"))
    value: dict[str, Any] = json.loads(text)
    return value


def test_commits_wait_until_the_other_site_shows_them() -> None:
    dynamic = _patroni(builtin_region())["bootstrap"]["dcs"]
    assert dynamic["synchronous_mode"] is True
    assert dynamic["postgresql"]["parameters"]["synchronous_commit"] == "remote_apply"


def test_a_read_at_the_standby_does_not_hold_up_commits_for_long() -> None:
    told = _patroni(builtin_region())["bootstrap"]["dcs"]["postgresql"]["parameters"]
    assert told["max_standby_streaming_delay"] == "500ms"
    assert told["vacuum_truncate"] == "off"


def test_patroni_asks_its_own_etcd_first_and_never_shuffles() -> None:
    region = builtin_region()
    own = _patroni(region)["etcd3"]
    assert own["use_proxies"] is True
    assert [host.split(":")[0] for host in own["hosts"].split(",")] == ["127.0.2.1", "127.0.3.1", "127.0.1.1"]


def test_a_failed_rewind_never_removes_a_data_folder() -> None:
    own = _patroni(builtin_region())["postgresql"]
    assert own["remove_data_directory_on_rewind_failure"] is False
    assert own["remove_data_directory_on_diverged_timelines"] is False


def test_nobody_enters_the_database_without_a_password() -> None:
    for rule in _patroni(builtin_netns_region("10.89"))["postgresql"]["pg_hba"]:
        assert rule.endswith("scram-sha-256")


def test_nobody_reaches_the_database_but_from_its_own_host() -> None:
    own = _patroni(builtin_netns_region("10.89"))["postgresql"]
    assert {rule.split()[3] for rule in own["pg_hba"]} == {"127.0.0.0/8"}
    assert own["listen"] == own["connect_address"] == "127.89.2.2:15432"


def test_patroni_answers_and_asks_with_a_certificate_only() -> None:
    told = _patroni(builtin_region())
    assert told["restapi"]["verify_client"] == "required"
    assert told["etcd3"]["protocol"] == "https"
    assert told["etcd3"]["cert"] == told["ctl"]["certfile"] == "/data/B/pki/identity.pem"


def test_those_who_only_look_may_ask_patroni_and_not_pose_as_etcd() -> None:
    told = _patroni(builtin_region())
    assert told["restapi"]["cafile"] == "/data/B/pki/callers.pem"
    assert told["etcd3"]["cacert"] == "/data/B/pki/authority.pem"


def test_etcd_elects_quickly_and_asks_before_it_disturbs() -> None:
    region = builtin_region()
    command = etcd.command(region, region.witness, "/data/W/etcd", Path("/data/W/pki"), _PROGRAMS)
    assert {"--heartbeat-interval=50", "--election-timeout=500", "--pre-vote=true"} <= set(command)


def test_etcd_speaks_to_nobody_without_a_certificate() -> None:
    region = builtin_region()
    command = etcd.command(region, region.witness, "/data/W/etcd", Path("/data/W/pki"), _PROGRAMS)
    assert {"--client-cert-auth", "--peer-client-cert-auth"} <= set(command)
    assert not [argument for argument in command if "http://" in argument]


def test_every_place_with_lines_has_a_tunnel_before_its_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envoy, "find", lambda: Path("/bin/envoy"))
    region = builtin_netns_region("10.89")
    for place in region.places:
        parts = parts_of(region, place, Layout(Path("/data")), _SECRETS, _PROGRAMS)
        needed = [part.name for part in parts if part.name != "lookup"]
        assert needed[:2] == ["etcd", "tunnel"]


def test_a_sites_lookup_record_waits_for_nothing_and_is_first() -> None:
    region = builtin_region()
    first = parts_of(region, region.sites[0], Layout(Path("/data")), _SECRETS, _PROGRAMS)[0]
    assert first.name == "lookup"
    assert asyncio.run(_opens(first))
    assert "--key-file" in first.command


async def _opens(part: Part) -> bool:
    return await part.gate()


def test_the_witness_runs_no_database_and_no_server() -> None:
    region = builtin_region()
    parts = parts_of(region, region.witness, Layout(Path("/data")), _SECRETS, _PROGRAMS)
    assert [part.name for part in parts] == ["etcd", "guardian", "archive", "status"]


def test_a_server_reads_nearby_writes_to_the_primary_and_answers_only_while_live() -> None:
    region = builtin_region(servers=1)
    parts = parts_of(region, region.sites[1], Layout(Path("/data")), _SECRETS, _PROGRAMS)
    server = next(part for part in parts if part.name == "server-1")
    settings = WorkerSettings.load(server.stdin)
    assert "@127.0.2.1:" in settings.app.read_dsn
    assert settings.app.write_dsn.endswith("target_session_attrs=primary")
    assert settings.app.write_dsn.index("127.0.2.1") < settings.app.write_dsn.index("127.0.1.1")
    assert settings.live_file == "/data/B/live"


def test_no_password_stands_on_a_command_line() -> None:
    region = builtin_region()
    for place in region.places:
        for part in parts_of(region, place, Layout(Path("/data")), _SECRETS, _PROGRAMS):
            assert not {"s1", "s2", "s3", "s4", "s5"} & set(" ".join(part.command).split())


@pytest.mark.parametrize(
    ("version", "sound"),
    [((3, 4, 23), True), ((3, 5, 0), False), ((3, 5, 1), False), ((3, 5, 3), True), ((3, 6, 1), True)],
)
def test_an_etcd_that_may_lose_consistency_is_known(version: tuple[int, int, int], sound: bool) -> None:
    assert _PROGRAMS._replace(etcd_version=version).etcd_is_sound is sound


def test_the_distance_model_meets_its_measurements() -> None:
    near, far = expected_commit(0.0), expected_commit(105.0)
    assert (near.round_trip_ms, near.p50_ms, near.p99_ms) == (0.0, 1.3, 5.0)
    assert (far.round_trip_ms, far.p50_ms, far.p99_ms) == (1.5, 4.0, 10.0)


def test_more_distance_never_costs_less() -> None:
    medians = [expected_commit(float(km)).p50_ms for km in range(0, 2000, 50)]
    assert medians == sorted(medians)
