"""The legal order of the lines of an Ollama stream, as a table, and a walker.

Written from the API's reference, not from the encoder.
"""

import json
from datetime import datetime
from typing import Any

from lingma_proxy.wire.ndjson import NdjsonDecoder

TRANSITIONS = {
    "speaking": {"piece": "speaking", "done": "done", "error": "failed"},
    "done": {},
    "failed": {},
}
METRICS = {
    "total_duration",
    "load_duration",
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
}


class OllamaGrammar:
    """Fed the bytes of a stream; fails with a sentence at the first illegal line."""

    def __init__(self, *, chat: bool) -> None:
        self.state = "speaking"
        self._chat = chat
        self._decoder = NdjsonDecoder()
        self._calls = 0
        self._time: datetime | None = None

    def feed(self, data: bytes) -> None:
        assert b"\n\n" not in data, "a blank line is no JSON"
        for line in self._decoder.feed(data):
            assert len(line.decode().splitlines()) == 1, "some readers end a line here"
            word = self._word(json.loads(line))
            assert word in TRANSITIONS[self.state], f"{word!r} may not come when it is {self.state}"
            self.state = TRANSITIONS[self.state][word]

    def end(self) -> None:
        assert self._decoder.end() == [], "the last line has an end, too"
        assert self.state in {"done", "failed"}, f"the stream ended while {self.state}"

    def _word(self, line: dict[str, Any]) -> str:
        if "error" in line:
            assert line.keys() == {"error"}
            assert isinstance(line["error"], str)
            assert line["error"]
            return "error"
        assert isinstance(line.pop("model"), str)
        self._check_time(line.pop("created_at"))
        done = line.pop("done")
        assert done in {True, False}
        if done:
            assert line.pop("done_reason") in {"stop", "length", "content_filter"}
            for metric in METRICS:
                assert line.pop(metric) >= 0
        self._check_said(line, last=done)
        return "done" if done else "piece"

    def _check_time(self, written: str) -> None:
        time = datetime.fromisoformat(written)
        assert "." in written, "there is a fraction of the second"
        assert time.tzinfo is not None
        assert self._time is None or self._time <= time, "time does not go back"
        self._time = time

    def _check_said(self, line: dict[str, Any], *, last: bool) -> None:
        if self._chat:
            assert line.keys() == {"message"}
            said = line["message"]
            assert said.pop("role") == "assistant"
            text = said.pop("content")
        else:
            said, text = line, line.pop("response")
        assert isinstance(text, str)
        assert not (last and (text or said)), "the last line says nothing more"
        match said:
            case {"thinking": str(thought), **others}:
                assert thought
                assert not text
                assert not others
            case {"tool_calls": [call], **others}:
                assert not text
                assert not others
                self._check_call(call)
            case _:
                assert not said

    def _check_call(self, call: dict[str, Any]) -> None:
        assert call.keys() == {"id", "function"}
        assert call["id"]
        function = call["function"]
        assert function.keys() == {"index", "name", "arguments"}
        assert function["index"] == self._calls, "calls are numbered"
        assert isinstance(function["arguments"], dict)
        self._calls += 1
