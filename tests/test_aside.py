import asyncio
import logging
import threading

import pytest

from lingma_proxy.aside import aside, later


async def test_work_is_done_in_another_thread_and_its_outcome_brought_back() -> None:
    assert await aside(threading.get_ident) != threading.get_ident()

    with pytest.raises(ZeroDivisionError):
        await aside(lambda: 1 // 0)


async def test_what_has_time_stands_in_nobodys_way() -> None:
    gate = threading.Event()
    slow = [asyncio.create_task(aside(gate.wait, patient=True)) for _ in range(20)]

    assert await aside(lambda: "quick") == "quick"
    assert not any(task.done() for task in slow)

    gate.set()
    assert all(await asyncio.gather(*slow))


async def test_only_a_few_work_at_a_time() -> None:
    working, most = 0, 0
    count = threading.Lock()
    together = threading.Barrier(2)

    def work() -> None:
        nonlocal working, most
        with count:
            working += 1
            most = max(most, working)
        together.wait(timeout=20)
        with count:
            working -= 1

    await asyncio.gather(*(aside(work) for _ in range(8)))

    assert most == 2


async def test_a_fault_in_what_nobody_waits_for_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done = threading.Event()
    with caplog.at_level(logging.ERROR, "lingma_proxy"):
        later(lambda: 1 // 0)
        later(done.set)  # one after the other
        assert await asyncio.to_thread(done.wait, 30)

    assert "ZeroDivisionError" in caplog.text
