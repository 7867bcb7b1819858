import asyncio
import json
from base64 import b64encode

import aiohttp
import pytest

from lingma_proxy.simulator.bearer import REQUIRED
from lingma_proxy.simulator.faults import FAULTS
from lingma_proxy.simulator.home import new_login
from lingma_proxy.simulator.remote import LARGE, Simulator
from lingma_proxy.simulator.script import INTRODUCTION
from lingma_proxy.simulator.seen import Outcome
from support.vendor_client import CHAT, MODELS, PIXEL, body, get, headers, hear, post

PONG = "Reply with exactly one word, in capital letters and without punctuation: pong"
UPLOAD = "/algo/api/v2/image/upload"


@pytest.fixture
async def simulator():
    async with Simulator() as simulator:
        yield simulator


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def ask(simulator, session):
    """Asks, and says what was heard."""

    async def ask(*messages, simulate="", **more):
        asked = body(*messages, **more)
        answer = await post(session, simulator.url, simulator.login, asked, simulate=simulate)
        return hear(await answer.read())

    return ask


async def refused(answer):
    return answer.status, json.loads(await answer.read())["code"]


async def test_a_signed_request_is_answered(simulator, session, ask):
    heard = await ask(PONG)
    seen = simulator.requests[-1]

    assert (heard.text, heard.finish, heard.done) == ("PONG", "stop", ["wrapped"])
    assert seen.body == body(PONG)
    assert seen.caller is not None
    assert seen.caller.uid == simulator.login.uid
    assert (seen.route, seen.outcome, seen.encoded) == ("chat", Outcome.FINISHED, False)


async def test_an_encoded_request_is_answered(simulator, session):
    answer = await post(session, simulator.url, simulator.login, body("你好"), encode=True)

    assert hear(await answer.read()).text == INTRODUCTION + "你好"
    assert simulator.requests[-1].encoded
    assert simulator.requests[-1].body == body("你好")


async def test_a_plain_body_that_is_said_to_be_encoded_is_refused(simulator, session):
    data = json.dumps(body("hello")).encode()
    target = CHAT + "&Encode=1"
    answer = await session.post(
        simulator.url + target, data=data, headers=headers(simulator.login, target, data)
    )

    assert (await refused(answer))[0] == 400
    assert simulator.requests[-1].outcome is Outcome.REFUSED


async def test_a_body_that_was_changed_on_the_way_is_refused(simulator, session):
    sent = headers(simulator.login, CHAT, json.dumps(body("hello")).encode())
    answer = await session.post(
        simulator.url + CHAT, data=json.dumps(body("hullo")).encode(), headers=sent
    )

    assert await refused(answer) == (403, "101")
    assert simulator.requests[-1].refusal is not None
    assert simulator.requests[-1].refusal.code == "101"


@pytest.mark.parametrize("name", sorted({*REQUIRED} - {"Content-Type", "Accept", "User-Agent"}))
async def test_a_header_that_is_missing_is_named(simulator, session, name):
    sent = headers(simulator.login, MODELS)
    del sent[name]
    answer = await session.get(simulator.url + MODELS, headers=sent)

    assert answer.status == 400
    assert name in await answer.text()


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'"x"', b"\xff", b"{}", json.dumps(body()).encode()]
)
async def test_a_body_that_is_none_is_refused(simulator, session, data):
    target = CHAT.encode().decode()
    sent = headers(simulator.login, target, data.decode("latin-1").encode("ascii", "ignore"))
    answer = await session.post(simulator.url + target, data=data, headers=sent)

    assert answer.status in {400, 403}
    assert simulator.requests[-1].outcome is Outcome.REFUSED


async def test_the_query_must_fit_the_body(simulator, session):
    for target in (
        CHAT.replace("agent_common", "agent_chat"),
        CHAT.replace("llm_model_result", "x"),
        CHAT + "&Encode=2",
    ):
        answer = await post(session, simulator.url, simulator.login, body("hello"), target=target)

        assert (await refused(answer))[0] == 400


async def test_the_models_are_listed(simulator, session):
    answer = await get(session, simulator.url, simulator.login, MODELS)
    listed = await answer.json()

    assert {entry["key"] for entry in listed["chat"]} >= {"org_auto", "kmodel", "mmodel"}
    assert set(listed) == {"chat", "inline", "developer", "assistant"}


@pytest.mark.parametrize(
    ("key", "status"), [("gpt-7", 404), ("q35model", 403)], ids=["unknown", "disabled"]
)
async def test_a_model_that_is_not_ours_is_an_error_in_the_stream(ask, key, status):
    heard = await ask("hello", model_config={"key": key})

    assert heard.error is not None
    assert heard.error["statusCodeValue"] == status
    assert heard.text == ""


async def test_models_can_be_added(session):
    async with Simulator(models=[{"key": "mine"}]) as simulator:
        asked = body(PONG, model_config={"key": "mine"})
        answer = await post(session, simulator.url, simulator.login, asked)

        assert hear(await answer.read()).text == "PONG"


async def test_the_data_policy_is_told(simulator, session):
    target = "/algo/api/v2/config/getDataPolicy?requestId=abc&version=2"
    answer = await get(session, simulator.url, simulator.login, target)

    assert (await answer.json())["requestId"] == "abc"


async def test_an_uploaded_picture_is_measured(simulator, session, ask):
    uri = "data:image/png;base64," + b64encode(PIXEL).decode()
    answer = await post(
        session,
        simulator.url,
        simulator.login,
        {"ImageUri": uri, "RequestId": "ab" * 16},
        target=f"{UPLOAD}?request_id={'ab' * 16}",
    )
    url = (await answer.json())["Data"]["ImageUrl"]
    heard = await ask("What is it?", image_urls=[url])

    assert "a PNG of 1x1 pixels" in heard.text


@pytest.mark.parametrize("value", [{}, {"ImageUri": "data:,", "RequestId": "other"}])
async def test_an_upload_that_is_none_is_refused(simulator, session, value):
    answer = await post(
        session, simulator.url, simulator.login, value, target=f"{UPLOAD}?request_id=x"
    )

    assert (await refused(answer))[0] == 400


async def test_other_paths_are_not_found(simulator, session):
    answer = await get(session, simulator.url, simulator.login, "/api/v2/model/list")

    assert answer.status == 404


async def test_faults_come_from_the_header_the_text_the_queue_and_the_default(simulator, ask):
    simulator.always("done=bare")
    simulator.next("done=both", times=2)
    simulator.next()

    assert (await ask("one")).done == ["wrapped", "bare"]
    assert (await ask("two", simulate="done=none")).done == []
    assert (await ask("three")).done == ["wrapped"]
    assert (await ask("four")).done == ["bare"]
    assert (await ask("five\nSIMULATE: done=none")).done == []
    assert (await ask("six\nSIMULATE: done=none", simulate="done=both")).done == []


async def test_a_fault_in_the_text_bites_once_and_not_behind_its_results(ask):
    asked = [
        "SIMULATE: error\nTOOLTEST",
        {
            "role": "assistant",
            "tool_calls": [{"id": "a", "function": {"name": "x", "arguments": ""}}],
        },
        {"role": "tool", "tool_call_id": "a", "content": "seen"},
    ]

    assert (await ask(*asked[:1])).error is not None
    assert (await ask(*asked)).text == "DONE: seen"


async def test_an_unknown_fault_is_answered_with_the_list(simulator, session):
    answer = await post(
        session, simulator.url, simulator.login, body("hello"), simulate="no-such-fault"
    )

    assert answer.status == 400
    assert "no-such-key" in await answer.text()


async def test_faults_of_other_routes_wait_for_them(simulator, session, ask):
    simulator.next("status=502", route="models")

    assert (await ask(PONG)).text == "PONG"
    assert (await get(session, simulator.url, simulator.login, MODELS)).status == 502
    assert (await get(session, simulator.url, simulator.login, MODELS)).status == 200


@pytest.mark.parametrize(
    "fault", sorted(name for name in FAULTS if name not in {"hang", "hang-first", "stall", "slow"})
)
async def test_no_fault_is_an_accident(simulator, session, fault):
    try:
        await (
            await post(session, simulator.url, simulator.login, body("hello"), simulate=fault)
        ).read()
    except aiohttp.ClientError:
        assert fault in {"drop", "reset", "cut"}
    await simulator.requests[-1].over.wait()

    assert simulator.requests[-1].outcome is Outcome.FINISHED


async def test_exact_words_can_be_put_into_its_mouth(simulator, ask):
    simulator.say(["Hel", "lo"])
    simulator.say([{"reasoning_content": "Hm."}, {"tool_calls": [{"index": 0, "function": {}}]}])
    simulator.say(["un", "finished"], finish=None)

    assert (await ask("?")).text == "Hello"
    second = await ask("?")
    assert (second.thought, second.finish) == ("Hm.", "tool_calls")
    assert (await ask("?")).finish is None
    assert (await ask(PONG)).text == "PONG"


@pytest.mark.parametrize("fault", ["hang", "hang-first", "stall"])
async def test_a_client_that_leaves_cancels_the_work(simulator, session, fault):
    async def listen():
        answer = await post(session, simulator.url, simulator.login, body("hello"), simulate=fault)
        await answer.read()

    listener = asyncio.create_task(listen())
    seen = await simulator.arrived(1)
    await seen.answering.wait()
    listener.cancel()
    await seen.over.wait()

    assert seen.outcome is Outcome.ABANDONED
    with pytest.raises(asyncio.CancelledError):
        await listener


async def test_closing_ends_what_is_under_way(session):
    simulator = await Simulator().start()
    simulator.next("stall")
    answer = await post(session, simulator.url, simulator.login, body("hello there"))
    before = asyncio.all_tasks()
    await simulator.close()
    await simulator.close()

    assert simulator.requests[0].outcome is Outcome.CLOSED
    assert len(asyncio.all_tasks()) < len(before)
    with pytest.raises(aiohttp.ClientError):
        await answer.read()


async def test_a_home_is_written_and_a_temporary_one_is_taken_away(tmp_path):
    async with Simulator(home=tmp_path / "someone") as simulator:
        assert simulator.home == tmp_path / "someone"
    async with Simulator() as simulator:
        temporary = simulator.home
        assert (temporary / "cache/user").is_file()

    assert (tmp_path / "someone/cache/user").is_file()
    assert not temporary.exists()


async def test_a_taken_port_is_an_error_that_leaves_nothing(simulator):
    second = Simulator(port=simulator.port)
    with pytest.raises(OSError):
        await second.start()

    assert not second.home.exists()


async def test_after_a_new_login_the_old_one_is_refused(simulator, session):
    old = simulator.login
    new = simulator.renew_login()

    assert (await get(session, simulator.url, new, MODELS)).status == 200
    assert await refused(await get(session, simulator.url, old, MODELS)) == (403, "101")
    assert (simulator.home / "cache/id").read_text() == new.machine_id


async def test_clocks_and_replays_matter_when_they_are_said_to(session):
    async with Simulator(max_skew=300, refuse_replays=True, clock=lambda: 1777045062) as simulator:
        first = await get(session, simulator.url, simulator.login, MODELS)
        again = await get(session, simulator.url, simulator.login, MODELS)
    async with Simulator(max_skew=300) as simulator:
        late = await get(session, simulator.url, simulator.login, MODELS)

    assert [first.status, again.status, late.status] == [200, 403, 403]


async def test_any_made_up_login_is_taken(simulator, session):
    assert (await get(session, simulator.url, new_login(), MODELS)).status == 200


async def test_a_large_body_is_read_too(simulator, session, ask):
    heard = await ask("x" * (LARGE + 1))

    assert heard.text.startswith(INTRODUCTION)
    assert heard.usage is not None
    assert heard.usage["prompt_tokens"] > LARGE // 4


async def test_it_remembers_no_more_than_it_is_told(session):
    async with Simulator(remember=1) as simulator:
        for _ in range(3):
            await get(session, simulator.url, simulator.login, MODELS)

        assert len(simulator.requests) == 1


async def test_it_speaks_at_the_pace_it_is_given(session):
    async with Simulator(pace=0.001) as simulator:
        answer = await post(session, simulator.url, simulator.login, body("hello"))
        chunks = [chunk async for chunk, _ in answer.content.iter_chunks()]

    assert len(chunks) > 10


async def test_a_client_that_stops_reading_keeps_nobody_from_closing(session):
    simulator = await Simulator().start()
    answer = await post(
        session, simulator.url, simulator.login, body("hello"), simulate="words=100000,pace=0"
    )
    await simulator.close()
    answer.close()

    assert simulator.requests[0].outcome is Outcome.CLOSED


async def test_a_client_that_leaves_in_the_middle_of_its_request_is_noticed(simulator):
    _, writer = await asyncio.open_connection("127.0.0.1", simulator.port)
    writer.write(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nhalf".encode())
    seen = await simulator.arrived(1)
    writer.close()
    await seen.over.wait()

    assert seen.outcome is Outcome.ABANDONED
    await writer.wait_closed()
