"""What becomes of the steps on a real connection; `test_delivery` has their order."""

import aiohttp
import pytest

from lingma_proxy.simulator.remote import Simulator
from lingma_proxy.simulator.seen import Outcome
from support.vendor_client import body, hear, post


@pytest.fixture
async def simulator():
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_dropped_connection_answers_nothing(simulator, session):
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await post(session, simulator.url, simulator.login, body("hello"), simulate="drop")


async def test_a_reset_is_a_reset(simulator, session):
    with pytest.raises(aiohttp.ClientOSError, match="reset"):
        await post(session, simulator.url, simulator.login, body("hello"), simulate="reset")


async def until_it_breaks(answer):
    """The bytes of a body that is broken off."""
    heard = b""
    async with answer:
        try:
            async for piece in answer.content.iter_any():
                heard += piece
        except aiohttp.ClientError:
            return heard
    return pytest.fail("the body came to its end")


@pytest.mark.parametrize("fault", ["cut", "reset"])
@pytest.mark.parametrize("count", [0, 1, 100, 500])
async def test_a_body_may_lack_its_end(simulator, session, fault, count):
    answer = await post(
        session, simulator.url, simulator.login, body("hello"), simulate=f"{fault}={count}"
    )
    heard = await until_it_breaks(answer)

    assert answer.status == 200
    assert len(heard) <= count if fault == "reset" else len(heard) == count
    assert simulator.requests[-1].written == count


async def test_a_body_may_end_too_early(simulator, session):
    answer = await post(session, simulator.url, simulator.login, body("hello"), simulate="end=100")

    assert len(await answer.read()) == 100


async def test_headers_come_before_the_silence(simulator, session):
    answer = await post(
        session, simulator.url, simulator.login, body("hello"), simulate="hang-first"
    )
    answer.close()
    await simulator.requests[-1].over.wait()

    assert answer.status == 200
    assert simulator.requests[-1].outcome is Outcome.ABANDONED


async def test_pieces_arrive_one_by_one(simulator, session):
    answer = await post(session, simulator.url, simulator.login, body("你好"), simulate="split")
    pieces = [piece async for piece, _ in answer.content.iter_chunks()]

    assert len(pieces) > 20
    assert hear(b"".join(pieces)).text.endswith("你好")
