"""The legal order of the chunks of an OpenAI Chat stream, as tables, and a walker.

Written from the API's reference, not from the encoder.  One table for the stream, one
for each of its choices; what they cannot say (indices, ids, nulls) is in `ChatGrammar`.
"""

import json
from enum import Enum, auto
from typing import Any

from lingma_proxy.wire.sse import SseDecoder


class Stream(Enum):
    CHUNKS = auto()
    USAGE = auto()
    FAILED = auto()
    DONE = auto()


class Choice(Enum):
    SILENT = auto()
    SPEAKING = auto()
    IN_CALL = auto()
    IN_FUNCTION = auto()
    FINISHED = auto()


STREAM: dict[Stream, dict[str, Stream]] = {
    Stream.CHUNKS: {
        "choice": Stream.CHUNKS,
        "usage": Stream.USAGE,
        "error": Stream.FAILED,
        "done": Stream.DONE,
    },
    Stream.USAGE: {"done": Stream.DONE},
    Stream.FAILED: {"done": Stream.DONE},
    Stream.DONE: {},
}
SAYS = {
    "content": Choice.SPEAKING,
    "reasoning_content": Choice.SPEAKING,
    "call": Choice.IN_CALL,
    "function": Choice.IN_FUNCTION,
    "finish": Choice.FINISHED,
}
CHOICE: dict[Choice, dict[str, Choice]] = {
    Choice.SILENT: {"role": Choice.SPEAKING},
    Choice.SPEAKING: SAYS,
    Choice.IN_CALL: {**SAYS, "arguments": Choice.IN_CALL},
    Choice.IN_FUNCTION: {**SAYS, "function arguments": Choice.IN_FUNCTION},
    Choice.FINISHED: {},
}

CONSTANT = ("id", "object", "created", "model", "service_tier", "system_fingerprint")


class ChatGrammar:
    """Fed the bytes of a stream; fails with a sentence at the first illegal chunk."""

    def __init__(self, choices: int, *, usage: bool) -> None:
        self.stream = Stream.CHUNKS
        self.choices = [Choice.SILENT] * choices
        self.usage = usage
        self.comments = 0
        self._decoder = SseDecoder()
        self._constant: tuple[object, ...] | None = None
        self._calls = [0] * choices
        self._heard = 0

    def feed(self, data: bytes) -> None:
        for event in self._decoder.feed(data):
            assert event.event == "", "a Chat stream has no `event:` lines"
            word = self._word(event.data)
            assert word in STREAM[self.stream], f"{word!r} may not come while {self.stream.name}"
            self.stream = STREAM[self.stream][word]
        self.comments = self._decoder.comments

    def end(self) -> None:
        assert self._decoder.end() == []
        assert self.stream is Stream.DONE, f"the stream ended while {self.stream.name}"

    def _word(self, data: bytes) -> str:
        if data == b"[DONE]":
            if self.stream is not Stream.FAILED:
                assert set(self.choices) == {Choice.FINISHED}, "a choice was not finished"
            return "done"
        chunk = json.loads(data)
        if "error" in chunk:
            assert chunk["error"].keys() == {"message", "type", "param", "code"}
            return "error"
        constant = tuple(chunk[name] for name in CONSTANT)
        assert chunk["object"] == "chat.completion.chunk"
        assert self._constant in {None, constant}, "every chunk says the same of the reply"
        self._constant = constant
        if not chunk["choices"]:
            assert self.usage
            assert set(self.choices) == {Choice.FINISHED}, "usage comes last"
            usage = chunk["usage"]
            assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
            return "usage"
        assert chunk.get("usage", ...) is (None if self.usage else ...)
        (choice,) = chunk["choices"]
        self._choice(choice)
        return "choice"

    def _choice(self, choice: dict[str, Any]) -> None:
        assert choice.keys() == {"index", "delta", "logprobs", "finish_reason"}
        assert choice["logprobs"] is None
        at = choice["index"]
        for word in self._words(at, choice["delta"], choice["finish_reason"]):
            state = self.choices[at]
            assert word in CHOICE[state], f"{word!r} may not come while choice {at} is {state}"
            self.choices[at] = CHOICE[state][word]

    def _words(self, at: int, delta: dict[str, Any], reason: str | None) -> list[str]:
        words = []
        match delta:
            case {"role": role, **others}:
                assert role == "assistant"
                assert others in (
                    {"content": "", "refusal": None},
                    {"content": None, "refusal": None},
                )
                assert at == self._heard, "clients add up choices in the order they hear of them"
                self._heard += 1
                words.append("role")
            case {"content": str(text), **others}:
                assert not others
                assert text or reason, "an empty delta says nothing"
                words.append("content")
            case {"reasoning_content": str(text), **others}:
                assert text
                assert not others
                words.append("reasoning_content")
            case {"tool_calls": [call], **others}:
                assert not others
                words.append(self._call(at, call))
            case {"function_call": {"name": str(), "arguments": ""} as call}:
                assert call.keys() == {"name", "arguments"}
                words.append("function")
            case {"function_call": {"arguments": str(text)} as call}:
                assert text
                assert call.keys() == {"arguments"}
                words.append("function arguments")
            case _:
                assert not delta
                assert reason, "a chunk says something"
        if reason is not None:
            assert reason in {"stop", "length", "tool_calls", "content_filter", "function_call"}
            words.append("finish")
        return words

    def _call(self, at: int, call: dict[str, Any]) -> str:
        match call:
            case {"index": index, "id": str(), "type": "function", "function": function}:
                assert index == self._calls[at]
                assert function.keys() == {"name", "arguments"}
                assert function["arguments"] == ""
                self._calls[at] += 1
                return "call"
            case {"index": index, "id": str(), "type": "custom", "custom": custom}:
                assert index == self._calls[at]
                assert custom.keys() == {"name", "input"}
                assert custom["input"] == ""
                self._calls[at] += 1
                return "call"
            case {"index": index, "custom": {"input": str(text), **others}}:
                assert index == self._calls[at] - 1
                assert text
                assert not others
                assert call.keys() == {"index", "custom"}
                return "arguments"
            case {"index": index, "function": {"arguments": str(text), **others}}:
                assert index == self._calls[at] - 1
                assert text
                assert not others
                assert call.keys() == {"index", "function"}
                return "arguments"
            case _:
                raise AssertionError(f"{call} is no call")
