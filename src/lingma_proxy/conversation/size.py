"""Whether a request is long, found out without looking at all of it."""

from collections.abc import Iterator

from lingma_proxy.conversation.request import (
    ChatRequest,
    Document,
    DocumentLink,
    Image,
    ImageLink,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

A_PART = 50
"""Characters that a part, a message or a tool is worth, however little it says."""
A_TOOL = 1000
"""About what its parameters come to: to write them out would be the work to be avoided."""


def is_long(request: ChatRequest, characters: int) -> bool:
    """Whether there are at least so many characters, roughly; bytes of pictures and files count, too."""
    seen = 0
    for size in sizes(request):
        seen += size
        if seen >= characters:
            return True
    return False


def sizes(request: ChatRequest) -> Iterator[int]:
    for tool in request.tools:
        yield A_TOOL + len(tool.description)
    for message in request.messages:
        yield A_PART
        for part in message.parts:
            yield from parts(part)


def parts(part: Part) -> Iterator[int]:
    yield A_PART
    match part:
        case Text(text) | Thinking(text) | ToolCall(_, _, text) | ImageLink(text):
            yield len(text)
        case DocumentLink(url):
            yield len(url)
        case Image(_, data) | Document(_, data):
            yield len(data)
        case ToolResult(_, content):
            for each in content:
                yield from parts(each)
