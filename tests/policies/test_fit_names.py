import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import FinishReason
from lingma_proxy.conversation.reply import Reply, collect
from lingma_proxy.conversation.request import (
    ChatRequest,
    Message,
    NamedTool,
    Text,
    Tool,
    ToolCall,
)
from lingma_proxy.policies.fit_names import FITS, FitNames, fitting

LONG = "mcp__a_server_with_a_long_name__" + "x" * 60
DOTTED = "files.read/one"
PLAIN = "Bash"


def asked(*names: str, **more) -> ChatRequest:
    tools = tuple(Tool(name, "", {"type": "object"}) for name in names)
    return ChatRequest("req_1", "m", (Message("user", (Text("Hi"),)),), tools, **more)


def calling(*names: str) -> Reply:
    calls = tuple(ToolCall(f"c{n}", name, "{}") for n, name in enumerate(names))
    return Reply("r", "m", calls, FinishReason.TOOL_CALLS)


async def test_the_client_hears_its_own_names_and_the_vendor_ones_that_fit():
    vendor = Scripted([calling(fitting(LONG), PLAIN, fitting(DOTTED))])

    reply = await collect(FitNames(vendor).reply(asked(LONG, PLAIN, DOTTED)))

    assert reply.parts == calling(LONG, PLAIN, DOTTED).parts
    assert [tool.name for tool in vendor.requests[0].tools] == [
        fitting(LONG),
        PLAIN,
        fitting(DOTTED),
    ]


async def test_choice_and_history_are_renamed_alike():
    vendor = Scripted([calling()])
    before = Message("assistant", (Text("So:"), ToolCall("c1", LONG, '{"a": 1}')))
    request = asked(LONG, tool_choice=NamedTool(LONG))
    request = ChatRequest(request.id, request.model, (before,), request.tools, request.tool_choice)

    await collect(FitNames(vendor).reply(request))

    sent = vendor.requests[0]
    assert sent.tool_choice == NamedTool(fitting(LONG))
    assert sent.messages[0].parts == (Text("So:"), ToolCall("c1", fitting(LONG), '{"a": 1}'))


async def test_names_that_fit_are_left_alone():
    vendor = Scripted([calling(PLAIN)])
    request = asked(PLAIN)

    await collect(FitNames(vendor).reply(request))

    assert vendor.requests[0] is request


async def test_a_name_that_the_model_made_up_stays():
    vendor = Scripted([calling("made_up")])

    reply = await collect(FitNames(vendor).reply(asked(LONG)))

    assert reply.parts == (ToolCall("c0", "made_up", "{}"),)


@given(st.text(min_size=1, max_size=200))
def test_what_is_sent_always_fits_and_is_always_the_same(name):
    assert FITS.fullmatch(fitting(name))
    assert fitting(name) == fitting(name)


@pytest.mark.parametrize("other", [LONG + "y", LONG[:-1], LONG.upper()])
def test_two_names_are_not_sent_as_one(other):
    assert fitting(LONG) != fitting(other)
