"""Which kinds of parts a conversation has: for those who have something to do for few of them.

A conversation can have fifty thousand messages, and half a dozen ask; so this is quick.
"""

from collections.abc import Sequence

from lingma_proxy.conversation.request import Message, Part, ToolResult


def has(messages: Sequence[Message], *kinds: type[Part]) -> bool:
    """Whether there is a part of one of these kinds, results and what they hold included."""
    found: set[type] = {type(part) for message in messages for part in message.parts}
    if ToolResult in found:
        found |= {
            type(piece)
            for message in messages
            for part in message.parts
            if isinstance(part, ToolResult)
            for piece in part.content
        }
    return not found.isdisjoint(kinds)
