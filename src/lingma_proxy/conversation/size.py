"""About how long a request is, found out without looking at all of it."""

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
A_TOKEN = 3
"""Characters, between those of code and those of prose; Chinese has more tokens."""
A_PICTURE = 3000
"""Characters that cost about as much."""
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


def fills(request: ChatRequest, tokens: int) -> bool:
    """Whether it comes to about so many tokens, or more."""
    left = tokens * A_TOKEN
    for size in sizes(request, pictures=A_PICTURE):
        left -= size
        if left <= 0:
            return True
    return False


def sizes(request: ChatRequest, pictures: int | None = None) -> Iterator[int]:
    """Characters; `pictures` is what each picture counts, instead of its bytes."""
    for tool in request.tools:
        yield A_TOOL + len(tool.description)
    for message in request.messages:
        yield A_PART
        for part in message.parts:
            yield from parts(part, pictures)


def parts(part: Part, pictures: int | None = None) -> Iterator[int]:
    yield A_PART
    match part:
        case Text(text) | Thinking(text) | ToolCall(_, _, text) | ImageLink(text):
            yield len(text)
        case DocumentLink(url):
            yield len(url)
        case Image() if pictures is not None:
            yield pictures
        case Image(_, data) | Document(_, data):
            yield len(data)
        case ToolResult(_, content):
            for each in content:
                yield from parts(each, pictures)
