r"""Calls between special tokens: Kimi K2's and DeepSeek's, which are alike but for their middle.

    <|tool_call_begin|>functions.NAME:0<|tool_call_argument_begin|>{…}<|tool_call_end|>
    <｜tool▁call▁begin｜>NAME<｜tool▁sep｜>{…}<｜tool▁call▁end｜>
    <｜tool▁call▁begin｜>function<｜tool▁sep｜>NAME\n```json\n{…}\n```<｜tool▁call▁end｜>

Kimi K2 (its tool call guidance), DeepSeek V3.1, DeepSeek V3 and R1 (their chat templates).
"""

import re

from lingma_proxy.tools.formats.json_call import arguments_object
from lingma_proxy.tools.formats.marks import ARGUMENTS, CALL, CALL_END, SECTION_END
from lingma_proxy.tools.reader import Read, Reader
from lingma_proxy.tools.source import Reading

HEAD = re.compile(r"[^<`{\r\n]*")
LONGEST_HEAD = 200
KINDS = {"function", "tool", ""}
"""What DeepSeek says before the name: what kind of tool it is."""
ENDS = (CALL_END, CALL, *SECTION_END)


def read_marked(reader: Reader, opening: re.Match[str]) -> Reading[Read]:
    """A call from its opening mark on, which is next in the source."""
    source = reader.source
    source.take(opening.end())
    said = yield from _head(reader)
    separator = yield from source.shape(*ARGUMENTS)
    if not separator:
        return Read.TEXT
    source.take(separator.end())
    if said in KINDS:
        said = yield from _head(reader)
    name = reader.tools.tool(said)
    if name is None:
        return Read.TEXT
    fenced = yield from fence(reader)
    if (yield from source.shape(CALL_END)):
        call = reader.teller.call(name)
        call.say("{}")
        call.end()
    elif (read := (yield from arguments_object(reader, name, ENDS))) is not Read.CALL:
        return read
    if fenced:
        yield from fence(reader)
    yield from source.blanks()
    if closing := (yield from source.shape(CALL_END)):
        source.take(closing.end())
    return Read.CALL


def _head(reader: Reader) -> Reading[str]:
    """What is said on one line, up to a mark, a fence or a bracket."""
    source, said = reader.source, ""
    yield from source.blanks()
    while len(said) <= LONGEST_HEAD:
        found = HEAD.match(source.text, source.at)
        assert found is not None  # it matches nothing, too
        said += source.take(found.end())
        if source.at < len(source.text) or not (yield from source.more()):
            break
    return said.strip()


def fence(reader: Reader) -> Reading[bool]:
    """Take a fence, if one is there."""
    source = reader.source
    yield from source.blanks()
    if (yield from source.peek()) != "`":
        return False
    while (char := (yield from source.peek())) and (char == "`" or char.isalpha()):
        source.take_one()
    yield from source.blanks()
    return True
