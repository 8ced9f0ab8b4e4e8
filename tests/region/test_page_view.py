"""What the page says of a region in each state: unmistakable, never more than is known, and safe to show."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import altid.region.page
from altid.region.page.app import render
from altid.region.page.asking import Asked
from altid.region.page.levels import SIGNS
from altid.region.page.texts import TEXTS
from altid.region.page.view import board
from altid.region.page.words import LANGUAGES, Words, wanted
from region.pictures import catching_up, cut_off, dead, healthy, leaderless, leaders_site_dead

DA, EN = Words("da"), Words("en")
_NOW = datetime(2026, 11, 22, 8, 12, 19, tzinfo=UTC)
_STATES = [healthy, leaders_site_dead, catching_up, cut_off, leaderless]


def _html(picture: dict[str, Any], words: Words = DA, *, old: bool = False) -> str:
    return render("board.html", Asked(picture, 0.0, 1), words, _NOW, old=old)


@pytest.mark.parametrize(
    ("make", "level", "says"),
    [
        (healthy, "good", "Alle nye ordinationer gemmes begge steder"),
        (leaders_site_dead, "warn", "Kun ét sted: nye ordinationer gemmes kun på B"),
        (catching_up, "warn", "Kun ét sted: nye ordinationer gemmes kun på B"),
        (leaderless, "alarm", "Intet nyt kan gemmes lige nu"),
        (cut_off, "unknown", "Ukendt: herfra kan det ikke ses, om journalen virker"),
    ],
)
def test_the_headline_says_how_safe_a_write_is(
    make: Callable[[], dict[str, Any]], level: str, says: str
) -> None:
    shown = board(make(), DA)
    assert (shown.level, shown.headline) == (level, says)


def test_without_etcd_a_site_that_says_it_is_live_makes_it_unknown_not_none() -> None:
    picture = healthy() | {"durability": "none", "leader": None, "unknown": ["etcd"]}
    assert board(picture, DA).level == "unknown"


def test_without_etcd_and_guardians_it_is_unknown_not_none() -> None:
    picture = healthy() | {"durability": "none", "leader": None, "unknown": ["etcd"]}
    for site in picture["sites"]:
        site["guardian"] = None
    assert board(picture, DA).level == "unknown"


def test_without_a_quorum_sites_that_say_that_they_may_not_answer_make_it_none() -> None:
    assert board(leaderless() | {"unknown": ["etcd"]}, DA).level == "alarm"


@pytest.mark.parametrize("make", _STATES)
@pytest.mark.parametrize("words", [DA, EN])
def test_exactly_the_leader_wears_the_flag(make: Callable[[], dict[str, Any]], words: Words) -> None:
    picture = make()
    flags = re.findall(r'class="flagged"[^>]*>★ ([^<]+)<', _html(picture, words))
    assert flags == ([words.text("role.leader")] if picture["leader"] else [])


@pytest.mark.parametrize("make", _STATES)
@pytest.mark.parametrize("words", [DA, EN])
def test_every_state_is_a_whole_page(make: Callable[[], dict[str, Any]], words: Words) -> None:
    html = _html(make(), words)
    picture = html[html.index("<svg") : html.index("</svg>") + 6]
    root = ElementTree.fromstring(picture)
    assert root.get("role") == "img"
    assert "None" not in html
    assert "{" not in html


def test_a_dead_site_says_when_it_was_last_seen() -> None:
    first, _ = board(leaders_site_dead(), DA).sites
    assert (first.state_text, first.summary) == ("svarer ikke", "sidst set for 14 s siden")


def test_what_is_not_known_is_called_unknown() -> None:
    first, _ = board(leaders_site_dead(), EN).sites
    assert (first.role_text, first.lag) == ("role unknown", "lag unknown")
    assert [fact.text for fact in board({**healthy(), "capacity": None}, EN).facts][
        -1
    ] == "unknown: not measured"


def test_the_lines_are_what_the_guardians_see() -> None:
    assert [line.state for line in board(healthy(), DA).lines] == ["seen", "seen", "seen"]
    assert [line.state for line in board(leaders_site_dead(), DA).lines] == ["broken", "broken", "seen"]
    assert [line.state for line in board(cut_off(), DA).lines] == ["unknown", "broken", "broken"]


def test_a_line_without_data_on_it_says_so() -> None:
    between = board(catching_up(), EN).lines[0]
    assert (between.state, between.label) == ("idle", "data does not follow")


def test_the_arrow_points_to_the_standby() -> None:
    assert board(healthy(), DA).lines[0].to == "B"


def test_two_primaries_are_an_alarm_in_words() -> None:
    shown = board(healthy() | {"primaries": ["A", "B"]}, EN)
    assert shown.warnings == ("A + B both take themselves for the leader. Only one can acknowledge: A.",)


def test_a_drill_in_force_is_told() -> None:
    shown = board(healthy() | {"faults": [{"name": "site-silent", "site": "B"}]}, EN)
    assert shown.warnings == ("Drill: the fault site-silent is in force at B",)


def test_an_old_picture_is_not_shown_as_a_new_one() -> None:
    html = _html(healthy(), EN, old=True)
    assert 'class="band unknown"' in html
    assert "This picture is old" in html


def test_a_failed_drill_is_an_alarm() -> None:
    picture = healthy() | {
        "last_drill": {
            "time": "2026-11-21T08:00:00+00:00",
            "event": "drill ended",
            "drill": "zombie",
            "passed": False,
        }
    }
    drill = board(picture, EN).facts[1]
    assert (drill.text, drill.level) == ("zombie: FAILED", "alarm")


def test_numbers_are_danish_in_danish() -> None:
    picture = healthy()
    picture["sites"][1]["lag_bytes"] = 12_345
    assert board(picture, DA).sites[1].lag == "12,3\u00a0kB · 4,3 ms bagefter"
    assert board(picture, EN).sites[1].lag == "12.3\u00a0kB · 4.3 ms behind"


_HOSTILE = "<script>alert(1)</script>'\"&{{ 7*7 }}"


def test_hostile_names_are_only_text() -> None:
    picture = leaders_site_dead()
    for place in (*picture["sites"], picture["witness"]):
        place["name"] = _HOSTILE
        place["health"] = {_HOSTILE: _HOSTILE}
    picture["timeline"] = [{"time": _HOSTILE, "place": _HOSTILE, "event": _HOSTILE, "reasons": [_HOSTILE]}]
    picture |= {"region": _HOSTILE, "leader": _HOSTILE, "faults": [{"name": _HOSTILE, "site": _HOSTILE}]}
    html = _html(picture)
    assert "<script" not in html
    assert "&#34;&amp;49" not in html
    ElementTree.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])


def test_an_address_that_is_no_web_address_is_no_link() -> None:
    picture = healthy()
    picture["sites"][0]["web"] = picture["sites"][0]["gateway"] = "javascript:alert(1)"
    assert "javascript:" not in _html(picture)


def test_a_long_name_is_cut_in_the_box_and_whole_in_the_card() -> None:
    picture = healthy()
    picture["sites"][0]["name"] = "Rigshospitalet-Glostrup-datarum-2"
    html = _html(picture)
    assert 'textLength="150"' in html
    assert "Sted Rigshospitalet-Glostrup-datarum-2" in html


_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), st.lists, max_leaves=4)


@given(
    st.dictionaries(st.sampled_from(["health", "parts", "guardian", "lag_bytes", "gateway"]), st.none()),
    _JSON,
)
def test_what_another_version_left_out_breaks_nothing(missing: dict[str, None], odd: Any) -> None:
    picture = healthy()
    picture["sites"][0] |= missing
    picture["last_drill"] = None
    picture["timeline"] = [{"event": odd, "time": odd, "reasons": odd, "part": odd}]
    assert board(picture, DA).headline


def test_all_texts_ask_for_the_same_data_in_both_languages() -> None:
    def fields(text: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    assert [key for key, (danish, english) in TEXTS.items() if fields(danish) != fields(english)] == []


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        (None, None, "da"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "fr,en;q=0.5", "en"),
        (None, "nb-NO", "da"),
        ("en", "da", "en"),
        ("xx", "de", "da"),
    ],
)
def test_the_language_is_the_one_that_is_asked_for(
    query: str | None, accepted: str | None, language: str
) -> None:
    assert wanted(query, accepted) == language


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s ago"),
        (119.0, "119 s ago"),
        (120.0, "2 min ago"),
        (7_200.0, "2 hours ago"),
        (172_800.0, "2 days ago"),
    ],
)
def test_ages_are_told_in_the_unit_that_fits(seconds: float, said: str) -> None:
    assert EN.age(seconds) == said


PAGE = Path(altid.region.page.__file__).parent
_CSS = (PAGE / "static" / "page.css").read_text()
_TOKENS = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", _CSS))
_AA = 4.5
"""WCAG 2.2, 1.4.3."""


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *((text, ground) for text in ("ink", "ink-quiet", "link") for ground in ("paper", "ground")),
        *((level, "paper") for level in ("good", "warn", "alarm", "unknown")),
        *((level, f"{level}-ground") for level in ("good", "warn", "alarm", "unknown")),
        *(("ink", f"{level}-ground") for level in ("good", "warn", "alarm", "unknown")),
        *(("paper", level) for level in ("good", "warn", "alarm", "unknown")),
        ("brand-ink", "brand"),
        ("ink", "flag"),
    ],
)
def test_text_stands_out_from_its_ground(text: str, ground: str) -> None:
    light, dark = sorted((_luminance(_TOKENS[text]), _luminance(_TOKENS[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= _AA


def test_every_level_has_a_sign_of_its_own() -> None:
    assert len(set(SIGNS.values())) == len(SIGNS)


@pytest.mark.parametrize("path", sorted((PAGE / "templates").glob("*.html")), ids=lambda path: path.name)
def test_nothing_is_styled_or_run_inline_and_escaping_is_never_switched_off(path: Path) -> None:
    source = path.read_text()
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:|\|\s*safe|autoescape", source) == []
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", source))


def test_both_sites_dead_with_a_leader_key_is_still_a_page() -> None:
    picture = healthy()
    dead(picture["sites"][0])
    dead(picture["sites"][1])
    assert all(_html(picture, Words(language)) for language in LANGUAGES)


def test_orders_that_do_not_arrive_are_a_warning_and_a_fact_with_counts() -> None:
    queue = {"destination": "pharmacy", "waiting": 2, "dead": 1, "oldest_s": 61.2}
    told = {"alarms": ["dead pharmacy"], "held": 0, "destinations": [queue]}
    shown = board({**healthy(), "orders": told}, EN)
    assert any("dead pharmacy" in warning for warning in shown.warnings)
    assert shown.facts[-1].text == "2 waiting, the oldest for 61 s; 1 dead, 0 results without a place"
    assert shown.facts[-1].level == "alarm"


def test_where_nothing_leaves_for_others_nothing_is_said_of_it() -> None:
    told = {"alarms": [], "held": 0, "destinations": []}
    assert board({**healthy(), "orders": told}, EN).facts == board(healthy(), EN).facts


def _with_canary(picture: dict[str, Any], **states: str) -> dict[str, Any]:
    """The picture with canaries at both sites; what isn't named is healthy."""
    for site in picture["sites"]:
        named = {f"server-{one}": states.get(f"{site['name']}{one}", "healthy") for one in (1, 2)}
        servers = {name: {"state": state, "fault": None} for name, state in named.items()}
        site["canary"] = {"registered": True, "blind": None, "servers": servers, "gateway": {"fault": None}}
    return picture


def _orders(picture: dict[str, Any]) -> tuple[str, str]:
    [fact] = [fact for fact in board(picture, EN).facts if fact.label == "Test orders"]
    return fact.text, fact.level


def test_the_test_orders_are_told_by_server_and_never_more_than_is_known() -> None:
    assert _orders(healthy()) == ("unknown: nothing is told", "unknown")
    assert _orders(_with_canary(healthy())) == ("registered by every server", "good")
    assert _orders(_with_canary(healthy(), B2="untried")) == ("unknown: nothing is told", "unknown")
    assert _orders(_with_canary(healthy(), A2="out")) == ("taken out: A server 2", "alarm")


def test_a_site_whose_orders_are_not_registered_is_an_alarm() -> None:
    picture = _with_canary(healthy())
    picture["sites"][1]["canary"]["registered"] = False
    assert _orders(picture) == ("not registered: B", "alarm")


def test_a_gateway_that_lets_no_orders_through_is_told() -> None:
    picture = _with_canary(healthy())
    picture["sites"][0]["canary"]["gateway"]["fault"] = "certificate"
    assert _orders(picture) == ("not through the gateway: A", "warn")


def _reconciled(**told: Any) -> tuple[str, str, bool]:
    """What is said of a reconciliation, its level, and whether it is warned of."""
    usual = {"at": "2026-11-28T12:00:00Z", "uncertain": 0, "differs": False, "unread": [], "alarm": False}
    orders = {"alarms": ["uncertain"] if told.get("alarm") else [], "reconciled": {**usual, **told}}
    shown = board({**healthy(), "orders": {**orders, "destinations": [], "held": 0}}, EN)
    (fact,) = [fact for fact in shown.facts if fact.label == "Orders reconciled"]
    return fact.text, fact.level, any("not certain" in warning for warning in shown.warnings)


def test_what_was_reconciled_is_told_and_the_uncertain_are_an_alarm() -> None:
    assert _reconciled() == ("all are certain", "good", False)
    assert _reconciled(unread=["B (database)"])[1:] == ("warn", False)
    assert _reconciled(uncertain=3, alarm=True) == ("3 uncertain: see the reconciliation", "alarm", True)
    assert _reconciled(differs=True, alarm=True)[1] == "alarm"


def test_a_reconciliation_in_the_timeline_is_as_bad_as_what_it_found() -> None:
    event = {"event": "orders reconciled", "time": "2026-11-28T12:00:00Z", "place": "A"}
    calm, bad = {**event, "uncertain": 0, "unread": []}, {**event, "uncertain": 2, "unread": []}
    shown = board({**healthy(), "timeline": [calm, bad]}, EN).timeline
    assert [(one.text, one.level) for one in shown] == [
        ("orders reconciled: 0 uncertain", "good"),
        ("orders reconciled: 2 uncertain", "alarm"),
    ]
