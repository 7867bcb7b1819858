"""The loop can be reached whatever a single request is made of.

The promise is 50 ms on a quiet machine.  One that runs several tests at a time, on two slow
cores, stops a process for longer than that by itself; so what the loop's own thread does in
one go is measured in its own time, and the clock on the wall only has to be far from what
once was.
"""

import asyncio
import json
from base64 import b64encode

import pytest

from stories.library import STORIES
from support.lag import watched
from support.pictures import photo, saved, transparent
from support.served import CHAT, MESSAGES, Served
from support.simulated import simulated
from support.vendor_server import Says, tells
from support.vendor_server import serving as a_vendor

WORK = 0.2
"""Seconds.  With everything on the loop: 3.3 (small messages), 0.7 (calls), 0.2 (a picture)."""
WAIT = 1.5
"""Seconds.  With everything on the loop, or in as many threads as there are requests: 3."""

WORDS = "the quick brown fox 你好 jumps over λ def f(x): return x+1\n"
PICTURES = {
    "a picture that fits": saved(photo(760, 760)),
    "a photograph": saved(photo(5480, 3650), "JPEG"),
    "a screenshot with transparency": saved(transparent(5480, 3650), compress_level=1),
}
"""The last two have 20 megapixels."""


def chat(*messages: dict) -> dict:
    return {**CHAT, "messages": list(messages)}


def url(data: bytes) -> str:
    return f"data:image/png;base64,{b64encode(data).decode()}"


def a_call(number: int) -> list[dict]:
    function = {"name": "f", "arguments": json.dumps({"a": WORDS * 10})}
    call = {"id": f"c{number}", "type": "function", "function": function}
    return [
        {"role": "user", "content": "a"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"c{number}", "content": WORDS * 10},
    ]


def an_item(number: int) -> list[dict]:
    arguments = json.dumps({"a": WORDS * 10})
    call = {"call_id": f"c{number}", "name": "f", "arguments": arguments}
    result = {"call_id": f"c{number}", "output": WORDS * 10}
    return [{"type": "function_call", **call}, {"type": "function_call_output", **result}]


LARGE = {
    "one long text": chat({"role": "user", "content": WORDS * 80_000}),
    "many messages": chat(*[{"role": "user", "content": "x"}] * 50_000),
    "many calls": chat(*(message for number in range(2000) for message in a_call(number))),
    "many items": {
        "model": "kmodel",
        "instructions": WORDS * 10_000,
        "input": [item for number in range(2000) for item in an_item(number)],
        "stream": True,
    },
    "a document": chat(
        {
            "role": "user",
            "content": [
                {"type": "file", "file": {"file_data": b64encode(WORDS.encode() * 50_000).decode()}}
            ],
        }
    ),
    **{
        name: chat({"role": "user", "content": [{"type": "image_url", "image_url": url(data)}]})
        for name, data in PICTURES.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("encode", ["never", "always"])
@pytest.mark.parametrize("body", LARGE.values(), ids=LARGE)
async def test_a_request_of_megabytes_does_not_stop_the_others(body, encode):
    async with a_vendor(tells(STORIES["text"])) as vendor:  # one that does not read what it is sent
        chosen = {"remote_base_url": vendor.url, "encode_body": encode, "image_delivery": "data"}
        async with simulated(**chosen) as (served, _):
            await served.post("/v1/chat/completions", CHAT)
            async with watched() as lag:
                path = "/v1/responses" if "input" in body else "/v1/chat/completions"
                answer, data = await served.post(path, body)

    assert answer.status == 200, data
    assert lag.work < WORK
    assert lag.wait < WAIT


LINK = b'{"Data":{"Success":true,"ImageUrl":"https://cdn.example/1"}}'


async def test_nor_does_the_upload_of_one():
    story = tells(STORIES["text"])
    async with a_vendor(story) as vendor:
        async with simulated(remote_base_url=vendor.url) as (served, _):
            await served.post("/v1/chat/completions", CHAT)
            await served.get("/v1/models")  # nobody asks for the list in between
            vendor.scripts[:] = [Says((LINK,)), story]
            async with watched() as lag:
                answer, data = await served.post(
                    "/v1/chat/completions", LARGE["a picture that fits"]
                )

    assert answer.status == 200, data
    assert len(vendor.asked[-2].body) > len(PICTURES["a picture that fits"])
    assert lag.work < WORK
    assert lag.wait < WAIT


async def counts(served: Served, times: int, body: dict) -> None:
    answers = await asyncio.gather(
        *(served.post("/v1/messages/count_tokens", body) for _ in range(times))
    )
    assert {answer.status for answer, _ in answers} == {200}


async def test_many_counts_at_once_do_not_stop_the_others():
    async with simulated() as (served, _):
        await served.post("/v1/messages", MESSAGES)
        async with watched() as lag:
            await counts(served, 25, chat({"role": "user", "content": WORDS * 4000}))

    assert lag.work < WORK
    assert lag.wait < WAIT
