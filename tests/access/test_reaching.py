"""What is remembered of places and people: read once for all who ask, never replaced by what is older."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from altid.access.reaching import _Cache

_OLD_S = 5.0
_FRESH_S = 0.2


class _Hands:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class _Answer:
    """A read that answers when it is told to."""

    def __init__(self, value: str) -> None:
        self._value = value
        self._ready = asyncio.Event()
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        await self._ready.wait()
        return self._value

    def come(self) -> None:
        self._ready.set()


async def _begun(work: Awaitable[str]) -> asyncio.Task[str]:
    """The work, as far as it comes by itself."""
    task = asyncio.ensure_future(work)
    for _ in range(3):
        await asyncio.sleep(0)
    return task


def _run(story: Callable[[_Cache[str], _Hands], Awaitable[None]]) -> None:
    clock = _Hands()

    async def told() -> None:
        await story(_Cache(10, clock), clock)

    asyncio.run(told())


def test_all_who_ask_meanwhile_share_one_read() -> None:
    async def story(cache: _Cache[str], _clock: _Hands) -> None:
        read = _Answer("ward")
        first = await _begun(cache.get("a", _OLD_S, read))
        second = await _begun(cache.get("a", _OLD_S, read))
        read.come()
        assert [await first, await second] == ["ward", "ward"]
        assert read.asked == 1

    _run(story)


def test_a_slow_read_does_not_put_back_what_a_fresh_one_has_replaced() -> None:
    async def story(cache: _Cache[str], clock: _Hands) -> None:
        slow, fresh, never = _Answer("before the block"), _Answer("after the block"), _Answer("not asked")
        waiting = await _begun(cache.get("a", _OLD_S, slow))
        clock.now_s += 1.0
        looking = await _begun(cache.get("a", _FRESH_S, fresh))
        fresh.come()
        assert await looking == "after the block"
        slow.come()
        await waiting
        assert await cache.get("a", _OLD_S, never) == "after the block"

    _run(story)


def test_what_is_too_old_is_read_anew() -> None:
    async def story(cache: _Cache[str], clock: _Hands) -> None:
        first, second = _Answer("then"), _Answer("now")
        first.come()
        second.come()
        assert await cache.get("a", _OLD_S, first) == "then"
        clock.now_s += _OLD_S
        assert await cache.get("a", _OLD_S, second) == "then"
        clock.now_s += 0.1
        assert await cache.get("a", _OLD_S, second) == "now"

    _run(story)


def test_what_was_forgotten_is_read_anew_and_a_read_from_before_is_not_kept() -> None:
    async def story(cache: _Cache[str], _clock: _Hands) -> None:
        before, after, never = _Answer("hidden"), _Answer("opened"), _Answer("not asked")
        waiting = await _begun(cache.get("a", _OLD_S, before))
        cache.forget("a")
        looking = await _begun(cache.get("a", _OLD_S, after))
        before.come()
        assert await waiting == "hidden"
        after.come()
        assert await looking == "opened"
        assert await cache.get("a", _OLD_S, never) == "opened"
        cache.forget("a")
        again = _Answer("anew")
        again.come()
        assert await cache.get("a", _OLD_S, again) == "anew"

    _run(story)
