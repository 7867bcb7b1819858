"""The load: clients that ask, one request after another, and look at the clock.

A process of its own.  It reads jobs from standard input, one JSON object a line, and
writes what it found, one JSON object a line:

    {…the fields of Job…}
    {"cpu", "seconds", "first", "latency", "memory"}

`cpu` is the time that process `pid` computed for one request, in microseconds; `first`
holds the time to the first content of every request and `latency` the age of every
paced chunk on its arrival, both in milliseconds; `memory` is the resident size of the
process at the job's end, with the clients still connected, in bytes.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import uvloop


@dataclass(frozen=True)
class Job:
    port: int
    pid: int
    shape: str
    model: str
    prompt: int = 0
    """The length of the prompt in bytes, roughly; 0 is a few words."""
    clients: int = 1
    requests: int = 1
    """Of each client."""
    spread: float = 0
    """Seconds over which the clients begin."""

    @property
    def chunks(self) -> int:
        return int(self.model.split("-")[1])

    @property
    def paced(self) -> bool:
        return self.model.endswith("ms")


DIGITS = {
    digit: value
    for value, digit in enumerate(
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )
}
TEXT_LENGTH = 5
"""Characters of text in a chunk (see fake_vendor.py)."""
WRAP = 1 << 30
"""Microseconds after which the times in the chunks begin again: 64 ** 5."""

CONTENT = re.compile(rb'"(?:content|text)\\?": ?\\?"([\w-]+)')
"""The text of a chunk, in whichever shape it comes; the vendor's is a string in a string."""

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
IDLE = 0.03
"""Of a processor's time, below which a process only looks after itself."""
WARM_UP = 3
"""Requests of each client before those that count."""

PARAGRAPH = (
    'def greet(name: str) -> str:\n    """Say hello, politely."""\n'
    '    return f"Hello, {name}! 你好"\n\nA few words of prose stand between the code.\n'
)


def messages(prompt: int) -> list[dict[str, str]]:
    """A conversation of about `prompt` bytes: short, or a history of long turns."""
    if not prompt:
        return [{"role": "user", "content": "Say one word."}]
    turn = PARAGRAPH * 24  # about 4 KB, as a small file read by an agent
    count = max(1, prompt // len(turn.encode())) | 1
    return [
        {"role": "assistant" if at % 2 else "user", "content": f"{at}\n{turn}"}
        for at in range(count)
    ]


def vendor(model: str, prompt: int) -> tuple[str, dict[str, object]]:
    """What a client of the relay sends: the vendor's own request."""
    body = {
        "request_id": "0" * 32,
        "chat_record_id": "0" * 32,
        "stream": True,
        "is_reply": False,
        "is_retry": False,
        "session_id": "",
        "source": 0,
        "version": "3",
        "parameters": {"temperature": 0.1},
        "aliyun_user_type": "personal_standard",
        "agent_id": "agent_common",
        "task_id": "question_refine",
        "model_config": {"key": model, "is_vl": False, "is_reasoning": False},
        "messages": messages(prompt),
    }
    return "/algo/api/v2/service/pro/sse/agent_chat_generation", body


def openai(model: str, prompt: int) -> tuple[str, dict[str, object]]:
    return "/v1/chat/completions", {"model": model, "stream": True, "messages": messages(prompt)}


def openai_whole(model: str, prompt: int) -> tuple[str, dict[str, object]]:
    return "/v1/chat/completions", {"model": model, "messages": messages(prompt)}


def anthropic(model: str, prompt: int) -> tuple[str, dict[str, object]]:
    body = {"model": model, "stream": True, "max_tokens": 4096, "messages": messages(prompt)}
    return "/v1/messages", body


def openai_tools(model: str, prompt: int) -> tuple[str, dict[str, object]]:
    """With a tool, of which the product tells the model in words; the answers call none."""
    path, body = openai(model, prompt)
    parameters = {"type": "object", "properties": {"path": {"type": "string"}}}
    function = {"name": "read", "description": "Read a file.", "parameters": parameters}
    return path, {**body, "tools": [{"type": "function", "function": function}]}


SHAPES: dict[str, Callable[[str, int], tuple[str, dict[str, object]]]] = {
    "vendor": vendor,
    "openai": openai,
    "openai-whole": openai_whole,
    "openai-tools": openai_tools,
    "anthropic": anthropic,
}


def request(job: Job) -> bytes:
    path, body = SHAPES[job.shape](job.model, job.prompt)
    data = json.dumps(body, ensure_ascii=False).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{job.port}\r\ncontent-type: application/json\r\n"
        f"user-agent: bench\r\naccept: */*\r\nanthropic-version: 2023-06-01\r\n"
        f"content-length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def age(text: bytes, now: int) -> float:
    """How many milliseconds ago a chunk with this text was written; `now` in microseconds."""
    moment = 0
    for digit in text:
        moment = moment * 64 + DIGITS[digit]
    return ((now - moment) % WRAP) / 1000


class Client(asyncio.Protocol):
    """One connection.  It looks at content and at the end of the reply, and no closer."""

    transport: asyncio.Transport
    answered: asyncio.Future[None]

    def __init__(self, *, paced: bool) -> None:
        self.paced = paced
        self.first: list[float] = []
        self.latency: list[float] = []
        self.characters = 0
        self.asked = 0.0
        self.rest = b""
        self.head = b""
        self.missing: int | None = None
        """Bytes of a body of known length that have not come yet."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are not its heirs

    async def ask(self, request: bytes) -> None:
        self.answered = asyncio.get_running_loop().create_future()
        self.head, self.rest, self.characters, self.missing = b"", b"", 0, None
        self.asked = time.monotonic()
        self.transport.write(request)
        await self.answered

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        if not self.head:
            self.head, blank, data = data.partition(b"\r\n\r\n")
            if not blank:
                self.rest, self.head = self.head, b""
                return
            if not self.head.startswith(b"HTTP/1.1 200"):
                self.fail(f"{self.head.decode()}\n\n{data.decode()}")
                return
            if length := LENGTH.search(self.head):
                self.missing = int(length[1])
        if self.missing is not None:
            over = len(data) >= self.missing
            complete = len(data) if over else 0
        else:
            over = data.endswith(b"\r\n0\r\n\r\n")
            complete = len(data) if over else data.rfind(b"\n\n") + 2
        self.look(data, complete)
        self.rest = data[complete:]
        if over and not self.answered.done():
            self.answered.set_result(None)

    def look(self, data: bytes, end: int) -> None:
        now = time.monotonic()
        for text in CONTENT.findall(data, 0, end):
            if not self.characters:
                self.first.append((now - self.asked) * 1000)
            self.characters += len(text)
            if self.paced:
                # A proxy may have joined several chunks into one.
                for at in range(0, len(text), TEXT_LENGTH):
                    piece = text[at : at + TEXT_LENGTH]
                    self.latency.append(age(piece, int(now * 1_000_000)))

    def fail(self, why: str) -> None:
        if not self.answered.done():
            self.answered.set_exception(ConnectionError(why))

    def connection_lost(self, exc: Exception | None) -> None:
        if hasattr(self, "answered"):
            self.fail(f"the connection was closed: {exc}")


def cpu_seconds(pid: int) -> float:
    """What a process has computed since it began, all its threads together, to the nanosecond.

    Linux numbers the clock of each process; `/proc/<pid>/stat` counts in steps of 10 ms.
    """
    return time.clock_gettime((~pid << 3) | 2)


async def calm(pid: int) -> None:
    """Wait until a process computes next to nothing, but not for ever."""
    for _ in range(50):
        before = cpu_seconds(pid)
        await asyncio.sleep(0.1)
        if cpu_seconds(pid) - before < IDLE * 0.1:
            return


def memory(pid: int) -> int:
    """The resident size of a process, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s*(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


async def run(job: Job) -> dict[str, object]:
    data = request(job)
    # The connections are warmed with the shortest reply.
    warm_up = request(replace(job, model="bench-1"))
    loop = asyncio.get_running_loop()
    clients = []
    for _ in range(job.clients):
        _, client = await loop.create_connection(
            lambda: Client(paced=job.paced), "127.0.0.1", job.port
        )
        clients.append(client)

    async def ask(client: Client, delay: float) -> None:
        await asyncio.sleep(delay)
        for _ in range(job.requests):
            await client.ask(data)
            if client.characters != job.chunks * TEXT_LENGTH:
                wrong = f"{client.characters} characters came, not {job.chunks * TEXT_LENGTH}"
                raise ConnectionError(wrong)

    for _ in range(WARM_UP):
        await asyncio.gather(*(client.ask(warm_up) for client in clients))
    for client in clients:
        client.first.clear()
        client.latency.clear()
    await calm(job.pid)
    begun, used = time.monotonic(), cpu_seconds(job.pid)
    async with asyncio.TaskGroup() as group:
        # Streams that begin at once would tick at once; real ones do not.
        for at, client in enumerate(clients):
            group.create_task(ask(client, job.spread * at / job.clients))
    seconds = time.monotonic() - begun
    await calm(job.pid)  # what is done behind the replies is this load's, and not the next one's
    used = cpu_seconds(job.pid) - used
    resident = memory(job.pid)
    for client in clients:
        client.transport.close()
    return {
        "cpu": used / (job.requests * job.clients) * 1_000_000,
        "seconds": seconds,
        "first": [value for client in clients for value in client.first],
        "latency": [value for client in clients for value in client.latency],
        "memory": resident,
    }


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(uvloop.run(run(Job(**json.loads(line))))), flush=True)


if __name__ == "__main__":
    main()
