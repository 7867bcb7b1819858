r"""What a session remembers, and what the small person of `script` says next.

A prompt is a text and pictures.  The text may be a whole conversation, each message of it a
section; whatever stands between the sections is for a model to read, and not for us:

    <message role="system">…</message>
    <message role="user">…</message>
    <message role="user" more="true">…</message>       goes on with the one before it

Inside a section `<\message` and `<\/message` stand for the tags themselves, `<\\message` for
the one with a backslash, and so on.  Tools may be told of in words (`told_tools`); then it plays
a model that calls them in the form that it was shown.
"""

import re
from collections.abc import Sequence

from lingma_proxy.simulator import script, told_tools
from lingma_proxy.simulator.chat_body import (
    ChatBody,
    Link,
    Message,
    ModelConfig,
    PicturePart,
    TextPart,
)
from lingma_proxy.simulator.pictures import Picture
from lingma_proxy.simulator.script import Answer, Turn, find_turn
from lingma_proxy.simulator.told_tools import Told

SECTION = re.compile(
    r'^<message role="(system|user|assistant|tool)"([^>\n]*)>(.*?)</message>$',
    re.DOTALL | re.MULTILINE,
)
ESCAPED = re.compile(r"<\\(?=\\*/?message\b)", re.IGNORECASE | re.ASCII)


class Memory:
    """The turns of one session.  `remember` adds what was answered."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._pictures: list[Picture | None] = []

    def hear(self, text: str, pictures: Sequence[Picture | None] = ()) -> Turn:
        """A prompt: what of it is to be answered."""
        messages = sections(text) or [Message("user", text)]
        if pictures:
            _show(messages, len(self._pictures), len(pictures))
            self._pictures += pictures
        self._messages += messages
        return find_turn(self._body(told_tools.read(self._messages)))

    def answer(self, *, reasons: bool) -> Answer:
        """What the small person says to it: text, and nothing but text."""
        told = told_tools.read(self._messages)
        said = script.answer(self._body(told, reasons=reasons), lambda: "", self._look)
        if said.finish != "tool_calls":
            return said
        return Answer(tuple(told_tools.in_text(said.deltas, told.spell)))

    def remember(self, said: str) -> None:
        self._messages.append(Message("assistant", said))

    @property
    def size(self) -> int:
        """Characters of all that was said."""
        return sum(len(message.text) for message in self._messages)

    def _body(self, told: Told, *, reasons: bool = False) -> ChatBody:
        return ChatBody(
            "prompt",
            ModelConfig("", is_reasoning=reasons),
            told.messages,
            tools=told.tools or None,
            tool_choice=told.choice,
        )

    def _look(self, url: str) -> Picture | None:
        return self._pictures[int(url)]


def sections(text: str) -> list[Message]:
    """The messages in a text that is a conversation; none in any other."""
    messages: list[Message] = []
    for role, attributes, said in SECTION.findall(text):
        content = ESCAPED.sub("<", said)
        if ' more="true"' in attributes and messages:
            messages[-1].content = f"{messages[-1].text}\n{content}"
        else:
            messages.append(Message(role, content))
    return messages


def _show(messages: list[Message], first: int, count: int) -> None:
    """Let the last message of the user hold so many pictures; a new one, if there is none."""
    asked = [message for message in messages if message.role == "user"]
    if not asked:
        asked = [Message("user", "")]
        messages += asked
    parts: list[TextPart | PicturePart] = [TextPart(asked[-1].text)]
    parts += [PicturePart(Link(str(number))) for number in range(first, first + count)]
    asked[-1].content = parts
