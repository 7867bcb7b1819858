"""Pictures on their way to the vendor, and every way in which their upload can break.

Each ends in the right error before the first event, and leaves nothing behind.
"""

import asyncio
from base64 import b64encode
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from anomalies.test_faults import secrets
from lingma_proxy.jsonio import dumps, loads
from lingma_proxy.simulator.remote import Simulator
from lingma_proxy.simulator.seen import Outcome
from lingma_proxy.simulator.uploads import Uploads
from support.heard import heard
from support.raw import client, post
from support.remains import nothing_more_than, remains
from support.simulated import simulated

OLD_PATH = "/api/v2/image/upload"
CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"


def png(width: int) -> str:
    """A picture one pixel high, in base64."""
    buffer = BytesIO()
    Image.new("RGB", (width, 1), "red").save(buffer, "PNG")
    return b64encode(buffer.getvalue()).decode()


def asked(path: str, *widths: int, **more: Any) -> dict[str, Any]:
    text = {"type": "text", "text": "What is it?"}
    if path == CHAT:
        shown = [
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png(width)}"}}
            for width in widths
        ]
    else:
        shown = [
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png(width)}}
            for width in widths
        ]  # fmt: skip
    said = {"role": "user", "content": [text, *shown]}
    return {"model": "kmodel", "max_tokens": 100, "messages": [said], **more}


def routes(simulator: Simulator) -> list[str]:
    return [seen.route for seen in simulator.requests if seen.route in {"upload", "chat"}]


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_a_picture_is_uploaded_and_the_chat_names_its_link(path):
    async with simulated() as (served, simulator):
        answer, data = await served.post(path, asked(path, 3, 4, 3))

    assert answer.status == 200, data
    assert b"a PNG of 3x1 pixels; a PNG of 4x1 pixels; a PNG of 3x1 pixels" in data
    assert routes(simulator) == ["upload", "upload", "chat"]
    chat = simulator.requests[-1].body
    assert len(set(chat["image_urls"])) == len(chat["image_urls"]) == 2
    assert "base64" not in dumps(chat)


async def test_a_conversation_uploads_its_pictures_once():
    async with simulated() as (served, simulator):
        body = asked(CHAT, 3)
        for _ in range(3):
            assert (await served.post(CHAT, body))[0].status == 200
            said = [{"role": "assistant", "content": "A line."}, {"role": "user", "content": "So?"}]
            body["messages"] = [*body["messages"], *said]

    assert routes(simulator) == ["upload", "chat", "chat", "chat"]


async def test_a_link_that_is_worth_nothing_any_more_is_made_anew():
    async with simulated() as (served, simulator):
        await served.post(CHAT, asked(CHAT, 3))
        simulator._uploads = Uploads()  # the vendor has forgotten it
        answer, data = await served.post(CHAT, asked(CHAT, 3))

    assert answer.status == 200, data
    assert b"a PNG of 3x1 pixels" in data
    assert routes(simulator) == ["upload", "chat", "chat", "upload", "chat"]


@pytest.mark.parametrize("remembered", [0, 1])
async def test_what_is_refused_with_new_links_is_refused(remembered):
    async with simulated() as (served, simulator):
        for _ in range(remembered):
            await served.post(CHAT, asked(CHAT, 3))
        simulator.next("error=400", times=2)
        answer, data = await served.post(CHAT, asked(CHAT, 3))

    assert answer.status == 400, data
    assert routes(simulator) == ["upload", "chat"] + remembered * ["chat", "upload", "chat"]


async def test_the_older_path_is_found():
    async with simulated(Simulator(upload_path=OLD_PATH)) as (served, simulator):
        answer, data = await served.post(CHAT, asked(CHAT, 3))

    assert answer.status == 200, data
    assert simulator.requests[-2].path == OLD_PATH


async def test_pictures_can_be_sent_in_the_chat_itself():
    async with simulated(image_delivery="data") as (served, simulator):
        answer, data = await served.post(CHAT, asked(CHAT, 3))

    assert b"a PNG of 3x1 pixels" in data
    assert routes(simulator) == ["chat"]
    (url,) = simulator.requests[-1].body["image_urls"]
    assert url.startswith("data:image/png;base64,")


async def test_a_login_that_was_renewed_is_read_again_and_its_pictures_are_uploaded_anew():
    async with simulated() as (served, simulator):
        assert (await served.post(CHAT, asked(CHAT, 3)))[0].status == 200
        simulator.renew_login()
        answer, data = await served.post(CHAT, asked(CHAT, 3))

    assert answer.status == 200, data
    assert routes(simulator)[-2:] == ["upload", "chat"]
    key = simulator.login.cosy_key
    assert [seen.headers["cosy-key"] == key for seen in simulator.requests][-2:] == [True, True]


EXPECTED = {
    "signature": 401,
    "auth-payload": 400,
    "user-invalid": 401,
    "no-such-key": 502,
    "quota=http": 429,
    "rate-limit": 429,
    "status=500": 502,
    "status=413": 400,
    "status=404": 502,
    "status=302": 502,
    "unavailable": 502,
    "drop": 503,
    "reset": 503,
    "cut=0": 503,
    "cut=20": 503,
    "end=0": 502,
    "end=20": 502,
    "hang": 504,
    "html": 502,
    "garbage": 502,
    "unsuccessful": 502,
    "odd-link=http": 502,
    "odd-link=address": 502,
    "odd-link=file": 502,
    "odd-link=empty": 502,
}


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("fault", EXPECTED)
async def test_a_fault_of_an_upload_is_an_error_before_anything_is_said(fault, path):
    patience: dict[str, Any] = {"first_byte_timeout": 0.4} if fault == "hang" else {}
    async with simulated(**patience) as (served, simulator):
        # One of the pictures breaks; a refused signature is tried twice.
        simulator.next(fault, times=4, route="upload")
        answer, data = await served.post(path, asked(path, 3, 4, stream=True))
        before = remains(served)
        simulator.next(fault, times=4, route="upload")
        again, _ = await served.post(path, asked(path, 3, 4))
        await nothing_more_than(before, served)

    assert "chat" not in routes(simulator)
    assert (answer.status, again.status) == (EXPECTED[fault], EXPECTED[fault]), data
    message = loads(data)["error"]["message"]
    assert message.startswith("A picture could not be uploaded: ")
    assert not any(secret in data for secret in secrets(simulator))
    assert heard(path, answer.status, data).ended == 1


@pytest.mark.parametrize("fault", ["dribble", "split", "wrong-type", "hang=0.05"])
async def test_what_is_only_odd_is_taken(fault):
    async with simulated() as (served, simulator):
        simulator.next(fault, route="upload")
        answer, data = await served.post(CHAT, asked(CHAT, 3))

    assert b"a PNG of 3x1 pixels" in data


async def test_who_leaves_takes_the_upload_along():
    async with simulated() as (served, simulator):
        assert (await served.post(CHAT, asked(CHAT, 2)))[0].status == 200
        before = remains(served)
        simulator.next("hang", times=2, route="upload")
        async with client(served.port) as leaving:
            await leaving.say(post(CHAT, asked(CHAT, 3, 4)))
            seen = await simulator.arrived(len(simulator.requests) + 2)
            leaving.leave()
        async with asyncio.timeout(10):
            await seen.over.wait()
        await nothing_more_than(before, served)

    assert seen.outcome is Outcome.ABANDONED
    assert routes(simulator) == ["upload", "chat", "upload", "upload"]
