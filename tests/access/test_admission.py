"""Admission in the event loop: places, hang-ups, and those who wait in vain."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from altid.access.admission import Admission, NotNowError
from altid.access.waiting import LineLimits, Priority

FAR_S = 1e9
BOUND_S = 5.0


def in_loop(work: Callable[[Admission], Awaitable[None]], **limits: float) -> None:
    async def run() -> None:
        given = {"at_once": 1, "wait_s_max": 60.0, "waiting_max": 3, **limits}
        admission = Admission(LineLimits(**given), time.monotonic)  # type: ignore[arg-type]
        async with asyncio.timeout(BOUND_S):
            await work(admission)
        assert (admission.line.busy, admission.line.waiting) == (0, 0)

    asyncio.run(run())


class Work:
    """Somebody who has a place until told to give it back."""

    def __init__(self, admission: Admission, priority: Priority = Priority.ORDINARY) -> None:
        self.finish, self.began = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._run(admission, priority))

    async def _run(self, admission: Admission, priority: Priority) -> None:
        async with admission.place(priority, FAR_S):
            self.began.set()
            await self.finish.wait()

    async def end(self) -> None:
        self.finish.set()
        await self.task


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_comes_while_a_place_is_free_has_it_at_once() -> None:
    async def work(admission: Admission) -> None:
        async with admission.place(Priority.ORDINARY, FAR_S):
            assert admission.line.busy == 1

    in_loop(work)


def test_a_place_that_is_given_back_goes_to_the_next() -> None:
    async def work(admission: Admission) -> None:
        first, second = Work(admission), Work(admission)
        await settle()
        assert (first.began.is_set(), second.began.is_set()) == (True, False)
        await first.end()
        await second.began.wait()
        await second.end()

    in_loop(work)


def test_a_place_is_given_back_whatever_goes_wrong() -> None:
    async def work(admission: Admission) -> None:
        with pytest.raises(ZeroDivisionError):
            async with admission.place(Priority.ORDINARY, FAR_S):
                raise ZeroDivisionError

    in_loop(work)


def test_a_full_line_says_so_at_once() -> None:
    async def work(admission: Admission) -> None:
        inside = [Work(admission) for _ in range(4)]
        await settle()
        with pytest.raises(NotNowError) as caught:
            async with admission.place(Priority.ORDINARY, FAR_S):
                pytest.fail("it was full")
        assert caught.value.away.place >= 1
        for one in inside:
            await one.end()

    in_loop(work)


def test_who_is_pushed_out_is_told() -> None:
    async def work(admission: Admission) -> None:
        inside = [Work(admission) for _ in range(4)]
        await settle()
        first = Work(admission, Priority.REENTRY)
        with pytest.raises(NotNowError):
            await inside[3].task
        await inside[0].end()
        await first.began.wait()
        await first.end()
        for one in inside[1:3]:
            await one.end()

    in_loop(work)


def test_who_hangs_up_while_waiting_leaves_no_trace() -> None:
    async def work(admission: Admission) -> None:
        first, second, third = (Work(admission) for _ in range(3))
        await settle()
        second.task.cancel()
        await settle()
        assert admission.line.waiting == 1
        await first.end()
        await third.began.wait()
        await third.end()

    in_loop(work)


def test_who_hangs_up_in_the_moment_of_being_called_passes_the_place_on() -> None:
    async def work(admission: Admission) -> None:
        first, second, third = (Work(admission) for _ in range(3))
        await settle()
        first.finish.set()
        await first.task
        second.task.cancel()
        await third.began.wait()
        await third.end()

    in_loop(work)


def test_who_hangs_up_in_the_moment_before_is_passed_over() -> None:
    async def work(admission: Admission) -> None:
        first, second, third = (Work(admission) for _ in range(3))
        await settle()
        second.task.cancel()
        first.finish.set()
        await third.began.wait()
        await first.task
        await third.end()

    in_loop(work)


def test_nobody_stands_in_the_line_for_ever() -> None:
    async def work(admission: Admission) -> None:
        first, second = Work(admission), Work(admission)
        with pytest.raises(NotNowError):
            await second.task
        await first.end()

    in_loop(work, wait_s_max=0.05)


def test_nothing_is_begun_for_whom_it_is_too_late() -> None:
    async def work(admission: Admission) -> None:
        with pytest.raises(NotNowError) as caught:
            async with admission.place(Priority.REENTRY, time.monotonic()):
                pytest.fail("too late")
        assert caught.value.away.late

    in_loop(work)
