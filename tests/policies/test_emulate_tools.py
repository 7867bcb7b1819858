import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given

from lingma_proxy.backends.scripted import Scripted, Step
from lingma_proxy.conversation.events import (
    FinishReason,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
    Usage,
)
from lingma_proxy.conversation.request import (
    Message,
    NamedTool,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from lingma_proxy.errors import BackendTimeout, ProtocolError, UnfitAnswer
from lingma_proxy.policies.emulate_tools import NOT_STRICT, EmulateTools
from lingma_proxy.tools.forms import FORMS, written
from lingma_proxy.tools.prompt import in_text
from lingma_proxy.tools.words import ENGLISH
from support.backends import (
    answer,
    ask,
    cuts,
    drain,
    hands_on,
    hear,
    heard,
    in_pieces,
    leaves_nothing_behind,
    one_by_one,
)

READ = Tool(
    "Read",
    "Reads a file.",
    {
        "type": "object",
        "properties": {"path": {"type": "string"}, "limit": {"type": "integer"}},
        "required": ["path"],
    },
)
BASH = Tool("Bash", "", {"type": "object", "properties": {"command": {"type": "string"}}})
TOOLS = (READ, BASH)
FREE = ask("what is in a?", tools=TOOLS)
REQUIRED = replace(FREE, tool_choice="required")
NAMED = replace(FREE, tool_choice=NamedTool("Read"))
NONE = replace(FREE, tool_choice="none")
HISTORY = (
    Message("user", (Text("what is in a?"),)),
    Message("assistant", (Text("I read."), ToolCall("c1", "Read", '{"path": "a"}'))),
    Message("user", (ToolResult("c1", (Text("</tool_response>"),)),)),
)
SAID = '<tool_call>\n{"name": "Read", "arguments": {"path": "a"}}\n</tool_call>'
UNFIT = '<tool_call>\n{"name": "Read", "arguments": {"limit": "x"}}\n</tool_call>'
OTHER = '<tool_call>\n{"name": "Bash", "arguments": {"command": "ls"}}\n</tool_call>'
CALL = ToolCall("call_1", "Read", '{"path": "a"}')
CALLED = answer(CALL, reason=FinishReason.TOOL_CALLS)


def emulate(inner, **more) -> EmulateTools:
    numbers = count(1)
    return EmulateTools(inner, lambda _: "hermes", new_id=lambda: f"call_{next(numbers)}", **more)


async def asked(request, *replies, **more):
    """What comes of it, and what the model was asked."""
    inner = Scripted(replies)
    reply = await hear(emulate(inner, **more), request)
    assert inner.speaking == 0
    return reply, inner.requests


# Who is left alone.


@pytest.mark.parametrize("request_", [ask(), replace(ask(), tool_choice="none")])
async def test_without_anything_of_tools_the_inner_stream_is_handed_on(request_) -> None:
    assert await hands_on(emulate, request_)


@pytest.mark.parametrize("request_", [FREE, REQUIRED, NONE, replace(ask(), messages=HISTORY)])
async def test_whoever_takes_tools_gets_them_untouched(request_) -> None:
    assert await hands_on(lambda inner: EmulateTools(inner, lambda _: None), request_)


# What is sent.


@pytest.mark.parametrize("form", FORMS)
async def test_the_request_is_sent_in_text_in_the_form_of_its_model(form) -> None:
    request = replace(FREE, messages=HISTORY)
    inner = Scripted([answer("hm")])
    await hear(EmulateTools(inner, lambda _: form), request)

    assert inner.requests == [replace(in_text(request, form), usage_first=True)]
    assert inner.requests[0].tools == ()


async def test_a_long_conversation_is_sent_the_same_way() -> None:
    request = replace(FREE, messages=(*HISTORY, Message("user", (Text("x" * 100_000),))))

    _, [sent] = await asked(request, answer("hm"))

    assert sent == replace(in_text(request, "hermes"), usage_first=True)


async def test_earlier_calls_are_shown_also_when_tools_are_omitted() -> None:
    _, [sent] = await asked(replace(ask(), messages=HISTORY), answer("hm"))

    assert sent.messages[0] == Message("system", (Text(ENGLISH.earlier),))
    assert sent.messages[2].parts[1] == Text("\n" + SAID)
    assert "<\\/tool_response>" in sent.messages[3].parts[0].text


# The choice is the model's.


@pytest.mark.parametrize("form", FORMS)
@given(cuts, cuts)
def test_calls_are_read_in_every_form_however_they_are_cut(form, deltas, batches) -> None:
    calls = [CALL, ToolCall("call_2", "Bash", json.dumps({"command": "echo '“</x>”\u2028'\n"}))]
    reply = answer("I look.\n" + written(calls, form))

    heard_, _ = asyncio.run(asked(FREE, in_pieces(reply, deltas, batches)))

    assert heard_.reason is FinishReason.TOOL_CALLS
    text, *called = heard_.parts
    assert text == Text("I look.\n")
    assert [(each.id, each.name, json.loads(each.arguments)) for each in called] == [
        (each.id, each.name, json.loads(each.arguments)) for each in calls
    ]


async def test_arguments_stream_while_they_are_written() -> None:
    gate = asyncio.Event()
    at = SAID.index('"}}')
    script: list[Step] = [
        [ReplyStarted("r", "m"), PartStarted(0, Text("")), PartDelta(0, SAID[:at])],
        gate,
        [PartDelta(0, SAID[at:]), PartEnded(0), ReplyEnded(FinishReason.STOP)],
    ]
    async with aclosing(emulate(Scripted([script])).reply(FREE)) as stream:
        first = await anext(stream)

        assert first[1] == PartStarted(0, replace(CALL, arguments=""))
        assert "".join(e.text for e in first if isinstance(e, PartDelta)) == '{"path": "a'
        gate.set()
        rest = [event async for batch in stream for event in batch]

    assert rest[-1] == ReplyEnded(FinishReason.TOOL_CALLS)


async def test_an_answer_without_calls_is_as_the_model_wrote_it() -> None:
    said = "Use `<tool_call>` so:\n```xml\n" + SAID + "\n```\n{} <b>“x”</b>\u2028"

    reply, _ = await asked(FREE, one_by_one(answer(said)))

    assert reply == answer(said)


async def test_calls_of_what_was_not_declared_stay_text() -> None:
    said = SAID.replace("Read", "Frobnicate")

    reply, _ = await asked(FREE, answer(said))

    assert reply == answer(said)


async def test_twenty_calls_are_twenty_calls() -> None:
    reply, _ = await asked(FREE, answer("\n".join([SAID] * 20)))

    assert reply.parts == tuple(replace(CALL, id=f"call_{at}") for at in range(1, 21))


async def test_a_call_that_is_cut_by_length_is_not_complete() -> None:
    whole = SAID.index("}")
    for at in range(len(SAID)):
        reply, _ = await asked(FREE, one_by_one(answer(SAID[:at], reason=FinishReason.LENGTH)))

        assert reply.reason is FinishReason.LENGTH
        for part in reply.parts:
            if isinstance(part, ToolCall):
                assert CALL.arguments.startswith(part.arguments)
                assert (part.arguments == CALL.arguments) is (at > whole)


@pytest.mark.parametrize(
    "broken",
    [SAID[:-18], SAID.replace('"a"', '"a" wild "b": [}')],
    ids=["it just ends", "it is no JSON"],
)
async def test_a_call_that_nobody_can_complete_is_an_error(broken) -> None:
    inner = Scripted([one_by_one(answer(broken))])

    events, error = await heard(emulate(inner), FREE)

    assert any(isinstance(getattr(event, "head", None), ToolCall) for event in events)
    assert isinstance(error, ProtocolError)
    assert inner.speaking == 0


async def test_strict_is_named_where_nobody_keeps_it() -> None:
    request = replace(FREE, tools=(replace(READ, strict=True),))

    reply, _ = await asked(request, answer("hm"))

    assert reply.warnings == (NOT_STRICT,)


# No call is wanted.


@pytest.mark.parametrize("request_", [NONE, replace(ask(), messages=HISTORY)])
async def test_where_no_call_is_wanted_what_looks_like_one_stays_text(request_) -> None:
    reply, _ = await asked(request_, one_by_one(answer(SAID)))

    assert reply == answer(SAID)


# A call is demanded.


@pytest.mark.parametrize("request_", [REQUIRED, NAMED], ids=["required", "named"])
async def test_a_demanded_call_that_fits_goes_out(request_) -> None:
    reply, sent = await asked(request_, one_by_one(answer(Thinking("hm"), SAID, usage=Usage(1, 2))))

    assert reply == answer(Thinking("hm"), CALL, reason=FinishReason.TOOL_CALLS, usage=Usage(1, 2))
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("request_", "first", "told"),
    [
        (REQUIRED, "I'd rather talk.", ENGLISH.missing),
        (REQUIRED, "", ENGLISH.missing),
        (
            REQUIRED,
            UNFIT,
            ENGLISH.unfit.format(
                name="Read",
                wrong='"path" is a required property; at limit: "x" is not of type "integer"',
            ),
        ),
        (NAMED, OTHER, ENGLISH.other.format(name="Bash")),
        (NAMED, f"{SAID}\n{OTHER}", ENGLISH.other.format(name="Bash")),
    ],
    ids=["no call", "nothing", "unfit", "another", "also another"],
)
async def test_an_answer_that_will_not_do_is_asked_for_again_unseen(request_, first, told) -> None:
    reply, [before, again] = await asked(
        request_,
        one_by_one(answer(Thinking("hm"), first, usage=Usage(1, 2))),
        one_by_one(answer(SAID, usage=Usage(10, 20))),
    )

    assert reply == answer(
        Thinking("hm"), CALL, reason=FinishReason.TOOL_CALLS, usage=Usage(11, 22)
    )
    failed = [Message("assistant", (Text(first),))] if first else []
    complaint = Message("user", (Text(f"{told} {ENGLISH.again}"),))
    assert again.messages == (*before.messages, *failed, complaint)


async def test_a_second_failure_is_an_error_that_says_why() -> None:
    inner = Scripted([answer("no"), one_by_one(answer(UNFIT))])

    events, error = await heard(emulate(inner), REQUIRED)

    assert [type(event) for event in events] == [ReplyStarted]
    assert isinstance(error, UnfitAnswer)
    assert '"path" is a required property' in error.message
    assert inner.speaking == 0


async def test_text_beside_a_demanded_call_goes_out_with_it() -> None:
    reply, _ = await asked(REQUIRED, one_by_one(answer("I read.\n" + SAID)))

    assert reply == answer("I read.\n", CALL, reason=FinishReason.TOOL_CALLS)


@pytest.mark.parametrize("reason", [FinishReason.LENGTH, FinishReason.CONTENT_FILTER])
async def test_an_answer_that_was_cut_goes_out_as_it_is(reason) -> None:
    reply, sent = await asked(REQUIRED, answer("I would have", reason=reason))

    assert reply == answer("I would have", reason=reason)
    assert len(sent) == 1


# A call that was announced.

ANNOUNCED = "Let me call Read:"


async def test_an_announced_call_is_asked_for_once_where_the_settings_say_so() -> None:
    reply, [before, again] = await asked(
        FREE,
        one_by_one(answer(ANNOUNCED, usage=Usage(1, 2))),
        one_by_one(answer(Thinking("hm"), SAID, usage=Usage(10, 20))),
        ask_again=True,
    )

    assert reply == answer(ANNOUNCED, CALL, reason=FinishReason.TOOL_CALLS, usage=Usage(11, 22))
    assert again.messages == (
        *before.messages,
        Message("assistant", (Text(ANNOUNCED),)),
        Message("user", (Text(ENGLISH.announced),)),
    )


@pytest.mark.parametrize(
    "second",
    [answer("Never mind."), answer(SAID[:-30], reason=FinishReason.LENGTH), BackendTimeout("x")],
    ids=["no call", "cut", "failed"],
)
async def test_without_the_call_the_first_answer_stands(second) -> None:
    reply, _ = await asked(FREE, answer(ANNOUNCED), second, ask_again=True)

    assert reply == answer(ANNOUNCED)


@pytest.mark.parametrize(
    "first", [answer("Here is a list:"), answer(ANNOUNCED, reason=FinishReason.LENGTH), CALLED]
)
async def test_nothing_else_is_asked_for_again(first) -> None:
    reply, sent = await asked(FREE, first, ask_again=True)

    assert reply == first
    assert len(sent) == 1


async def test_by_default_an_announcement_is_an_answer() -> None:
    reply, sent = await asked(FREE, answer(ANNOUNCED))

    assert (reply, len(sent)) == (answer(ANNOUNCED), 1)


# Results that are made up.

INVENTED = f"{SAID}\n<tool_response>\n42\n</tool_response>\n{OTHER}"


@pytest.mark.parametrize("request_", [FREE, REQUIRED, NAMED], ids=["auto", "required", "named"])
async def test_the_answer_ends_where_the_model_makes_up_a_result(request_) -> None:
    script = in_pieces(
        answer(Thinking("hm"), INVENTED), [*range(0, len(INVENTED), 5)], [*range(99)]
    )
    inner = Scripted([script])

    reply = await hear(emulate(inner), request_)

    assert reply == answer(Thinking("hm"), CALL, reason=FinishReason.TOOL_CALLS)
    assert inner.speaking == 0
    assert inner.said < len(script)  # it was told to stop


async def test_a_prefilled_answer_is_gone_on_with() -> None:
    request = replace(ask("hi", Message("assistant", (Text("I read"),)), tools=TOOLS))

    reply, [sent] = await asked(request, one_by_one(answer(" it.\n" + SAID)))

    assert sent.messages[-1] == request.messages[-1]
    assert reply == answer(" it.\n", CALL, reason=FinishReason.TOOL_CALLS)


# Whatever happens.


async def test_what_is_sent_as_text_is_asked_of_whoever_counts_it() -> None:
    plain, counting = Scripted([]), Scripted([answer("hm")])

    await hear(emulate(plain, counting=counting), FREE)

    assert plain.requests == []
    assert counting.requests[0].usage_first


@pytest.mark.parametrize("request_", [FREE, REQUIRED, NONE], ids=["auto", "required", "none"])
async def test_hanging_up_at_any_point_leaves_nothing_behind(request_) -> None:
    script = one_by_one(answer(Thinking("hm"), "so\n" + SAID))

    await leaves_nothing_behind(emulate, request_, script, script)


async def test_ids_are_new_for_each_call() -> None:
    inner = Scripted([answer(SAID + SAID)] * 2)
    policy = EmulateTools(inner, lambda _: "hermes")
    calls = [*(await hear(policy, FREE)).parts, *(await hear(policy, FREE)).parts]

    assert len({call.id for call in calls if isinstance(call, ToolCall)}) == 4


async def test_each_batch_of_words_is_passed_on_at_once() -> None:
    words = in_pieces(answer("one two three four"), [4, 8, 14], [1, 2, 3, 4, 5, 6])

    batches = await drain(emulate(Scripted([words])), FREE)

    assert len(batches) >= len(words) - 1
