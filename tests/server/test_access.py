import asyncio
import logging

import pytest

from lingma_proxy.conversation.events import Usage
from lingma_proxy.conversation.notes import AttemptNotes, ExchangeNotes
from lingma_proxy.errors import BackendTimeout, NotFound
from lingma_proxy.server import access


def notes(**more):
    usual = {
        "client": "claude-code",
        "dialect": "anthropic",
        "streamed": True,
        "asked_model": "claude-sonnet",
        "model": "kmodel",
        "first": 100.3,
        "ended": 101.2,
        "status": 200,
        "usage": Usage(812, 95),
        "attempts": [AttemptNotes("kmodel", 100.0)],
    }
    return ExchangeNotes("req_1", "POST", "/v1/messages", 100.0, **{**usual, **more})


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (
            {},
            "POST /v1/messages 200 claude-code kmodel 1.2 s (first 300 ms) 812→95 tokens req_1",
        ),
        (
            {"streamed": False, "usage": Usage(812, 95, estimated=True)},
            "POST /v1/messages 200 claude-code kmodel 1.2 s ~812→95 tokens req_1",
        ),
        (
            {"status": 0, "error": asyncio.CancelledError(), "usage": None, "first": None},
            "POST /v1/messages - claude-code kmodel 1.2 s the client went away req_1",
        ),
        (
            {
                "status": 504,
                "error": BackendTimeout("the prompt: sesame"),
                "usage": None,
                "first": None,
                "model": "",
                "attempts": [AttemptNotes("kmodel", 100.0)] * 2,
            },
            "POST /v1/messages 504 claude-code claude-sonnet 1.2 s 2 attempts BackendTimeout req_1",
        ),
        ({"model": "k\nmodel\x1b", "client": ""}, "k model "),
    ],
    ids=["streamed", "whole", "left", "failed", "hostile"],
)
def test_a_line_says_what_came_of_a_request(more, line):
    said = access.sentence(notes(**more))

    assert line in said
    assert said.isprintable()


def test_programs_get_the_same_as_fields(caplog):
    caplog.set_level(logging.INFO, "lingma_proxy.access")

    access.tell(notes(error=BackendTimeout("the prompt: sesame")))

    [record] = caplog.records
    expected = {
        "request_id": "req_1",
        "client": "claude-code",
        "method": "POST",
        "path": "/v1/messages",
        "status": 200,
        "dialect": "anthropic",
        "model": "kmodel",
        "first_ms": 300.0,
        "total_ms": 1200.0,
        "input_tokens": 812,
        "output_tokens": 95,
        "estimated": False,
        "attempts": 1,
        "error": "BackendTimeout",
    }
    assert access.fields(notes(error=BackendTimeout(""))) == expected
    assert expected.items() <= record.__dict__.items()
    assert "sesame" not in record.getMessage()


def test_nothing_is_put_together_for_a_log_that_nobody_reads(caplog):
    caplog.set_level(logging.WARNING, "lingma_proxy.access")

    access.tell(notes())

    assert caplog.records == []


def test_a_key_in_the_wrong_place_is_not_logged(caplog):
    caplog.set_level(logging.INFO, "lingma_proxy.access")
    pasted = f"sk-proj-{'canary' * 6}"

    asked = notes(model="", asked_model="own-canary", error=NotFound("no"))
    asked.path = f"/v1/models/{pasted}"

    access.tell(asked, lambda: ["own-canary"])

    assert "canary" not in str(caplog.records[-1].__dict__)
    assert "/v1/models/" in caplog.text
