import asyncio
import hashlib
import json
import shutil
import socket
from contextlib import aclosing
from dataclasses import replace

import pytest

from lingma_proxy.backends.answer import FAREWELL, Timeouts
from lingma_proxy.backends.remote import MUCH_TO_SEND, retry_after
from lingma_proxy.conversation.events import ReplyStarted
from lingma_proxy.conversation.notes import AttemptNotes
from lingma_proxy.conversation.request import ChatRequest, Image, Message, Sampling, Text
from lingma_proxy.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    BrokenOff,
    NotLoggedIn,
    ProtocolError,
    RateLimited,
    SettingsError,
)
from lingma_proxy.policies.time_out import TimeOut
from lingma_proxy.vendor.encoding import decode
from support.backends import ask, hear, heard
from support.login import MACHINE_ID, user, write_cache
from support.remote import remote
from support.stories import Cut, Refused, Say, Spelling, Story, heard_parts, sse
from support.vectors import vectors
from support.vendor_server import Dribble, Hang, Reset, Says, Sever, serving, tells

HELLO = Story("hello", (Say("Hello"),))
OPEN = sse(Story("open", (Say("Hello"),), Cut()))
"""A beginning without an end."""
UNMARKED = sse(HELLO, Spelling(enveloped_done=False, bare_done=False))
"""A reason, and no end marker."""
INVALID = sse(Story("no", (), Refused(403, "101", "Signature invalid")))
LIST = json.dumps(vectors("model_list")["remote_response"]).encode()


def error(status, body, media_type="application/json", **headers):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Says((text,), status, headers, media_type)


NO_SIGNATURE = error(403, {"code": "101", "message": "Signature invalid"})


async def outcome(home, *scripts, request=None, first=0.0, idle=0.0, whole=0.0, **more):
    """(what was heard, what failed, the vendor) of one reply, within these limits."""
    async with serving(*scripts) as vendor, remote(vendor.url, home, **more) as backend:
        events, failure = await heard(TimeOut(backend, first, idle, whole), request)
    return heard_parts(events), failure, vendor


async def test_a_request_is_signed_and_says_what_was_asked(tmp_path):
    request = ChatRequest(
        "1", "kmodel", (Message("user", (Text("hi"),)),), sampling=Sampling(top_p=1)
    )
    async with (
        serving(tells(HELLO)) as vendor,
        remote(vendor.url, tmp_path, now=lambda: 1777045062.9) as backend,
    ):
        reply = await hear(backend, request)

    assert reply.parts == (Text("Hello"),)
    assert reply.model == "kmodel"
    assert [warning.split()[0] for warning in reply.warnings] == ["top_p"]
    (asked,) = vendor.asked
    assert asked.method == "POST"
    assert asked.target.startswith("/algo/api/v2/service/pro/sse/agent_chat_generation?")
    body = json.loads(asked.body)
    assert body["model_config"]["key"] == "kmodel"
    assert body["business"]["begin_at"] == 1777045062900
    assert asked.headers["cosy-date"] == "1777045062"
    assert asked.headers["authorization"].startswith("Bearer COSY.")
    assert asked.headers["cosy-user"] == user()["uid"]
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.headers["cosy-bodyhash"] == hashlib.md5(asked.body).hexdigest()


@pytest.mark.parametrize(
    ("encode", "encoded"), [("auto", False), ("never", False), ("always", True)]
)
async def test_a_body_is_encoded_where_that_is_wanted(tmp_path, encode, encoded):
    *_, vendor = await outcome(tmp_path, tells(HELLO), encode=encode)

    (asked,) = vendor.asked
    assert asked.target.endswith("&Encode=1") is encoded
    assert json.loads(decode(asked.body) if encoded else asked.body)["stream"] is True


async def test_a_long_request_arrives_whole(tmp_path):
    request = ask("x" * (MUCH_TO_SEND + 1))
    parts, _, vendor = await outcome(tmp_path, tells(HELLO), request=request)

    assert parts == [Text("Hello")]
    assert len(vendor.asked[0].body) > MUCH_TO_SEND
    assert vendor.asked[0].headers["cosy-bodyhash"] == hashlib.md5(vendor.asked[0].body).hexdigest()


async def test_one_connection_serves_one_request_after_another(tmp_path):
    async with serving(tells(HELLO)) as vendor, remote(vendor.url, tmp_path) as backend:
        for _ in range(3):
            await hear(backend)

    assert (vendor.connections, len(vendor.asked)) == (1, 3)


async def test_as_many_requests_as_there_are_run_at_once(tmp_path):
    gate = asyncio.Event()
    script = Says((OPEN, gate, UNMARKED[len(OPEN) :]))
    async with serving(script) as vendor, remote(vendor.url, tmp_path) as backend:
        streams = [backend.reply(ask()) for _ in range(30)]
        await asyncio.gather(*(anext(stream) for stream in streams))
        assert vendor.open == 30
        gate.set()
        for stream in streams:
            async with aclosing(stream):
                assert [batch async for batch in stream]


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (NO_SIGNATURE, NotLoggedIn),
        (error(401, b""), NotLoggedIn),
        (error(403, {"errorCode": "403", "errorMessage": "user invalid"}), NotLoggedIn),
        (Says((INVALID,)), NotLoggedIn),
        (error(403, b"<html>", "text/html"), BackendUnavailable),
        (error(407, b"<html>", "text/html"), BackendUnavailable),
        (error(429, b""), RateLimited),
        (error(200, {"code": "110", "message": "daily limit"}), RateLimited),
        (error(400, {"code": "400", "message": "auth payload is invalid"}), BackendRefused),
        (error(418, b""), BackendRefused),
        (error(404, {"code": "model_gone", "message": "x"}), BackendRefused),
        (error(500, b"boom", "text/plain"), BackendRefused),
        (error(408, b""), BackendTimeout),
        (error(404, b"<Error><Code>NoSuchKey</Code></Error>", "application/xml"), ProtocolError),
        (error(404, b""), ProtocolError),
        (error(302, b"", Location="http://127.0.0.1:1/"), ProtocolError),
        (error(204, b""), ProtocolError),
        (error(200, b"<html>log in here</html>", "text/html"), ProtocolError),
        (error(200, {"hello": 1}), ProtocolError),
        (Says(()), BrokenOff),
        (b"SSH-2.0-OpenSSH\r\n\r\n", ProtocolError),
        (Sever(), BackendUnavailable),
        (Reset(), BackendUnavailable),
        (Says((Sever(),)), BackendUnavailable),
        (Says((Reset(),)), BackendUnavailable),
        (Says((b"data:{", Sever())), BackendUnavailable),
    ],
)
async def test_every_refusal_comes_before_the_first_event(tmp_path, script, kind):
    parts, failure, _ = await outcome(tmp_path, script)

    assert type(failure) is kind, repr(failure)
    assert parts == []
    for secret in (user()["key"], user()["encrypt_user_info"], str(tmp_path)):
        assert secret not in str(failure)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (error(404, b"<Error><Code>NoSuchKey</Code></Error>"), "remote_base_url"),
        (error(200, b"<html>log in here</html>", "text/html"), "log in here"),
        (error(302, b"", Location="http://127.0.0.1:1/"), "redirects are not followed"),
        (error(500, b"boom", "text/plain"), "boom"),
        (NO_SIGNATURE, "Signature invalid"),
        (NO_SIGNATURE, "Log in again"),
    ],
)
async def test_the_message_says_what_happened(tmp_path, script, words):
    _, failure, _ = await outcome(tmp_path, script)

    assert words in str(failure)


async def test_the_time_to_wait_is_passed_on(tmp_path):
    _, failure, _ = await outcome(tmp_path, error(429, b"", **{"Retry-After": "17"}))

    assert failure.retry_after == 17


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17.0), (" 0 ", 0.0), ("", None), ("soon", None), ("-1", None), ("1.5", None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("9" * 400, 999999999.0),
    ],
)  # fmt: skip
def test_retry_after_is_a_number_or_a_date(value, seconds):
    assert retry_after({"Retry-After": value}, 10.0) == seconds


async def test_nobody_there_is_said_at_once(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    async with remote(url, tmp_path) as backend:
        _, failure = await heard(backend)

    assert type(failure) is BackendUnavailable
    assert "cannot be reached" in str(failure)


# The login.


@pytest.mark.parametrize("refusal", [NO_SIGNATURE, error(401, b""), Says((INVALID,))])
async def test_a_refused_login_is_read_again_and_tried_once_more(tmp_path, refusal):
    async with serving(refusal, tells(HELLO)) as vendor, remote(vendor.url, tmp_path) as backend:
        await backend._login.ready()
        write_cache(tmp_path / ".lingma", uid="new")
        reply = await hear(backend)

    assert reply.parts == (Text("Hello"),)
    assert [asked.headers["cosy-user"] for asked in vendor.asked] == [user()["uid"], "new"]


async def test_a_second_refusal_is_final(tmp_path):
    _, failure, vendor = await outcome(tmp_path, NO_SIGNATURE)

    assert type(failure) is NotLoggedIn
    assert len(vendor.asked) == 2


async def test_a_login_that_cannot_be_read_again_is_not_tried_again(tmp_path):
    async with serving(NO_SIGNATURE) as vendor, remote(vendor.url, tmp_path) as backend:
        await backend._login.ready()
        shutil.rmtree(tmp_path / ".lingma")
        _, failure = await heard(backend)

    assert type(failure) is NotLoggedIn
    assert len(vendor.asked) == 1


async def test_without_a_login_nothing_is_sent(tmp_path):
    (tmp_path / ".lingma").mkdir()
    _, failure, vendor = await outcome(tmp_path, tells(HELLO))

    assert type(failure) is NotLoggedIn
    assert vendor.asked == []


async def test_a_login_refused_in_the_middle_is_not_tried_again(tmp_path):
    parts, failure, vendor = await outcome(tmp_path, Says((OPEN + INVALID,)))

    assert parts == [Text("Hello")]
    assert type(failure) is NotLoggedIn
    assert len(vendor.asked) == 1


# Connections.


@pytest.mark.parametrize("end", [Sever(), Reset()])
async def test_a_connection_that_has_grown_stale_is_replaced(tmp_path, end):
    async with (
        serving(tells(HELLO), end, tells(HELLO)) as vendor,
        remote(vendor.url, tmp_path) as backend,
    ):
        await hear(backend)
        assert (await hear(backend)).parts == (Text("Hello"),)

    assert (vendor.connections, len(vendor.asked)) == (2, 3)
    ids = [asked.headers["authorization"] for asked in vendor.asked]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("end", [Sever(), Reset()])
@pytest.mark.parametrize("said", [UNMARKED, sse(HELLO)])
async def test_a_connection_that_breaks_after_the_end_is_no_failure(tmp_path, end, said):
    if isinstance(end, Reset):
        # A reset may overtake the bytes before it: hold it back until they have been heard.
        gate = asyncio.Event()
        async with (
            serving(Says((said, gate, end))) as vendor,
            remote(vendor.url, tmp_path) as backend,
        ):
            async with aclosing(backend.reply(ask())) as events:
                heard_events = list(await anext(events))
                gate.set()
                heard_events += [event async for batch in events for event in batch]
        assert heard_parts(heard_events) == [Text("Hello")]
        return
    parts, failure, _ = await outcome(tmp_path, Says((said, end)))

    assert (parts, failure) == ([Text("Hello")], None)


async def test_a_connection_that_breaks_in_the_middle_is_a_failure(tmp_path):
    parts, failure, _ = await outcome(tmp_path, Says((OPEN, Sever())))

    assert parts == [Text("Hello")]
    assert type(failure) is BrokenOff


async def test_the_end_marker_is_the_end_even_if_the_connection_stays(tmp_path):
    async with (
        serving(Says((sse(HELLO), Hang()))) as vendor,
        remote(vendor.url, tmp_path) as backend,
    ):
        assert (await hear(backend)).parts == (Text("Hello"),)
        assert not vendor.left.is_set()
        await backend.aclose()
        await asyncio.wait_for(vendor.left.wait(), 10 * FAREWELL)


async def test_a_failure_in_the_middle_closes_the_connection(tmp_path):
    async with (
        serving(Says((OPEN + INVALID, Hang()))) as vendor,
        remote(vendor.url, tmp_path) as backend,
    ):
        await heard(backend)
        await asyncio.wait_for(vendor.left.wait(), 20)


async def test_who_leaves_before_the_first_event_takes_the_request_along(tmp_path):
    async with serving(Hang()) as vendor, remote(vendor.url, tmp_path) as backend:
        listener = asyncio.create_task(hear(backend))
        while not vendor.asked:  # the server has no bell for it
            await asyncio.sleep(0.01)
        listener.cancel()
        await asyncio.wait_for(vendor.left.wait(), 20)
        with pytest.raises(asyncio.CancelledError):
            await listener


async def test_it_can_be_closed_twice_and_unused(tmp_path):
    async with remote("http://127.0.0.1:1", tmp_path) as backend:
        await backend.aclose()
        await backend.aclose()


# Time.


@pytest.mark.parametrize(
    "steps", [Hang(), Says((Hang(),)), Says((b": hello\n\n", Hang())), Says((Dribble(),))]
)
@pytest.mark.parametrize("limit", [{"first": 0.4}, {"whole": 0.4}])
async def test_the_first_word_may_take_only_so_long(tmp_path, steps, limit):
    _, failure, vendor = await outcome(tmp_path, steps, **limit)

    assert type(failure) is BackendTimeout
    assert vendor.left.is_set()


@pytest.mark.parametrize("steps", [Says((OPEN, Hang())), Says((OPEN, Dribble()))])
@pytest.mark.parametrize("limit", [{"idle": 0.1}, {"whole": 0.2}])
async def test_so_may_silence_and_the_whole(tmp_path, steps, limit):
    parts, failure, vendor = await outcome(tmp_path, steps, **limit)

    assert parts == [Text("Hello")]
    assert type(failure) is BackendTimeout
    assert vendor.left.is_set()


async def test_without_limits_it_waits(tmp_path):
    none = Timeouts(connect=0, first_byte=0)
    parts, failure, _ = await outcome(tmp_path, tells(HELLO), timeouts=none)

    assert (parts, failure) == ([Text("Hello")], None)


async def test_a_batch_goes_out_before_the_next_one_comes(tmp_path):
    gate = asyncio.Event()
    rest = UNMARKED[len(OPEN) :]
    async with (
        serving(Says((OPEN, gate, rest))) as vendor,
        remote(vendor.url, tmp_path) as backend,
        aclosing(backend.reply(ask())) as events,
    ):
        assert isinstance((await anext(events))[0], ReplyStarted)
        gate.set()
        assert [batch async for batch in events]


# The proxy on the way.


async def test_a_proxy_is_used_if_there_is_one(tmp_path):
    async with (
        serving(tells(HELLO)) as proxy,
        remote("http://localhost:9", tmp_path, proxy=proxy.url) as backend,
    ):
        await hear(backend)

    assert proxy.asked[0].target.startswith("http://localhost:9/algo/")


async def test_a_kind_of_proxy_that_we_do_not_speak_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="remote_proxy_url"):
        async with remote("http://127.0.0.1:1", tmp_path, proxy="socks5://127.0.0.1:1"):
            pass


# Models.


async def test_the_models_are_those_of_the_list(tmp_path):
    async with (
        serving(error(200, LIST)) as vendor,
        remote(vendor.url, tmp_path) as backend,
    ):
        found = await backend.models()
        await backend.models()

    assert [model.key for model in found] == vectors("model_list")["expect_ids_in_order_dedup"]
    assert vendor.asked[0].method == "GET"
    assert vendor.asked[0].target == "/algo/api/v2/model/list"
    assert vendor.asked[0].body == b""
    assert (vendor.connections, len(vendor.asked)) == (1, 2)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (NO_SIGNATURE, NotLoggedIn),
        (error(500, b""), BackendRefused),
        (error(404, b"NoSuchKey"), ProtocolError),
        (error(200, b"<html>", "text/html"), ProtocolError),
        (Says((LIST[:50], Sever()), media_type="application/json"), BackendUnavailable),
        (Sever(), BackendUnavailable),
    ],
)
async def test_a_list_that_cannot_be_had_is_an_error(tmp_path, script, kind):
    async with serving(script) as vendor, remote(vendor.url, tmp_path) as backend:
        with pytest.raises(kind):
            await backend.models()


async def test_a_wrong_base_url_is_looked_for_again(tmp_path):
    async with serving(error(404, b"")) as vendor, remote(vendor.url, tmp_path) as backend:
        await heard(backend)

        assert backend._base_url.known == ""


# Pictures.


SHOWN = ask(Message("user", (Text("see"), Image("image/png", b"\x89PNG"))))


def uploaded(**data):
    answer = {"Data": {"Success": True, **data}}
    return Says((json.dumps(answer).encode(),), media_type="application/json")


async def test_a_picture_is_uploaded_before_it_is_shown(tmp_path):
    # A CDN may well sort its files by user: what is hidden from errors stays in a link.
    link = f"https://cdn.example/{user()['uid']}/1.png"
    *_, vendor = await outcome(tmp_path, uploaded(ImageUrl=link), tells(HELLO), request=SHOWN)

    upload, chat = vendor.asked
    path, _, id = upload.target.partition("?request_id=")
    assert (upload.method, path) == ("POST", "/algo/api/v2/image/upload")
    assert json.loads(upload.body) == {
        "ImageUri": "data:image/png;base64,iVBORw==",
        "RequestId": id,
    }
    assert upload.headers["cosy-sigpath"] == "/api/v2/image/upload"
    assert json.loads(chat.body)["image_urls"] == [link]
    assert json.loads(chat.body)["messages"][0]["content"] == "see"


async def test_an_upload_is_never_encoded(tmp_path):
    scripts = uploaded(ImageUrl="https://cdn.example/1"), tells(HELLO)
    *_, vendor = await outcome(tmp_path, *scripts, request=SHOWN, encode="always")

    assert b"ImageUri" in vendor.asked[0].body
    assert vendor.asked[1].target.endswith("&Encode=1")


async def test_what_an_upload_answers_is_told_without_secrets(tmp_path):
    secret = user()["uid"]
    _, failure, vendor = await outcome(
        tmp_path, uploaded(ImageUrl=f"http://{secret}.example/"), request=SHOWN
    )

    assert isinstance(failure, ProtocolError)
    assert failure.message.startswith("A picture could not be uploaded: ")
    assert secret not in failure.message
    assert len(vendor.asked) == 1


async def test_pictures_can_go_in_the_chat_itself(tmp_path):
    *_, vendor = await outcome(tmp_path, tells(HELLO), request=SHOWN, delivery="data")

    (chat,) = vendor.asked
    assert json.loads(chat.body)["image_urls"] == ["data:image/png;base64,iVBORw=="]


async def test_uploads_are_waited_for_only_so_long(tmp_path):
    short = Timeouts(connect=5, first_byte=0.1)
    _, failure, vendor = await outcome(tmp_path, Hang(), request=SHOWN, timeouts=short)

    assert isinstance(failure, BackendTimeout)
    assert "first_byte_timeout" in failure.message
    assert len(vendor.asked) == 1


def noted(request=None):
    """A question, and what is noted of the attempt to answer it."""
    attempt = AttemptNotes("kmodel", 100.0)
    return replace(request or ask(), attempt=attempt), attempt


@pytest.mark.parametrize("encode", ["never", "always"])
async def test_what_is_asked_and_what_comes_is_noted_byte_by_byte(tmp_path, encode):
    request, attempt = noted()
    *_, vendor = await outcome(tmp_path, tells(HELLO), request=request, encode=encode)

    (asked,) = vendor.asked
    assert attempt.backend == "remote"
    assert attempt.url == vendor.url + asked.target.partition("?")[0]
    sent = asked.body if encode == "never" else decode(asked.body)
    assert attempt.request.kept() == sent
    assert attempt.reply.kept() == sse(HELLO)
    assert 100.0 < attempt.accepted <= attempt.first


async def test_a_refusal_is_noted_and_was_not_accepted(tmp_path):
    request, attempt = noted()
    body = b'{"code": "Throttled", "message": "slow down"}'
    await outcome(tmp_path, error(429, body), request=request)

    assert attempt.reply.kept() == body
    assert (attempt.accepted, attempt.first is None) == (None, False)


async def test_what_came_before_a_break_is_noted(tmp_path):
    request, attempt = noted()
    _, failure, _ = await outcome(tmp_path, Says((OPEN, Reset())), request=request)

    assert failure is not None
    assert attempt.reply.kept() == OPEN


async def test_of_a_second_try_with_another_login_the_second_is_noted(tmp_path):
    request, attempt = noted()
    refusal = NO_SIGNATURE
    async with serving(refusal, tells(HELLO)) as vendor, remote(vendor.url, tmp_path) as backend:
        await backend._login.ready()
        write_cache(tmp_path / ".lingma", uid="new")
        await hear(backend, request)

    assert len(vendor.asked) == 2
    assert attempt.request.kept() == vendor.asked[1].body
    assert attempt.reply.kept() == sse(HELLO)


@pytest.mark.parametrize("script", ["heard", "refused"])
async def test_no_secret_of_the_login_is_noted(tmp_path, script):
    request, attempt = noted()
    secrets = [MACHINE_ID, *(user()[name] for name in ("key", "encrypt_user_info", "uid"))]
    echo = error(403, " ".join(secrets).encode())
    await outcome(tmp_path, tells(HELLO) if script == "heard" else echo, request=request)

    told = attempt.url.encode() + attempt.request.kept() + attempt.reply.kept()
    assert [each for each in secrets if each.encode() in told] == []
