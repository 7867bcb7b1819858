"""What is asked in a soak, and what it may come to.

A `Case` is one request; who asks it, and how, is `clients`' business.  Most are ordinary;
some ask the other side to break (by a line of the question, which goes through everything),
and say with which answers the program may then come back.
"""

from base64 import b64encode
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

from anomalies import test_faults, test_plugin
from lingma_proxy.jsonio import JsonObject, dumpb, loads
from lingma_proxy.simulator.plugin_faults import names_at
from support.heard import heard
from support.pictures import plain
from support.served import DIALECTS

Way: TypeAlias = Literal["remote", "ipc"]

WHOLE = "whole"
BROKEN = "an error in the stream"
FINE = frozenset({WHOLE})
CHAT, RESPONSES, MESSAGES, OLLAMA = DIALECTS

FAULTS: dict[Way, dict[str, tuple[int, int]]] = {
    "remote": {
        fault: ends
        for fault, ends in test_faults.EXPECTED.items()
        if fault not in {"unsuccessful", "odd-link"}
    },
    "ipc": {
        fault: ends
        for fault, ends in test_plugin.EXPECTED.items()
        if fault.partition("=")[0] in names_at("prompt")
        and fault not in {"ack-limit=5", "no-finish", "no-response"}
    },
}
"""By the way to the answer; what they come to is told where they are tested one by one."""
WIDE = {"cut=0", "drop-prompt", "drop-after=1", "garbage", "big-header"}
"""At the plugin: they end the connection that all share."""
SHELL: JsonObject = {
    "type": "object",
    "properties": {"command": {"type": "string"}},
    "required": ["command"],
}


@dataclass(frozen=True)
class Case:
    kind: str
    """How it is called in the table."""
    path: str
    body: JsonObject | bytes
    stream: bool = False
    allowed: frozenset[str] = FINE
    word: str = ""
    """What a whole answer must hold, and no other answer has."""
    wide: bool = False
    """Whether it breaks what others are being told."""
    method: str = "POST"


def any_case(dice: Random, way: Way, number: int) -> Case:
    kinds = KINDS if way == "remote" or dice.random() > 0.1 else {plain_question: 1}
    return dice.choices([*kinds], [*kinds.values()])[0](dice, way, number)


def question(
    dice: Random, text: str | list[JsonObject], *paths: str, **more: object
) -> tuple[str, JsonObject]:
    """The path of a dialect, and what is posted there."""
    path = dice.choice(paths or [*DIALECTS])
    body: JsonObject = {"model": "kmodel", "stream": dice.random() < 0.6, **more}
    if path == RESPONSES:
        body["input"] = text if isinstance(text, str) else [{"role": "user", "content": text}]
        body["store"] = dice.random() < 0.5
    else:
        body["messages"] = [{"role": "user", "content": text}]
    if path == MESSAGES:
        body["max_tokens"] = 10_000
    return path, body


def case(kind: str, path: str, body: JsonObject, **more: object) -> Case:
    return Case(kind, path, body, stream=body["stream"] is True, **more)  # type: ignore[arg-type]  # as its callers write them


def plain_question(dice: Random, way: Way, number: int) -> Case:
    word = f"w{number}w"
    path, body = question(dice, f"exactly one word: {word}")
    return case("a question", path, body, word=word)


def long_question(dice: Random, way: Way, number: int) -> Case:
    word = f"w{number}w"
    text = f"exactly one word: {word}\n" + "All work and no play. 白日依山尽。 " * dice.randint(
        10, 5000
    )
    path, body = question(dice, text)
    return case("a long question", path, body, word=word)


def long_answer(dice: Random, way: Way, number: int) -> Case:
    path, body = question(dice, f"SIMULATE: words={dice.randint(100, 1500)}")
    return case("a long answer", path, body)


def conversation(dice: Random, way: Way, number: int) -> Case:
    word = f"w{number}w"
    path, body = question(dice, f"exactly one word: {word}", CHAT, MESSAGES, OLLAMA)
    said = [
        {"role": ("user", "assistant")[n % 2], "content": f"What was said in turn {n}: {n * 'so '}"}
        for n in range(2 * dice.randint(1, 20))
    ]
    body["messages"] = [*said, *body["messages"]]
    return case("a conversation", path, body, word=word)


def tools(dice: Random, way: Way, number: int) -> Case:
    text = "TOOLTEST: use your shell tool to run exactly this command: echo hello"
    path, body = question(dice, text, CHAT, MESSAGES, RESPONSES)
    says = {"name": "shell", "description": "Runs a command."}
    body["tools"] = [
        {
            CHAT: {"type": "function", "function": {**says, "parameters": SHELL}},
            MESSAGES: {**says, "input_schema": SHELL},
            RESPONSES: {"type": "function", **says, "parameters": SHELL},
        }[path]
    ]
    return case("a call of a tool", path, body, word="shell")


PICTURE = b64encode(plain(320, 200)).decode()


def picture(dice: Random, way: Way, number: int) -> Case:
    asked = {"type": "text", "text": f"What is this? {number}"}
    shown: JsonObject = {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{PICTURE}"},
    }
    path, body = question(dice, [asked, shown], CHAT)
    return case("a picture", path, body, word="I can")


def three(dice: Random, way: Way, number: int) -> Case:
    word = f"w{number}w"
    path, body = question(dice, f"exactly one word: {word}", CHAT, n=3)
    return case("three answers", path, body, word=word)


def in_json(dice: Random, way: Way, number: int) -> Case:
    path, body = question(dice, f"Say it in JSON. {number}", CHAT)
    body["response_format"] = {"type": "json_object"}
    return case("an answer in JSON", path, body)


def fault(dice: Random, way: Way, number: int) -> Case:
    name = dice.choice([*FAULTS[way]])
    status, _ = FAULTS[way][name]
    path, body = question(dice, f"Is all well, {number}?\nSIMULATE: {name}")
    allowed = {WHOLE} if status == 200 else {str(status)}
    if body["stream"] and status != 200:
        allowed.add(BROKEN)  # also where a sign of life was sent before
    wide = way == "ipc" and name in WIDE
    return case("a fault", path, body, allowed=frozenset(allowed), wide=wide)


BAD: dict[bytes, tuple[str, str]] = {
    b"": (CHAT, "400"),
    b"{": (MESSAGES, "400"),
    b"[1]": (RESPONSES, "400"),
    b'{"model":"kmodel","messages":7}': (CHAT, "400"),
    b'{"model":"kmodel","messages":[{"role":"user","content":"\xff"}]}': (OLLAMA, "400"),
    b'{"model":"no such model","messages":[{"role":"user","content":"Hi"}]}': (CHAT, "404 400"),
    b"{}": ("/nowhere", "404"),
    b"x" * (2 * 2**20): (MESSAGES, "413"),
}
"""Where it is posted, and what may come back: a model that is not there is a 400 of Lingma's
as long as the list is not known."""


def bad(dice: Random, way: Way, number: int) -> Case:
    data = dice.choice([*BAD])
    path, status = BAD[data]
    return Case("a bad request", path, data, allowed=frozenset(status.split()))


def count(dice: Random, way: Way, number: int) -> Case:
    path, body = question(dice, "How many tokens? " * dice.randint(1, 500), MESSAGES)
    body["stream"] = False
    return case("a count of tokens", path + "/count_tokens", body, word="input_tokens")


def look(dice: Random, way: Way, number: int) -> Case:
    path = dice.choice(
        ["/v1/models", "/livez", "/health", "/api/tags", "/version", "/metrics", "/stats"]
    )
    # Where the first list of models fails, there is none to show.
    allowed = FINE | ({"502"} if path in {"/v1/models", "/api/tags"} else set())
    return Case("a look around", path, b"", allowed=allowed, method="GET")


KINDS = {
    plain_question: 30,
    fault: 25,
    conversation: 8,
    tools: 8,
    bad: 6,
    look: 6,
    long_question: 4,
    long_answer: 4,
    picture: 3,
    count: 3,
    in_json: 2,
    three: 2,
}
"""How often each, of about a hundred."""


def data_of(case: Case) -> bytes:
    return case.body if isinstance(case.body, bytes) else dumpb(case.body)


def outcome(case: Case, status: int, data: bytes) -> str:
    """What became of it, in a word or two: a status, or how a 200 went on."""
    if status != 200:
        return (
            str(status) if case.method == "GET" or b"error" in data else f"{status} without a word"
        )
    if case.method == "GET":
        return WHOLE
    text = ""
    if case.stream:
        if case.path == CHAT and isinstance(case.body, dict) and "n" in case.body:
            ended = data.endswith(b"data: [DONE]\n\n")
            return WHOLE if ended and b'"error"' not in data else BROKEN
        said = heard(case.path, status, data)
        if said.ended != 1 or said.errors > 1:
            return f"{said.ended} ends, {said.errors} errors"
        if said.errors:
            return BROKEN
        text = said.text
    elif loads(data).get("error"):
        return "an error with 200"
    if case.word not in text and case.word.encode() not in data:
        return "another answer"
    return WHOLE
