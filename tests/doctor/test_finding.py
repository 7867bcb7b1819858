import asyncio

from lingma_proxy.doctor.finding import Level, examine, ok, problem, warning
from lingma_proxy.errors import NotLoggedIn


async def found(*checks, patience=5.0):
    named = [(check.__name__, check) for check in checks]
    return [finding async for finding in examine(named, patience=patience)]


async def well():
    return [ok("well", "it is"), warning("well", "nearly")]


async def refused():
    raise NotLoggedIn("There is no login.")


async def broken():
    raise KeyError("a secret")


async def endless():
    await asyncio.Event().wait()


async def test_findings_come_in_the_order_of_the_checks():
    assert await found(well, well) == [ok("well", "it is"), warning("well", "nearly")] * 2


async def test_an_error_of_ours_is_a_problem_in_its_own_words():
    assert await found(refused, well) == [
        problem("refused", "There is no login.", ""),
        *await well(),
    ]


async def test_a_check_that_breaks_hides_no_other_and_tells_no_value():
    fault, *others = await found(broken, well)

    assert (fault.level, others) == (Level.WARNING, await well())
    assert "KeyError" in fault.found
    assert "secret" not in fault.found


async def test_a_check_without_end_is_ended():
    (finding,) = await found(endless, patience=0.01)

    assert finding.level is Level.PROBLEM
    assert "0.01 seconds" in finding.found
