import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.simulator.chunks import Opening, lines
from lingma_proxy.simulator.delivery import (
    Drop,
    End,
    Head,
    Pause,
    Reset,
    Write,
    awkward_places,
    refused,
    stream,
    whole,
)
from lingma_proxy.simulator.faults import NONE, parse
from lingma_proxy.simulator.refusal import bad_signature
from lingma_proxy.simulator.script import Answer, words
from support.vendor_client import hear

OPENING = Opening("chatcmpl-x", "kmodel", 1777045062, 12)
HELLO = Answer(tuple(words("Grüß Gott, 世界!")))


def steps(faults="", pace=0.0):
    chosen = parse(faults) if faults else NONE
    return list(stream(lines(HELLO, OPENING, chosen), chosen, pace))


def raw(taken):
    return b"".join(step.data for step in taken if isinstance(step, Write))


def writes(taken):
    return [step.data for step in taken if isinstance(step, Write)]


def pauses(taken):
    return [step.seconds for step in taken if isinstance(step, Pause)]


PLAIN = raw(steps())


def test_an_answer_is_written_event_by_event():
    taken = steps()

    assert isinstance(taken[0], Head)
    assert (taken[0].status, taken[0].content_type.partition(";")[0]) == (200, "text/event-stream")
    assert all(data.startswith(b"data:") and data.endswith(b"\n\n") for data in writes(taken))
    assert taken[-1] == End()
    assert pauses(taken) == []


@pytest.mark.parametrize(
    ("faults", "status"),
    [
        ("signature", 403),
        ("auth-payload", 400),
        ("user-invalid", 403),
        ("no-such-key", 404),
        ("quota=http", 403),
        ("rate-limit", 429),
        ("status", 500),
        ("status=418", 418),
        ("unavailable", 503),
        ("html", 200),
    ],
)
def test_a_refusal_is_a_status_and_no_event(faults, status):
    head, write, end = steps(faults)

    assert isinstance(head, Head)
    assert head.status == status
    assert isinstance(write, Write)
    assert b"data:" not in write.data
    assert end == End()


def test_too_many_requests_say_when_to_come_back():
    head = steps("rate-limit=7")[0]

    assert isinstance(head, Head)
    assert head.headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("faults", "status", "said"),
    [
        ("signature=event", 403, '{"code":"101","message":"Signature invalid"}'),
        ("quota", 403, '{"code":"110","message":"Daily usage limit reached"}'),
        ("error=502", 502, ""),
    ],
)
def test_a_refusal_may_be_the_first_event(faults, status, said):
    taken = steps(faults)
    error = hear(raw(taken)).error

    assert isinstance(taken[0], Head)
    assert taken[0].status == 200
    assert error is not None
    assert (error["statusCodeValue"], error["body"]) == (status, said)


def test_a_connection_may_be_lost_before_an_answer():
    assert steps("drop") == [Drop()]
    assert steps("reset") == [Reset()]


def test_silence_has_its_place():
    assert steps("hang")[0] == Pause(None)
    assert steps("hang=3")[:1] == [Pause(3.0)]
    assert isinstance(steps("hang=3")[1], Head)
    assert steps("hang-first")[1] == Pause(None)
    assert steps("slow")[1] == Pause(2.0)
    stalled = steps("stall=3")
    at = stalled.index(Pause(3.0))
    assert hear(raw(stalled[:at])).text == "Grüß"
    assert raw(stalled) == PLAIN


def test_words_come_at_the_pace_that_was_asked_for():
    assert pauses(steps(pace=0.03)) == [0.03] * 2
    assert pauses(steps("pace=0.5", pace=0.03)) == [0.5] * 2


@pytest.mark.parametrize(("fault", "ending"), [("cut", Drop()), ("reset", Reset()), ("end", End())])
@given(count=st.integers(0, len(PLAIN) - 1))
def test_exactly_so_many_bytes_are_written(fault, ending, count):
    taken = steps(f"{fault}={count}")

    assert raw(taken) == PLAIN[:count]
    assert taken[-1] == ending


def test_a_cut_behind_the_end_does_nothing():
    assert steps(f"cut={len(PLAIN) + 1}") == steps()


def test_a_line_may_be_cut():
    cut = raw(steps("cut-line"))

    assert not cut.endswith(b"\n")
    assert hear(cut).text == "Grüß Gott,"
    assert hear(cut).finish is None
    assert steps("cut-line")[-1] == End()


def test_comments_stand_between_the_events():
    assert raw(steps("comments")).replace(b": keep-alive\n\n", b"") == PLAIN
    assert raw(steps("comments")) != PLAIN


def test_lines_may_end_in_two_characters():
    assert raw(steps("crlf")) == PLAIN.replace(b"\n", b"\r\n")


def test_a_blank_may_follow_the_name():
    assert raw(steps("space")) == PLAIN.replace(b"data:", b"data: ")


def test_a_body_may_come_at_once():
    assert writes(steps("burst")) == [PLAIN]


def test_a_body_may_come_byte_by_byte():
    taken = steps("dribble")

    assert raw(taken) == PLAIN
    assert {len(data) for data in writes(taken)} == {1}


@pytest.mark.parametrize("more", ["", ",crlf"])
def test_writes_may_end_where_it_hurts(more):
    taken = steps("split" + more)
    pieces = writes(taken)

    assert hear(b"".join(pieces)).text == "Grüß Gott, 世界!"
    assert any(not _is_utf8(piece) for piece in pieces)
    assert b"\n" in pieces
    assert not any(piece.endswith(b"\n\n") for piece in pieces)


def _is_utf8(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.binary(max_size=60))
def test_awkward_places_lie_inside(data):
    assert all(0 < place < len(data) for place in awkward_places(data))


def test_the_type_may_be_wrong():
    head = steps("wrong-type")[0]

    assert isinstance(head, Head)
    assert head.content_type == "text/html"


def test_what_is_no_stream_can_break_too():
    body = b'{"chat":[]}'

    assert raw(whole(body, NONE)) == body
    assert raw(whole(body, parse("garbage"))) == body[:5]
    assert raw(whole(body, parse("cut=3"))) == body[:3]
    assert next(iter(whole(body, parse("hang")))) == Pause(None)
    head = next(iter(whole(body, parse("status=502"))))
    assert isinstance(head, Head)
    assert head.status == 502


def test_a_refusal_is_an_answer():
    assert raw(refused(bad_signature())) == b'{"code":"101","message":"Signature invalid"}'
