import json

import pytest

from lingma_proxy.simulator.chunks import Opening, lines
from lingma_proxy.simulator.faults import NONE, parse
from lingma_proxy.simulator.script import Answer, call, words
from support.vendor_client import hear

OPENING = Opening("chatcmpl-x", "kmodel", 1777045062, 12)
TEXT = Answer(tuple(words("Hello, world!")))
CALL = Answer((*words("Well."), *call(0, "call_1", "look", '{"at":"the sky"}')), "tool_calls")


def raw(answer=TEXT, faults=""):
    chosen = parse(faults) if faults else NONE
    return b"".join(line.text + b"\n\n" for line in lines(answer, OPENING, chosen))


def heard(answer=TEXT, faults=""):
    return hear(raw(answer, faults))


def test_an_answer_is_a_stream_as_the_vendor_has_it():
    whole = heard()
    first = raw().split(b"\n", 1)[0]

    assert first == (
        b'data:{"headers":{},"body":"{\\"id\\":\\"chatcmpl-x\\",\\"object\\":'
        b'\\"chat.completion.chunk\\",\\"created\\":1777045062,\\"model\\":\\"kmodel\\",'
        b'\\"choices\\":[{\\"index\\":0,\\"delta\\":{\\"role\\":\\"assistant\\",\\"content\\":\\"\\"},'
        b'\\"finish_reason\\":null}]}","statusCodeValue":200,"statusCode":"OK"}'
    )
    assert whole.text == "Hello, world!"
    assert whole.finish == "stop"
    assert whole.done == ["wrapped"]
    assert whole.usage == {"prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14}


def test_calls_are_said_in_fragments():
    whole = heard(CALL)

    assert whole.calls == {0: {"id": "call_1", "name": "look", "arguments": '{"at":"the sky"}'}}
    assert whole.finish == "tool_calls"


@pytest.mark.parametrize(
    "faults", ["direct", "empty", "garbage", "null-content", "finish-with-content", "metrics"]
)
@pytest.mark.parametrize("answer", [TEXT, CALL], ids=["text", "call"])
def test_what_is_said_stays_the_same(answer, faults):
    plain, bent = heard(answer), heard(answer, faults)

    assert (bent.text, bent.calls, bent.finish) == (plain.text, plain.calls, plain.finish)
    assert raw(answer, faults) != raw(answer)


def test_direct_chunks_have_no_envelope():
    assert b"statusCodeValue" not in raw(faults="direct")
    assert heard(faults="direct").done == ["bare"]


@pytest.mark.parametrize(
    ("faults", "done"),
    [
        ("done=bare", ["bare"]),
        ("done=wrapped", ["wrapped"]),
        ("done=both", ["wrapped", "bare"]),
        ("done=none", []),
    ],
)
def test_the_end_is_marked_as_asked(faults, done):
    assert heard(faults=faults).done == done


def test_without_a_finish_there_is_no_end_at_all():
    whole = heard(faults="no-finish")

    assert (whole.text, whole.finish, whole.usage, whole.done) == ("Hello, world!", None, None, [])


def test_an_error_may_come_after_some_words():
    whole = heard(faults="error-after=1")

    assert whole.text == "Hello,"
    assert whole.error is not None
    assert whole.error["statusCodeValue"] == 500
    assert whole.done == []


def test_usage_is_told_as_asked():
    assert heard(faults="usage=none").usage is None
    assert heard(faults="usage=alias").usage == {"input_tokens": 12, "output_tokens": 2}
    assert heard(faults="usage=own").usage == heard().usage
    assert b'\\"choices\\":[],\\"usage\\"' in raw(faults="usage=own")
    assert heard(faults="metrics").usage == {"input_tokens": 12, "output_tokens": 2}


def test_fragments_of_two_calls_alternate():
    events = [json.loads(line[5:]) for line in raw(CALL, "interleave").split(b"\n\n")[:-1]]
    bodies = [json.loads(event["body"]) for event in events if event["body"] != "[DONE]"]
    indexes = [
        piece["index"]
        for chunk in bodies
        for piece in chunk["choices"][0]["delta"].get("tool_calls", ())
    ]

    assert indexes == [0, 1] * 3
    assert heard(CALL, "interleave").calls[1]["arguments"] == '{"at":"the sky"}'
    assert heard(TEXT, "interleave") == heard()


def test_calls_may_have_no_id():
    assert heard(CALL, "no-call-id").calls[0]["id"] is None


def test_content_may_be_null():
    assert b'{\\"content\\":null,\\"tool_calls\\"' in raw(CALL, "null-content")


def test_the_last_word_may_bring_the_finish_reason():
    assert b'{\\"content\\":\\" world!\\"},\\"finish_reason\\":\\"stop\\"' in raw(
        faults="finish-with-content"
    )


def test_thoughts_come_first():
    whole = heard(faults="reasoning")

    assert whole.thought
    assert whole.text == "Hello, world!"


@pytest.mark.parametrize(
    ("faults", "finish"), [("length", "length"), ("content-filter", "content_filter")]
)
def test_an_answer_may_end_halfway(faults, finish):
    assert (heard(faults=faults).text, heard(faults=faults).finish) == ("Hello,", finish)
    assert heard(CALL, faults).calls[0]["arguments"] == ""


def test_an_emoji_may_come_in_two_halves():
    whole = heard(faults="surrogates")

    assert whole.text.encode("utf-16", "surrogatepass").decode("utf-16") == "Hello, world! 🙂"
    assert b'\\"content\\":\\" \\\\ud83d\\"' in raw(faults="surrogates")
    assert b'\\"content\\":\\"\\\\ude42\\"' in raw(faults="surrogates")


@pytest.mark.parametrize("more", ["", ",direct"])
def test_a_line_may_be_long(more):
    longest = max(map(len, raw(faults=f"long-line=1500000{more}").split(b"\n")))

    assert longest > 1500000
    assert heard(faults=f"long-line=1500000{more}").text == "Hello, world!"


def test_as_many_words_as_asked():
    assert len(heard(faults="words=7").text.split()) == 7


def test_text_beyond_ascii_travels_as_itself():
    whole = raw(Answer(tuple(words("你好 🙂 \u2028"))))

    assert "🙂".encode() in whole
    assert hear(whole).text == "你好 🙂 \u2028"


def test_an_answer_may_leave_its_end_unsaid():
    assert heard(Answer(TEXT.deltas, None)).finish is None
