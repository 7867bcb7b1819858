"""Calls whose arguments stand one by one between tags, as bare text.

    <function=NAME>                 <invoke name="NAME">               NAME
    <parameter=KEY>                 <parameter name="KEY">…            <arg_key>KEY</arg_key>
    …                               </parameter>                       <arg_value>…</arg_value>
    </parameter>                    </invoke>                          (up to </tool_call>)
    </function>

Qwen3-Coder, Nemotron and Step write the first, Claude, MiniMax and DeepSeek V3.2 the second
(the last with `string="true"` or `"false"` beside the name), GLM the third.  Llama puts a JSON
object between the tags of the first: that is understood, too.
"""

import re

from lingma_proxy.tools.formats.bare_value import BareArguments, Tags
from lingma_proxy.tools.formats.json_call import CUT, arguments_object
from lingma_proxy.tools.formats.marks import (
    BARE_NAME,
    FUNCTION,
    FUNCTION_END,
    INVOKE,
    INVOKE_END,
    KEY,
    KEY_END,
    PARAMETER,
    PARAMETER_END,
    TOOL_CALL,
    TOOL_CALL_END,
    VALUE,
    VALUE_END,
)
from lingma_proxy.tools.reader import Read, Reader, up_to
from lingma_proxy.tools.source import Reading, Shape

STRING = re.compile(r"""string\s*=\s*["']?(true|false)""")
LONGEST_KEY = 200


def _tags(end: Shape) -> Tags:
    return Tags(
        PARAMETER_END,
        follows=(PARAMETER, end, *TOOL_CALL_END),
        instead=(PARAMETER, end),
        opens=(PARAMETER,),
        calls=(FUNCTION, INVOKE),
        ends=(FUNCTION_END, INVOKE_END),
    )


IN_FUNCTION = _tags(FUNCTION_END)
IN_INVOKE = _tags(INVOKE_END)
IN_BARE_NAME = Tags(
    VALUE_END,
    follows=(KEY, *TOOL_CALL_END),
    opens=(VALUE,),
    calls=TOOL_CALL,
    ends=TOOL_CALL_END,
)


def read_tagged(reader: Reader, opening: re.Match[str]) -> Reading[Read]:
    """A call from its opening tag on, which is next in the source."""
    source = reader.source
    is_function = opening.re is FUNCTION.whole
    end, tags = (FUNCTION_END, IN_FUNCTION) if is_function else (INVOKE_END, IN_INVOKE)
    name = reader.tools.tool(opening["name"].strip())
    source.take(opening.end())
    if name is None:
        return Read.TEXT
    yield from source.blanks()
    if (yield from source.peek()) == "{":
        return (yield from _of_object(reader, name, end))
    if not (yield from source.shape(PARAMETER, end)):
        return Read.TEXT
    call = reader.teller.call(name)
    written = BareArguments(source, reader.tools, call, tags)
    ended = False
    while parameter := (yield from source.shape(PARAMETER)):
        key, string = parameter["name"].strip(), STRING.search(parameter["more"])
        source.take(parameter.end())
        ended = yield from written.value(
            key, lined=is_function, string=string and string[1] == "true"
        )
        if not ended:
            break
        yield from source.blanks()
    closing = yield from source.shape(end, *TOOL_CALL_END)
    if not closing and (source.cut or not ended):
        source.take(len(source.text))  # it is over: nothing else ends a value too early
        return Read.CALL if call.give_up(CUT) else Read.TEXT
    if closing and closing.re is end.whole:
        source.take(closing.end())
    written.end()
    call.end()
    return Read.CALL


def _of_object(reader: Reader, name: str, end: Shape) -> Reading[Read]:
    read = yield from arguments_object(reader, name, (end, *TOOL_CALL_END))
    if read is Read.CALL:
        yield from reader.source.blanks()
        if closing := (yield from reader.source.shape(end)):
            reader.source.take(closing.end())
    return read


def read_bare_name(reader: Reader) -> Reading[Read]:
    """A call from its bare name on, in the tags that say that it is one."""
    source = reader.source
    found = yield from source.shape(BARE_NAME)
    name = reader.tools.tool(found["name"]) if found else None
    if found is None or name is None:
        return Read.TEXT
    source.take(found.end("name"))
    yield from source.blanks()
    if not (yield from source.shape(KEY, *TOOL_CALL_END)):
        return Read.TEXT
    call = reader.teller.call(name)
    written = BareArguments(source, reader.tools, call, IN_BARE_NAME)
    ended = True
    while ended and (opening := (yield from source.shape(KEY))):
        source.take(opening.end())
        ended = yield from _pair(reader, written)
        yield from source.blanks()
    if not ended or (source.cut and not (yield from source.shape(*TOOL_CALL_END))):
        yield from up_to(source, (*TOOL_CALL_END, *TOOL_CALL), in_string=False)
        return Read.CALL if call.give_up(CUT) else Read.TEXT
    written.end()
    call.end()
    return Read.CALL


def _pair(reader: Reader, written: BareArguments) -> Reading[bool]:
    """A key from behind its opening tag on, and its value.  False: they are not complete."""
    source, key = reader.source, ""
    while not (closing := (yield from source.shape(KEY_END))):
        char = yield from source.peek()
        if not char or len(key) > LONGEST_KEY:
            return False
        key += source.take_one()
    source.take(closing.end())
    yield from source.blanks()
    opening = yield from source.shape(VALUE)
    if not opening:
        return False
    source.take(opening.end())
    return (yield from written.value(key.strip()))
