"""Look at pictures before a vendor does: one that is none is refused in words.

The media type is what the bytes are, whatever the client called them.
"""

from dataclasses import replace
from typing import TypeVar

from lingma_proxy.backend import EventStream, refused
from lingma_proxy.conversation.request import ChatRequest, Image, Message, Part, ToolResult
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.images.sniff import media_type
from lingma_proxy.policies.base import Policy

P = TypeVar("P", bound=Part)


class PrepareImages(Policy):
    def reply(self, request: ChatRequest) -> EventStream:
        if not any(has_pictures(message) for message in request.messages):
            return self.inner.reply(request)
        try:
            messages = tuple(
                prepared(message, number) if has_pictures(message) else message
                for number, message in enumerate(request.messages, 1)
            )
        except InvalidRequest as error:
            return refused(error)
        return self.inner.reply(replace(request, messages=messages))


def has_pictures(message: Message) -> bool:
    return any(
        isinstance(part, Image)
        or (isinstance(part, ToolResult) and any(isinstance(p, Image) for p in part.content))
        for part in message.parts
    )


def prepared(message: Message, number: int) -> Message:
    """`number` is the message's place, from 1.  Raises InvalidRequest."""
    parts: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            content = tuple(looked_at(piece, number) for piece in part.content)
            parts.append(replace(part, content=content))
        else:
            parts.append(looked_at(part, number))
    return replace(message, parts=tuple(parts))


def looked_at(part: P, number: int) -> P:
    if not isinstance(part, Image):
        return part
    kind = media_type(part.data)
    if kind is None:
        raise InvalidRequest(
            f"The picture in message {number} ({len(part.data)} bytes, called"
            f" {part.media_type[:50]!r}) is none: send PNG, JPEG, WebP, GIF, BMP, HEIC or AVIF.",
            param="messages",
        )
    return part if kind == part.media_type else replace(part, media_type=kind)
