"""Whether calls and results of tools fit together in a conversation.

    assistant: call a, call b  ▸  user: result a, result b  ▸  assistant: …

Every call is answered once, in the user's turn that follows it, and nothing is answered
that was not asked.  A turn is a run of messages of one side: clients spread parallel
calls and their results over several messages.  An id means something only within its
turn, so a later turn may use it again.
"""

from collections.abc import Sequence

from lingma_proxy.conversation.request import Message, ToolCall, ToolResult
from lingma_proxy.errors import InvalidRequest

MAX_MESSAGE = 400


def check(messages: Sequence[Message]) -> None:
    """Raises InvalidRequest for a call without a result, and a result without a call."""
    calls: dict[str, str] = {}
    answered: set[str] = set()
    previous = ""
    for message in messages:
        match message.role:
            case "assistant":
                if previous != "assistant":
                    refuse_unanswered(calls, answered)
                    calls, answered = {}, set()
                ask(message, calls)
            case "user":
                if not any(isinstance(part, ToolResult) for part in message.parts):
                    refuse_unanswered(calls, answered)
                answer(message, calls, answered)
            case "system":
                continue  # it may stand anywhere, and is nobody's turn
        previous = message.role
    refuse_unanswered(calls, answered)


def ask(message: Message, calls: dict[str, str]) -> None:
    for part in message.parts:
        if isinstance(part, ToolCall):
            if part.id in calls:
                raise _wrong(f"Two tool calls of one turn have the id {part.id!r}.")
            calls[part.id] = part.name


def answer(message: Message, calls: dict[str, str], answered: set[str]) -> None:
    for part in message.parts:
        if isinstance(part, ToolResult):
            if part.call_id in answered:
                raise _wrong(f"The tool call {part.call_id!r} has two results.")
            if part.call_id not in calls:
                raise _wrong(
                    f"There is a result for the tool call {part.call_id!r}, but the assistant's"
                    " turn before it makes no such call."
                )
            answered.add(part.call_id)


def refuse_unanswered(calls: dict[str, str], answered: set[str]) -> None:
    for id, name in calls.items():
        if id not in answered:
            raise _wrong(
                f"The tool call {id!r} ({name}) has no result. Each call needs one before"
                " the conversation goes on."
            )


def _wrong(message: str) -> InvalidRequest:
    if len(message) > MAX_MESSAGE:
        message = f"{message[:MAX_MESSAGE]}…"  # it quotes an id of the client's, of any length
    return InvalidRequest(message, param="messages")
