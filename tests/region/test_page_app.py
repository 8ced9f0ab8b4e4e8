"""The page over HTTP: one question for all who look, an answer in time, and nothing but its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from altid.region.page.app import StatusPage
from altid.region.page.asking import FRESH_S, OLD_S, Asked, Asker, Picture
from region.pictures import healthy, leaders_site_dead

Ask = Callable[[], Awaitable[Picture]]


class _Clock:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class _Region:
    """Answers with the pictures in turn, the last one for ever; counts how often it was asked."""

    def __init__(self, *pictures: Picture | Exception) -> None:
        self.pictures = list(pictures)
        self.asked = 0

    async def ask(self) -> Picture:
        self.asked += 1
        picture = self.pictures[0] if len(self.pictures) == 1 else self.pictures.pop(0)
        if isinstance(picture, Exception):
            raise picture
        await asyncio.sleep(0)
        return picture


async def _never() -> Picture:
    await asyncio.Event().wait()
    raise AssertionError("not reached")


def test_a_thousand_who_look_at_once_cost_one_question() -> None:
    region = _Region(healthy())

    async def look() -> list[Asked | None]:
        asker = Asker(region.ask)
        return await asyncio.gather(*(asker.newest() for _ in range(1_000)))

    assert {asked.number for asked in asyncio.run(look()) if asked} == {1}
    assert region.asked == 1


def test_a_picture_is_asked_for_again_when_it_is_no_longer_fresh() -> None:
    region, clock = _Region(healthy(), leaders_site_dead()), _Clock()

    async def look() -> list[str]:
        asker, leaders = Asker(region.ask, clock), []
        for later_s in (0.0, FRESH_S / 2, FRESH_S):
            clock.now_s = 100.0 + later_s
            asked = await asker.newest()
            assert asked is not None
            leaders.append(asked.picture["leader"])
        return leaders

    assert asyncio.run(look()) == ["A", "A", "B"]


def test_while_a_question_hangs_the_picture_before_is_given_with_its_age() -> None:
    clock, asks = _Clock(), [_Region(healthy()).ask, _never]

    async def look() -> tuple[Asked | None, float]:
        asker = Asker(lambda: asks.pop(0)(), clock)
        await asker.newest()
        clock.now_s += 30.0
        asked = await asker.newest(wait_s_max=0.01)
        again = await asker.newest(wait_s_max=0.01)  # joins the question that hangs
        assert asked is not None
        assert again is asked
        age_s = asker.age_s(asked)
        await asker.close()
        return asked, age_s

    asked, age_s = asyncio.run(look())
    assert asked is not None
    assert (asked.picture["leader"], age_s, asks) == ("A", 30.0, [])


def test_a_question_that_fails_leaves_the_picture_before(caplog: pytest.LogCaptureFixture) -> None:
    region, clock = _Region(healthy(), RuntimeError("secret")), _Clock()

    async def look() -> Asked | None:
        asker = Asker(region.ask, clock)
        await asker.newest()
        clock.now_s += 30.0
        return await asker.newest()

    asked = asyncio.run(look())
    assert asked is not None
    assert asked.at_s == 100.0
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


def _get(ask: Ask, path: str, clock: _Clock | None = None, **headers: str) -> httpx.Response:
    async def get() -> httpx.Response:
        asker = Asker(ask, clock or _Clock())
        transport = httpx.ASGITransport(StatusPage(asker).application())
        async with httpx.AsyncClient(transport=transport, base_url="http://witness") as http:
            try:
                return await http.get(path, headers=headers)
            finally:
                await asker.close()

    return asyncio.run(get())


def test_programs_get_the_very_picture() -> None:
    answer = _get(_Region(healthy()).ask, "/status.json")
    assert (answer.status_code, answer.json()) == (200, healthy())


def test_the_page_lets_the_browser_run_and_load_only_what_is_its_own() -> None:
    answer = _get(_Region(healthy()).ask, "/")
    policy = dict(
        part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert {policy[kind] for kind in ("script-src", "style-src", "img-src", "connect-src")} == {"'self'"}
    assert answer.headers["cache-control"] == "no-store"


def test_without_a_script_the_page_loads_itself_again() -> None:
    assert '<noscript><meta http-equiv="refresh"' in _get(_Region(healthy()).ask, "/").text


@pytest.mark.parametrize(("path", "language"), [("/", "da"), ("/?lang=en", "en")])
def test_the_page_is_in_the_language_that_is_asked_for(path: str, language: str) -> None:
    answer = _get(_Region(healthy()).ask, path)
    assert answer.headers["content-language"] == language
    assert f'<html lang="{language}">' in answer.text


def test_the_fragment_is_the_pages_own_picture() -> None:
    region = _Region(healthy())
    page, fragment = _get(region.ask, "/").text, _get(region.ask, "/picture").text
    assert fragment.strip().startswith('<section id="headline"')
    assert "Alle nye ordinationer gemmes begge steder" in page
    assert "Alle nye ordinationer gemmes begge steder" in fragment


def test_a_page_that_can_ask_nothing_says_so() -> None:
    broken = _Region(RuntimeError()).ask
    assert _get(broken, "/").status_code == 503
    assert "Der kan ikke spørges lige nu" in _get(broken, "/").text
    assert _get(broken, "/status.json").status_code == 503
    assert "Der kan ikke spørges lige nu" in _get(broken, "/picture").text


def test_an_old_picture_is_called_old() -> None:
    clock, region = _Clock(), _Region(healthy(), RuntimeError())

    async def get() -> str:
        asker = Asker(region.ask, clock)
        transport = httpx.ASGITransport(StatusPage(asker).application())
        async with httpx.AsyncClient(transport=transport, base_url="http://witness") as http:
            await http.get("/picture")
            clock.now_s += OLD_S + 1.0
            return (await http.get("/picture")).text

    assert "Billedet er gammelt" in asyncio.run(get())


@pytest.mark.parametrize("path", ["/nowhere", "/static/app.py", "/static/..%2fapp.py", "/static/page.html"])
def test_there_is_nothing_else(path: str) -> None:
    assert _get(_Region(healthy()).ask, path).status_code == 404


@pytest.mark.parametrize(
    ("name", "kind"),
    [("page.css", "text/css"), ("page.js", "text/javascript"), ("page.svg", "image/svg+xml")],
)
def test_what_the_page_is_dressed_with_has_its_own_type(name: str, kind: str) -> None:
    answer = _get(_Region(healthy()).ask, f"/static/{name}")
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_never_changes_anything() -> None:
    async def post() -> Any:
        transport = httpx.ASGITransport(StatusPage(Asker(_Region(healthy()).ask)).application())
        async with httpx.AsyncClient(transport=transport, base_url="http://witness") as http:
            return (await http.post("/picture")).status_code

    assert asyncio.run(post()) == 405
