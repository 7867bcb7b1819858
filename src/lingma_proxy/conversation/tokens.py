"""How many tokens a text, a reply or a request amounts to: an estimate, made quickly.

A model is counted as its family counts, or else as Qwen does (`token_shapes` says how).  Texts
that the fit has not seen are within 10 % of the real tokenizer, be they English, Chinese, code,
JSON, logs or a mixture (`tests/conversation/test_tokens.py`); what is no language at all,
as base64, is within 15 %.  How the vendor really counts is learnt (`estimator`).

Long texts are taken in slices, so that a thread that counts lets others run.
"""

import re
from collections import Counter
from collections.abc import Iterator

from lingma_proxy.conversation.request import (
    ChatRequest,
    Document,
    DocumentLink,
    Image,
    ImageLink,
    Message,
    Part,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from lingma_proxy.conversation.token_shapes import PIECES, Family, shape_of, weight_of
from lingma_proxy.jsonio import dumps

SLICE = 64 * 1024
SETTLE = 1024
"""How many characters a meter lets wait before it counts them."""
WORD = 256
"""No word is longer: what goes on without a blank is cut all the same."""

# What stands around the texts in Qwen's template of a chat.
A_MESSAGE = 5
"""`<|im_start|>` role, line end … `<|im_end|>`, line end."""
A_REPLY = 3
"""`<|im_start|>assistant` and a line end, after which the model goes on."""
A_CALL = 12
A_RESULT = 5
A_TOOL = 16
THE_TOOLS = 100
"""The instructions on how to call tools, once."""

A_PAGE = 600
"""Of a PDF, about."""
BYTES_OF_PDF = 30
"""Bytes of a PDF that make a token, about, where its pages cannot be counted."""
A_LINKED_DOCUMENT = 2000
PAGE = re.compile(rb"/Type\s{0,8}/Page\b")

PATCH = 28
SMALLEST_PICTURE, LARGEST_PICTURE = 4, 1280
"""A picture is one token for each patch of 28 by 28 pixels, within these bounds, and two
for its ends.  One whose size we cannot see counts as the largest."""


def count_text(text: str, family: Family = "qwen") -> int:
    return round(sum(_estimate(piece, family) for piece in slices(text)))


def count_request(
    request: ChatRequest, family: Family = "qwen", *, recalls_thinking: bool = False
) -> int:
    """The tokens of what is sent to a model.

    Thinking of earlier turns is not, unless the model `recalls_thinking`.
    """
    total = A_REPLY + sum(_message(message, family) for message in request.messages)
    if request.tools:
        total += THE_TOOLS + sum(_tool(tool, family) for tool in request.tools)
    if recalls_thinking:
        total += sum(count_text(text, family) for text in recalled(request))
    return round(total)


def recalled(request: ChatRequest) -> Iterator[str]:
    """What the model thought since somebody spoke last, which is where it is shown again."""
    for message in reversed(request.messages):
        if message.role == "user" and not any(isinstance(p, ToolResult) for p in message.parts):
            return
        yield from (part.text for part in message.parts if isinstance(part, Thinking))


class TokenMeter:
    """Counts a text that arrives in pieces; how it is cut hardly matters.

    The last word waits until it is known to be complete.  Holds nothing that can change,
    so a copy counts on by itself.  `factor` corrects what it shows.
    """

    def __init__(self, family: Family = "qwen", factor: float = 1.0) -> None:
        self._family = family
        self._factor = factor
        self._settled = 0.0
        self._waiting = ""

    def feed(self, text: str) -> None:
        self._waiting += text
        if len(self._waiting) > SETTLE:
            self._settle()

    @property
    def tokens(self) -> int:
        self._settle()
        return round((self._settled + self._estimate(self._waiting)) * self._factor)

    def _settle(self) -> None:
        at = self._waiting.rfind(" ")
        if self._waiting[at - 1 : at].isspace():
            at = 0  # a run of blanks is one piece
        if len(self._waiting) - at > WORD:
            at = len(self._waiting)
        if at > 0:
            self._settled += sum(map(self._estimate, slices(self._waiting[:at])))
            self._waiting = self._waiting[at:]

    def _estimate(self, text: str) -> float:
        return _estimate(text, self._family)


def slices(text: str) -> Iterator[str]:
    """The text in slices that end, where that is possible, before a blank."""
    at = 0
    while at < len(text):
        end = at + SLICE
        if end < len(text):
            blank = text.rfind(" ", end - WORD, end)
            end = blank if blank > at else end
        yield text[at:end]
        at = end


def _estimate(text: str, family: Family) -> float:
    shapes = Counter(PIECES.findall(shape_of(text)))
    return sum(times * weight_of(shape, family) for shape, times in shapes.items())


def _message(message: Message, family: Family) -> float:
    return A_MESSAGE + sum(_part(part, family) for part in message.parts)


def _part(part: Part, family: Family) -> float:
    match part:
        case Text(text):
            return count_text(text, family)
        case Thinking():
            return 0
        case ToolCall(_, name, arguments):
            return A_CALL + count_text(name, family) + count_text(arguments, family)
        case ToolResult(_, content):
            return A_RESULT + sum(_part(part, family) for part in content)
        case Image(_, data):
            return picture_tokens(data)
        case ImageLink():
            return LARGEST_PICTURE + 2
        case Document(_, data, title, context):
            about = count_text(title, family) + count_text(context, family)
            return about + document_tokens(data, family)
        case DocumentLink():
            return A_LINKED_DOCUMENT


def _tool(tool: Tool, family: Family) -> float:
    said = (tool.name, tool.description, dumps(tool.parameters))
    return A_TOOL + sum(count_text(text, family) for text in said)


def document_tokens(data: bytes, family: Family = "qwen") -> int:
    """Of a file that nobody has read yet: a text is counted, a PDF estimated by its pages."""
    if not data.startswith(b"%PDF-"):
        return count_text(data.decode("utf-8", "replace"), family)
    pages = sum(1 for _ in PAGE.finditer(data))
    return max(pages * A_PAGE or len(data) // BYTES_OF_PDF, A_PAGE)


def picture_tokens(data: bytes) -> int:
    size = picture_size(data)
    if size is None:
        return LARGEST_PICTURE + 2
    width, height = size
    patches = -(-width // PATCH) * -(-height // PATCH)
    return min(max(patches, SMALLEST_PICTURE), LARGEST_PICTURE) + 2


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF or JPEG, from its head."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if data.startswith((b"GIF87a", b"GIF89a")) and len(data) >= 10:
        return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    if not data.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        # A frame's header; C4, C8 and CC are other tables in the same range.
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        at += 2 + length
    return None
