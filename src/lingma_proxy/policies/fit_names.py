"""Names of tools that a vendor would refuse, made to fit, and made back.

OpenAI-like vendors take letters, digits, `_` and `-`, 64 at most; clients make names from
servers and paths, and some are longer, or hold dots and slashes.  A name that does not fit
is sent as its readable beginning and a hash of the whole; where the model uses that, the
client hears its own name.  Names that fit are never touched.
"""

import re
from contextlib import aclosing
from dataclasses import replace
from hashlib import sha256

from lingma_proxy.backend import EventStream
from lingma_proxy.conversation.events import Event, PartStarted
from lingma_proxy.conversation.request import ChatRequest, Message, NamedTool, ToolCall
from lingma_proxy.policies.base import Policy

FITS = re.compile(r"[A-Za-z0-9_-]{1,64}")
ODD = re.compile(r"[^A-Za-z0-9_-]+")
LONGEST = 64
HASH = 8
"""Hexadecimal digits: two names of one request that share them will not be met."""


class FitNames(Policy):
    def reply(self, request: ChatRequest) -> EventStream:
        odd = {name for name in names(request) if not FITS.fullmatch(name)}
        if not odd:
            return self.inner.reply(request)
        return self._mapped(request, {name: fitting(name) for name in odd})

    async def _mapped(self, request: ChatRequest, sent: dict[str, str]) -> EventStream:
        back = {there: here for here, there in sent.items()}
        async with aclosing(self.inner.reply(renamed(request, sent))) as events:
            async for batch in events:
                yield [restored(event, back) for event in batch]


def fitting(name: str) -> str:
    """The name as it is sent: always the same, so that a model's cache of a prompt holds."""
    digest = sha256(name.encode()).hexdigest()[:HASH]
    beginning = ODD.sub("_", name)[: LONGEST - HASH - 1]
    return f"{beginning}_{digest}"


def names(request: ChatRequest) -> set[str]:
    """Every name of a tool in a request: offered, chosen, or called earlier."""
    found = {tool.name for tool in request.tools}
    if isinstance(request.tool_choice, NamedTool):
        found.add(request.tool_choice.name)
    return found.union(
        part.name
        for message in request.messages
        for part in message.parts
        if isinstance(part, ToolCall)
    )


def renamed(request: ChatRequest, sent: dict[str, str]) -> ChatRequest:
    choice = request.tool_choice
    if isinstance(choice, NamedTool):
        choice = NamedTool(sent.get(choice.name, choice.name))
    return replace(
        request,
        tools=tuple(replace(tool, name=sent.get(tool.name, tool.name)) for tool in request.tools),
        tool_choice=choice,
        messages=tuple(_renamed(message, sent) for message in request.messages),
    )


def _renamed(message: Message, sent: dict[str, str]) -> Message:
    parts = tuple(
        replace(part, name=sent[part.name])
        if isinstance(part, ToolCall) and part.name in sent
        else part
        for part in message.parts
    )
    return replace(message, parts=parts)


def restored(event: Event, back: dict[str, str]) -> Event:
    match event:
        case PartStarted(index, ToolCall(id, name, arguments)) if name in back:
            return PartStarted(index, ToolCall(id, back[name], arguments))
        case _:
            return event
