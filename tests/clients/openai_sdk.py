"""The official OpenAI SDK for Python: chat, stream, tool.  `BASE_URL=… openai_sdk.py MODE`."""

import json
import os
import sys

from openai import OpenAI
from pydantic import BaseModel

MODEL, CHAT, TOOL = os.environ["MODEL"], os.environ["CHAT_PROMPT"], os.environ["TOOL_PROMPT"]
client = OpenAI(base_url=os.environ["BASE_URL"] + "/v1", api_key="sk-any", max_retries=0)
ASKED = [{"role": "user", "content": CHAT}]
SHELL = {
    "name": "shell",
    "description": "run a shell command",
    "parameters": {
        "type": "object",
        "properties": {"command": {"type": "string"}},
        "required": ["command"],
        "additionalProperties": False,
    },
    "strict": True,
}


class Answer(BaseModel):
    answer: str


def chat():
    names = [model.id for model in client.models.list()]
    assert MODEL in names, names
    assert client.models.retrieve(MODEL).id == MODEL
    reply = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "developer", "content": "Be terse."}, *ASKED],
        max_completion_tokens=200,
    )
    assert "PONG" in reply.choices[0].message.content
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.total_tokens > 0
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=ASKED)
    assert raw.headers["x-request-id"].startswith("req_")
    several = client.chat.completions.create(model=MODEL, messages=ASKED, n=3)
    assert [choice.index for choice in several.choices] == [0, 1, 2]
    parsed = client.chat.completions.parse(model=MODEL, messages=ASKED, response_format=Answer)
    assert isinstance(parsed.choices[0].message.parsed, Answer)
    response = client.responses.create(
        model=MODEL, instructions="Be terse.", input=CHAT, max_output_tokens=200
    )
    assert "PONG" in response.output_text
    assert response.status == "completed"
    assert response.usage.total_tokens > 0
    parsed = client.responses.parse(model=MODEL, input=CHAT, text_format=Answer)
    assert isinstance(parsed.output_parsed, Answer)


def stream():
    text, usage, reason = "", None, None
    for chunk in client.chat.completions.create(
        model=MODEL, messages=ASKED, stream=True, stream_options={"include_usage": True}
    ):
        for choice in chunk.choices:
            text += choice.delta.content or ""
            reason = choice.finish_reason or reason
        usage = chunk.usage or usage
    assert "PONG" in text
    assert reason == "stop"
    assert usage is not None
    with client.chat.completions.stream(model=MODEL, messages=ASKED) as events:
        for _ in events:
            pass
        assert "PONG" in events.get_final_completion().choices[0].message.content
    said = list(client.responses.create(model=MODEL, input=CHAT, stream=True))
    assert (said[0].type, said[-1].type) == ("response.created", "response.completed")
    deltas = [event.delta for event in said if event.type == "response.output_text.delta"]
    assert "PONG" in "".join(deltas)
    with client.responses.stream(model=MODEL, input=CHAT) as events:
        assert "PONG" in events.get_final_response().output_text


def tool():
    tools = [{"type": "function", "function": SHELL}]
    for streamed in (False, True):
        messages = [{"role": "user", "content": TOOL}]
        if streamed:
            with client.chat.completions.stream(
                model=MODEL, messages=messages, tools=tools, parallel_tool_calls=False
            ) as events:
                message = events.get_final_completion().choices[0].message
        else:
            message = (
                client.chat.completions.create(
                    model=MODEL, messages=messages, tools=tools, tool_choice="auto"
                )
                .choices[0]
                .message
            )
        call = message.tool_calls[0]
        assert "hello-from-tool" in json.loads(call.function.arguments)["command"]
        messages += [
            message.model_dump(exclude_none=True, include={"role", "content", "tool_calls"}),
            {"role": "tool", "tool_call_id": call.id, "content": "hello-from-tool"},
        ]
        final = client.chat.completions.create(model=MODEL, messages=messages, tools=tools)
        assert "hello-from-tool" in final.choices[0].message.content
        respond(streamed)


def respond(streamed):
    """The same in Responses: what the first response said is sent back with the result."""
    tools = [{"type": "function", **SHELL}]
    said = [{"role": "user", "content": TOOL}]
    if streamed:
        with client.responses.stream(model=MODEL, input=said, tools=tools, store=False) as events:
            response = events.get_final_response()
    else:
        response = client.responses.create(model=MODEL, input=said, tools=tools, store=False)
    call = next(item for item in response.output if item.type == "function_call")
    assert "hello-from-tool" in json.loads(call.arguments)["command"]
    said += [item.model_dump(exclude_none=True) for item in response.output]
    said.append(
        {"type": "function_call_output", "call_id": call.call_id, "output": "hello-from-tool"}
    )
    final = client.responses.create(model=MODEL, input=said, tools=tools, store=False)
    assert "hello-from-tool" in final.output_text


{"chat": chat, "stream": stream, "tool": tool}[sys.argv[1]]()
print("ALL-OK")
