"""A request with tools, as one without: the contract in words, earlier calls as text.

    system      …                              the client's own, as they were
    system      # Tools <tools>…</tools> …     the contract; for a conversation that can call
                                               none any more, a note on what stands in it
    user        What is in a.txt?
    assistant   <tool_call>…</tool_call>       in the form of the model's family (`forms`)
    user        <tool_response>…</tool_response>
    system      Your next answer must call …   only where the choice is not the model's

The tools stand in the order of their names, each as compact JSON: clients that collect them
from several servers send them in another order each time, and a vendor's cache of the prompt
holds only as long as it begins the same.  For the same reason the choice, which changes from
turn to turn, is said at the end.  Texts stay byte for byte.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lingma_proxy.conversation.kinds import has
from lingma_proxy.conversation.request import (
    ChatRequest,
    Message,
    NamedTool,
    Part,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from lingma_proxy.jsonio import Json, JsonObject, dumps
from lingma_proxy.profile import ToolFormat
from lingma_proxy.tools.forms import (
    END_RESULT,
    FORMS,
    begin_result,
    escaped,
    inside,
    written,
)
from lingma_proxy.tools.words import Words, words_for

NO_SCHEMA: JsonObject = {"type": "object", "properties": {}}


def in_text(request: ChatRequest, format: ToolFormat) -> ChatRequest:
    """The request, with all that it says of tools in its messages."""
    words = words_for(request.messages)
    messages = history(request.messages, format)
    if request.tools and request.tool_choice != "none":
        told = contract(request.tools, format, words, parallel=request.parallel_tool_calls)
    else:
        told = words.earlier if has_calls(request.messages) else ""
    if told:
        at = leading(messages)
        messages = (*messages[:at], _system(told), *messages[at:])
    if request.tools and (demanded := demand(request, words)):
        # What the assistant has begun to say stays the last, for it is to be gone on with.
        at = len(messages) - (messages[-1].role == "assistant")
        messages = (*messages[:at], _system(demanded), *messages[at:])
    return replace(
        request, messages=messages, tools=(), tool_choice="auto", parallel_tool_calls=True
    )


def contract(
    tools: Sequence[Tool], format: ToolFormat, words: Words, *, parallel: bool = True
) -> str:
    """What the model is told: the tools, and how to call them."""
    form = FORMS[format]
    listed = [inside(dumps(_declared(tool))) for tool in sorted(tools, key=lambda tool: tool.name)]
    example = form.begin + form.write(0, "NAME", '{"KEY": VALUE}') + form.end
    if not form.in_json:
        example = form.begin + form.write(0, "NAME", '{"KEY": "VALUE"}') + form.end
    rules = (
        words.in_json if form.in_json else words.by_parts,
        words.several if parallel else words.one,
        words.results,
        words.last,
    )
    shown = "".join(f"{line}\n" for line in listed)
    return f"{words.offer}<tools>\n{shown}</tools>\n\n{words.how}{example}\n\n" + "\n".join(rules)


def demand(request: ChatRequest, words: Words) -> str:
    """What the choice demands of the next answer; "" for nothing."""
    match request.tool_choice:
        case "required":
            return words.required
        case NamedTool(name):
            return words.named.format(name=name)
        case _:
            return ""


def history(messages: Sequence[Message], format: ToolFormat) -> tuple[Message, ...]:
    """The messages with calls and results as texts; those without are the same objects."""
    found: list[Message] = []
    numbers: dict[str, int] = {}
    """Of the calls of the assistant's latest turn."""
    previous = ""
    for message in messages:
        if message.role == "assistant":
            if previous != "assistant":
                numbers = {}
            calls = [part for part in message.parts if isinstance(part, ToolCall)]
            for call in calls:
                numbers[call.id] = len(numbers) + 1
            parts = tuple(_spoken(message.parts, format)) if calls else message.parts
        elif any(isinstance(part, ToolResult) for part in message.parts):
            parts = tuple(_answered(message.parts, numbers))
        else:
            parts = message.parts
        found.append(message if parts is message.parts else replace(message, parts=parts))
        previous = message.role if message.role != "system" else previous
    return tuple(found)


def has_calls(messages: Sequence[Message]) -> bool:
    return has(messages, ToolCall, ToolResult)


def leading(messages: Sequence[Message]) -> int:
    """How many system messages lead the conversation."""
    at = 0
    while at < len(messages) and messages[at].role == "system":
        at += 1
    return at


def _spoken(parts: Sequence[Part], format: ToolFormat) -> Iterator[Part]:
    """What the assistant said, with its calls as text, each run of them on lines of its own."""
    run: list[ToolCall] = []
    on_a_line = True
    for part in (*parts, None):
        if isinstance(part, ToolCall):
            run.append(part)
            continue
        text = part.text if isinstance(part, Text) else ""
        if run:
            before = "" if on_a_line else "\n"
            after = "\n" if text and not text.startswith("\n") else ""
            yield Text(before + written(run, format) + after)
            run = []
        if text:
            on_a_line = text.endswith("\n")
        if part is not None:
            yield part


def _answered(parts: Sequence[Part], numbers: dict[str, int]) -> Iterator[Part]:
    """What the user sent, with results as text; pictures stay in the place where they were."""
    text: list[str] = []
    for part in parts:
        if not isinstance(part, ToolResult):
            if text:
                yield Text("".join(text))
                text = []
            yield part
            continue
        if text:
            text.append("\n")
        number = numbers.get(part.call_id) if len(numbers) > 1 else None
        text.append(begin_result(call=number, is_error=part.is_error))
        for at, piece in enumerate(part.content):
            if isinstance(piece, Text):
                text += ["\n" if at and text else "", escaped(piece.text)]
                continue
            if text:
                yield Text("".join(text))
            yield piece
            text = []
        text.append(END_RESULT)
    if text:
        yield Text("".join(text))


def _declared(tool: Tool) -> Json:
    told: JsonObject = {"name": tool.name}
    if tool.description:
        told["description"] = tool.description
    return {"type": "function", "function": {**told, "parameters": tool.parameters or NO_SCHEMA}}


def _system(text: str) -> Message:
    return Message("system", (Text(text),))
