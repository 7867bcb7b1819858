r"""A conversation as one text, for those who take only a text.

    <message role="system">You are …</message>
    <message role="user">What is in a.txt?</message>
    <message role="assistant" call="1" tool="read">{"path":"a.txt"}</message>
    <message role="tool" call="1">…</message>

Texts and arguments stand there byte for byte, but for one thing: where one of them says
`<message` or `</message` itself, it gets a backslash (`<\message`), and one more if it has some
already.  So no text can pose as another message, and none is changed beyond recall.  What
stands in an attribute is written with character references (`&#34;`).

    name      of the participant, where the client gave one
    more      on a piece of the message before it: clients send texts in several parts
    call      the id of a call or of what came of it; with `tool`, the call itself
    error     on a result that is an error
    image     the number of a picture that goes beside the text, or that it is gone
    document  says that there is one which nobody has read (`PrepareDocuments` reads them)

Pictures go beside the text for the last user's message that has any.  What the assistant
thought in earlier turns is left out.  A single message of the user's needs none of this and
goes as it is, unless it begins with a slash: agents take that for a command to themselves.
"""

import re
from collections.abc import Iterator, Sequence

from lingma_proxy.conversation.request import (
    Document,
    DocumentLink,
    Image,
    ImageLink,
    Message,
    Shown,
    Text,
    ToolCall,
    ToolResult,
)

_FORM = (
    'Each message stands between <message role="…"> and </message>. The roles: system instructs'
    " you; user talks to you; assistant is you, and with a tool attribute it is a call that you"
    ' made; tool is what came of the call of that id. A message with more="true" goes on with the'
    " one before it; image numbers a picture that is attached. Where a text contains such a tag"
    " itself, the tag is written with a backslash, as in <\\message, and is only text.\n"
)
_TASK = (
    "Write the assistant's next message: its text alone, without message tags around it. If the"
    " last message is the assistant's own, go on exactly where it stops, without repeating it.\n\n"
)
PREAMBLE = f"This is a conversation. {_FORM}{_TASK}"
GOES_ON = f"The conversation goes on. {_FORM}{_TASK}"
"""For a session that holds what was said before; it need not have seen the PREAMBLE."""

GONE = "not shown any more"
UNREAD = "not read"

TAG = re.compile(r"<(?=\\*/?message\b)", re.IGNORECASE | re.ASCII)
"""What begins like a tag of ours, with any number of backslashes."""
COMMAND = re.compile(r"\s*/")
UNSAFE = re.compile(r"[&\"<>]")

Picture = Image | ImageLink


def transcript(messages: Sequence[Message]) -> str:
    """The whole conversation, for a session that knows nothing of it.

    "" for a single message that is nothing but pictures.
    """
    alone = _alone(messages)
    return alone if alone is not None else PREAMBLE + "\n".join(_sections(messages))


def continuation(messages: Sequence[Message]) -> str:
    """What is new, for a session that holds everything before it."""
    alone = _alone(messages)
    # Whoever has read what a tag means must not find one that only looks like it.
    if alone is not None and TAG.search(alone) is None:
        return alone
    return GOES_ON + "\n".join(_sections(messages))


def pictures(messages: Sequence[Message]) -> tuple[Picture, ...]:
    """The pictures that go beside the text, in the order of their numbers."""
    last = _last_with_pictures(messages)
    return tuple(_pictures(messages[last])) if last >= 0 else ()


def escaped(text: str) -> str:
    return TAG.sub(r"<\\", text)


def _alone(messages: Sequence[Message]) -> str | None:
    """The text of a single user's message that has at most one, and otherwise pictures.

    Not one that begins like a command to the agent itself (`/help`): it is meant for the model.
    """
    match messages:
        case [Message("user", parts, None)] if parts:
            texts = [part.text for part in parts if isinstance(part, Text)]
            plain = all(isinstance(part, Text | Image | ImageLink) for part in parts)
            if len(texts) <= 1 and plain and not any(map(COMMAND.match, texts)):
                return "".join(texts)
        case _:
            pass
    return None


def _sections(messages: Sequence[Message]) -> Iterator[str]:
    last = _last_with_pictures(messages)
    for index, message in enumerate(messages):
        numbers = iter(range(1, 1 + len(list(_pictures(message))))) if index == last else iter(())
        yield from _message(message, numbers)


def _message(message: Message, numbers: Iterator[int]) -> Iterator[str]:
    role, name = message.role, message.name
    if not message.parts:
        yield _section("", role=role, name=name)
    begun = False
    for part in message.parts:
        match part:
            case Text() | Image() | ImageLink() | Document() | DocumentLink():
                yield _piece(part, numbers, role=role, name=name, more=_flag(begun))
                begun = True
            case ToolCall(id, tool, arguments):
                yield _section(arguments, role=role, name=name, call=id, tool=tool)
                begun = True
            case ToolResult(id, content, is_error):
                said: dict[str, str | None] = {"call": id, "error": _flag(is_error)}
                for at, piece in enumerate(content or (Text(""),)):
                    yield _piece(piece, numbers, role="tool", **said, more=_flag(at > 0))
                begun = False
            case _:
                pass  # what was thought


def _piece(part: Shown, numbers: Iterator[int], **attributes: str | None) -> str:
    if isinstance(part, Text):
        return _section(part.text, **attributes)
    if isinstance(part, Document | DocumentLink):
        return _section("", **attributes, document=UNREAD)
    return _section("", **attributes, image=str(next(numbers, GONE)))


def _section(text: str, **attributes: str | None) -> str:
    said = "".join(
        f' {name}="{_attribute(value)}"' for name, value in attributes.items() if value is not None
    )
    return f"<message{said}>{escaped(text)}</message>"


def _attribute(value: str) -> str:
    value = UNSAFE.sub(lambda found: f"&#{ord(found[0])};", value)
    if value.isprintable():
        return value
    return "".join(letter if letter.isprintable() else f"&#{ord(letter)};" for letter in value)


def _flag(value: bool) -> str | None:  # noqa: FBT001
    return "true" if value else None


def _last_with_pictures(messages: Sequence[Message]) -> int:
    """Which of them it is, -1 for none."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "user" and any(_pictures(messages[index])):
            return index
    return -1


def _pictures(message: Message) -> Iterator[Picture]:
    for part in message.parts:
        for piece in part.content if isinstance(part, ToolResult) else (part,):
            if isinstance(piece, Image | ImageLink):
                yield piece
