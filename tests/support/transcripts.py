"""Plays the client's side of a transcript, and compares what the other side says with it."""

from typing import Any

LOOSE = {"timestamp", "expireTime", "token", "refreshToken", "name", "sessionId", "id"}
"""Keys whose values differ from run to run; that they are there is compared."""


def shape(value: Any) -> Any:
    """The value without what differs from run to run."""
    if isinstance(value, dict):
        return {
            key: type(part).__name__ if key in LOOSE else shape(part) for key, part in value.items()
        }
    return [shape(part) for part in value] if isinstance(value, list) else value


async def replay(client, messages, skip=lambda message: False) -> None:
    """Send what C sends, and hear what S says, in that order; `skip` says what may be more.

    The ids of sessions and of the server's requests are the other side's own.
    """
    renamed: dict[Any, Any] = {}

    async def heard():
        while skip(message := await client.receive()):
            if "id" in message:
                await client.send({"jsonrpc": "2.0", "id": message["id"], "result": None})
        return message

    for side, message in messages:
        if side == "C":
            await client.send(in_their_words(message, renamed))
            continue
        answer = await heard()
        assert shape(answer) == shape(message)
        learn(message, answer, renamed)


def learn(ours: Any, theirs: Any, renamed: dict[Any, Any]) -> None:
    """Which ids of the transcript are which of theirs."""
    if not isinstance(ours, dict):
        return
    for key, value in ours.items():
        if key == "sessionId" or (key == "id" and "method" in ours):
            renamed[value] = theirs[key]
        learn(value, theirs[key], renamed)


def in_their_words(message: Any, renamed: dict[Any, Any]) -> Any:
    answers = "method" not in message
    told = {key: rename(value, renamed) for key, value in message.items() if key != "id"}
    id = message.get("id")
    return told | ({"id": renamed.get(id, id) if answers else id} if "id" in message else {})


def rename(value: Any, renamed: dict[Any, Any]) -> Any:
    if isinstance(value, dict):
        return {key: rename(part, renamed) for key, part in value.items()}
    if isinstance(value, list):
        return [rename(part, renamed) for part in value]
    return renamed.get(value, value) if isinstance(value, str) else value
