"""Ollama's own client for Python: chat, stream, tool.  `BASE_URL=… ollama_sdk.py MODE`."""

import os
import sys

from ollama import Client, ResponseError

MODEL, CHAT, TOOL = os.environ["MODEL"], os.environ["CHAT_PROMPT"], os.environ["TOOL_PROMPT"]
client = Client(os.environ["BASE_URL"])
ASKED = [{"role": "user", "content": CHAT}]
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
}


def shell(command: str) -> str:
    """run a shell command

    Args:
      command: the command
    """
    return "hello-from-tool"


def chat():
    names = [model.model for model in client.list().models]
    assert MODEL in names, names
    assert len({model.digest for model in client.list().models}) == len(names)
    shown = client.show(f"{MODEL}:latest")
    assert {"completion", "tools"} <= set(shown.capabilities)
    assert any(key.endswith(".context_length") for key in shown.modelinfo)
    assert MODEL in [model.model for model in client.ps().models]
    assert client.pull(MODEL).status == "success"
    assert [each.status for each in client.pull(MODEL, stream=True)][-1] == "success"
    assert client.generate(MODEL).done_reason == "load"
    assert client.chat(MODEL, keep_alive=0).done_reason == "unload"

    reply = client.chat(MODEL, ASKED, options={"temperature": 0, "num_predict": 200})
    assert "PONG" in reply.message.content
    assert (reply.done, reply.done_reason) == (True, "stop")
    assert reply.prompt_eval_count > 0
    assert reply.eval_count / reply.eval_duration > 0
    assert "PONG" in client.generate(MODEL, CHAT).response
    formed = client.chat(MODEL, ASKED, format=SCHEMA).message.content
    assert formed.startswith("{"), formed

    for refused in (lambda: client.embed(MODEL, "x"), lambda: client.delete(MODEL)):
        try:
            refused()
        except ResponseError as error:
            assert error.error  # noqa: PT017  # this is no test of pytest's
        else:
            raise AssertionError("that cannot be done")


def stream():
    chunks = list(client.chat(MODEL, ASKED, stream=True))
    assert "PONG" in "".join(chunk.message.content or "" for chunk in chunks)
    assert [chunk.done for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].eval_count > 0
    pieces = list(client.generate(MODEL, CHAT, stream=True))
    assert "PONG" in "".join(piece.response for piece in pieces)


def tool():
    for streamed in (False, True):
        messages = [{"role": "user", "content": TOOL}]
        reply = client.chat(MODEL, messages, tools=[shell], stream=streamed)
        spoken = [each.message for each in (reply if streamed else [reply])]
        calls = [call for message in spoken for call in message.tool_calls or ()]
        assert "hello-from-tool" in calls[0].function.arguments["command"]
        said = {"role": "assistant", "content": "", "tool_calls": calls}
        result = shell(**calls[0].function.arguments)
        messages += [said, {"role": "tool", "tool_name": "shell", "content": result}]
        final = client.chat(MODEL, messages, tools=[shell])
        assert "hello-from-tool" in final.message.content


{"chat": chat, "stream": stream, "tool": tool}[sys.argv[1]]()
print("ALL-OK")
