"""The official Anthropic SDK for Python: chat, stream, tool.  `BASE_URL=… anthropic_sdk.py MODE`."""

import os
import sys

from anthropic import Anthropic, beta_tool

MODEL, CHAT, TOOL = os.environ["MODEL"], os.environ["CHAT_PROMPT"], os.environ["TOOL_PROMPT"]
client = Anthropic(base_url=os.environ["BASE_URL"], api_key="sk-any", max_retries=0)
ASKED = [{"role": "user", "content": CHAT}]
TOOLS = [
    {
        "name": "shell",
        "description": "run a shell command",
        "input_schema": {
            "type": "object",
            "properties": {"command": {"type": "string"}},
            "required": ["command"],
        },
        "cache_control": {"type": "ephemeral"},
    }
]


def text(message):
    return "".join(block.text for block in message.content if block.type == "text")


def chat():
    names = [model.id for model in client.models.list()]
    assert MODEL in names, names
    assert client.models.retrieve(MODEL).id == MODEL
    counted = client.messages.count_tokens(
        model=MODEL, messages=ASKED, system="Be terse.", tools=TOOLS
    )
    assert counted.input_tokens > 0
    reply = client.messages.create(
        model=MODEL,
        max_tokens=300,
        system=[{"type": "text", "text": "Be terse.", "cache_control": {"type": "ephemeral"}}],
        messages=ASKED,
        stop_sequences=["ZZZ"],
        metadata={"user_id": "u"},
    )
    assert "PONG" in text(reply)
    assert reply.stop_reason == "end_turn"
    assert reply._request_id.startswith("req_")
    assert reply.usage.input_tokens > 0
    thought = client.messages.create(
        model=MODEL,
        max_tokens=3000,
        thinking={"type": "enabled", "budget_tokens": 1024},
        messages=ASKED,
    )
    assert [block.type for block in thought.content] == ["thinking", "text"]


def stream():
    said, types = "", []
    for event in client.messages.create(model=MODEL, max_tokens=300, messages=ASKED, stream=True):
        types.append(event.type)
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            said += event.delta.text
    assert "PONG" in said
    assert (types[0], types[-1]) == ("message_start", "message_stop")
    with client.messages.stream(model=MODEL, max_tokens=300, messages=ASKED) as events:
        said = "".join(events.text_stream)
        message = events.get_final_message()
    assert "PONG" in said
    assert message.usage.output_tokens > 0
    with client.beta.messages.stream(
        model=MODEL, max_tokens=300, messages=ASKED, betas=["context-management-2025-06-27"]
    ) as events:
        assert "PONG" in "".join(events.text_stream)


def tool():
    for streamed in (False, True):
        messages = [{"role": "user", "content": TOOL}]
        asked = {"model": MODEL, "max_tokens": 500, "messages": messages, "tools": TOOLS}
        if streamed:
            choice = {"type": "auto", "disable_parallel_tool_use": True}
            with client.messages.stream(**asked, tool_choice=choice) as events:
                message = events.get_final_message()
        else:
            message = client.messages.create(**asked)
        assert message.stop_reason == "tool_use"
        use = next(block for block in message.content if block.type == "tool_use")
        assert "hello-from-tool" in use.input["command"]
        result = {"type": "tool_result", "tool_use_id": use.id}
        result["content"] = [{"type": "text", "text": "hello-from-tool"}]
        said = [block.model_dump(exclude_none=True) for block in message.content]
        messages += [{"role": "assistant", "content": said}, {"role": "user", "content": [result]}]
        assert "hello-from-tool" in text(client.messages.create(**asked))

    @beta_tool
    def shell(command: str) -> str:
        """Run a shell command.

        Args:
            command: the command

        """
        return "hello-from-tool"

    # The runner asks for a thread first, is refused, and sends everything again.
    runner = client.beta.messages.tool_runner(
        model=MODEL, max_tokens=500, messages=[{"role": "user", "content": TOOL}], tools=[shell]
    )
    assert "hello-from-tool" in text(runner.until_done())


{"chat": chat, "stream": stream, "tool": tool}[sys.argv[1]]()
print("ALL-OK")
