"""A provider may be silent for so long and no longer, at each read anew; time is bounded, not measured, here."""

import asyncio

import anyio
import pytest

from adapters.providers.silence import Silence

pytestmark = pytest.mark.anyio


async def test_a_wait_that_ends_in_time_gives_its_result() -> None:
    silence = Silence(20)

    assert [await silence.wait(asyncio.sleep(0, "said")) for _ in range(3)] == ["said"] * 3
    silence.stop()


async def test_a_wait_that_lasts_too_long_times_out_also_after_others_that_did_not() -> None:
    silence = Silence(0.05)
    await silence.wait(asyncio.sleep(0))

    with pytest.raises(TimeoutError):
        await silence.wait(asyncio.Event().wait())


async def test_each_wait_has_the_whole_limit() -> None:
    """Many waits, together far longer than the limit, none of them too long."""
    silence = Silence(0.2)

    for _ in range(20):
        await silence.wait(asyncio.sleep(0.03))
    silence.stop()


async def test_a_pause_between_two_waits_is_no_silence() -> None:
    silence = Silence(0.05)
    await silence.wait(asyncio.sleep(0))
    await asyncio.sleep(0.15)

    assert "said" == await silence.wait(asyncio.sleep(0, "said"))
    silence.stop()


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    silence = Silence(20)
    with anyio.move_on_after(0.05) as scope:
        await silence.wait(asyncio.Event().wait())

    assert scope.cancelled_caught
    silence.stop()


async def test_after_a_time_out_the_task_can_go_on() -> None:
    silence = Silence(0.05)
    with pytest.raises(TimeoutError):
        await silence.wait(asyncio.Event().wait())

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)
