import asyncio
from typing import cast

import pytest
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from lingma_proxy.conversation.events import FinishReason, Usage
from lingma_proxy.conversation.notes import MOST, ExchangeNotes, Noting
from lingma_proxy.conversation.reply import replay
from lingma_proxy.conversation.request import ToolCall
from lingma_proxy.dialect import Asked
from lingma_proxy.errors import RateLimited
from lingma_proxy.server.exchange import LONGEST_PATH, begin, new_request_id, turn_of
from support.backends import answer, ask


class Http:
    """As much of a request as is noted."""

    def __init__(self, path="/v1/messages?beta=true", **headers):
        self.method = "POST"
        self.rel_url = URL(path, encoded=True)
        self.headers = CIMultiDict(headers)


def begun(path="/v1/messages?beta=true", noting=None):
    told: list[ExchangeNotes] = []
    http = cast("web.BaseRequest", Http(path, **{"User-Agent": "curl/8\t"}))
    return begin(http, noting, told.append), told


def test_request_ids_do_not_repeat():
    ids = {new_request_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert all(id.startswith("req_") and len(id) == 28 for id in ids)


def test_what_is_known_of_a_request_is_noted_without_its_query():
    exchange, _ = begun(noting=Noting(most=7))
    notes = exchange.notes

    assert (notes.id, notes.method, notes.path) == (exchange.id, "POST", "/v1/messages")
    assert (notes.client, notes.user_agent) == ("curl", "curl/8")
    assert (notes.status, notes.ended, notes.most) == (0, None, 7)


def test_a_path_is_noted_within_bounds():
    exchange, _ = begun("/" + "x" * 5000)

    assert len(exchange.notes.path) == LONGEST_PATH


@pytest.mark.parametrize(
    ("noting", "most"),
    [(Noting(), MOST), (Noting(bodies=False), 0), (None, 0)],
    ids=["all", "no bodies", "off"],
)
def test_bodies_are_remembered_only_where_they_are_wanted(noting, most):
    notes = begun(noting=noting)[0].notes

    assert notes.most == most
    for body in (notes.request, notes.response):
        body.add(b"abc")
        assert (body.kept(), body.size) == (b"abc" if most else b"", 3)


@pytest.mark.parametrize(
    ("path", "recorded"),
    [
        *((path, False) for path in ("/", "/health", "/livez", "/readyz/", "/metrics", "/stats")),
        *((path, False) for path in ("/debug/requests", "/debug/logs?limit=3", "/api/requests")),
        *((path, False) for path in ("/api/logs", "/api/access-logs", "/debug")),
        *((path, True) for path in ("/v1/messages", "/v1/models", "/nowhere", "/api/chat")),
        *((path, True) for path in ("/debugging", "/api/requests/1", "/healthy")),
    ],
)
def test_what_only_looks_at_the_state_is_not_recorded(path, recorded):
    notes = begun(path, Noting())[0].notes

    assert (notes.recorded, notes.most > 0) == (recorded, recorded)


def test_it_is_told_once_when_nobody_goes_on_with_it():
    exchange, told = begun()

    exchange.goes_on()
    exchange.close()
    assert told == []
    exchange.close()

    assert told == [exchange.notes]
    assert told[0].ended >= told[0].began


def test_what_went_wrong_first_is_why_and_its_frames_are_let_go():
    exchange, _ = begun()
    try:
        try:
            raise KeyError("x")
        except KeyError as cause:
            raise RateLimited("wait") from cause
    except RateLimited as limited:
        exchange.fail(limited)
    exchange.leave()

    exchange.close()

    error = exchange.notes.error
    assert isinstance(error, RateLimited)
    assert error.__traceback__ is None
    assert isinstance(error.__cause__, KeyError)
    assert error.__cause__.__traceback__ is None


def test_who_left_is_no_failure_of_ours():
    exchange, _ = begun()

    exchange.leave()

    assert isinstance(exchange.notes.error, asyncio.CancelledError)


def test_several_answers_are_one_usage_and_all_their_calls():
    exchange, _ = begun()
    first = answer(ToolCall("1", "ls", "{}"), reason=FinishReason.TOOL_CALLS, usage=Usage(3, 2))
    second = answer("Hi", ToolCall("2", "rm", "{}"), reason=FinishReason.STOP, usage=Usage(3, 4))

    for reply in (first, second):
        exchange.hear(replay(reply))

    notes = exchange.notes
    assert (notes.model, notes.tools, notes.usage) == ("kmodel", ["ls", "rm"], Usage(6, 6))
    assert notes.reason is FinishReason.STOP
    assert notes.accepted >= notes.began


def test_the_notes_and_the_client_go_with_what_is_asked():
    exchange, _ = begun()
    asked = Asked(ask(model="claude-x"), stream=False, warnings=("logprobs",))

    request = exchange.asked("anthropic", asked, heard_whole=True).request

    notes = exchange.notes
    assert request.notes is notes
    assert (request.client, request.heard_whole) == ("curl", True)
    assert (notes.dialect, notes.asked_model, notes.streamed) == ("anthropic", "claude-x", False)
    assert notes.warnings == ("logprobs",)


def test_a_turn_on_a_websocket_is_an_exchange_of_its_own():
    exchange, told = begun("/v1/responses")

    turn = turn_of(exchange, b'{"type": "response.create"}', Noting())
    turn.close()

    [notes] = told
    assert notes.id != exchange.id
    assert (notes.method, notes.path, notes.client) == ("WEBSOCKET", "/v1/responses", "curl")
    assert notes.request.kept() == b'{"type": "response.create"}'
