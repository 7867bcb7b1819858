"""The stories.  A bug becomes an entry here, and so a test of every dialect and backend."""

from lingma_proxy.conversation.events import FinishReason, Usage
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.errors import BackendRefused, BrokenOff, NotLoggedIn, RateLimited
from support.stories import Call, Cut, Finished, Refused, Say, Story, Think, Together

TOOLS = Finished("tool_calls")
COUNTED = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}

WORDS = "A long story is told in many small pieces, and each of them arrives. "
POEM = "她说“你好”，然后挥手😀👩\u200d👩\u200d👧。\n「再见」\tcafé e\u0301\n"
BREAKS = "one\u2028two\u2029three\u0085four\x0bfive\x0csix\x1cseven"

ALL = (
    # Text.
    Story("text", (Say("Hello"), Say(", "), Say("world.")), parts=(Text("Hello, world."),)),
    Story("one word", (Say("PONG"),), parts=(Text("PONG"),)),
    Story("empty reply", ()),
    Story("nothing but empty pieces", (Say(""), Think(""), Say(""))),
    Story(
        "blanks at both ends",
        (Say("\n\n  "), Say("indented\n"), Say(""), Say("  \n")),
        parts=(Text("\n\n  indented\n  \n"),),
    ),
    Story("nothing but blanks", (Say(" "), Say("\n"), Say("\t")), parts=(Text(" \n\t"),)),
    Story("line breaks of Unicode", (Say(BREAKS[:9]), Say(BREAKS[9:])), parts=(Text(BREAKS),)),
    Story(
        "emoji and Chinese and curly quotes",
        tuple(Say(character) for character in POEM),
        parts=(Text(POEM),),
    ),
    Story(
        "text that looks like a protocol",
        (Say("data: [DONE]\n\n"), Say("event: error\n"), Say("data:"), Say("[DONE]")),
        parts=(Text("data: [DONE]\n\nevent: error\ndata:[DONE]"),),
    ),
    Story(
        "text that looks like a tool call",
        (Say('Here is your package.json: {"na'), Say('me": "x"} and '), Say('{"tool": 1}'), Say(".")),
        parts=(Text('Here is your package.json: {"name": "x"} and {"tool": 1}.'),),
    ),
    Story(
        "text that looks like markup",
        (Say("Write <tool_call>{}</tool_call>"), Say(" or <think>so</think> & \\u0041 \\n %s")),
        parts=(Text("Write <tool_call>{}</tool_call> or <think>so</think> & \\u0041 \\n %s"),),
    ),
    Story("control characters", (Say("\x00\x01\x1f\x7f\ufeff\ufffd"),), parts=(Text("\x00\x01\x1f\x7f\ufeff\ufffd"),)),
    Story("very long text", tuple([Say(WORDS)] * 600), parts=(Text(WORDS * 600),)),
    # Thinking.
    Story(
        "thinking, then text",
        (Think("Let me "), Think("see."), Say("It is "), Say("4.")),
        parts=(Thinking("Let me see."), Text("It is 4.")),
    ),
    Story("nothing but thinking", (Think("Hm."),), parts=(Thinking("Hm."),)),
    Story(
        "a second thought after text",
        (Think("First."), Say("One."), Think("Second."), Say("Two.")),
        parts=(Thinking("First."), Text("One."), Thinking("Second."), Text("Two.")),
    ),
    Story(
        "thinking and text in one chunk",
        (Think("So"), Together((Think("."), Say("Yes"))), Say("!")),
        parts=(Thinking("So."), Text("Yes!")),
    ),
    # Tools.
    Story(
        "one tool",
        (Call(0, "call_1", "read", ""), Call(0, arguments='{"path"'), Call(0, arguments=': "a.txt"}')),
        TOOLS,
        parts=(ToolCall("call_1", "read", '{"path": "a.txt"}'),),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "text, then a tool",
        (Say("Let me look. "), Call(0, "call_1", "read", '{"path": "a.txt"}')),
        TOOLS,
        parts=(Text("Let me look. "), ToolCall("call_1", "read", '{"path": "a.txt"}')),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "thinking, text, then a tool",
        (Think("Files?"), Say("Looking."), Call(0, "call_1", "list", "{}")),
        TOOLS,
        parts=(Thinking("Files?"), Text("Looking."), ToolCall("call_1", "list", "{}")),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "text after a tool",
        (Call(0, "call_1", "list", "{}"), Say("I have asked.")),
        TOOLS,
        parts=(ToolCall("call_1", "list", "{}"), Text("I have asked.")),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "text and a tool in one chunk",
        (Say("Look"), Together((Say("ing."), Call(0, "call_1", "list", "{}")))),
        TOOLS,
        parts=(Text("Looking."), ToolCall("call_1", "list", "{}")),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "parallel tools",
        (
            Call(0, "call_1", "read", '{"path": '),
            Call(0, arguments='"a"}'),
            Call(1, "call_2", "read", '{"path": '),
            Call(1, arguments='"b"}'),
        ),
        TOOLS,
        parts=(
            ToolCall("call_1", "read", '{"path": "a"}'),
            ToolCall("call_2", "read", '{"path": "b"}'),
        ),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "parallel tools in one chunk",
        (Together((Call(0, "call_1", "read", '{"path": "a"}'), Call(1, "call_2", "list", "{}"))),),
        TOOLS,
        parts=(ToolCall("call_1", "read", '{"path": "a"}'), ToolCall("call_2", "list", "{}")),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "interleaved fragments",
        (
            Call(0, "call_1", "read", ""),
            Call(1, "call_2", "list", ""),
            Call(0, arguments='{"pa'),
            Call(1, arguments='{"in": '),
            Call(0, arguments='th": "a"}'),
            Say("Both, then."),
            Call(1, arguments='"b"}'),
        ),
        TOOLS,
        parts=(
            ToolCall("call_1", "read", '{"path": "a"}'),
            ToolCall("call_2", "list", '{"in": "b"}'),
            Text("Both, then."),
        ),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "calls that share a number",
        (Call(0, "call_1", "read", '{"path": "a"}'), Call(0, "call_2", "read", '{"path": "b"}')),
        TOOLS,
        parts=(
            ToolCall("call_1", "read", '{"path": "a"}'),
            ToolCall("call_2", "read", '{"path": "b"}'),
        ),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "many calls",
        tuple(Call(n, f"call_{n}", "read", f'{{"n": {n}}}') for n in range(12)),
        TOOLS,
        parts=tuple(ToolCall(f"call_{n}", "read", f'{{"n": {n}}}') for n in range(12)),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "a call without an id",
        (Call(0, "", "list", '{"all": '), Call(0, arguments="true}")),
        TOOLS,
        parts=(ToolCall("call_new_1", "list", '{"all": true}'),),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "a call whose id and name come again",
        (Call(0, "call_1", "list", '{"all"'), Call(0, "call_1", "list", ": true}")),
        TOOLS,
        parts=(ToolCall("call_1", "list", '{"all": true}'),),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "a call whose name comes late",
        (Call(0, "call_1", "", ""), Call(0, "", "list", "{}")),
        TOOLS,
        parts=(ToolCall("call_1", "list", "{}"),),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "a call without arguments",
        (Call(0, "call_1", "now", ""),),
        TOOLS,
        parts=(ToolCall("call_1", "now", "{}"),),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "an edit that deletes",
        (Call(0, "call_1", "edit", '{"old": "x", "new": ""}'),),
        TOOLS,
        parts=(ToolCall("call_1", "edit", '{"old": "x", "new": ""}'),),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "big integers and odd spelling in arguments",
        (Call(0, "call_1", "seek", '{ "at" :9007199254740993,'), Call(0, arguments='"b":1e2, "a": 1.0 }\n')),
        TOOLS,
        parts=(ToolCall("call_1", "seek", '{ "at" :9007199254740993,"b":1e2, "a": 1.0 }\n'),),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "arguments full of quotes and brackets",
        (
            Call(0, "call_1", "write", '{"text": "他说“你好”\\'),
            Call(0, arguments='n\\"}]{\\'),
            Call(0, arguments='\\", "more": ["😀", "\u2028", "<&>", ", }"]'),
            Call(0, arguments="}"),
        ),
        TOOLS,
        parts=(
            ToolCall(
                "call_1",
                "write",
                '{"text": "他说“你好”\\n\\"}]{\\\\", "more": ["😀", "\u2028", "<&>", ", }"]}',
            ),
        ),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story(
        "arguments that are no JSON",
        (Call(0, "call_1", "run", "echo "), Call(0, arguments="hello")),
        TOOLS,
        parts=(ToolCall("call_1", "run", "echo hello"),),
        reason=FinishReason.TOOL_CALLS,
    ),
    # Endings.
    Story(
        "cut by length",
        (Say("It was a dark and"),),
        Finished("length"),
        parts=(Text("It was a dark and"),),
        reason=FinishReason.LENGTH,
    ),
    Story(
        "cut by length inside a call",
        (Say("Writing."), Call(0, "call_1", "write", '{"text": "It was a da')),
        Finished("length"),
        parts=(Text("Writing."), ToolCall("call_1", "write", '{"text": "It was a da')),
        reason=FinishReason.LENGTH,
    ),
    Story(
        "cut by length inside a thought",
        (Think("Either it is so or"),),
        Finished("length"),
        parts=(Thinking("Either it is so or"),),
        reason=FinishReason.LENGTH,
    ),
    Story(
        "stopped by the content filter",
        (Say("I may"),),
        Finished("content_filter"),
        parts=(Text("I may"),),
        reason=FinishReason.CONTENT_FILTER,
    ),
    Story(
        "calls that end with stop",
        (Call(0, "call_1", "list", "{}"),),
        Finished("stop"),
        parts=(ToolCall("call_1", "list", "{}"),),
        reason=FinishReason.TOOL_CALLS,
    ),
    Story("no reason but a marker", (Say("Done."),), Finished(None), parts=(Text("Done."),)),
    Story(
        "calls and no reason but a marker",
        (Call(0, "call_1", "list", "{}"),),
        Finished(None),
        parts=(ToolCall("call_1", "list", "{}"),),
        reason=FinishReason.TOOL_CALLS,
    ),
    # Usage.
    Story(
        "counted",
        (Say("Hello."),),
        Finished(usage=COUNTED),
        parts=(Text("Hello."),),
        usage=Usage(12, 7),
    ),
    Story(
        "counted by other names",
        (Say("Hello."),),
        Finished(usage={"input_tokens": 12, "output_tokens": 7}),
        parts=(Text("Hello."),),
        usage=Usage(12, 7),
    ),
    Story(
        "counted in detail",
        (Think("Hm."), Say("Hello.")),
        Finished(
            usage={
                **COUNTED,
                "prompt_tokens_details": {"cached_tokens": 8},
                "completion_tokens_details": {"reasoning_tokens": 3},
            }
        ),
        parts=(Thinking("Hm."), Text("Hello.")),
        usage=Usage(12, 7, cached=8, reasoning=3),
    ),
    # What goes wrong before anything is said.
    Story(
        "refused: the signature",
        (),
        Refused(403, "101", "Signature invalid"),
        error=NotLoggedIn,
    ),
    Story(
        "refused: too many",
        (),
        Refused(429, "429", "Too many requests"),
        error=RateLimited,
    ),
    Story(
        "refused: a fault of the vendor",
        (),
        Refused(500, "500", "Internal error"),
        error=BackendRefused,
    ),
    Story(
        "refused: a fault of the request",
        (),
        Refused(400, "400", "The prompt is too long"),
        error=BackendRefused,
    ),
    Story("silence", (), Cut(), error=BrokenOff),
    # What goes wrong later.
    Story(
        "died in the text",
        (Say("It was a dark and"),),
        Cut(),
        parts=(Text("It was a dark and"),),
        error=BrokenOff,
    ),
    Story(
        "died in a thought",
        (Think("Either it is so or"),),
        Cut(),
        parts=(Thinking("Either it is so or"),),
        error=BrokenOff,
    ),
    Story(
        "died in a call",
        (Say("Writing."), Call(0, "call_1", "write", '{"text": "It was')),
        Cut(),
        parts=(Text("Writing."), ToolCall("call_1", "write", '{"text": "It was')),
        error=BrokenOff,
    ),
    Story(
        "died after a call",
        (Call(0, "call_1", "list", "{}"),),
        Cut(),
        parts=(ToolCall("call_1", "list", "{}"),),
        error=BrokenOff,
    ),
    Story(
        "an error after content",
        (Say("It was"), Say(" a dark")),
        Refused(500, "500", "Internal error"),
        parts=(Text("It was a dark"),),
        error=BackendRefused,
    ),
    Story(
        "the limit is reached in the middle",
        (Think("So"), Say("It was")),
        Refused(429, "429", "Too many requests"),
        parts=(Thinking("So"), Text("It was")),
        error=RateLimited,
    ),
)  # fmt: skip

STORIES: dict[str, Story] = {story.name: story for story in ALL}
REPLIES: dict[str, Story] = {name: it for name, it in STORIES.items() if it.error is None}
FAILURES: dict[str, Story] = {name: it for name, it in STORIES.items() if it.error is not None}
