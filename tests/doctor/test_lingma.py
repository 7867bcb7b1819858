import asyncio
from email.utils import formatdate

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from lingma_proxy.backend import Model
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import FinishReason, PartDelta, PartStarted, ReplyStarted
from lingma_proxy.conversation.reply import Reply
from lingma_proxy.conversation.request import Text
from lingma_proxy.doctor.finding import Level
from lingma_proxy.doctor.lingma import check_address, check_answer, check_models

NOW = 1_800_000_000.0


@pytest.fixture
async def vendor():
    async def root(request):
        return web.Response(headers={"Date": request.query.get("date", "")})

    application = web.Application()
    application.router.add_get("/", root)
    server = TestServer(application)
    await server.start_server()
    yield server
    await server.close()


@pytest.mark.parametrize(
    ("apart", "level"), [(0, Level.OK), (59, Level.OK), (-61, Level.PROBLEM), (3600, Level.PROBLEM)]
)
async def test_the_clocks_are_compared(vendor, apart, level):
    url = str(vendor.make_url("/").update_query(date=formatdate(NOW + apart, usegmt=True)))
    address, clock = await check_address(url, "set", "", lambda: NOW)

    assert (address.level, clock.level) == (Level.OK, level)


@pytest.mark.parametrize("date", ["", "yesterday"])
async def test_a_vendor_without_a_clock_is_no_problem(vendor, date):
    url = str(vendor.make_url("/").update_query(date=date))
    _, clock = await check_address(url, "set", "")

    assert clock.level is Level.WARNING


async def test_an_address_where_nobody_answers_is_a_problem_with_a_cure(vendor):
    url = str(vendor.make_url("/"))
    await vendor.close()
    (finding,) = await check_address(url, "set", "")

    assert finding.level is Level.PROBLEM
    assert "remote_base_url" in finding.cure


async def test_models_are_named_those_that_are_enabled():
    backend = Scripted([], [Model("a", "A"), Model("b", "B", enabled=False), Model("c", "C")])

    assert [finding.found for finding in await check_models(backend)] == ["2: A, C"]


async def test_a_long_list_is_cut():
    backend = Scripted([], [Model(str(n), str(n)) for n in range(20)])

    assert [finding.found for finding in await check_models(backend)] == [
        "20: 0, 1, 2, 3, 4, 5, 6, 7, …"
    ]


async def test_an_account_without_models_is_a_problem():
    assert [finding.level for finding in await check_models(Scripted([]))] == [Level.PROBLEM]


async def test_an_agent_may_list_no_models():
    (finding,) = await check_models(Scripted([]), needed=False)

    assert (finding.level, finding.found) == (
        Level.OK,
        "it lists none, and answers with its own",
    )


async def test_the_first_word_is_enough():
    endless = (
        [ReplyStarted("r", "kmodel")],
        [PartStarted(0, Text(""))],
        [PartDelta(0, "Hel")],
        asyncio.Event(),
    )
    backend = Scripted([endless])
    (finding,) = await check_answer(backend, "kmodel")

    assert finding.level is Level.OK
    assert (backend.requests[0].model, backend.speaking) == ("kmodel", 0)


async def test_another_model_that_answers_in_its_stead_is_worth_a_look():
    substitute = Reply(
        "r", "mmodel", (Text("Hi"),), FinishReason.STOP, warnings=("kmodel did not answer.",)
    )
    (finding,) = await check_answer(Scripted([substitute]), "kmodel")

    assert finding.level is Level.WARNING
    assert "mmodel began to speak" in finding.found
    assert finding.cure == "kmodel did not answer."


async def test_a_model_that_says_nothing_is_a_problem():
    backend = Scripted([Reply("r", "kmodel", (), FinishReason.STOP)])
    (finding,) = await check_answer(backend, "kmodel")

    assert finding.level is Level.PROBLEM
